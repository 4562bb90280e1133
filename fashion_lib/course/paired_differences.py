"""Differences between two methods over equal seeds.

Two runs of one seed share their batches and the start of their common layers, so part of what a seed changes cancels in
their difference. The spread is that of the differences, not of either method's own numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.show.seeds import values_of
from fashion_lib.show.tables import NOT_RUN

Row = tuple[str, str]  # method, variant
MOST = 12  # rows of a matrix that a page still shows


@dataclass(frozen=True)
class PairedDifference:
    """Hold what one method scores above another over the seeds that both have.

    Attributes:
        mean: of the differences, in the metric's unit; nan without a common seed.
        spread: their sample standard deviation (ddof=1); nan with fewer than two.
        seeds: the common ones.
    """

    mean: float
    spread: float
    seeds: tuple[int, ...]

    def text(self, digits: int = 1) -> str:
        """Return "+1.3 ± 0.4 (3)": mean, spread, number of common seeds."""
        if not self.seeds:
            return NOT_RUN
        spread = f" ± {self.spread:.{digits}f}" if math.isfinite(self.spread) else ""
        return f"{self.mean:+.{digits}f}{spread} ({len(self.seeds)})"


def paired_difference(one: pd.Series, other: pd.Series) -> PairedDifference:
    """Return how far `one` lies above `other`, seed by seed.

    Args:
        one: values indexed by seed.
        other: the same of the method that is subtracted.
    """
    both = (one - other).dropna().sort_index()
    spread = float(both.std()) if len(both) > 1 else math.nan
    return PairedDifference(float(both.mean()), spread, tuple(int(seed) for seed in both.index))


def compared_with(row: Row, rows: Sequence[Row]) -> Row | None:
    """Return the row that another one is compared with, None for the first trained one itself.

    A row with options is compared with its plain variant where there is one, any other row with the first method that
    is trained.
    """
    method, variant = row
    plain = (method, variant.partition("+")[0])
    if plain != row and plain in rows:
        return plain
    trained = [other for other in rows if (entry := METHODS.get(other[0])) is None or entry.trainable]
    return None if not trained or trained[0] == row else trained[0]


def differences(values: pd.DataFrame, rows: Sequence[Row], metric: str, digits: int = 1) -> pd.DataFrame:
    """Return text columns "difference" and "compared with", one row per (method, variant).

    Args:
        values: ledger rows of one data set and profile.
        rows: (method, variant) in order.
        metric: whose "overall" is compared.
        digits: after the point.
    """
    cells = []
    for row in rows:
        base = compared_with(row, rows)
        if base is None:
            cells.append(("reference", ""))
            continue
        found = paired_difference(*(values_of(values, one, "overall", metric) for one in (row, base)))
        cells.append((found.text(digits), name_of(base)))
    return pd.DataFrame(cells, columns=["difference", "compared with"], index=_index(rows))


def difference_matrix(
    values: pd.DataFrame, rows: Sequence[Row], metric: str, digits: int = 1
) -> pd.DataFrame:
    """Return the difference of each pair as text: the row's method minus the column's, of "overall"."""
    scores = {row: values_of(values, row, "overall", metric) for row in rows}
    cells = [
        ["" if a == b else paired_difference(scores[a], scores[b]).text(digits) for b in rows] for a in rows
    ]
    names = [name_of(row) for row in rows]
    return pd.DataFrame(cells, index=names, columns=names)


def name_of(row: Row) -> str:
    """Return a row's name on the page: "asen.v2"."""
    return ".".join(row)


def _index(rows: Sequence[Row]) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(list(rows), names=["method", "variant"])
