"""Columns and matrices of the report: what one method scores above another over equal seeds."""

from collections.abc import Sequence

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.show.paired_seeds import paired_difference
from fashion_lib.show.seeds import values_of

Row = tuple[str, str]  # method, variant
MOST = 12  # rows of a matrix that a page still shows


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
