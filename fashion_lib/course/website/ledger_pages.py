"""The committed ledger as tables that a click on a column's head sorts."""

import re

import pandas as pd

from fashion_lib.course.report import overview
from fashion_lib.methods.registry import METHODS

WHOLE_WIDTH = "---\nhide-toc: true\n---\n"  # a page of tables needs no list of its sections at the side
CELL = re.compile(r"(<t[hd][^>]*>)([^<]*)")
FIRST = ("overall", "macro", "local", "balanced")  # averages, before the single attributes
# What a reader of the list of runs looks for first; the other columns follow.
RUN_COLUMNS = [
    "method",
    "variant",
    "dataset",
    "profile",
    "seed",
    "minutes",
    "queries",
    "candidates",
    "parameters",
]
RUN = ["method", "variant", "seed"]
MAIN = ("map", "accuracy")  # the metric of a data set's second table: the first of these that it has


def sortable(table: pd.DataFrame, caption: str, *, escape: bool = True, decimals: int | None = None) -> str:
    """Return a table as HTML inside Markdown, in a box of its own that scrolls sideways where it is too wide.

    Args:
        table: its columns are the heads; the index is not shown.
        caption: what it shows, in plain text.
        escape: whether cells are plain text; False takes them as HTML.
        decimals: of every number; None shows four digits.
    """
    shown = {
        "index": False,
        "border": 0,
        "classes": "sortable",
        "na_rep": "",
        "float_format": ("{:.4g}" if decimals is None else f"{{:.{decimals}f}}").format,
    }
    text = CELL.sub(_with_joints, table.to_html(**shown, escape=escape))
    text = text.replace("<thead>", f"<caption>{caption}</caption>\n<thead>", 1)
    return f'```{{raw}} html\n<div class="wide" role="region" tabindex="0" aria-label="{caption}">\n{text}\n</div>\n```'


def _with_joints(cell: re.Match) -> str:
    """Return a cell that a browser may break at the joints of a name, "_", "+" and "=", and not around "±"."""
    return cell[1] + re.sub(r"[_+=](?=\w)", r"\g<0><wbr>", cell[2]).replace(" ± ", "\u00a0±\u00a0")


def dataset_page(dataset: str, rows: pd.DataFrame) -> str:
    """Return the page of one data set: means over seeds, then every metric by attribute and seed.

    Args:
        dataset: its name.
        rows: its ledger rows.
    """
    parts = [WHOLE_WIDTH + f"# Ledger: {dataset}", _introduction()]
    for profile, own in rows.groupby("profile", sort=True):
        parts += [
            f"## Profile {profile}",
            *_means(own),
            *(_metric(own, name) for name in own.metric.unique()),
        ]
    return "\n\n".join(parts) + "\n"


def method_tables(rows: pd.DataFrame) -> list[str]:
    """Return one method's tables per data set and profile; a sentence where the ledger has no row.

    Args:
        rows: the method's ledger rows.
    """
    if rows.empty:
        return ["The ledger has no row of this method: not run."]
    parts = []
    for (dataset, profile), own in rows.groupby(["dataset", "profile"]):
        main = next((name for name in MAIN if (own.metric == name).any()), own.metric.iloc[0])
        parts += [f"### {dataset}, profile {profile}", *_means(own), _metric(own, main)]
        parts.append(f"[All metrics of {dataset}](../ledger/{dataset}.md).")
    return parts


def ledger_index(runs: pd.DataFrame, datasets: list[str]) -> str:
    """Return the page that lists all runs of the ledger, with the data sets' pages below it.

    Args:
        runs: data/runs.csv, one row per run.
        datasets: names of the data sets that have a page.
    """
    runs = runs.assign(created=runs.created.str[:10])  # the day
    runs = runs[[*RUN_COLUMNS, *runs.columns.difference(RUN_COLUMNS, sort=False)]]
    tree = "\n".join(["```{toctree}", ":maxdepth: 1", "", *datasets, "```"])
    return (
        f"{WHOLE_WIDTH}# Ledger\n\nEvery committed number, with what is needed to place it. A click on a column's head "
        "sorts a table, a second click turns the order around.\n\n"
        f"{tree}\n\n## Runs\n\n{sortable(runs, f'{len(runs)} runs, one row per run')}\n"
    )


def _means(rows: pd.DataFrame) -> list[str]:
    if not rows.metric.isin(MAIN).any():
        return []
    found = dict.fromkeys(zip(rows.method, rows.variant, strict=True))
    heading, text = overview(rows, sorted(found, key=_place))
    table = text.rename_axis(["method", "variant"]).reset_index()
    table["seeds"] = [rows[(rows.method == m) & (rows.variant == v)].seed.nunique()
                      for m, v in zip(table.method, table.variant, strict=True)]  # fmt: skip
    table.columns = [" ".join(map(str, c)).strip() if isinstance(c, tuple) else str(c) for c in table.columns]
    return [sortable(table, heading)]


def _place(row: tuple[str, str]) -> int:
    """Where a method stands in tables; its variants keep the order of the ledger, "ipad+fr" follows "ipad"."""
    method, plus, _ = row[0].partition("+")
    known = list(METHODS)
    return 2 * (known.index(method) if method in known else len(known)) + bool(plus)


def _metric(rows: pd.DataFrame, metric: str) -> str:
    """One metric: a row per run, a column per attribute, in the ledger's order."""
    own = rows[rows.metric == metric]
    names = sorted(
        dict.fromkeys(own.attribute), key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)
    )
    table = own.pivot(index=RUN, columns="attribute", values="value")[names]
    decimals = 2 if table.max(axis=None) > 1 else 4  # percent, or a share such as NDCG
    return sortable(
        table.rename_axis(columns=None).reset_index(), f"{metric}, one row per run", decimals=decimals
    )


def _introduction() -> str:
    return (
        "Every number of this data set that a finished run wrote. A click on a column's head sorts a table, a second "
        "click turns the order around. Words such as *overall*, *macro* and *variant* are in the "
        "[glossary](../docs/glossary.md); what counts as right is on the [protocol cards](../protocols/index.md)."
    )
