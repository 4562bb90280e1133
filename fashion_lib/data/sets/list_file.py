"""Text files with one row per line, as released lists have them: any line ending, with or without a byte order mark.

Row i of a list is often meant by its number, from 0. So no line may vanish: blank lines at the end of a file are
left out, a blank line in the middle is a fault.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.data.text_file import MARKS, read_text

LARGEST = 10**9  # no list counts as far
POINTER = "version https://git-lfs"  # the first line of a Git LFS pointer, in place of the file


@dataclass(frozen=True)
class ListFile:
    """The lines of a text file, and how it was written.

    Attributes:
        path: the file.
        lines: its lines without line ends and trailing spaces; line i of the file is lines[i - 1].
        crlf: whether a line ends in CR LF.
        mark: whether the file begins with a byte order mark.
        final_newline: whether the last line has a line end.
    """

    path: Path
    lines: tuple[str, ...]
    crlf: bool = False
    mark: bool = False
    final_newline: bool = True

    @property
    def pointer(self) -> bool:
        """Return whether the file is a Git LFS pointer, which a clone without git-lfs has in place of the file."""
        return bool(self.lines) and self.lines[0].startswith(POINTER)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one line: its number from 1 (0: the file as a whole), and the sentence's end."""

    line: int
    text: str


def opened_list(path: Path) -> TextIO:
    """Open a list that is too long to read as a whole; the caller closes it.

    Raises:
        FashionError: the file is missing, a link that leads nowhere, or unreadable.
    """
    try:
        return path.open(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise FashionError(
            f"the list {path} cannot be read ({error.strerror}): put it back, or make it readable."
        ) from error


def read_list(path: str | os.PathLike) -> ListFile:
    """Read a text file as lines.

    Args:
        path: the file: UTF-8, or the encoding of its byte order mark; bytes that are no UTF-8 are read as Latin-1.

    Raises:
        FashionError: the file is missing or unreadable.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        try:
            text = read_text(path)
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    except FileNotFoundError:
        raise FashionError(f"the list {path} does not exist: put it back, or correct the folder.") from None
    except OSError as error:
        raise FashionError(f"the list {path} cannot be read ({error.strerror}): make it readable.") from error
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    mark = any(content.startswith(start) for start, _ in MARKS)
    return ListFile(path, tuple(lines), "\r\n" in text, mark, text.endswith("\n"))


def check_no_pointer(file: ListFile) -> None:
    """Check that a file is no Git LFS pointer.

    Raises:
        FashionError: it is one; the sentence says how to get the file.
    """
    if file.pointer:
        raise FashionError(
            f"{file.path} is a Git LFS pointer, not the list itself: install git-lfs and run `git lfs pull` in the "
            "clone, or download the file."
        )


def name_rows(file: ListFile) -> tuple[tuple[str, ...], list[Fault]]:
    """Return the lines as names, and the faults: an empty line, which would move every number behind it."""
    faults = [
        Fault(i, "is empty, so that later rows have other numbers")
        for i, n in enumerate(file.lines, 1)
        if not n
    ]
    return file.lines, faults if file.lines else [Fault(0, "is empty")]


def number_rows(file: ListFile, fits: Callable[[Sequence[int]], str]) -> tuple[list[list[int]], list[Fault]]:
    """Return the lines as whole numbers, and the faults of lines that are left out.

    Args:
        file: the lines.
        fits: a row -> what is wrong with it, in words; "" for a row as it should be.
    """
    rows, faults = [], [] if file.lines else [Fault(0, "is empty")]
    for number, line in enumerate(file.lines, start=1):
        try:
            row = [int(cell) for cell in line.split()]
        except ValueError:
            faults.append(Fault(number, f"is {shortened(line)}, which is not a row of whole numbers"))
            continue
        if wrong := fits(row):
            faults.append(Fault(number, f"is {shortened(line)}: {wrong}"))
        else:
            rows.append(row)
    return rows, faults


def first_fault(file: ListFile, faults: Sequence[Fault]) -> None:
    """Raise a FashionError for the first fault of a list; do nothing where there is none."""
    check_no_pointer(file)
    if faults:
        more = f" ({len(faults) - 1} more lines like it)" if len(faults) > 1 else ""
        place = f"line {faults[0].line} of {file.path}" if faults[0].line else str(file.path)
        raise FashionError(f"{place} {faults[0].text}{more}: get the list again, or correct it.")


def comma_cells(file: ListFile) -> tuple[list[tuple[int, list[str]]], list[Fault]]:
    """Return the cells of a CSV's lines with their line numbers, without empty lines, and the line that csv refuses."""
    rows, reader = [], csv.reader(file.lines)
    try:
        rows = [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        return [], [Fault(reader.line_num, f"cannot be read as a row of a CSV file ({error})")]
    return rows, []


def read_names(path: str | os.PathLike) -> tuple[str, ...]:
    """Read one name per line. Raises FashionError for a missing file, a pointer and an empty line."""
    file = read_list(path)
    names, faults = name_rows(file)
    first_fault(file, faults)
    return names


def read_numbers(path: str | os.PathLike, columns: int) -> np.ndarray:
    """Read rows of whole numbers as int64 (rows, columns).

    Args:
        path: the file.
        columns: numbers per row.

    Raises:
        FashionError: for a missing file, a pointer, and a row of another length.
    """
    file = read_list(path)
    check_no_pointer(file)

    def fits(row: Sequence[int]) -> str:
        if len(row) != columns:
            return f"{len(row)} numbers instead of {columns}"
        return "" if max(map(abs, row)) < LARGEST else "a number with more than nine digits"

    rows, faults = number_rows(file, fits)
    first_fault(file, faults)
    return np.array(rows, dtype=np.int64).reshape(-1, columns)
