"""Your own folder: labels.csv in the long form (image,split,role,attribute,value) or the wide one, and schema.json."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing
from fashion_lib.data.label_table import COLUMNS, ROLES, SPLITS, check_label_table, read_rows

CORRECT = "correct the cell or remove the row"
PICTURE_COLUMNS = ("file", "image")  # the wide form's first column
RESERVED = ("split", "role", "group")  # further columns of the wide form that are no attributes


def cells_row(line: str) -> tuple[str, ...]:
    """Parse a line of a CSV file, quotation marks and all."""
    try:
        return tuple(next(csv.reader([line], strict=True)))
    except csv.Error as error:
        raise ValueError(f"the line is not CSV ({error})") from None


def header_of(listing: Listing) -> tuple[str, ...]:
    """Return the names of a table's columns, from its first line."""
    with listing.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return tuple(cell.strip() for cell in next(csv.reader(file), ()))


def picture_names(listing: Listing) -> list[str | None]:
    """Return the picture of each row: the column image, or the first one of the wide form."""
    column = _column(listing, *PICTURE_COLUMNS[::-1])
    return [row[column] or None if row is not None and column < len(row) else None for row in listing.rows]


def picture_splits(listing: Listing) -> list[str]:
    """Return the split of each row, "" where the table has no such column."""
    column = _column(listing, "split")
    return [
        row[column] if row is not None and column is not None and column < len(row) else ""
        for row in listing.rows
    ]


def _column(listing: Listing, *names: str) -> int | None:
    header = header_of(listing)
    found = [header.index(name) for name in names if name in header]
    return found[0] if found else 0 if "split" not in names else None


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
    """Check the header and each row of labels.csv, in either form, and what the table as a whole must have."""
    header = header_of(listing)
    wide = bool(header) and header[0] in PICTURE_COLUMNS and set(header) != set(COLUMNS)
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice or not (wide or set(header) == set(COLUMNS)) or (wide and len(header) < 2):
        what = f"its columns are {','.join(header)[:120]}"
        advice = f"use exactly {','.join(COLUMNS)}, or the wide form file,<attribute>,<attribute>,..."
        yield Finding(
            "error", listing.file, 1, what + (f"; {twice[0]} stands twice" if twice else ""), advice
        )
        return
    faults = [
        (line, f"{len(row)} cells for {len(header)} columns")
        for line, row in listing.numbered()
        if len(row) != len(header)
    ]
    yield from of_lines(
        "error", listing.file, faults, "put quotation marks around a cell with a comma, or correct the line"
    )
    rows = [
        (line, dict(zip(header, row, strict=True)))
        for line, row in listing.numbered()
        if len(row) == len(header)
    ]
    faults = [
        (line, f"'{cell}' has blanks around it")
        for line, row in rows
        for cell in row.values()
        if cell != cell.strip()
    ]
    yield from of_lines("error", listing.file, faults, "remove the blanks: they make another name")
    schema = _schema(listing, around)
    yield from (_wide(listing, rows, header, schema) if wide else _long(listing, rows, schema))


def _long(listing: Listing, rows: list[tuple[int, dict]], schema: Schema | None) -> Iterator[Finding]:
    faults = defaultdict(list)
    pairs, splits = {}, {}
    for line, row in rows:
        image, split, role, attribute, value = (row[column] for column in COLUMNS)
        if not all(row.values()):
            faults["empty"].append((line, "a cell is empty"))
            continue
        if split not in SPLITS:
            faults["split"].append((line, f"there is no split '{split}': {', '.join(SPLITS)}"))
        elif role not in ROLES[split]:
            faults["role"].append(
                (line, f"the role '{role}' does not go with '{split}': {' or '.join(ROLES[split])}")
            )
        if schema and attribute not in schema.names:
            faults["attribute"].append(
                (line, f"there is no attribute '{attribute}' in the schema: {', '.join(schema.names)}")
            )
        elif schema and value not in schema.attribute(attribute).values:
            faults["value"].append((line, f"'{value}' is not a value of '{attribute}' in the schema"))
        if (image, attribute) in pairs:
            faults["twice"].append(
                (line, f"'{image}' has a row for '{attribute}' already, line {pairs[image, attribute]}")
            )
        if splits.setdefault(image, split) != split:
            faults["leak"].append(
                (line, f"'{image}' is also in '{splits[image]}': an image may be in one split only")
            )
        pairs.setdefault((image, attribute), line)
    for places in faults.values():
        yield from of_lines("error", listing.file, places, CORRECT)
    yield from _balance(listing, rows)


def _balance(listing: Listing, rows: list[tuple[int, dict]]) -> Iterator[Finding]:
    training = Counter((row["attribute"], row["value"]) for _, row in rows if row["split"] == "train")
    used = {(row["attribute"], row["value"]) for _, row in rows}
    few = sorted(pair for pair in used if training[pair] < 2)
    if few:
        what = f"{len(few)} values have fewer than two training images ({listed([' '.join(pair) for pair in few])})"
        advice = "triplets cannot be drawn for them; add pictures to train, or merge the values"
        yield Finding("warning", listing.file, None, what, advice)
    for split in SPLITS[1:]:
        there = {
            (r["attribute"], r["value"]) for _, r in rows if r["split"] == split and r["role"] == "candidate"
        }
        faults = [
            (line, f"no candidate of {split} has {row['attribute']} {row['value']}")
            for line, row in rows
            if row["split"] == split
            and row["role"] == "query"
            and (row["attribute"], row["value"]) not in there
        ]
        yield from of_lines(
            "warning", listing.file, faults, "such a query scores 0 whatever the model does: add a candidate"
        )


def _wide(listing, rows, header, schema: Schema | None) -> Iterator[Finding]:
    attributes = [name for name in header[1:] if name not in RESERVED]
    faults, first = defaultdict(list), {}
    for line, row in rows:
        image = row[header[0]]
        if not image:
            faults["empty"].append((line, "the cell of the picture is empty"))
        elif image in first:
            faults["twice"].append((line, f"'{image}' has a row already, line {first[image]}"))
        first.setdefault(image, line)
        if "split" in header and row["split"] and row["split"] not in SPLITS:
            faults["split"].append((line, f"there is no split '{row['split']}': {', '.join(SPLITS)}"))
        for name in attributes:
            if (
                schema
                and name in schema.names
                and row[name]
                and row[name] not in schema.attribute(name).values
            ):
                faults["value"].append((line, f"'{row[name]}' is not a value of '{name}' in the schema"))
        if not any(row[name] for name in attributes):
            faults["unlabelled"].append((line, f"'{image}' has no label"))
    for kind, places in faults.items():
        severity = "note" if kind == "unlabelled" else "error"
        advice = "nothing: it can be searched, not trained on" if kind == "unlabelled" else CORRECT
        yield from of_lines(severity, listing.file, places, advice)
    for name in attributes:
        values = Counter(row[name] for _, row in rows if row[name])
        few = sorted(value for value, count in values.items() if count < 4)
        if len(values) < 2:
            what = f"the attribute '{name}' has {len(values)} values: nothing to tell apart"
            yield Finding("error", listing.file, None, what, "label more pictures, or remove the column")
        elif few:
            what = f"{len(few)} values of '{name}' have fewer than four pictures ({listed(few)})"
            advice = "two in train, a query and a candidate are the least: label more pictures, or merge the values"
            yield Finding("warning", listing.file, None, what, advice)


def check_loadable(listing: Listing, around: Around) -> Iterator[Finding]:
    """Give the loader's own verdict on a table of the long form, once its rows have passed."""
    schema = _schema(listing, around)
    if set(header_of(listing)) != set(COLUMNS) or any(
        f.severity == "error" for f in check_own_table(listing, around)
    ):
        return
    if schema is None:
        if around.beside(listing, "schema.json") is None:
            what = "there is no readable schema.json beside it"
            yield Finding("error", listing.file, None, what, "write one; `Schema.to_json` shows the form")
        return
    try:
        rows, lines = read_rows(listing.path, COLUMNS)
        check_label_table(rows, schema, source="the table", lines=lines)
    except FashionError as error:
        yield Finding("error", listing.file, None, _phrase(error), CORRECT)


def _phrase(error: FashionError) -> str:
    return str(error).removesuffix(".")
