"""The files of DeepFashion's Category and Attribute Prediction Benchmark: a count, a header, rows padded with spaces.

ASEN's label_valid.txt and label_test.txt belong here, too: they hold attribute ids of the benchmark, with tabs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fashion_lib.data.checks.listings import Listing, picture_path, whole

PARTS = ("train", "val", "test")
LARGEST, CATEGORIES = 9999, 50  # pixels; categories of the benchmark


def named_type(types: int) -> Callable[[str], tuple[str, int]]:
    """Return the parser of `name  type`: names hold spaces, so the line is split once, from the right."""

    def row(line: str) -> tuple[str, int]:
        cells = line.rsplit(None, 1)
        if len(cells) != 2 or not 1 <= whole(cells[1]) <= types:
            raise ValueError(f"'{line[:60]}' is no name with a type from 1 to {types}")
        if not (line.isascii() and cells[0].isprintable()):
            raise ValueError("the line has characters beside letters, digits and spaces")
        if "  " in cells[0].strip():
            raise ValueError(f"'{line[:60]}' has more than a name and a type")
        return cells[0].strip(), int(cells[1])

    return row


def numbers_row(least: int, most: int, cells: int | None = None) -> Callable[[str], tuple[str, int, bool]]:
    """Return the parser of `path number number ...`.

    Args:
        least, most: the range of each number.
        cells: how many numbers a row has; None: any, as long as all rows have as many.

    Returns:
        The parser; its row is the path, the count of numbers, and whether a 1 is among them.
    """

    def row(line: str) -> tuple[str, int, bool]:
        path, rest = _path_first(line)
        if not rest or (cells is not None and len(rest) != cells):
            raise ValueError(
                f"the line has {len(rest)} numbers after the path" + (f" instead of {cells}" if cells else "")
            )
        for cell in set(rest):
            if not least <= whole(cell) <= most:
                raise ValueError(f"{cell} is not a number from {least} to {most}")
        return path, len(rest), "1" in rest

    return row


def _path_first(line: str) -> tuple[str, list[str]]:
    """Split `path cell cell ...`; only the path may hold a space, and it ends in .jpg."""
    found = re.match(r"(.+?\.jpg)\s+(.*)", line, re.IGNORECASE | re.ASCII)
    if found is None:
        raise ValueError(f"'{line[:80]}' does not begin with the path of a .jpg picture and a space")
    if not found[2].isascii():
        raise ValueError("the line has other characters than digits, signs and spaces after the path")
    return picture_path(found[1]), found[2].split()


def partition_row(line: str) -> tuple[str, str]:
    """Parse `path status`."""
    path, cells = _path_first(line)
    if len(cells) != 1 or cells[0] not in PARTS:
        raise ValueError(f"'{line[-40:]}' is no path with one of {', '.join(PARTS)}")
    return path, cells[0]


def splits(listing: Listing) -> list[str]:
    """Return the benchmark's own split of each row of the partition."""
    return [{"val": "valid"}.get(row[1], row[1]) if row else "" for row in listing.rows]


def box_row(line: str) -> tuple[str, tuple[int, ...]]:
    """Parse `path x_1 y_1 x_2 y_2`, in pixels."""
    path, rest = _path_first(line)
    if len(rest) != 4:
        raise ValueError(f"the line has {len(rest)} numbers after the path instead of 4")
    return path, _box(rest)


def _box(cells: list[str]) -> tuple[int, ...]:
    box = tuple(whole(cell) for cell in cells)
    if min(box) < 0 or max(box) > LARGEST or box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"{box} is no box with x_1 < x_2 and y_1 < y_2, in pixels up to {LARGEST}")
    return box


def landmarks_row(line: str) -> tuple[str, int, bool]:
    """Parse `path type visibility x y visibility x y ...`; it is kept as `numbers_row` keeps it."""
    row = numbers_row(0, LARGEST)(line)
    if row[1] % 3 != 1 or row[1] == 1:
        raise ValueError(f"the line has {row[1]} numbers after the path: a type and threes (visibility x y)")
    return row


def flags_row(line: str) -> int:
    """Parse a row of 0 and 1; it is kept as its length."""
    cells = line.split()
    if set(cells) - {"0", "1"}:
        raise ValueError("the line has other cells than 0 and 1")
    return len(cells)


def fine_row(line: str) -> int:
    """Parse a row of Anno_fine without a name: a category, a box or landmarks; it is kept as its length."""
    cells = line.split()
    if len(cells) == 1 and not 1 <= whole(cells[0]) <= CATEGORIES:
        raise ValueError(f"there is no category {cells[0]}: numbers go from 1 to {CATEGORIES}")
    if len(cells) == 4:
        _box(cells)
    for cell in cells:
        if not 0 <= whole(cell) <= LARGEST:
            raise ValueError(f"{cell} is not a number from 0 to {LARGEST}")
    return len(cells)


def type_row(line: str) -> tuple[int, ...]:
    """Parse `image type id [type id ...]` of ASEN's label_valid and label_test, padded with tabs."""
    cells = line.split("\t")
    if len(cells) < 3 or len(cells) % 2 == 0 or "" in cells:
        raise ValueError("the line is not an image and pairs (type id) with tabs between")
    row = tuple(whole(cell) for cell in cells)
    for kind, number in zip(row[1::2], row[2::2], strict=True):
        if not 1 <= kind <= 5:
            raise ValueError(f"there is no type {kind}: types go from 1 to 5")
        if not 0 <= number <= 999:
            raise ValueError(f"there is no attribute id {number}: ids go from 0 to 999")
    return row
