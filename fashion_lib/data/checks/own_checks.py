"""Your own folder: labels.csv in any of its forms, and schema.json if there is one.

    file,sleeve_length,neck              wide: one row per picture, a column per attribute; empty cells are unknown
    file,attribute,value                 long: one row per label
    image,split,role,attribute,value     whole: every split and role is given

The first two may have the columns group and split, too. Cells are separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing
from fashion_lib.data.label_table import COLUMNS, ROLES, SPLITS, check_label_table, read_rows

CORRECT = "correct the cell or remove the row"
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
    """Return the picture of each line, None for the header and for lines that cannot be read."""
    table = table_of(listing)
    names = {line: row[table.file] for line, row in table.rows if table.file}
    return [names.get(line) or None for line in listing.lines]


def picture_splits(listing: Listing) -> list[str]:
    """Return the split of each line's picture, "" where the table does not say."""
    splits = {line: row.get("split", "").strip() for line, row in table_of(listing).rows}
    return [split if (split := splits.get(line, "")) in SPLITS else "" for line in listing.lines]


def check_schema(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check that schema.json is a schema, and that there is a table that it belongs to."""
    if str(PurePosixPath(listing.folder) / "labels.csv") not in around.files:
        advice = "write the table; without labels, pictures can be searched only"
        yield Finding("error", listing.file, None, "there is no labels.csv beside it", advice)
    try:
        Schema.from_json(listing.rows[0])
    except FashionError as error:
        yield Finding(
            "error", listing.file, None, _phrase(error), "correct the file; `Schema.to_json` shows the form"
        )


def _schema(listing: Listing, around: Around) -> Schema | None:
    found = around.beside(listing, "schema.json")
    try:
        return Schema.from_json(found.rows[0]) if found else None
    except FashionError:
        return None  # it has a finding of its own


def check_own_table(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check the header and each row of labels.csv in any form, and what the table as a whole must have."""
    table, schema = table_of(listing), _schema(listing, around)
    if not table.form:
        what = f"its columns are {','.join(table.header)[:120]}"
        advice = (
            f"use file,<attribute>,<attribute>,... or file,attribute,value or exactly {','.join(COLUMNS)}"
        )
        yield Finding("error", listing.file, 1, what, advice)
        return
    if not table.rows:
        yield Finding(
            "error", listing.file, None, "it has no row below the header", "write one row per picture"
        )
    yield from of_lines(
        "error", listing.file, table.faults, "put quotation marks around a cell with a separator in it"
    )
    faults = _cell_faults(table, schema)
    for kind, places in faults.items():
        yield from of_lines(
            "error", listing.file, places, CORRECT if kind != "nameless" else "fill in the file's name"
        )
    blanks = [
        (n, f"'{c}' has blanks around it") for n, row in table.rows for c in row.values() if c != c.strip()
    ]
    whole = table.form == "whole"
    advice = "remove the blanks: they make another name" if whole else "nothing: they are not read"
    yield from of_lines("error" if whole else "note", listing.file, blanks, advice)
    labels = [label for line, row in table.rows for label in _labels(table, line, row)]
    labels = [label for label in labels if label[2] and (schema is None or label[2] in schema.names)]
    yield from _check_labels(listing.file, labels, whole)
    if whole and str(PurePosixPath(listing.folder) / "schema.json") not in around.files:
        advice = "write one if a value has no row yet, or if the order of values matters"
        yield Finding(
            "note", listing.file, None, "there is no schema.json: values are those of the table", advice
        )
    if whole and not faults:
        yield from _check_roles(listing.file, table.rows)
    unlabelled = [
        (line, f"'{row[table.file]}' has no label")
        for line, row in table.rows
        if not _labels(table, line, row)
    ]
    yield from of_lines("note", listing.file, unlabelled, "nothing: it can be searched, not trained on")


def _labels(table: Table, line: int, row: dict[str, str]) -> list[tuple[int, str, str, str]]:
    """The (line, picture, attribute, value) of one row; empty values are unknown."""
    pairs = {row["attribute"].strip(): row["value"]} if table.form != "wide" else row
    attributes = [name for name in pairs if table.form != "wide" or name not in WORDS]
    return [(line, row[table.file], name, pairs[name].strip()) for name in attributes if pairs[name].strip()]


def _cell_faults(table: Table, schema: Schema | None) -> dict[str, list[tuple[int, str]]]:
    """Kind of fault -> (line, what is wrong there)."""
    faults, splits, groups, first = defaultdict(list), {}, {}, {}
    for line, row in table.rows:
        image, split = row[table.file], row.get("split", "").strip()
        if not image.strip():
            faults["nameless"].append((line, f"the cell '{table.file}' is empty"))
            continue
        if table.form == "whole" and not all(cell.strip() for cell in row.values()):
            faults["empty"].append((line, "a cell is empty"))
            continue
        if "split" in table.header and split not in SPLITS:
            faults["split"].append((line, f"there is no split '{split}': {', '.join(SPLITS)}"))
        elif table.form == "whole" and row["role"] not in ROLES[split]:
            roles = " or ".join(ROLES[split])
            faults["role"].append((line, f"the role '{row['role']}' does not go with '{split}': {roles}"))
        if splits.setdefault(image, split) != split:
            faults["leak"].append(
                (line, f"'{image}' is also in '{splits[image]}': an image may be in one split only")
            )
        group = row.get("group", "").strip()
        if groups.setdefault(image, group) != group:
            faults["group"].append((line, f"'{image}' is also in the group '{groups[image]}'"))
        if table.form == "wide" and image in first:
            faults["twice"].append((line, f"'{image}' has a row already, line {first[image]}"))
        for _, _, attribute, value in _labels(table, line, row):
            if not attribute:
                faults["empty"].append((line, "the cell 'attribute' is empty"))
                continue
            if table.form != "wide" and (image, attribute) in first:
                where = first[image, attribute]
                faults["twice"].append((line, f"'{image}' has a row for '{attribute}' already, line {where}"))
            first.setdefault((image, attribute), line)
            if schema and attribute not in schema.names:
                known = ", ".join(schema.names)
                faults["attribute"].append(
                    (line, f"there is no attribute '{attribute}' in the schema: {known}")
                )
            elif schema and value not in schema.attribute(attribute).values:
                faults["value"].append((line, f"'{value}' is not a value of '{attribute}' in the schema"))
        first.setdefault(image, line)
    return faults


def _check_labels(file: str, labels: list[tuple[int, str, str, str]], whole: bool) -> Iterator[Finding]:
    """Report attributes of one value, values in two spellings, and values of few pictures."""
    counts, first = defaultdict(Counter), {}
    for line, _, attribute, value in labels:
        counts[attribute][value] += 1
        first.setdefault((attribute, value), line)
    for attribute, values in counts.items():
        spellings = defaultdict(list)
        for value in values:
            spellings[" ".join(value.casefold().split())].append(value)
        for alike in (alike for alike in spellings.values() if len(alike) > 1):
            line = first[attribute, alike[1]]
            what = f"'{attribute}' has both '{alike[0]}' and '{alike[1]}'"
            yield Finding("error", file, line, what, "write the value in one way")
        few = sorted(value for value, count in values.items() if count < 4)
        if len(values) < 2:
            what = f"the attribute '{attribute}' has one value, '{next(iter(values))}': nothing to tell apart"
            yield Finding("error", file, None, what, "label more pictures, or remove the attribute")
        elif few and not whole:
            what = f"{len(few)} values of '{attribute}' have fewer than four pictures ({listed(few)})"
            advice = "two in train, a query and a candidate are the least: label more pictures, or merge the values"
            yield Finding("warning", file, None, what, advice)


def _check_roles(file: str, rows: list[tuple[int, dict]]) -> Iterator[Finding]:
    """Report values with fewer than two training images, and queries without a relevant candidate."""
    training = Counter((row["attribute"], row["value"]) for _, row in rows if row["split"] == "train")
    few = sorted(
        {(row["attribute"], row["value"]) for _, row in rows if training[row["attribute"], row["value"]] < 2}
    )
    if few:
        what = f"{len(few)} values have fewer than two training images ({listed([' '.join(pair) for pair in few])})"
        advice = "triplets cannot be drawn for them; add pictures to train, or merge the values"
        yield Finding("warning", file, None, what, advice)
    for split in SPLITS[1:]:
        candidates = [row for _, row in rows if (row["split"], row["role"]) == (split, "candidate")]
        there = {(row["attribute"], row["value"]) for row in candidates}
        faults = [
            (line, f"no candidate of {split} has {row['attribute']} {row['value']}")
            for line, row in rows
            if (row["split"], row["role"]) == (split, "query")
            and (row["attribute"], row["value"]) not in there
        ]
        advice = "such a query scores 0 whatever the model does: add a candidate"
        yield from of_lines("warning", file, faults, advice)


def check_loadable(listing: Listing, around: Around) -> Iterator[Finding]:
    """Give the loader's own verdict on a whole table, once its rows have passed."""
    table, schema = table_of(listing), _schema(listing, around)
    passed = all(finding.severity != "error" for finding in check_own_table(listing, around))
    if table.form != "whole" or table.delimiter != "," or schema is None or not passed:
        return
    try:
        rows, lines = read_rows(listing.path, COLUMNS)
        check_label_table(rows, schema, source="the table", lines=lines)
    except FashionError as error:
        yield Finding("error", listing.file, None, _phrase(error), CORRECT)


def _phrase(error: FashionError) -> str:
    return str(error).removesuffix(".")
