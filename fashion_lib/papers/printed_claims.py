"""Arithmetic on what IPAD's paper claims: gains over RPF, "bold is significance", and its published logs."""

import math
from dataclasses import dataclass

import pandas as pd

from fashion_lib.papers.evaluation_lists import LISTS
from fashion_lib.papers.printed_averages import printed_table
from fashion_lib.papers.published import published

TWO_SIDED = 1.96  # standard errors of a 95 % interval


def largest_standard_error(percent: float, queries: int) -> float:
    """Return the largest standard error that a MAP of so many queries can have, in points.

    An average precision lies in 0..1. Numbers in 0..1 with mean m have a variance of at most m (1 - m), the
    binomial's. Real average precisions vary less, so this bounds the standard error from above.

    Args:
        percent: the MAP, 0..100.
        queries: number of queries.
    """
    share = percent / 100
    return 100 * math.sqrt(share * (1 - share) / queries)


def gains(dataset: str, method: str = "ipad", baseline: str = "rpf") -> pd.DataFrame:
    """Compare two rows of IPAD's table with the sampling error of their queries.

    Args:
        dataset: "fashionai", "darn" or "deepfashion".
        method, baseline: names of rows in published_results.csv.

    Returns:
        Attribute or "overall" -> "queries", both MAPs in percent, "gain" and "bound" in points, and "beyond", which
        is gain > bound. The bound is 1.96 times the largest standard error of a difference of independent MAPs.
    """
    queries = LISTS[dataset].queries
    found = printed_table("ipad", dataset).loc[[baseline, method]].T
    found.insert(0, "queries", [*queries.values(), sum(queries.values())])
    found["gain"] = found[method] - found[baseline]
    errors = [
        math.hypot(largest_standard_error(one, count), largest_standard_error(other, count))
        for count, one, other in found[["queries", baseline, method]].itertuples(index=False)
    ]
    found["bound"] = [TWO_SIDED * error for error in errors]
    found["beyond"] = found["gain"] > found["bound"]
    return found


@dataclass(frozen=True)
class Logged:
    """One MAP in the training logs of February 2024 in IPAD's repository, as read in November 2026.

    Attributes:
        dataset: the data set.
        log: which log and epoch.
        what: which feature was evaluated.
        value: the logged MAP, in percent.
        row: (table, method) in published_results.csv of the printed number that equals it.
    """

    dataset: str
    log: str
    what: str
    value: float
    row: tuple[str, str]


IPAD_LOGS = (
    Logged("fashionai", "stage 1, epoch 68 (best)", "region", 67.90, ("fig3", "ip_sp w/ IA (ISA+ICA+AS)")),
    Logged("fashionai", "stage 2, epoch 124", "region", 68.47, ("fig2", "ipad w/o SE")),
    Logged("fashionai", "stage 2, epoch 124", "patch", 70.45, ("fig2", "ipad w/o SP")),
    Logged("fashionai", "stage 2, epoch 124", "both", 73.17, ("fig2", "ipad w/ IP (no AD)")),
    Logged("darn", "stage 2, epoch 99 (best)", "both", 65.78, ("2", "ipad")),
)
STAGE2_EPOCHS = 132 - 69 + 1  # epochs in FashionAI's log of stage 2


def logged_beside_printed() -> pd.DataFrame:
    """Return the logged MAPs beside the printed numbers of the same row.

    Returns:
        One row per entry of IPAD_LOGS: "data set", "log", "feature", "logged", "printed as", "printed".
    """
    printed = published(source="ipad", metric="map", attribute="overall").set_index(["table", "method"])["value"]
    lines = [[one.dataset, one.log, one.what, one.value, ": ".join(one.row), printed[one.row]] for one in IPAD_LOGS]
    return pd.DataFrame(lines, columns=["data set", "log", "feature", "logged", "printed as", "printed"])
