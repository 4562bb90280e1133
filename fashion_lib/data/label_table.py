"""The label table: the form of every data set's labels, and how to bring your own.

A table has one row for each known (image, attribute) pair and exactly these columns, all text:

    image      a name; for your own pictures the path relative to the image folder, e.g. "coats/0012.jpg"
               (`load_folder` takes "./coats/0012.jpg", a link or an absolute path for the same image)
    split      train | valid | test; all rows of an image are in one split
    role       "train" in train; "query" or "candidate" in valid and test, separately for each attribute
    attribute  a name of the schema
    value      one of that attribute's values

To bring your own pictures, a simpler table is enough: one row per picture (`own_table`). Splits and roles are then
drawn. Who writes this form decides everything; `splits.assign_roles` fills in the role column. An attribute that does
not apply to an image simply has no row.

`check_label_table` checks the tables of your own pictures, of the wardrobe and of the set clothing. The readers of the
papers' data sets do not call it: they check the lists, and keep the rows as released.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError, cut, shortened
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import suggestion
from fashion_lib.data.text_file import read_text

COLUMNS = ("image", "split", "role", "attribute", "value")
SPLITS = ("train", "valid", "test")
ROLES = {"train": ("train",), "valid": ("query", "candidate"), "test": ("query", "candidate")}


def check_label_table(
    table: pd.DataFrame,
    schema: Schema,
    image_names: Iterable[str] | None = None,
    *,
    source: str = "the label table",
    lines: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Return `table`, columns in order and index fresh, or raise `FashionError` for its first bad row.

    Rows are counted from 1 without the header; `lines` (the file's line of each row) is named instead if
    given. After the rows, the table as a whole is checked: no split empty, two or more values of each
    attribute in train, a query and a candidate for each attribute in valid and in test.
    """
    if set(table.columns) != set(COLUMNS) or len(table.columns) != len(COLUMNS):
        raise FashionError(
            f"{source} has the columns {cut(', '.join(map(str, table.columns)))}: "
            f"it needs exactly {', '.join(COLUMNS)}."
        )
    table = table.loc[:, list(COLUMNS)].reset_index(drop=True)
    _check_rows(table, schema, image_names, source, lines)
    table = table.astype("str")
    _check_whole(table, schema, source)
    return table


def _check_rows(table, schema, image_names, source, lines) -> None:
    text = pd.DataFrame(
        {c: [isinstance(v, str) and v != "" for v in table[c]] for c in COLUMNS}, index=table.index
    )
    image, split, role, attribute, value = (
        table[column].where(text[column], "").astype("str") for column in COLUMNS
    )
    roles = {(s, r) for s, allowed in ROLES.items() for r in allowed}
    values = {(a.name, v) for a in schema for v in a.values}

    def bad_value(row):
        return f"{shortened(value[row])} is not a value of {shortened(attribute[row])}: " + suggestion(
            str(value[row]), schema.attribute(attribute[row]).values
        )

    def other_split(row):
        return (
            f"this image is also in {shortened(first_split[row])} (leakage): give all rows of an image the same split."
        )

    first_split = split.groupby(image).transform("first")
    # (which rows are bad, why): the earliest bad row is reported; of two reasons for it, the first listed.
    checks = [
        (~text.all(axis=1), lambda row: "every cell must be non-empty text: fill it in or remove the row."),
        (~split.isin(SPLITS), lambda row: f"unknown split {shortened(split[row])}: {suggestion(split[row], SPLITS)}"),
        (
            ~role.isin({r for _, r in roles}),
            lambda row: (
                f"unknown role {shortened(role[row])}: {suggestion(role[row], ('train', 'query', 'candidate'))}"
            ),
        ),
        (
            [pair not in roles for pair in zip(split, role, strict=True)],
            lambda row: (
                f"role '{role[row]}' does not go with split '{split[row]}': "
                f"write {' or '.join(ROLES[split[row]])}."
            ),
        ),
        (
            ~attribute.isin(schema.names),
            lambda row: f"unknown attribute {shortened(attribute[row])}: {suggestion(attribute[row], schema.names)}",
        ),
        ([pair not in values for pair in zip(attribute, value, strict=True)], bad_value),
        (
            pd.DataFrame({"i": image, "a": attribute}).duplicated(),
            lambda row: f"this image already has a row for {shortened(attribute[row])}: keep one of them.",
        ),
        (split != first_split, other_split),
    ]
    if image_names is not None:
        checks.append(
            (
                ~image.isin(set(image_names)),
                lambda row: "there is no such image in the data set: correct the name or remove the row.",
            )
        )
    found = [(int(np.argmax(bad)), why) for bad, why in checks if np.any(bad)]
    if found:
        row, why = min(found, key=lambda pair: pair[0])
        place = f"row {row + 1}" if lines is None else f"line {lines[row]}"
        content = ",".join(str(cell) for cell in table.loc[row])
        raise FashionError(f"{place} of {source} ({cut(content)}): {why(row)}")


def _check_whole(table: pd.DataFrame, schema: Schema, source: str) -> None:
    for split in SPLITS:
        if not (table["split"] == split).any():
            raise FashionError(f"the split '{split}' of {source} is empty: give it at least one image.")
    for attribute in schema.names:
        rows = table[table["attribute"] == attribute]
        seen = sorted(set(rows.loc[rows["split"] == "train", "value"]))
        if len(seen) < 2:
            found = f"only the value '{seen[0]}'" if seen else "no value"
            raise FashionError(
                f"attribute '{attribute}' of {source} has {found} in train: add images with other values "
                "or remove the attribute from the schema and the table."
            )
        for split in ("valid", "test"):
            for role in ROLES[split]:
                if not ((rows["split"] == split) & (rows["role"] == role)).any():
                    raise FashionError(
                        f"attribute '{attribute}' of {source} has no {role} in '{split}': add images "
                        f"to that split or assign the roles again."
                    )


def read_rows(
    path: str | os.PathLike, columns: Sequence[str], delimiters: str = ","
) -> tuple[pd.DataFrame, list[int]]:
    """Read a CSV with exactly `columns`; return it as text with the file's line of each row.

    The file is UTF-8, or begins with the byte order mark of another Unicode encoding.
    A row with another number of cells is a `FashionError` that names its line; pandas would fill it.
    """

    def check(header: list[str]) -> None:
        if sorted(header) != sorted(columns):
            raise FashionError(
                f"line 1 of {path} is {shortened(','.join(header), 160)}: it must name the columns "
                f"{','.join(columns)}."
            )

    return read_cells(path, check, delimiters)


def read_cells(
    path: str | os.PathLike, check_header: Callable[[list[str]], None], delimiters: str = ","
) -> tuple[pd.DataFrame, list[int]]:
    """Read a CSV as text with the file's line of each row; its first line names the columns.

    Args:
        path: the file, see `read_rows`.
        check_header: raises FashionError for a header that is not wanted.
        delimiters: characters that may separate cells; the one that the header holds most often does.

    Raises:
        FashionError: for a file that is not there or is no such CSV, and for a row of another number of cells.
    """
    path, rows, lines = Path(path), [], []
    try:
        text = read_text(path)
        first = text.partition("\n")[0]
        delimiter = max(delimiters, key=first.count)
        with io.StringIO(text, newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = next(reader, [])
            check_header(header)
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise FashionError(
                        f"line {reader.line_num} of {path} has {len(cells)} columns instead of "
                        f"{len(header)} ({shortened(delimiter.join(cells), 160)}): correct or remove it."
                    )
                rows.append(cells)
                lines.append(reader.line_num)
    except FileNotFoundError:
        raise FashionError(f"the file {path} does not exist: check its name and folder.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FashionError(
            f"{path} cannot be read as a UTF-8 CSV file ({error}): save it again as one, in Excel as \"CSV UTF-8\"."
        ) from error
    return pd.DataFrame(rows, columns=header, dtype="str"), lines


@dataclass(frozen=True, eq=False)
class Labels:
    """Encoded rows: three int64 arrays of one length. `image` indexes the data set's pixels, `attribute` and
    `value` are schema ids.
    """

    image: np.ndarray
    attribute: np.ndarray
    value: np.ndarray

    def of(self, attribute: int) -> Labels:
        """Return the rows of one attribute id."""
        keep = self.attribute == attribute
        return Labels(self.image[keep], self.attribute[keep], self.value[keep])

    def __len__(self) -> int:
        return len(self.image)


def encode(
    table: pd.DataFrame, schema: Schema, image_names: Sequence[str], split: str, role: str | None = None
) -> Labels:
    """Return the rows of one split as numbers, in table order.

    Args:
        table: a checked label table.
        schema: gives the ids of attributes and values.
        image_names: the data set's pictures; an image's number is its place here.
        split: "train", "valid" or "test".
        role: "query" or "candidate", or "train" in the split of that name; None takes all.

    Raises:
        FashionError: for an unknown split or role, and for an image, attribute or value that is not in the data set.
    """
    if split not in SPLITS:
        raise FashionError(f"there is no split {shortened(split)}: {suggestion(split, SPLITS)}")
    if role is not None and role not in ROLES[split]:
        raise FashionError(f"the split '{split}' has no role {shortened(role)}: use {' or '.join(ROLES[split])}.")
    keep = table["split"] == split
    rows = table[keep if role is None else keep & (table["role"] == role)]
    pairs = {(a.name, v): (i, j) for i, a in enumerate(schema) for j, v in enumerate(a.values)}
    image = pd.Index(image_names).get_indexer(rows["image"]).astype(np.int64)
    if (image < 0).any():
        raise FashionError(
            f"the image {shortened(rows['image'].iloc[int(np.argmax(image < 0))])} of the label table is not "
            "in the data set: check the table with check_label_table."
        )
    ids = [pairs.get(pair) for pair in zip(rows["attribute"], rows["value"], strict=True)]
    if None in ids:
        bad = rows.iloc[ids.index(None)]
        schema.value_index(bad["attribute"], bad["value"])  # raises with the right words
    numbers = np.array(ids, dtype=np.int64).reshape(-1, 2)
    return Labels(image, np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1]))
