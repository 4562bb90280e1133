"""Which average a printed overall MAP is: the plain mean over attributes, or the mean over all queries."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.papers.evaluation_lists import LISTS
from fashion_lib.papers.published import published

DIGITS = {"ipad": 2, "ag_mlan": 4}  # source -> decimals that it prints
NONE = "none of them"


def fits(printed: float, averages: Mapping[str, float], digits: int) -> str:
    """Return which averages a printed number can be, rounding granted.

    Each printed number is off by at most half a unit of its last digit. An average of printed numbers is off by as
    much, so a printed average can differ from it by one unit.

    Args:
        printed: the printed overall MAP.
        averages: name -> average of the MAPs that the paper prints per attribute.
        digits: decimals of the printed numbers.

    Returns:
        The names, joined by " or ", or "none of them".
    """
    unit = 10.0**-digits + 1e-9
    return " or ".join(name for name, value in averages.items() if abs(printed - value) <= unit) or NONE


def printed_table(source: str, dataset: str) -> pd.DataFrame:
    """Return a printed table of MAPs in percent: one row per method, as printed, one column per attribute, "overall".

    Args:
        source: "ipad" or "ag_mlan".
        dataset: "fashionai", "darn" or "deepfashion".

    Raises:
        FashionError: for another source, or a data set that the source has no table of.
    """
    if source not in DIGITS:
        raise FashionError(f"{source!r} prints no MAP per attribute: {suggestion(source, tuple(DIGITS))}")
    table = published(source=source, dataset=dataset, metric="map")
    table = table[table["table"].isin(["1", "2", "3"])]
    wide = table.pivot(index="method", columns="attribute", values="value")
    return wide.loc[table["method"].unique(), [*LISTS[dataset].queries, "overall"]]


def printed_averages(source: str, dataset: str) -> pd.DataFrame:
    """Compute three averages of every row of a printed table, and which of them the printed overall MAP can be.

    Args:
        source, dataset: see `printed_table`.

    Returns:
        Method -> "printed" (the overall MAP in percent); "plain" (each attribute counts once); "test queries" and
        "validation queries" (each attribute counts as often as it has queries); and "it is", see `fits`.

    Raises:
        FashionError: as `printed_table`.
    """
    table, lists = printed_table(source, dataset), LISTS[dataset]
    by_attribute = table[list(lists.queries)]
    found = pd.DataFrame({"plain": by_attribute.mean(axis=1)})
    for name, queries in (("test queries", lists.queries), ("validation queries", lists.validation_queries)):
        found[name] = np.average(by_attribute, axis=1, weights=list(queries.values()))
    answers = [fits(table.loc[row, "overall"], found.loc[row], DIGITS[source]) for row in found.index]
    found.insert(0, "printed", table["overall"])
    return found.assign(**{"it is": answers})
