"""Your own photographs: a folder, a label table and, if wanted, a schema become a data set for every notebook."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.copies import digest_of_each, note_on_copies, together
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import COLUMNS, SPLITS, check_label_table, read_cells, read_rows
from fashion_lib.data.named_files import find_files
from fashion_lib.data.own_splits import draw, fractions
from fashion_lib.data.own_table import (
    DELIMITERS,
    check_values,
    labelled,
    one_row_per_picture,
    read_own_table,
    schema_of,
    schema_of_rows,
)
from fashion_lib.data.picture_source import pictures
from fashion_lib.data.splits import one_label_per_image
from fashion_lib.data.text_file import read_text


def load_folder(
    name: str,
    table_csv: str | os.PathLike,
    image_folder: str | os.PathLike,
    schema_json: str | os.PathLike | None,
    size: int,
) -> RetrievalData:
    """Load a data set from a CSV and the pictures that it names, and print what was derived or left out.

    Pictures are decoded once and cached, as the clothing photographs are. Spellings of one file (`./a.jpg`, `a.jpg`, an
    absolute path, a link) are one image. A name that is not there is looked for in another normal form, case or
    separator; a printed sentence says which file was taken.

    Args:
        name: of the data set.
        table_csv: the label table, in a form of `own_table`, or with every split and role as in `label_table`.
        image_folder: the folder that the table's paths begin in.
        schema_json: the schema, in the form of `Schema.to_json`; None reads attributes and values from the table.
        size: side of the square pictures, in pixels.

    Raises:
        FashionError: for a missing or unreadable picture, a name that leads out of the folder, and a mistake in the
            table or the schema; it names what is wrong.
    """
    data = _loaded(name, table_csv, image_folder, schema_json, size)
    for note in data.notes:
        print(f"{name}: {note}")
    return data


def _loaded(name, table_csv, image_folder, schema_json, size) -> RetrievalData:
    folder = Path(image_folder)
    read = _as_written if _says_everything(table_csv) else _drawn
    found = read(table_csv, folder, schema_json)
    images = sorted(set(found.table["image"]))
    pixels, unreadable, digest = pictures(name, folder, images, size)
    if unreadable:
        named = listed([f"{image}: {reason}" for image, reason in unreadable.items()])
        raise FashionError(
            f"{len(unreadable)} of the {len(images)} images in {folder} cannot be read ({named}): "
            "replace the files or remove their rows."
        )
    return RetrievalData(
        name=name,
        edition=digest,
        schema=found.schema,
        image_names=tuple(images),
        pixels=pixels,
        labels=found.table,
        training_labels=found.training,
        notes=tuple(note for note in found.notes if note),
        card={"source": f"your own pictures in {folder}", "splitting rule": found.rule},
        at_size=lambda other: _loaded(name, table_csv, image_folder, schema_json, other),
        senders=tuple(found.groups[image] for image in images) if found.groups else (),
    )


@dataclass(frozen=True)
class _Labels:
    """What a label table gives: checked rows, training rows, groups of images if it has them, what to say."""

    table: pd.DataFrame
    training: pd.DataFrame
    schema: Schema
    rule: str
    notes: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)


def _says_everything(table_csv: str | os.PathLike) -> bool:
    """Return whether a table has exactly the columns of `label_table`: nothing is then drawn or left out."""
    if not Path(table_csv).exists():
        raise FashionError(
            f"there is no label table {table_csv}: let `python -m fashion_lib new-data` write one, or check its name."
        )
    header: list[str] = []
    read_cells(table_csv, header.extend, DELIMITERS)
    return sorted(header) == sorted(COLUMNS)


def _as_written(table_csv, folder: Path, schema_json) -> _Labels:
    """A table with every split and role."""
    rows, lines = read_rows(table_csv, COLUMNS, DELIMITERS)
    found, spelling = find_files(rows["image"], folder, source=str(table_csv), lines=lines)
    # Before the check: two spellings of one picture in two splits are a leak, too.
    rows["image"] = [found.get(image, image) for image in rows["image"]]
    schema = read_schema(schema_json) if schema_json is not None else schema_of_rows(rows)
    schema, empty = labelled(schema, set(rows["attribute"]))
    table = check_label_table(rows, schema, source=str(table_csv), lines=lines)
    _check_present(table["image"], found, table_csv, folder)
    notes = (spelling, _left_out(empty), _copies(table, digest_of_each(folder, sorted(set(table["image"])))))
    return _Labels(table, one_label_per_image(table, seed=0), schema, f"given in {table_csv}", notes)


def _drawn(table_csv, folder: Path, schema_json) -> _Labels:
    """A table that leaves roles, and maybe splits, to us."""
    written = read_own_table(table_csv)
    names = written.pictures
    found, spelling = find_files(names["file"], folder, source=str(table_csv), lines=names["line"])
    written = one_row_per_picture(written, found)
    _check_present(written.pictures["file"], found, table_csv, folder)
    if schema_json is None:
        schema = schema_of(written)
    else:
        schema = read_schema(schema_json)
        check_values(written, schema, schema_json)
    known = written.labels[written.labels["attribute"].isin(schema.names)]
    of_picture = written.pictures.set_index("file").loc[sorted(set(known["image"]))]
    digests = digest_of_each(folder, list(of_picture.index))
    groups = together(dict(of_picture["group"]), digests)
    split = dict(of_picture["split"]) if written.divided else None
    table, training, faults = draw(known[["image", "attribute", "value"]], groups, split)
    for name in (*written.attributes, *schema.names):
        if name not in faults and name not in set(table["attribute"]):
            faults[name] = "one value" if name in set(written.labels["attribute"]) else "no value"
    if table.empty:
        reasons = "; ".join(f"{attribute}: {why}" for attribute, why in faults.items())
        raise FashionError(
            f"no attribute of {table_csv} can be trained and measured yet ({reasons}): label more pictures, at least "
            "six of one value and one of another, in at least three groups."
        )
    schema, _ = labelled(schema, set(table["attribute"]))
    table = check_label_table(table, schema, source=str(table_csv))
    unlabelled = len(written.pictures) - table["image"].nunique()
    notes = (_counts(table, schema, unlabelled), _left_out(faults), spelling, _copies(table, digests))
    groups = groups if written.grouped else {}
    if written.divided:
        return _Labels(table, training, schema, f"given in {table_csv}", notes, groups)
    shares = ":".join(f"{10 * share:g}" for share in fractions(len(of_picture)))
    by = "by the column group" if written.grouped else "each picture by itself"
    rule = f"{shares} of images, {by}; copies of a picture stay together"
    return _Labels(table, training, schema, rule, notes, groups)


def _counts(table: pd.DataFrame, schema: Schema, unlabelled: int) -> str:
    counts = table.drop_duplicates("image")["split"].value_counts()
    shares = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    left = f"; left out, because they have no label: {unlabelled}" if unlabelled else ""
    return f"labelled pictures: {table['image'].nunique()} ({shares}); attributes: {', '.join(schema.names)}{left}."


def _copies(table: pd.DataFrame, digests: Mapping[str, str]) -> str:
    return note_on_copies(dict(zip(table["image"], table["split"], strict=True)), digests)


def read_schema(path: str | os.PathLike) -> Schema:
    """Read the schema in a JSON file."""
    try:
        return Schema.from_json(json.loads(read_text(path)))
    except FileNotFoundError:
        raise FashionError(f"the schema file {path} does not exist: check its name and folder.") from None
    except FashionError:
        raise
    # ValueError: no text, no JSON, or a number of thousands of digits.
    except (OSError, ValueError, RecursionError) as error:
        raise FashionError(f"the schema file {path} is not readable JSON ({error}): correct it.") from error


def _left_out(faults: Mapping[str, str]) -> str:
    if not faults:
        return ""
    named = listed([f"{attribute}: {why}" for attribute, why in faults.items()])
    return f"attributes that cannot be trained or measured with these labels, and are left out: {named}."


def _check_present(images: Sequence[str], found: Mapping[str, str], table_csv, folder: Path) -> None:
    images = sorted(set(images))
    if missing := [image for image in images if image not in set(found.values())]:
        raise FashionError(
            f"{len(missing)} of the {len(images)} images in {table_csv} are not in {folder} "
            f"({listed(missing)}): add the files or remove their rows."
        )
