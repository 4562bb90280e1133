"""What a start from ImageNet weights changes: MobileNetV2 from them and from random weights.

AG-MAN's premise is a gap between the features of a network trained on ImageNet's objects and those that attributes
need. The course's own start weights come from a task on drawn people, so they cannot show it. See
`fashion_lib.parts.mobilenet` for the weights.
"""

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import variant_label
from fashion_lib.show import tables
from fashion_lib.show.paired_seeds import step
from fashion_lib.training.profiles import TABLE

BACKBONE, STEPS = "mobilenet_v2", 720  # a step takes four times as long as one of the small backbone
COMPARED = ("triplet", "csn", "asen", "ag_mlan")
STARTS = ("random", "imagenet")
DATASETS = ("wardrobe", "clothing")


def label_of(method: str, start: str) -> str:
    """Return the label of a method's run with MobileNetV2.

    Args:
        method: one of COMPARED.
        start: one of STARTS.
    """
    return variant_label(METHODS[method].variants[0], backbone=BACKBONE, start=start, steps=STEPS)


def imagenet_rows() -> list[tuple[str, str]]:
    """Return (method, label) of every run on one data set; the two starts of a method stand together."""
    return [(method, label_of(method, start)) for method in COMPARED for start in STARTS]


def unequal_precision(dataset: str, *rows: tuple[str, str]) -> str:
    """Return ", precision fp32 and bf16" where runs of one seed differ in it, as of the first such seed; else "".

    On a CPU, "auto" takes the faster precision when a run begins, so two runs of one machine may differ.

    Args:
        dataset: name of the data set in records.
        rows: (method, start) each.
    """
    made = run_list.collect_runs(dataset, TABLE.name)
    labelled = [(method, label_of(method, start)) for method, start in rows]
    unequal = run_list.differing_seeds(made, labelled, "precision")
    return f", precision {' and '.join(unequal.iloc[:, 0])}" if unequal.shape[1] else ""


def imagenet_table(average: str = "overall") -> pd.DataFrame:
    """Return test MAP in percent of each method from both starts, as text.

    Args:
        average: an attribute that all data sets have, or an average.

    Returns:
        Rows: COMPARED. Columns: (data set, "random" | "imagenet" | "difference"); the difference is taken seed by seed.
        "not run" stands where there is no run. The difference of two runs of unequal precision says so.
    """
    columns = {}
    for dataset in DATASETS:
        found = ledger.collect(dataset, TABLE.name)
        text = tables.formatted(tables.summarise(found)).reindex(columns=[average]).fillna(tables.NOT_RUN)
        for start in STARTS:
            pairs = [(method, label_of(method, start)) for method in COMPARED]
            columns[dataset, start] = [text[average].get(pair, tables.NOT_RUN) for pair in pairs]
        columns[dataset, "difference"] = [
            step(found, *((method, label_of(method, start)) for start in STARTS), average).text()
            + unequal_precision(dataset, *((method, start) for start in STARTS))
            for method in COMPARED
        ]
    return pd.DataFrame(columns, index=list(COMPARED))
