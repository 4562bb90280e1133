"""IPAD's tables and figures as rows: the paper's name -> our method and options, with our results.

The results come from the ledger, the table of all finished runs (`fashion_lib.runs.ledger`). Tables 1-3
compare methods. Figures 2-5 change one part of IPAD. Figure 6 needs no run of its own
(`stored_curves`).

`CODE` has one row per difference between the paper and its released code. READING names the two places where
the course follows the code, eq. 2 and eq. 4. The notebook on iterative positioning measures both readings.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.methods.ipad.model import VARIANTS
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers.counterparts import COUNTERPARTS, our_dataset, shared_label
from fashion_lib.papers.published import printed_attribute, published
from fashion_lib.runs import ledger as results
from fashion_lib.runs import run_list
from fashion_lib.runs.record import RERANKED, base_method, variant_label
from fashion_lib.show import tables
from fashion_lib.show.paired_seeds import PairedDifference, step
from fashion_lib.show.seeds import NOT_PRINTED
from fashion_lib.tasks.retrieval.chosen_beta import CURVES, SCORES
from fashion_lib.tasks.retrieval.evaluation import AVERAGES

NO_BETA = "-"  # a row that is not run, re-ranked, or has one branch
READING = {"gate": "image", "suppression": "erase"}
DEFAULTS = VARIANTS["paper"] | {
    "passes": 3, "isa": True, "ica": True, "end_norm": True, "branches": "both", "diverging": True
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line or bar of the paper.

    Attributes:
        method: our name of the method.
        options: our options of the method.
        variant: our variant; "" takes the method's first.
        printed: its name in published_results.csv; "" where the paper prints no figure.
    """

    method: str
    options: Mapping[str, object] = field(default_factory=dict)
    variant: str = ""
    printed: str = ""

    @property
    def label(self) -> str:
        """Return the variant's name in the ledger."""
        known = METHODS[base_method(self.method)]
        return variant_label(self.variant or known.variants[0], **self.options)


def ipad(printed: str = "", *, reading: Mapping[str, object] = READING, **changed) -> Row:
    """Return a row of IPAD itself.

    Options that equal the paper's default are left out, so that equal runs have one name.

    Args:
        printed: the row's name in published_results.csv, or "".
        reading: options for the places where paper and code differ.
        **changed: further options of the model.
    """
    options = {
        name: value for name, value in (dict(reading) | changed).items() if DEFAULTS.get(name) != value
    }
    return Row("ipad", options, printed=printed)


def _same(method: str) -> Row:
    return Row(method, printed=method)


TWO_BRANCHES = ("ASEN++", "RPF", "IPAD")  # rows with a region and a patch branch
METHOD_ROWS = {
    "random": _same("random"),
    "triplet": _same("triplet"),
    "CSN": _same("csn"),
    "ASEN": _same("asen"),
    "HAEN": _same("haen"),
    "AttnFashion": _same("attnfashion"),
    "ISLN": _same("isln"),
    "ASEN++": _same("asen_pp"),
    "RPF": _same("rpf"),
    "IPAD": ipad("ipad"),
    "IPAD+FR": Row("ipad" + RERANKED, ipad().options, printed="ipad+fr"),
    "IPAD, as the released code": Row("ipad", variant="code"),
}
TABLES = {"1": "fashionai", "2": "darn", "3": "deepfashion"}  # each table has METHOD_ROWS, on that data set
_SP = {"branches": "sp", "diverging": False}
FIGURES: dict[str, dict[str, Row]] = {
    "fig2": {
        "w/o SE": ipad("ipad w/o SE", **_SP),
        "w/o SP": ipad("ipad w/o SP", branches="se", diverging=False),
        "w/ IP": ipad("ipad w/ IP (no AD)", diverging=False),
    },
    "fig3": {
        "w/o ISA": ipad("ip_sp w/o ISA (ICA only)", **_SP, isa=False),
        "w/o ICA": ipad("ip_sp w/o ICA (ISA+AS)", **_SP, ica=False),
        "w/o AS": ipad("ip_sp w/o AS (ISA+ICA)", **_SP, suppression="none"),
        "w/ IA": ipad("ip_sp w/ IA (ISA+ICA+AS)", **_SP),
    },
    "fig4": {
        "w/o ME": ipad("ipad w/o ME (text: 1.63 points lower)", momentum="none"),
        "w/o ME-SP": ipad(momentum="se"),
        "w/o ME-SE": ipad(momentum="sp"),
        "w/ ME": ipad("ipad w/ ME"),
    },
    "fig5": {f"Iter {passes}": ipad(**_SP, passes=passes) for passes in range(1, 11)},
}
# Rows that change a step inside IP-SP (the region branch) train IP-SP alone: compare them with "w/ IA" of
# figure 3. Compare the other rows with IPAD.
CODE = {
    "as printed": ipad(reading={}),
    "eq. 4 as printed": ipad(**_SP, gate="attribute"),
    "eq. 2 as printed": ipad(**_SP, suppression="keep"),
    "three identical passes": ipad(**_SP, iteration="identical"),
    "no momentum encoder": ipad(momentum="none"),
    "no momentum encoder, repeats averaged": ipad(momentum="none", repeats="average"),
    "a queue for each attribute": ipad(queue_per="attribute"),
    "centres three times as often": ipad(ticks=3),
    "third term of eq. 19 divided": ipad(terms="third"),
    "all of it": Row("ipad", variant="code"),
}


def labelled(rows: Mapping[str, Row], dataset: str = "wardrobe") -> dict[str, tuple[str, str]]:
    """Return row's name -> (method, variant) as the ledger stores them for a data set."""
    return {name: (row.method, shared_label(dataset, row.method, row.label)) for name, row in rows.items()}


def printed(rows: Mapping[str, Row], where: str, table: str) -> pd.DataFrame:
    """Return what the paper prints for each row.

    Args:
        rows: the rows of the table.
        where: the paper's data set.
        table: the paper's table or figure, such as "1" or "fig2".

    Returns:
        Rows as given, columns attributes; nan where the paper prints nothing.
    """
    found = (
        published(source="ipad", table=table, dataset=where) if table in _printed_tables() else None
    )
    if found is None:
        return pd.DataFrame({"overall": math.nan}, index=list(rows))
    wide = found[found["metric"] == "map"].pivot(index="method", columns="attribute", values="value")
    wide = wide[list(dict.fromkeys(found["attribute"]))]
    return wide.reindex([row.printed for row in rows.values()]).set_axis(list(rows))


def named(name: str) -> dict[str, Row]:
    """Return the rows of "table1" to "table3" or of "fig2" to "fig5". Raises FashionError for another name."""
    known = {f"table{number}": METHOD_ROWS for number in TABLES} | FIGURES
    if name not in known:
        raise FashionError(f"IPAD's paper has no {name!r} of runs: {suggestion(name, tuple(known))}")
    return known[name]


def beside(
    rows: Mapping[str, Row] | str,
    table: str = "",
    *,
    where: str = "fashionai",
    dataset: str | None = None,
    profile: str = "laptop",
    averages: Sequence[str] | None = None,
    attributes: bool = False,
) -> pd.DataFrame:
    """Return the paper's numbers beside ours, as text.

    Cost is given as parameters and image passes in training. Minutes are those of the machines that ran it. A
    row without a run says so.

    Args:
        rows: the rows of the table, or its name: "table1" to "table3", "fig2" to "fig5".
        table: the paper's table or figure, such as "1" or "fig2"; not needed where `rows` is a name.
        where: the paper's data set.
        dataset: our data set; None is the drawn wardrobe in the form of the paper's.
        profile: name of our profile.
        averages: names of our averages to show; None is `tables.averages_of` our results.
        attributes: whether to add the numbers of each attribute, theirs and ours. They are comparable where
            `dataset` is the paper's own data set with the papers' lists; its attributes have the paper's names.

    Returns:
        Rows as given, columns (whose, name). The numbers are MAP in percent; ours are mean ± spread over
        seeds. Where a row has two branches, one more column gives the MAP with beta from the validation split.

    Raises:
        FashionError: for rows that are neither a mapping nor the name of a table or figure.
    """
    if isinstance(rows, str):
        rows, table = named(rows), rows.removeprefix("table")
        where = TABLES.get(table, where)
    elif not isinstance(rows, Mapping):
        raise FashionError(f"{rows!r} is no table of IPAD's paper: give its name, such as 'table1' or 'fig3'.")
    dataset = dataset or COUNTERPARTS[where]
    theirs, pairs, ledger = printed(rows, where, table), labelled(rows, dataset), results.collect(dataset, profile)
    summary = tables.summarise(ledger)
    averages = tables.averages_of(ledger) if averages is None else averages
    names = summary.columns.get_level_values(0).unique()
    ours = [n for n in names if n in averages or (attributes and n not in AVERAGES)]
    keys = pd.MultiIndex.from_tuples(pairs.values())
    empty, lines = pd.Series(index=list(rows), dtype=object), {}
    text = tables.formatted(summary).reindex(keys).set_axis(list(rows)) if len(summary) else {}
    for name in [n for n in theirs if attributes or n == "overall"]:
        lines[f"paper: {where}", name] = theirs[name].map(
            lambda v: NOT_PRINTED if math.isnan(v) else f"{v:.2f}"
        )
    for name in ours or list(averages):
        column = printed_attribute(dataset, name)
        lines[f"ours: {dataset}", column] = text.get(name, empty).fillna(tables.NOT_RUN)
    if (chosen := _with_chosen_beta(pairs, ledger)) is not None:
        lines[f"ours: {dataset}", "overall, chosen beta"] = chosen
    for name, values in _cost(pairs, dataset, profile).items():
        lines["cost", name] = values
    return pd.DataFrame(lines, index=list(rows))


def by_attribute(number: str, dataset: str = "wardrobe", profile: str = "laptop") -> pd.DataFrame:
    """Return table 1, 2 or 3 attribute by attribute as text: methods as columns, the paper's line and, below it, ours.

    Args:
        number: a key of TABLES.
        dataset: the data set that the page is made for, see `our_dataset`.
        profile: name of our profile.

    Returns:
        Rows (attribute or average, whose), "overall" last. Ours are mean ± spread over seeds; an attribute that our
        data set lacks says so.
    """
    where = TABLES[number]
    ours = our_dataset(where, dataset)
    own_names = {"color": "colour"}  # DARN's own name of it
    theirs = printed(METHOD_ROWS, where, number).map(lambda v: NOT_PRINTED if math.isnan(v) else f"{v:.2f}")
    theirs = theirs.rename(columns=own_names)
    mine = beside(METHOD_ROWS, number, where=where, dataset=ours, profile=profile, attributes=True)[f"ours: {ours}"]
    mine = mine.rename(columns=own_names)
    absent = tables.NOT_RUN if ours in (where, COUNTERPARTS[where]) else "no such attribute"
    own = [name for name in mine if name not in theirs and name not in AVERAGES]
    also = [name for name in mine if name in AVERAGES and name != "overall"]  # an average that the paper lacks
    lines = {}
    for name in [*theirs.drop(columns="overall"), *own, *also, "overall"]:
        if name in theirs:
            lines[name, f"paper: {where}"] = theirs[name]
        lines[name, f"ours: {ours}"] = mine[name] if name in mine else pd.Series(absent, index=list(METHOD_ROWS))
    return pd.DataFrame(lines).T.rename(index=lambda name: name.replace("_", " "), level=0)


def steps(
    rows: Mapping[str, Row],
    against: str,
    dataset: str = "wardrobe",
    profile: str = "laptop",
    average: str = "overall",
) -> dict[str, PairedDifference]:
    """Return by how many points of MAP the row `against` exceeds each other row.

    Each difference is taken seed by seed, and says whether its 95 % interval holds 0.

    Args:
        rows: the rows of the table.
        against: name of the row to compare with.
        dataset: our data set.
        profile: name of our profile.
        average: name of the average to compare.

    Raises:
        KeyError: `against` is no name of `rows`.
    """
    ledger, pairs = results.collect(dataset, profile), labelled(rows, dataset)
    return {
        name: step(ledger, pair, pairs[against], average)
        for name, pair in pairs.items()
        if name != against
    }


def gains_by_attribute(
    ledger: pd.DataFrame, dataset: str = "wardrobe"
) -> dict[str, dict[str, PairedDifference]]:
    """Return by how many points of MAP each method with two branches exceeds ASEN on every attribute, seed by seed.

    Args:
        ledger: rows of `results.collect` for the data set and one profile.
        dataset: our data set.

    Returns:
        "IPAD" -> attribute, with spaces -> the difference; one entry per name of TWO_BRANCHES.
    """
    pairs = labelled(METHOD_ROWS, dataset)
    rows = ledger[ledger["metric"] == "map"]
    names = [name for name in dict.fromkeys(rows["attribute"]) if name not in AVERAGES]
    return {
        method: {name.replace("_", " "): step(rows, pairs["ASEN"], pairs[method], name) for name in names}
        for method in TWO_BRANCHES
    }


def reranking_change(ledger: pd.DataFrame, dataset: str = "wardrobe") -> pd.DataFrame:
    """Return by how many points of MAP IPAD+FR exceeds IPAD: rows are the seeds of both, columns the attributes.

    Args:
        ledger: rows of `results.collect` for the data set and one profile.
        dataset: our data set.
    """
    pairs = labelled(METHOD_ROWS, dataset)
    values = ledger[ledger["metric"] == "map"].set_index(["method", "variant"])
    both = [values[values.index == pairs[name]] for name in ("IPAD", "IPAD+FR")]
    plain, reranked = (rows.pivot(index="seed", columns="attribute", values="value") for rows in both)
    return (reranked - plain).dropna(how="all")


def reranking_used(ledger: pd.DataFrame, dataset: str = "wardrobe") -> tuple[int, int]:
    """Return in how many seeds IPAD+FR differs from IPAD, and how many seeds both rows have.

    Where validation did not rise, feature reasoning is left out, and all scores of the two rows are equal. Such a seed
    says nothing about feature reasoning.

    Args:
        ledger: rows of `results.collect` for the data set and one profile.
        dataset: our data set.
    """
    change = reranking_change(ledger, dataset)
    return int((change != 0).any(axis=1).sum()), len(change)


def stored_curves(rows: Mapping[str, Row], ledger: pd.DataFrame, dataset: str = "wardrobe") -> pd.DataFrame:
    """Return the overall MAP of stored runs for every beta (figure 6), with nothing trained and nothing embedded.

    Args:
        rows: the rows of the table; those without two branches have no curve.
        ledger: rows of `results.collect` for the data set and one profile.
        dataset: our data set.

    Returns:
        MAP in percent; index beta, ascending; columns (name of the row, seed, "valid" or "test"). A run that was
        stored before curves were measured has no column.
    """
    curves = {}
    for name, (method, variant) in labelled(rows, dataset).items():
        mine = ledger[(ledger["method"] == method) & (ledger["variant"] == variant)]
        for split, metric in CURVES.items():
            for seed, run in mine[mine["metric"] == metric].groupby("seed"):
                betas = run["attribute"].astype(float)
                curves[name, seed, split] = pd.Series(run["value"].to_numpy(), betas).sort_index()
    return pd.DataFrame(curves).rename_axis(index="beta")


def _with_chosen_beta(pairs: Mapping[str, tuple[str, str]], ledger: pd.DataFrame) -> pd.Series | None:
    """Return row -> overall MAP with beta chosen on validation, as text; None where no row has two branches."""
    summary = tables.summarise(ledger, SCORES)
    if not any(key in summary.index for key in pairs.values()):
        return None
    text = tables.formatted(summary)["overall"].reindex(pd.MultiIndex.from_tuples(pairs.values()))
    return text.set_axis(list(pairs)).fillna(NO_BETA)


def _printed_tables() -> set[str]:
    return set(published(source="ipad")["table"])


def _cost(pairs: Mapping[str, tuple[str, str]], dataset: str, profile: str) -> pd.DataFrame:
    made, cost = run_list.collect_runs(dataset, profile), {}
    for name, (method, variant) in pairs.items():
        mine = made[(made["method"] == method) & (made["variant"] == variant)]
        if mine.empty:
            cost[name] = dict.fromkeys(("seeds", "parameters", "image passes", "minutes"), tables.NOT_RUN)
            continue
        passes = sorted({f"{int(float(value)):,}" for value in mine["training_image_passes"] if value != ""})
        cost[name] = {
            "seeds": ", ".join(map(str, sorted(mine["seed"].astype(int)))),
            "parameters": f"{int(mine['parameters'].astype(float).max()):,}",
            "image passes": " or ".join(passes),
            "minutes": f"{mine['minutes'].astype(float).mean():.1f}",
        }
    return pd.DataFrame(cost).T
