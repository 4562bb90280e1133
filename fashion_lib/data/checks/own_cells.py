"""Your own folder: labels.csv in any of its forms, and schema.json if there is one.

    file,sleeve_length,neck              wide: one row per picture, a column per attribute; empty cells are unknown
    file,attribute,value                 long: one row per label
    image,split,role,attribute,value     whole: every split and role is given

The first two may have the columns group and split, too. Cells are separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from fashion_lib.data.checks.listings import Listing
from fashion_lib.data.label_table import COLUMNS, SPLITS

FILE, LONG = ("file", "image"), {"attribute", "value"}
WORDS = (*FILE, *LONG, "group", "split", "role")  # columns that are no attributes
DELIMITERS = ",;\t"


@dataclass(frozen=True)
class Table:
    """A label table, cell by cell.

    Attributes:
        form: "whole", "long", "wide", or "" for a header that is none of them.
        header: names of the columns.
        rows: (line, column -> cell); rows of another length are left out, and rows of empty cells.
        faults: (line, what is wrong) of rows that are no CSV or have another length.
        delimiter: the character between cells.
    """

    form: str
    header: tuple[str, ...]
    rows: list[tuple[int, dict[str, str]]]
    faults: list[tuple[int, str]]
    delimiter: str

    @property
    def file(self) -> str:
        """The name of the column that names the picture."""
        return next((name for name in self.header if name in FILE), "")


def table_of(listing: Listing) -> Table:
    """Return the cells of a label table; its rows are still lines of text."""
    lines = list(listing.numbered())
    first = lines[0][1] if lines else ""
    delimiter = max(DELIMITERS, key=first.count)
    header, rows, faults = (), [], []
    for number, text in lines:
        try:
            cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            faults.append((number, f"the line is not CSV ({error})"))
            continue
        if not header:
            header = tuple(
                name.strip().lower() if name.strip().lower() in WORDS else name.strip() for name in cells
            )
        elif len(cells) != len(header):
            faults.append((number, f"{len(cells)} cells for {len(header)} columns"))
        elif any(cell.strip() for cell in cells):
            rows.append((number, dict(zip(header, cells, strict=True))))
    return Table(_form(header), header, rows, faults, delimiter)


def _form(header: tuple[str, ...]) -> str:
    if len(set(header)) != len(header) or sum(name in FILE for name in header) != 1:
        return ""
    if set(header) == set(COLUMNS):
        return "whole"
    if "role" in header or len(header) < 2:
        return ""
    if set(header) >= LONG:
        return "long" if set(header) <= {*FILE, *LONG, "group", "split"} else ""
    return "wide" if not LONG & set(header) and set(header) - set(WORDS) else ""


def picture_names(listing: Listing) -> list[str | None]:
    """Return the picture of each line, None for the header and for lines that cannot be read.

    An absolute path of a file beside or below the table is made relative to the table's folder.
    """
    table, home = table_of(listing), f"{listing.path.parent.as_posix()}/"
    names = {line: row[table.file].removeprefix(home) for line, row in table.rows if table.file}
    return [names.get(line) or None for line in listing.lines]


def picture_splits(listing: Listing) -> list[str]:
    """Return the split of each line's picture, "" where the table does not say."""
    splits = {line: row.get("split", "").strip() for line, row in table_of(listing).rows}
    return [split if (split := splits.get(line, "")) in SPLITS else "" for line in listing.lines]


def labels_of(table: Table, line: int, row: dict[str, str]) -> list[tuple[int, str, str, str]]:
    """The (line, picture, attribute, value) of one row; empty values are unknown."""
    pairs = {row["attribute"].strip(): row["value"]} if table.form != "wide" else row
    attributes = [name for name in pairs if table.form != "wide" or name not in WORDS]
    return [(line, row[table.file], name, pairs[name].strip()) for name in attributes if pairs[name].strip()]
