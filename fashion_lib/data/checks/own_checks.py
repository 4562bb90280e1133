"""The checks of your own folder: each row of labels.csv, the table as a whole, and schema.json."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing
from fashion_lib.data.checks.own_cells import Table, labels_of, table_of
from fashion_lib.data.label_table import COLUMNS, ROLES, SPLITS, check_label_table, read_rows
from fashion_lib.data.own_table import (
    DELIMITERS,
    check_values,
    labelled,
    read_own_table,
    schema_of,
    schema_of_rows,
)

CORRECT = "correct the cell or remove the row"


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
    labels = [label for line, row in table.rows for label in labels_of(table, line, row)]
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
        if not labels_of(table, line, row)
    ]
    yield from of_lines("note", listing.file, unlabelled, "nothing: it can be searched, not trained on")
    if not whole:
        yield from of_lines(
            "warning", listing.file, _repeated(table), "nothing, if it was meant: it is read once"
        )


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
        for _, _, attribute, value in labels_of(table, line, row):
            if not attribute:
                faults["empty"].append((line, "the cell 'attribute' is empty"))
                continue
            where, other = first.setdefault((image, attribute), (line, value))
            if where != line and table.form == "whole":
                faults["twice"].append((line, f"'{image}' has a row for '{attribute}' already, line {where}"))
            elif other != value:
                what = f"'{image}' has '{value}' as its '{attribute}', and '{other}' in line {where}"
                faults["twice"].append((line, what))
            if schema and attribute not in schema.names:
                known = ", ".join(schema.names)
                faults["attribute"].append(
                    (line, f"there is no attribute '{attribute}' in the schema: {known}")
                )
            elif schema and value not in schema.attribute(attribute).values:
                faults["value"].append((line, f"'{value}' is not a value of '{attribute}' in the schema"))
    return faults


def _repeated(table: Table) -> Iterator[tuple[int, str]]:
    """Yield the lines that say nothing new of their picture: (line, what)."""
    first: dict[tuple[str, ...], int] = {}
    for line, row in table.rows:
        image, labels = row[table.file], labels_of(table, line, row)
        known = [first.get((image, attribute, value)) for _, _, attribute, value in labels] or [
            first.get((image,))
        ]
        if all(known):
            yield line, f"'{image}' has a row already, line {known[0]}, which says the same"
        for key in [(image,), *((image, attribute, value) for _, _, attribute, value in labels)]:
            first.setdefault(key, line)


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
            severity, then = ("error", "remove the attribute") if whole else ("warning", "it is left out")
            yield Finding(severity, file, None, what, f"label more pictures, or {then}")
        elif few and not whole:
            what = f"values of '{attribute}' with fewer than four pictures: {listed(few)}"
            advice = "two in train, a query and a candidate are the least: label more pictures, or merge the values"
            yield Finding("warning", file, None, what, advice)


def _check_roles(file: str, rows: list[tuple[int, dict]]) -> Iterator[Finding]:
    """Report values with fewer than two training images, and queries without a relevant candidate."""
    training = Counter((row["attribute"], row["value"]) for _, row in rows if row["split"] == "train")
    few = sorted(
        {(row["attribute"], row["value"]) for _, row in rows if training[row["attribute"], row["value"]] < 2}
    )
    if few:
        what = f"values with fewer than two training images: {listed([' '.join(pair) for pair in few])}"
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
    """Give the loader's own verdict on the table, once its rows have passed."""
    table, schema = table_of(listing), _schema(listing, around)
    if any(finding.severity == "error" for finding in check_own_table(listing, around)):
        return
    try:
        if table.form == "whole":
            rows, lines = read_rows(listing.path, COLUMNS, DELIMITERS)
            known, _ = labelled(schema or schema_of_rows(rows), set(rows["attribute"]))
            check_label_table(rows, known, source="the table", lines=lines)
        else:
            written = read_own_table(listing.path)
            check_values(written, schema, "schema.json") if schema else schema_of(written)
    except FashionError as error:
        yield Finding("error", listing.file, None, _phrase(error), CORRECT)


def _phrase(error: FashionError) -> str:
    return str(error).removesuffix(".")
