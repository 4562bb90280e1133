"""From ADDE's released split to RetrievalData with the released tuples."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_lib.core.schema import Schema
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_vectors import LabelVectors, value_blocks
from fashion_lib.data.released_tuples import ReleasedTuples
from fashion_lib.data.sets.adde_lists import AddeLists
from fashion_lib.data.sets.labelled_photographs import SEED, photographed, placed
from fashion_lib.data.sets.set_layout import PAPERS, Found
from fashion_lib.data.splits import assign_roles

VALID = 0.1  # of the train pictures, held out for retrieval alone


def adde_data(
    found: Found,
    lists: AddeLists,
    schema: Schema,
    file_of: Callable[[str], Path | None],
    size: int,
    *,
    geometry: str,
    at_size: Callable[[int], RetrievalData],
    card: Mapping[str, str],
    notes: Sequence[str] = (),
) -> RetrievalData:
    """Build the data: the released tuples for manipulation, and a label table of the same pictures for retrieval.

    Args:
        found: where the data set is.
        lists: the released split.
        schema: one attribute per entry of lists.sizes, with as many values.
        file_of: picture -> its file.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
        at_size: loads the same data set at another size.
        card, notes: further facts.

    """
    images = tuple(dict.fromkeys((*lists.train, *lists.test)))
    pictures = placed(images, file_of, found.folder)
    data = photographed(
        found, schema, label_table(lists, schema), pictures, size, geometry=geometry, at_size=at_size, protocol=PAPERS,
        card=card, notes=(*_notes(lists, schema), *notes), rule="ADDE's released tuples; see the notes for retrieval",
        evaluated=(),
    )  # fmt: skip
    tuples, left_out = released(lists, schema, data.image_names, data.unreadable)
    return replace(data, tuples=tuples, notes=(*data.notes, *((left_out,) if left_out else ())))


def label_table(lists: AddeLists, schema: Schema) -> pd.DataFrame:
    """Return every label as a row; a tenth of the train pictures is held out as valid, roles are drawn here.

    All lines of one picture are in the same split.
    """
    pictures = tuple(dict.fromkeys(lists.train))
    drawn = np.random.default_rng(SEED).permutation(len(pictures))[: max(1, round(VALID * len(pictures)))]
    held_out = {pictures[row] for row in drawn}
    split = np.array(["valid" if picture in held_out else "train" for picture in lists.train])
    parts = []
    for images, labels, splits in (
        (lists.train, lists.train_labels, split),
        (lists.test, lists.test_labels, np.full(len(lists.test), "test")),
    ):
        rows, columns = np.nonzero(labels)
        names = [(a.name, value) for a in schema for value in a.values]
        parts.append(
            pd.DataFrame(
                {
                    "image": [images[row] for row in rows],
                    "split": splits[rows],
                    "attribute": [names[column][0] for column in columns],
                    "value": [names[column][1] for column in columns],
                },
                dtype="str",
            )
        )
    return assign_roles(pd.concat(parts).drop_duplicates(), SEED)


def released(
    lists: AddeLists, schema: Schema, image_names: Sequence[str], unreadable: Collection[str] = ()
) -> tuple[ReleasedTuples, str]:
    """Return the released tuples as rows of the data set, and a sentence on those that lack a picture.

    A picture that cannot be read counts as missing: it is in no tuple, and in no split, so not in the test gallery.

    Args:
        lists: the released split.
        schema: the attributes with their values.
        image_names: the data set's pictures.
        unreadable: those of them whose files cannot be read.
    """
    row_of = {name: row for row, name in enumerate(image_names) if name not in unreadable}
    train, test = (
        np.array([row_of.get(name, -1) for name in names], np.int64) for names in (lists.train, lists.test)
    )
    labels = np.zeros((len(image_names), sum(lists.sizes)), bool)
    split = np.full(len(image_names), "", dtype="<U5")
    for rows, known, name in ((train, lists.train_labels, "train"), (test, lists.test_labels, "test")):
        labels[rows[rows >= 0]], split[rows[rows >= 0]] = known[rows >= 0], name
    triplets, queries = train[lists.triplets], test[lists.reference]
    kept, answered = (triplets >= 0).all(axis=1), queries >= 0
    tuples = ReleasedTuples(
        LabelVectors(schema, labels), split, triplets[kept], lists.triplet_vectors[kept], queries[answered],
        lists.vectors[answered], lists.targets[answered],
    )  # fmt: skip
    if kept.all() and answered.all():
        return tuples, ""
    return tuples, (
        f"{kept.sum():,} of {len(kept):,} training tuples and {answered.sum():,} of {len(answered):,} test queries "
        "have their pictures; the others are left out."
    )


def _notes(lists: AddeLists, schema: Schema) -> tuple[str, ...]:
    wanted = (lists.test_labels[lists.reference].astype(np.int8) + lists.vectors) > 0
    disagree = int((wanted != lists.targets).any(axis=1).sum())
    blocks = value_blocks(schema)
    several = sum(
        int((labels[:, block].sum(axis=1) > 1).sum())
        for labels in (lists.train_labels, lists.test_labels)
        for block in blocks
    )
    return (
        f"{len(lists.train):,} train and {len(lists.test):,} test pictures, {len(lists.triplets):,} training tuples, "
        f"{len(lists.reference):,} test queries, as released.",
        f"In {disagree:,} test queries the manipulation vector does not turn the query's labels into the listed ones.",
        *((f"{several:,} pictures have two values of one attribute.",) if several else ()),
        "Manipulation reads the released tuples. Retrieval is no protocol of these papers: a tenth of the train "
        "pictures is held out as valid, and queries and candidates are drawn here.",
    )
