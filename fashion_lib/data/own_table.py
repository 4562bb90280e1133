"""The label table of one's own photographs, in the two forms that people write.

    file,group,sleeve_length,neck        wide: one row per picture, a column per attribute
    file,attribute,value                 long: one row per label

An empty cell is an unknown label. Two more columns may stand in both forms. Pictures of one `group` (a person, a
garment, a series of photographs) stay in one split. `split` (train, valid, test) says which; without it, it is drawn.
`image` is another word for `file`. A long table that has `split` and `role` is the contract of `label_table` itself.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fashion_lib.core.errors import FashionError, cut, shortened
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.words import one_line, suggestion
from fashion_lib.data.label_table import SPLITS, read_cells

FILE, GROUP, SPLIT = ("file", "image"), "group", "split"
LONG = {"attribute", "value"}
LINE = " line"  # the file's line; no column of a file begins with a space
DELIMITERS = ",;\t"  # a spreadsheet of a country with decimal commas writes semicolons


@dataclass(frozen=True, eq=False)
class OwnTable:
    """What a label table says, whatever its form.

    Attributes:
        source: the file, for sentences.
        pictures: columns file, group, split, line; one row per picture. "" where the table says nothing.
        labels: columns image, attribute, value, line; one row per known label.
        attributes: names in the order of the columns, or of their first row.
        grouped, divided: whether there is a column group, and a column split.
    """

    source: str
    pictures: pd.DataFrame
    labels: pd.DataFrame
    attributes: tuple[str, ...]
    grouped: bool
    divided: bool


def read_own_table(path: str | os.PathLike) -> OwnTable:
    """Read a label table in wide or long form.

    Raises:
        FashionError: names the line of the first mistake: no column of files, a column twice, an attribute twice for a
            picture, two groups or splits for a picture, an unknown split.
    """
    table, lines = read_cells(
        path, lambda header: check_header([_plain(c) for c in header], path), DELIMITERS
    )
    table.columns = [_plain(column) for column in table.columns]
    # A file's own name may begin or end with a space.
    table = table.apply(lambda column: column if column.name in FILE else column.str.strip())
    unnamed = table[[c for c in table.columns if c == ""]]
    if (unnamed != "").any(axis=None):
        line = lines[int((unnamed != "").any(axis=1).to_numpy().argmax())]
        raise FashionError(f"line {line} of {path} has a cell below no name of a column: name it in line 1.")
    table = table.loc[:, [c != "" for c in table.columns]]
    # Spreadsheets end in rows of empty cells.
    written = table.apply(lambda column: column.str.strip() != "").any(axis=1).to_numpy()
    table, lines = (
        table[written].reset_index(drop=True),
        [n for n, kept in zip(lines, written, strict=True) if kept],
    )
    table = table.rename(columns={next(c for c in table.columns if c in FILE): "file"}).assign(
        **{LINE: lines}
    )
    if table.empty:
        raise FashionError(f"{path} has no rows: write one row per picture below line 1.")
    nameless = table["file"].str.strip() == ""
    if nameless.any():
        raise FashionError(f"line {_first(table, nameless)} of {path} names no file: fill in its name.")
    grouped, divided = GROUP in table.columns, SPLIT in table.columns
    table = table.assign(**{c: "" for c in (GROUP, SPLIT) if c not in table.columns})
    unknown = ~table[SPLIT].isin(SPLITS if divided else ("",))
    if unknown.any():
        line, split = _first(table, unknown), table[SPLIT][unknown.idxmax()]
        advice = suggestion(split, SPLITS) if split else "write one in every row, or remove the column."
        raise FashionError(f"line {line} of {path} has {shortened(split)} as its split: {advice}")
    long = set(table.columns) >= LONG
    names = tuple(c for c in table.columns if c not in ("file", GROUP, SPLIT, LINE))
    labels = table if long else table.melt(["file", LINE], names, "attribute", "value")
    labels = labels.rename(columns={"file": "image", LINE: "line"})[["image", "attribute", "value", "line"]]
    labels = labels[labels["value"] != ""].sort_values("line", kind="stable").reset_index(drop=True)
    if long:
        names = tuple(dict.fromkeys(labels["attribute"]))
    pictures = table[["file", GROUP, SPLIT, LINE]].rename(columns={LINE: "line"})
    return OwnTable(str(path), pictures, labels, names, grouped, divided)


def one_row_per_picture(table: OwnTable, found: dict[str, str]) -> OwnTable:
    """Return the table with each name replaced by its file, and each file once.

    Args:
        table: as it was read.
        found: name -> file; a name without a file stays.

    Raises:
        FashionError: one picture has two values of an attribute, two groups or two splits. Rows that agree are one.
    """
    pictures = table.pictures.assign(file=[found.get(name, name) for name in table.pictures["file"]])
    labels = table.labels.assign(image=[found.get(name, name) for name in table.labels["image"]])
    labels = labels.drop_duplicates(["image", "attribute", "value"]).reset_index(drop=True)
    twice = labels.duplicated(["image", "attribute"])
    if twice.any():
        row = labels.loc[twice.idxmax()]
        same = (labels["image"] == row["image"]) & (labels["attribute"] == row["attribute"])
        raise FashionError(
            f"line {row['line']} of {table.source} gives {shortened(row['attribute'])} of "
            f"{shortened(row['image'], 120)} another value than line {labels.loc[same.idxmax(), 'line']}: keep one of "
            "the two."
        )
    for column in (GROUP, SPLIT):
        other = pictures[column] != pictures.groupby("file")[column].transform("first")
        if other.any():
            row = pictures.loc[other.idxmax()]
            raise FashionError(
                f"line {row['line']} of {table.source} gives {shortened(row['file'], 120)} another {column} than an "
                "earlier line: give all rows of a picture the same."
            )
    pictures = pictures.drop_duplicates("file").reset_index(drop=True)
    return OwnTable(table.source, pictures, labels, table.attributes, table.grouped, table.divided)


def schema_of(table: OwnTable) -> Schema:
    """Return the attributes of a table with the values that it has, sorted; attributes of fewer than two are left out.

    Raises:
        FashionError: no attribute has two values, a name cannot be that of an attribute, or two values differ in case
            or spaces only.
    """
    attributes = []
    for name in table.attributes:
        rows = table.labels[table.labels["attribute"] == name]
        values = sorted(set(rows["value"]))
        _check_spelling(table, name, values)
        if broken := [value for value in values if not one_line(value)]:
            line = rows.loc[(rows["value"] == broken[0]).idxmax(), "line"]
            raise FashionError(
                f"line {line} of {table.source} has {shortened(broken[0])}: write it in one line."
            )
        if len(values) > 1:
            attributes.append(Attribute(name, tuple(values)))
    if not attributes:
        raise FashionError(
            f"no attribute of {table.source} has two values yet: fill in its columns, one word per cell, such as short "
            "and long."
        )
    return Schema(tuple(attributes))


def schema_of_rows(rows: pd.DataFrame) -> Schema:
    """Return the attributes of rows (columns attribute, value) in the order of their first row, their values sorted.

    Raises:
        FashionError: an attribute has one value, or a name that an attribute or a value cannot have.
    """
    values = {
        a: sorted(set(rows.loc[rows["attribute"] == a, "value"])) for a in dict.fromkeys(rows["attribute"])
    }
    return Schema.from_json([{"name": attribute, "values": found} for attribute, found in values.items()])


def labelled(schema: Schema, attributes: set[str]) -> tuple[Schema, dict[str, str]]:
    """Return the schema without the attributes that no picture is labelled with, and these: name -> why."""
    kept = tuple(attribute for attribute in schema if attribute.name in attributes)
    empty = {attribute.name: "no value" for attribute in schema if attribute.name not in attributes}
    return (Schema(kept), empty) if kept else (schema, {})


def check_values(table: OwnTable, schema: Schema, schema_file: str | os.PathLike) -> None:
    """Raise FashionError for the first attribute or value of the table that a schema does not have."""
    for attribute, value, line in table.labels[["attribute", "value", "line"]].itertuples(index=False):
        if attribute not in schema.names:
            raise FashionError(
                f"line {line} of {table.source} labels {shortened(attribute)}, which {schema_file} does not list: "
                f"{suggestion(attribute, schema.names)}"
            )
        if value not in schema.attribute(attribute).values:
            raise FashionError(
                f"line {line} of {table.source} has {shortened(value)} as its {cut(attribute)}, which {schema_file} "
                f"does not list: {suggestion(value, schema.attribute(attribute).values)}"
            )


def _plain(column: str) -> str:
    """A column's name without spaces around it; the names that mean something here in small letters."""
    name = column.strip()
    known = {*FILE, GROUP, SPLIT, "role", *LONG}
    return name.lower() if name.lower() in known else name


def check_header(header: Sequence[str], path: str | os.PathLike) -> None:
    """Raise FashionError for names of columns that are not one file, attributes, and the words of this module."""
    shown = shortened(",".join(header), 160)
    named = [c for c in header if c]
    if twice := [c for c in named if named.count(c) > 1]:
        raise FashionError(
            f"line 1 of {path} names the column {shortened(twice[0])} twice: rename one of the two."
        )
    if sum(c in FILE for c in named) != 1:
        raise FashionError(
            f"line 1 of {path} is {shown}: it must name one column 'file', the others are attributes, such as "
            "file,sleeve_length,neck."
        )
    if "role" in named:
        raise FashionError(
            f"line 1 of {path} is {shown}: a table with roles must name exactly image,split,role,attribute,value; "
            "without the column 'role', roles are drawn."
        )
    if len(LONG & set(named)) == 1:
        (word,) = LONG & set(named)
        raise FashionError(
            f"line 1 of {path} names a column {word!r}, which cannot be an attribute: rename it."
        )
    if extra := [c for c in named if set(named) >= LONG and c not in {*FILE, GROUP, SPLIT, *LONG}]:
        raise FashionError(
            f"line 1 of {path} is {shown}: a table with 'attribute' and 'value' has no column {shortened(extra[0])}: "
            "remove one or the other."
        )
    if len([c for c in named if c not in (*FILE, GROUP, SPLIT)]) == 0:
        raise FashionError(
            f"line 1 of {path} is {shown}: it names no attribute; add columns such as sleeve_length, and their values."
        )


def _check_spelling(table: OwnTable, attribute: str, values: Sequence[str]) -> None:
    """FashionError for two values that only a slip of the pen tells apart."""
    first: dict[str, str] = {}
    for value in values:
        other = first.setdefault(" ".join(value.casefold().split()), value)
        if other != value:
            rows = table.labels[(table.labels["attribute"] == attribute)]
            line, earlier = (rows.loc[(rows["value"] == v).idxmax(), "line"] for v in (value, other))
            raise FashionError(
                f"{table.source} has both {shortened(other)} (line {earlier}) and {shortened(value)} (line {line}) as "
                f"{cut(attribute)}: write the value in one way."
            )


def _first(table: pd.DataFrame, rows: pd.Series) -> int:
    return int(table.loc[rows.idxmax(), LINE])
