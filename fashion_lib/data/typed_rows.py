"""CSV files of numbers and names, each cell checked: the ledger, the list of runs, the papers' numbers."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError, cut, shortened
from fashion_lib.core.typed import is_utc_time
from fashion_lib.data.label_table import read_rows

NAME, TEXT = "a name without surrounding spaces", "text"
TIME = "a time in UTC such as 2026-11-21T17:03:54+00:00"
WHOLE, WHOLE_OR_EMPTY, NUMBER = "a finite whole number", "a finite whole number or empty", "a finite number"
_PATTERNS = {
    WHOLE: r"\d{1,18}",
    WHOLE_OR_EMPTY: r"(\d{1,18})?",
    NUMBER: r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?",
}  # ASCII digits only, and narrower than int() and float(), which take "1_000" and " 7 "


def read_typed(path: Path, columns: Mapping[str, str], key: Sequence[str]) -> pd.DataFrame:
    """Read a CSV with exactly these columns, in this order whatever the file's.

    Args:
        path: the file, UTF-8.
        columns: name -> what its cells are: NAME, TEXT (may be empty), TIME, WHOLE (not negative),
            WHOLE_OR_EMPTY, NUMBER.
        key: columns that together name a row.

    Returns:
        The table: WHOLE as int64, NUMBER as float64, the rest as text. WHOLE_OR_EMPTY is int64 where no cell is empty.

    Raises:
        FashionError: names the file and the line of the first row that is incomplete, of another type or repeated.
    """
    table, lines = read_rows(path, list(columns))
    table = table[list(columns)]
    for column, kind in columns.items():
        for line, cell in zip(lines, table[column], strict=True):
            if not _fits(cell, kind):
                raise FashionError(
                    f"line {line} of {path} has {shortened(cell)} as its {column}, which is not {kind}: correct "
                    "that cell."
                )
        if kind == WHOLE or (kind == WHOLE_OR_EMPTY and (table[column] != "").all()):
            table = table.assign(**{column: table[column].astype("int64")})
        elif kind == NUMBER:
            table = table.assign(**{column: table[column].astype("float64")})
    repeated = table.duplicated(list(key))
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        cells = cut(",".join(map(str, table.loc[row, list(key)])))
        raise FashionError(
            f"line {lines[row]} of {path} repeats an earlier row ({cells}): "
            "delete one of the two."
        )
    return table


def _fits(cell: str, kind: str) -> bool:
    if kind == TEXT:
        return True
    if kind == NAME:
        return cell.strip() == cell != ""
    if kind == TIME:
        return is_utc_time(cell)
    found = re.fullmatch(_PATTERNS[kind], cell, re.ASCII)
    return found is not None and (kind != NUMBER or math.isfinite(float(cell)))
