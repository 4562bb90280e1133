"""Your own pictures: a folder, a label table and a schema become a data set for every notebook."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import COLUMNS, check_label_table, read_rows
from fashion_lib.data.named_files import find_files
from fashion_lib.data.photographs import cached_photographs
from fashion_lib.data.splits import one_label_per_image
from fashion_lib.data.text_file import read_text


def load_folder(
    name: str,
    table_csv: str | os.PathLike,
    image_folder: str | os.PathLike,
    schema_json: str | os.PathLike,
    size: int,
) -> RetrievalData:
    """Load a data set from a CSV, the pictures that it names, and a JSON schema.

    Pictures are decoded once and cached, as the clothing photographs are. Nothing is left out silently. Spellings of
    one file (`./a.jpg`, `a.jpg`, an absolute path, a link) are one image. A name that is not there is looked for in
    another normal form, case or separator; a printed sentence says which file was taken.

    Args:
        name: of the data set.
        table_csv: the label table, in the form of `label_table`.
        image_folder: the folder that the table's paths begin in.
        schema_json: the schema, in the form of `Schema.to_json`.
        size: side of the square pictures, in pixels.

    Raises:
        FashionError: for a missing or unreadable picture, a name that leads out of the folder, and a mistake in the
            table or the schema; it names what is wrong.
    """
    schema = read_schema(schema_json)
    rows, lines = read_rows(table_csv, COLUMNS)
    folder = Path(image_folder)
    found, note = find_files(rows["image"], folder, source=str(table_csv), lines=lines)
    # Before the check: two spellings of one picture in two splits are a leak, too.
    rows["image"] = [found.get(image, image) for image in rows["image"]]
    table = check_label_table(rows, schema, source=str(table_csv), lines=lines)
    images, files = sorted(set(table["image"])), set(found.values())
    if missing := [image for image in images if image not in files]:
        raise FashionError(
            f"{len(missing)} of the {len(images)} images in {table_csv} are not in {folder} "
            f"({listed(missing)}): add the files or remove their rows."
        )
    if note:
        print(f"{name}: {note}")
    pixels, unreadable, digest = cached_photographs(name, folder, images, size)
    if unreadable:
        named = listed([f"{image}: {reason}" for image, reason in unreadable.items()])
        raise FashionError(
            f"{len(unreadable)} of the {len(images)} images in {folder} cannot be read ({named}): "
            "replace the files or remove their rows."
        )
    return RetrievalData(
        name=name,
        edition=digest,
        schema=schema,
        image_names=tuple(images),
        pixels=pixels,
        labels=table,
        training_labels=one_label_per_image(table, seed=0),
        notes=(note,) if note else (),
        card={"source": f"your own pictures in {folder}", "splitting rule": f"given in {table_csv}"},
        at_size=lambda other: load_folder(name, table_csv, image_folder, schema_json, other),
    )


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
