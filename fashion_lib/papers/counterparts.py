"""The drawn wardrobe's label tables in the form of the papers' data sets, and how all methods train on each."""

from collections.abc import Collection

import pandas as pd

from fashion_lib.core.words import joined
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import base_method, read_label, variant_label
from fashion_lib.runs.run_list import collect_runs, computed, queries_of, trained_only

# A paper's data set -> the label table in its form.
COUNTERPARTS = {"fashionai": "wardrobe", "darn": "wardrobe_darn", "deepfashion": "wardrobe_deepfashion"}
# A paper's data set -> its name in text, and the tables that print methods' scores on it.
PRINTED_IN = {
    "fashionai": ("FashionAI", "table 1 of IPAD (Wan et al. 2025) and of AG-MLAN (Xiao and Yamasaki)"),
    "darn": ("DARN", "table 2 of IPAD (Wan et al. 2025)"),
    "deepfashion": (
        "DeepFashion",
        "table 3 of IPAD (Wan et al. 2025) and table 2 of AG-MLAN (Xiao and Yamasaki)",
    ),
}
# Where a picture has several labels, training reads all of them in one pass, for every method alike. Decided on the
# validation split with ASEN on `wardrobe_darn`, see `trials`.
ALL_LABELS = {"labels": "all", "sampling": "all_labels"}
SHARED_SETTINGS = {"wardrobe_darn": ALL_LABELS, "wardrobe_deepfashion": ALL_LABELS}


def our_dataset(where: str, dataset: str) -> str:
    """Return the data set of ours whose numbers stand beside a paper's table.

    Args:
        where: the paper's data set: "fashionai", "darn" or "deepfashion".
        dataset: the data set that the page is made for. Of a drawn one, the label table in the paper's form is shown;
            of a paper's own, the data set of the table; any other data set stands beside every table itself.
    """
    if dataset in COUNTERPARTS.values():
        return COUNTERPARTS[where]
    return where if dataset in (*COUNTERPARTS, "zappos50k") else dataset


def papers_dataset(dataset: str) -> str:
    """Return the paper's data set whose printed numbers stand beside ours: the inverse of `our_dataset`.

    Args:
        dataset: the data set that the page is made for; one that no paper prints takes FashionAI's numbers.
    """
    of_drawn = {drawn: where for where, drawn in COUNTERPARTS.items()}
    return dataset if dataset in COUNTERPARTS else of_drawn.get(dataset, "fashionai")


def shared_label(dataset: str, method: str, label: str) -> str:
    """Return the label of a method's run in a table of a data set: with the settings that all its rows share.

    Args:
        dataset: our data set.
        method: our name of the method; "<method>+fr" has the label of the method.
        label: variant with its options, as in the ledger.
    """
    shared = SHARED_SETTINGS.get(dataset, {})
    if not shared or not METHODS[base_method(method)].trainable:
        return label
    variant, changed = read_label(label)
    return variant_label(variant, **shared | changed)


def made_caption(where: str, dataset: str, profile: str, rows: Collection[tuple[str, str]]) -> str:
    """Say how our runs beside a paper's table were made, for the caption of a table that is not a page's first one.

    Args:
        where: the paper's data set.
        dataset: the data set that the page is made for, see `our_dataset`.
        profile: name of the profile.
        rows: (method, variant) of the table's rows, without the settings of SHARED_SETTINGS.
    """
    ours = our_dataset(where, dataset)
    runs = collect_runs(ours, profile)
    shown = [(method, shared_label(ours, method, label)) for method, label in rows]
    runs = runs[pd.MultiIndex.from_frame(runs[["method", "variant"]]).isin(shown)]
    labels = "all labels of a picture in training" if ours in SHARED_SETTINGS else ""
    seeds, commits = (f"{name}s {joined(runs[name]) or 'none'}" for name in ("seed", "commit"))
    parts = [ours, labels, queries_of(runs), seeds, commits, computed(trained_only(runs))]
    one = ". One seed per row: no order is claimed" if runs["seed"].nunique() == 1 else ""
    return f"Ours: {', '.join(filter(None, parts))}{one}"
