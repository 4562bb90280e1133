"""DeepFashion's attribute benchmark: the papers' split through ASEN's lists, or the benchmark's own labels.

ASEN uses five attributes, the benchmark's types texture, fabric, shape, part and style. A value's id is its rank among
the benchmark's attributes of that type; list_attr_cloth.txt names it.
"""

from __future__ import annotations

from functools import partial

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.picture_geometry import CENTRE_CROP, WHOLE
from fashion_lib.data.sets import deepfashion_benchmark as benchmark
from fashion_lib.data.sets.asen_lists import find_lists, read_asen_lists
from fashion_lib.data.sets.labelled_photographs import own_split, photographed, placed
from fashion_lib.data.sets.set_layout import OWN, PAPERS, Found, Tree

NAME = "deepfashion"
ALIASES = benchmark.ALIASES
SCHEMA = published_schemas.DEEPFASHION  # values are numbers here; `named_schema` names them
GEOMETRY = CENTRE_CROP  # of the papers' code
HOW_TO_GET = (
    "get the Category and Attribute Prediction Benchmark from its authors (mmlab.ie.cuhk.edu.hk, non-commercial "
    "research; img.zip is open), and put ASEN's lists (meta_data.tar.gz or data.zip of its README) beside img/"
)
CARD = {
    "source": "DeepFashion, Category and Attribute Prediction Benchmark, Liu et al., CVPR 2016",
    "licence": "non-commercial research and education only, no re-distribution",
    "how to get it": HOW_TO_GET,
    "in the papers": "ASEN, ASEN++, AG-MLAN, RPF and IPAD: about 276,250 of 289,222 pictures, 1,000 values",
}
NAMES, LABELS = "value names", "labels of images"
OTHERS = {
    "category names": benchmark.CATEGORY_NAMES,
    "categories of images": benchmark.CATEGORY_ROWS,
    "benchmark split": benchmark.PARTITION,
    "boxes": "list_bbox.txt",
    "landmarks": "list_landmarks.txt",
}
NOTES = (
    "Near-duplicates leak: the split ignores items; 5,233 of ASEN's 5,411 test item folders are also in its valid "
    "lists (27,155 of 27,625 pictures).",
    "In valid and test one (attribute, value) was drawn per image. A candidate that has the queried value too, but is "
    "listed for another value of that attribute, counts as wrong (12,787 of ASEN's 27,625 test pictures have several).",
    "An image of train keeps all of its labels, several values of one attribute among them.",
)


def find(tree: Tree) -> Found | None:
    """Recognise DeepFashion in a tree: ASEN's lists, the benchmark's lists in any of its layouts, picture folders."""
    lists = find_lists(tree, "DeepFashion", ("img/",))
    names = benchmark.attribute_names_file(tree)
    labels = [file for file in tree.named(benchmark.ATTRIBUTE_ROWS) if "fine" not in file.parent.name.lower()]
    pictures = benchmark.picture_folders(tree)
    if not (lists or names or labels or pictures):
        return None
    parts = {NAMES: (names,) if names else (), LABELS: tuple(labels)}
    parts |= {what: tuple(tree.named(name)) for what, name in OTHERS.items()}
    words = ["ASEN's lists"] if lists else []
    if place := next((p for p in (names, *labels) if p), None):
        words.append(f"the benchmark's lists in {place.parent.name}")
    words += [f"pictures in {f.relative_to(tree.folder).as_posix()}" for f in pictures]
    return Found(NAME, tree.folder, "; ".join(words), lists, tuple(labels[:1]), pictures, parts)


def named_schema(found: Found) -> tuple[Schema, str]:
    """Return the schema, its values named from the benchmark's file where that is there, and a sentence on it."""
    if not found.parts[NAMES]:
        return SCHEMA, "Values are shown by their ids: list_attr_cloth.txt, which names them, is absent."
    rows = benchmark.read_attributes(found.parts[NAMES][0])
    total = sum(len(attribute.values) for attribute in SCHEMA)
    return rows.named(SCHEMA), f"list_attr_cloth.txt names {rows.known(SCHEMA)} of the {total:,} values."


def item_of(name: str) -> str:
    """Return what photographs of one garment share: the item's folder."""
    return name.rsplit("/", 1)[0]


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load DeepFashion: the papers' split where ASEN's lists are there, else our own split of the benchmark's labels.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    schema, named = named_schema(found)
    if found.lists is not None:
        lists = read_asen_lists(found.lists, "DeepFashion", SCHEMA)
        table, protocol, notes = lists.table(schema), PAPERS, lists.notes
        pictures = placed(lists.images, benchmark.picture_finder(found.pictures), found.folder)
    elif found.labels and found.parts[NAMES]:
        labels, protocol, notes = raw_labels(found, schema), OWN, ()
        if labels.empty:
            raise FashionError(
                f"{found.labels[0]} gives no picture an attribute (there is no 1 in its rows): get the list again."
            )
        images = tuple(dict.fromkeys(labels["image"]))
        pictures = placed(images, benchmark.picture_finder(found.pictures), found.folder)
        table = own_split(labels, tuple(pictures.files) or images, one=True)
    else:
        raise FashionError(
            f"{found.folder} has {found.layout}, but neither ASEN's lists nor list_attr_cloth.txt with "
            f"list_attr_img.txt: {HOW_TO_GET}."
        )
    return photographed(
        found,
        schema,
        table,
        pictures,
        size,
        geometry=geometry,
        at_size=partial(load_found, found, geometry=geometry),
        protocol=protocol,
        card=CARD,
        notes=(named, *NOTES, *notes),
    )


def raw_labels(found: Found, schema: Schema) -> pd.DataFrame:
    """Read the benchmark's own labels: the columns image, attribute, value; pictures without any label have no row."""
    rows = benchmark.read_attributes(found.parts[NAMES][0])
    value_of = {}
    for row, (attribute, value) in enumerate(rows.ids()):
        entry = schema.attributes[attribute]
        if value >= len(entry.values):
            raise FashionError(
                f"{found.parts[NAMES][0]} has more than {len(entry.values)} attributes of type {attribute + 1}: use "
                "the benchmark's list of 1,000 attributes."
            )
        value_of[row] = (entry.name, entry.values[value])
    cells = [
        (image, *value_of[row])
        for image, held in benchmark.labels_of_images(found.labels[0], len(rows.names))
        for row in held
    ]
    return pd.DataFrame(cells, columns=["image", "attribute", "value"], dtype="str")
