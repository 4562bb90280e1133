"""AG-MLAN's tables as rows: the paper's name -> our method and variant, as the ledger stores them, with our results."""

import math

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.papers.counterparts import our_dataset, shared_label
from fashion_lib.papers.published import comparable, printed_attribute
from fashion_lib.runs import ledger
from fashion_lib.runs.record import variant_label
from fashion_lib.show import tables
from fashion_lib.show.seeds import NOT_PRINTED
from fashion_lib.tasks.retrieval.evaluation import AVERAGES

_NAMES = {
    "random": "random", "triplet": "triplet", "CSN": "csn", "ASEN": "asen", "AttnFashion": "attnfashion",
    "HAEN": "haen", "ISLN": "isln", "AG-MLAN": "ag_mlan",
}  # fmt: skip
# tables 1 to 3, in the paper's order
METHOD_ROWS = {name: (method, METHODS[method].variants[0]) for name, method in _NAMES.items()}
# what an ablation takes away -> the model's option
PARTS = {
    "without branch 1": {"branch1": False},  # no classification of attributes while training
    "without hierarchical features": {"hierarchical": False},  # stage 3 alone feeds both branches
    "without SA": {"spatial_gate": False},  # ASA's map as it is
    "without the mask": {"mask": False},  # the gated vector is the embedding
}
# Table 3: on Zappos50k the paper removes branch 1 (section 4.1).
ZAPPOS_ROWS = {name: METHOD_ROWS[name] for name in ("CSN", "ASEN", "AttnFashion", "ISLN")} | {
    "AG-MLAN": ("ag_mlan", variant_label("paper", **PARTS["without branch 1"]))
}
ABLATION_ROWS = {"AG-MLAN": METHOD_ROWS["AG-MLAN"]} | {
    name: ("ag_mlan", variant_label("paper", **options)) for name, options in PARTS.items()
}


def printed(where: str, metric: str = "map") -> pd.DataFrame:
    """Return the papers' own numbers: AG-MLAN's table, and IPAD's for the methods that it leaves out.

    Args:
        where: the papers' data set.
        metric: the published metric.

    Returns:
        Rows as METHOD_ROWS; columns "source" and the attributes; nan where nothing is printed.
    """
    names = {method: method for method, _ in METHOD_ROWS.values()} | {"asen_v2": "asen"}  # theirs -> ours
    both = comparable(names, where, metric).reset_index("source")
    own = both["source"] == "ag_mlan"
    kept = both[own | ~both.index.isin(both.index[own])]
    return kept.reindex([method for method, _ in METHOD_ROWS.values()]).set_axis(list(METHOD_ROWS))


def beside(where: str, dataset: str, profile: str) -> pd.DataFrame:
    """Return two lines per method as text, the papers' and ours, in the paper's columns; then columns that it lacks.

    Args:
        where: the paper's data set.
        dataset: the data set that the page is made for, see `our_dataset`.
        profile: name of our profile.

    Returns:
        Rows (method, whose), MAP in percent; ours are mean ± spread over seeds.
    """
    counterpart = our_dataset(where, dataset)
    rows = ledger.collect(counterpart, profile)
    ours, averages = tables.summarise(rows), tables.averages_of(rows)
    ours = ours.rename(columns=lambda name: printed_attribute(counterpart, name), level=0)
    theirs = printed(where)
    source = theirs.pop("source").map(lambda name: f"paper ({name})", na_action="ignore").fillna("paper")
    own = [name for name in ours.columns.get_level_values(0).unique() if name not in AVERAGES]
    columns = list(dict.fromkeys([*(n for n in theirs if n != "overall"), *own, *averages[1:], "overall"]))
    numbers = theirs.apply(lambda column: column.map(lambda v: NOT_PRINTED if math.isnan(v) else f"{v:.1f}"))
    wanted = [(method, shared_label(counterpart, method, label)) for method, label in METHOD_ROWS.values()]
    mine = tables.formatted(ours).reindex(pd.MultiIndex.from_tuples(wanted)).set_axis(list(METHOD_ROWS))
    kept = [*own, *averages] if own else columns
    mine = mine.fillna(tables.NOT_RUN).reindex(columns=kept, fill_value=tables.NOT_RUN)
    lines = {(row, f"{source[row]}: {where}"): numbers.loc[row] for row in METHOD_ROWS}
    lines |= {(row, f"ours: {counterpart}"): mine.loc[row] for row in METHOD_ROWS}
    both = pd.DataFrame(lines).T.reindex(columns=columns).fillna("")
    return both.loc[list(METHOD_ROWS)].rename(columns=lambda name: name.replace("_", " "))
