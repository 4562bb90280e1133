"""From a folder of photographs to a label table that its owner fills in."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.data.decoding import is_heic, reads_heic
from fashion_lib.data.label_table import read_cells
from fashion_lib.data.named_files import NamedFiles
from fashion_lib.data.own_table import DELIMITERS, FILE, GROUP, check_header


def write_template(table: Path, pictures: Sequence[str], attributes: Sequence[str]) -> None:
    """Write a label table with one row per picture and empty cells. A file that is there is never replaced.

    Args:
        table: the file to write.
        pictures: paths relative to its folder.
        attributes: names of the columns to fill in.

    Raises:
        FashionError: for a name that cannot be a column's, and for a file that is there or cannot be written.
    """
    columns = ["file", GROUP, *attributes]
    check_header(columns, table)
    try:
        # With a byte order mark, spreadsheets read umlauts; "x" refuses a file that is there.
        with open(table, "x", encoding="utf-8-sig", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(columns)
            rows.writerows([picture, *[""] * (len(columns) - 1)] for picture in pictures)
    except FileExistsError:
        raise FashionError(
            f"{table} is there already and is not replaced: fill it in, or move it away."
        ) from None
    except OSError as error:
        with suppress(OSError):
            table.unlink()
        raise FashionError(
            f"{table} cannot be written ({error.strerror}): free some space, or make its folder writable."
        ) from error


def without_a_row(table: Path, pictures: Sequence[str]) -> list[str]:
    """Return the pictures that a label table, in whatever form, does not name."""
    rows, _ = read_cells(table, lambda header: None, DELIMITERS)
    files = NamedFiles(table.parent)
    names = rows.loc[:, [column.strip().lower() in FILE for column in rows.columns]].to_numpy().ravel()
    named = {found.file for name in names if (found := files.find(name))}
    return [picture for picture in pictures if picture not in named]


def name_of(folder: Path) -> str:
    """Return a name for the data set in a folder: "Meine Kleider (März)" -> "meine-kleider-marz"; "" if none."""
    plain = (
        unicodedata.normalize("NFKD", folder.name.replace("ß", "ss"))
        .encode("ascii", "ignore")
        .decode()
        .lower()
    )
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:40].rstrip("-_")


def unreadable_heic(folder: Path, pictures: Sequence[str]) -> list[str]:
    """Return the HEIC photographs if this installation cannot read them, else nothing."""
    return [] if reads_heic() else [name for name in pictures if is_heic(_head(folder / name))]


def _head(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(12)
    except OSError:
        return b""
