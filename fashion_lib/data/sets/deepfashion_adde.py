"""DeepFashion as ADDE released it and Yao et al. 2026 use it: category, texture and shape, with tuples.

The released columns have no names. Where the benchmark's own lists are there too, a column gets the name of the
category or attribute that exactly the same pictures have.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_vectors import value_blocks
from fashion_lib.data.picture_geometry import STRETCH, WHOLE
from fashion_lib.data.sets import deepfashion_benchmark as benchmark
from fashion_lib.data.sets.adde_data import adde_data
from fashion_lib.data.sets.adde_lists import AddeLists, find_adde, read_adde, sized
from fashion_lib.data.sets.set_layout import Found, Tree

NAME = "deepfashion_adde"
ALIASES = ("adde", "fashion-attribute-disentanglement", *benchmark.ALIASES)
SCHEMA = published_schemas.ADDE_DEEPFASHION
GEOMETRY = STRETCH  # of the papers' code
HOW_TO_GET = (
    "get DeepFashion's Category and Attribute Prediction Benchmark from its authors, and clone ADDE's code with "
    "git-lfs for splits/DeepFashion"
)
CARD = {
    "source": "DeepFashion, Liu et al., CVPR 2016; split by ADDE, Hou et al., ICCV 2021",
    "licence": "pictures non-commercial research only; splits CC BY-NC 4.0",
    "how to get it": HOW_TO_GET,
    "in the papers": "ADDE and Yao et al. 2026: 113,948 pictures, 780,336 training tuples; Yao prints 204,221 test "
    "tuples, the file holds 204,211",
}
TYPE_OF = {"texture": 1, "shape": 3}  # our attribute -> the benchmark's type
NAMES, LABELS, CATEGORIES, CATEGORY_NAMES = (
    "value names",
    "labels of images",
    "categories of images",
    "category names",
)


def find(tree: Tree) -> Found | None:
    """Recognise ADDE's split of DeepFashion in a tree, and the benchmark's pictures and lists beside it."""
    lists = find_adde(tree, "DeepFashion", ("img/",))
    if lists is None:
        return None
    names, pictures = benchmark.attribute_names_file(tree), benchmark.picture_folders(tree)
    parts = {
        NAMES: (names,) if names else (),
        LABELS: tuple(tree.named(benchmark.ATTRIBUTE_ROWS)),
        CATEGORIES: tuple(tree.named(benchmark.CATEGORY_ROWS)),
        CATEGORY_NAMES: tuple(tree.named(benchmark.CATEGORY_NAMES)),
    }
    words = ["ADDE's split"] + (["the benchmark's lists"] if names else [])
    words += [f"pictures in {folder.relative_to(tree.folder).as_posix()}" for folder in pictures]
    return Found(NAME, tree.folder, "; ".join(words), lists, (), pictures, parts)


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load ADDE's split of DeepFashion.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    if found.lists is None:
        raise FashionError(f"{found.folder} has no split of ADDE: {HOW_TO_GET}.")
    lists = read_adde(found.lists)
    schema, note = recovered_schema(found, lists)
    finder = benchmark.picture_finder(found.pictures)
    again = partial(load_found, found, geometry=geometry)
    return adde_data(
        found, lists, schema, finder, size, geometry=geometry, at_size=again, card=CARD, notes=(note,)
    )


def recovered_schema(found: Found, lists: AddeLists) -> tuple[Schema, str]:
    """Return the schema with the names that the benchmark's lists prove, and a sentence on them."""
    numbered, columns = sized(SCHEMA, lists), _signatures(lists)
    names: dict[str, dict[int, str]] = {}
    if found.parts[CATEGORIES] and found.parts[CATEGORY_NAMES]:
        names["category"] = _category_names(found, lists)
    if found.parts[NAMES] and found.parts[LABELS]:
        names |= _attribute_names(found, lists)
    attributes, count = [], 0
    for attribute, block in zip(numbered, value_blocks(numbered), strict=True):
        proven = names.get(attribute.name, {})
        values = [proven.get(column, str(i)) for i, column in enumerate(columns[block])]
        count += sum(name != str(i) for i, name in enumerate(values))
        attributes.append(Attribute(attribute.name, tuple(values), attribute.scope, attribute.kind))
    total = sum(lists.sizes)
    if not names:
        return numbered, "Values are shown by their columns' numbers: no released file names them."
    return Schema(tuple(attributes)), (
        f"{count} of {total} values are named by the benchmark's value with exactly the same pictures; the others are "
        "shown by their columns' numbers."
    )


def _marks(lists: AddeLists) -> dict[str, int]:
    """Return a random number below 2**62 per picture: a sum of them identifies a set of pictures."""
    images = (*lists.train, *lists.test)
    return dict(zip(images, np.random.default_rng(0).integers(2**62, size=len(images)).tolist(), strict=True))


def _signatures(lists: AddeLists) -> list[int]:
    marks = _marks(lists)
    labels = np.concatenate([lists.train_labels, lists.test_labels])
    numbers = [marks[image] for image in (*lists.train, *lists.test)]
    return [sum(numbers[row] for row in np.flatnonzero(column)) for column in labels.T]


def _by_signature(rows: Iterable[tuple[str, str]], marks: dict[str, int]) -> dict[int, str]:
    """Return the sum over a value's pictures -> the value, for pairs (picture, value).

    Two values with the same pictures are left out: a column could be either.
    """
    sums: dict[str, int] = {}
    for image, value in rows:
        if image in marks:
            sums[value] = sums.get(value, 0) + marks[image]
    names: dict[int, list[str]] = {}
    for value, total in sums.items():
        names.setdefault(total, []).append(value)
    return {total: values[0] for total, values in names.items() if len(values) == 1}


def _category_names(found: Found, lists: AddeLists) -> dict[int, str]:
    names = list(benchmark.named_rows(found.parts[CATEGORY_NAMES][0]))
    rows = benchmark.named_rows(found.parts[CATEGORIES][0])
    known = {image: int(one) for image, one in rows.items() if one.isdecimal() and 0 < int(one) <= len(names)}
    return _by_signature(((image, names[one - 1]) for image, one in known.items()), _marks(lists))


def _attribute_names(found: Found, lists: AddeLists) -> dict[str, dict[int, str]]:
    rows, marks = benchmark.read_attributes(found.parts[NAMES][0]), _marks(lists)
    pairs: dict[str, list[tuple[str, str]]] = {name: [] for name in TYPE_OF}
    for image, held in benchmark.labels_of_images(found.parts[LABELS][0], len(rows.names)):
        for name, kind in TYPE_OF.items():
            pairs[name] += [
                (image, rows.names[row]) for row in held if rows.types[row] == kind and image in marks
            ]
    return {name: _by_signature(found_pairs, marks) for name, found_pairs in pairs.items()}
