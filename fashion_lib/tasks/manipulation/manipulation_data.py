"""A data set ready for manipulation: pixels, whole label vectors, and images as queries or candidates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.schema import Schema
from fashion_lib.data.dataset import RetrievalData, digest_of, pixel_digest
from fashion_lib.data.label_table import ROLES, SPLITS, Labels
from fashion_lib.data.label_vectors import LabelVectors, vectors_of
from fashion_lib.data.picture_geometry import WHOLE
from fashion_lib.data.sets import load_dataset
from fashion_lib.data.sets.wardrobe import WORLD, Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import INVISIBLE
from fashion_lib.data.splits import QUERIES, split_images
from fashion_lib.tasks.manipulation.operations import target_labels
from fashion_lib.tasks.manipulation.tuples import (
    TUPLES_PER_IMAGE,
    TestQueries,
    Tuples,
    given_queries,
    test_queries,
)

if TYPE_CHECKING:
    from fashion_lib.training.profiles import Profile

# The paper uses category, texture and shape; the wardrobe's pattern is DeepFashion's texture.
WARDROBE_ATTRIBUTES = ("category", "pattern", "shape")
# Appended to a data set's name in records: these queries are not those of attribute-specific retrieval.
SUFFIX = "_manipulation"


@dataclass(frozen=True, eq=False)
class ManipulationData:
    """All that training and evaluation of manipulation read.

    In valid and test a picture is either a query or a candidate for all attributes, because a target is a
    whole label vector.

    Attributes:
        name: name of the data set in records.
        edition: version of the data set for retrieval.
        image_names: names of the N pictures.
        pixels: uint8 (N, S, S, 3).
        labels: whole label vectors of all N pictures.
        split: str (N,), "train", "valid", "test" or "".
        role: str (N,), "train", "query", "candidate" or "".
        seed: seed of roles and test queries, the same for every run.
        changes: number of attributes that one query changes.
        regions: as in RetrievalData.
        wardrobe: the drawn wardrobe, for twins; None for other data.
        usual_attributes: names of the default task's attributes.
        given: the training tuples that came with the data set; None where they are drawn.
        geometry: as in RetrievalData.

    Raises:
        FashionError: if names, labels, splits and roles do not have one entry per picture.
    """

    name: str
    edition: str
    image_names: tuple[str, ...]
    pixels: np.ndarray
    labels: LabelVectors
    split: np.ndarray
    role: np.ndarray
    seed: int = 0
    changes: int = 1
    regions: object | None = None
    wardrobe: Wardrobe | None = None
    usual_attributes: tuple[str, ...] = ()
    given: Tuples | None = None
    geometry: str = WHOLE
    _queries: dict[str, TestQueries] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        counts = {"image names": len(self.image_names), "label vectors": len(self.labels), "splits": len(self.split)}
        for what, count in (counts | {"roles": len(self.role)}).items():
            if count != len(self.pixels):
                raise FashionError(
                    f"data set '{self.name}' has {count} {what} for {len(self.pixels)} pictures: give one per picture."
                )

    @property
    def schema(self) -> Schema:
        """Return the attributes with their values."""
        return self.labels.schema

    @property
    def image_size(self) -> int:
        """Return the side S of the square pictures, in pixels."""
        return int(self.pixels.shape[1])

    @cached_property
    def version(self) -> str:
        """Return the edition, "+", and a digest of schema, names, label vectors, splits, roles, seed and changes.

        Seed and changes decide which tuples and queries are drawn. Those that came with the data set are in the
        digest themselves.
        """
        released = []
        if self.given is not None:
            released = [self.given, *(self.queries(split) for split in SPLITS[1:])]
        parts = (
            json.dumps(self.schema.to_json()).encode(),
            *(name.encode() for name in self.image_names),
            self.labels.matrix.tobytes(),
            *(np.asarray(part, dtype="<U16").tobytes() for part in (self.split, self.role)),
            f"{self.seed} {self.changes}".encode(),
            *(array.tobytes() for part in released for array in vars(part).values() if isinstance(array, np.ndarray)),
        )
        return f"{self.edition.partition('+')[0]}+{digest_of(parts)}"

    @cached_property
    def pixel_digest(self) -> str:
        """Return a digest of every pixel."""
        return pixel_digest(self.pixels)

    @property
    def departures(self) -> dict[str, object]:
        """Return what differs from the data set's default task, for the names of records."""
        found: dict[str, object] = {}
        if self.usual_attributes and self.schema.names != self.usual_attributes:
            found["attributes"] = "-".join(self.schema.names)
        return found | ({"changes": self.changes} if self.changes != 1 else {})

    def rows(self, split: str, role: str | None = None) -> np.ndarray:
        """Return int64 rows of a split (and role), ascending.

        Raises:
            FashionError: if the split or the role does not exist.
        """
        if split not in SPLITS or (role is not None and role not in ROLES[split]):
            raise FashionError(f"there is no split '{split}' with role '{role}': use {', '.join(SPLITS)}.")
        chosen = self.split == split
        return np.flatnonzero(chosen if role is None else chosen & (self.role == role))

    def queries(self, split: str = "test") -> TestQueries:
        """Return the queries of a split ("valid" or "test"), the same for every method and run."""
        if split not in self._queries:
            query_rows, gallery_rows = self.rows(split, "query"), self.rows(split, "candidate")
            self._queries[split] = test_queries(
                self.labels, query_rows, gallery_rows, self.seed, per_image=TUPLES_PER_IMAGE, changes=self.changes
            )
        return self._queries[split]

    def encoded(self, split: str, role: str | None = None, labels: str = "all") -> Labels:
        """Return every (image, attribute, value) of a split (and role), in the form of RetrievalData.encoded.

        Probes and Grad-CAM read this form.

        Args:
            split: "train", "valid" or "test".
            role: a role of the split, whose rows are kept; None keeps all rows.
            labels: not used here, every known label is returned.

        Raises:
            FashionError: if the split or the role does not exist.
        """
        rows = self.rows(split, role)
        parts = [np.argwhere(self.labels.matrix[rows][:, block]) for block in self.labels.blocks]
        return Labels(
            np.concatenate([rows[part[:, 0]] for part in parts]),
            np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            np.concatenate([part[:, 1] for part in parts]),
        )


def assign_image_roles(split: np.ndarray, seed: int) -> np.ndarray:
    """Draw a role per picture: "train" in train, "query" for the share QUERIES in valid and test, else "candidate".

    Args:
        split: str (N,).
        seed: decides which pictures are queries.

    Returns:
        str (N,).
    """
    role = np.full(len(split), "train", dtype="<U9")
    rng = np.random.default_rng(seed)
    for name in SPLITS[1:]:
        rows = rng.permutation(np.flatnonzero(split == name))
        count = max(1, round(QUERIES * len(rows)))
        role[rows[:count]], role[rows[count:]] = "query", "candidate"
    return role


def from_retrieval_data(
    data: RetrievalData,
    attributes: Sequence[str] | None = None,
    *,
    rows: Sequence[Mapping[str, str | Sequence[str]]] | None = None,
    schema: Schema | None = None,
    split: np.ndarray | None = None,
    seed: int = 0,
    changes: int = 1,
    wardrobe: Wardrobe | None = None,
    usual_attributes: Sequence[str] | None = None,
) -> ManipulationData:
    """Build the data for manipulation from a data set for retrieval.

    Splits stay as they are. A picture without any row in the label table is in no split.

    Args:
        data: the data set for retrieval.
        attributes: names of `schema`, in the order wanted. Default: usual_attributes.
        rows: attribute -> value of each picture, where the label table does not hold every label.
        schema: the attributes to choose from. Default: the data set's.
        split: str (N,), where the label table does not name every picture's split.
        seed: seed of roles and test queries.
        changes: number of attributes that one query changes.
        wardrobe: the drawn wardrobe, for twins.
        usual_attributes: names of the default task's attributes. Default: all of `schema`.
    """
    schema = schema or data.schema
    usual = tuple(usual_attributes or schema.names)
    chosen = Schema(tuple(schema.attribute(name) for name in attributes or usual))
    place = {name: row for row, name in enumerate(data.image_names)}
    if rows is None:
        rows = [{} for _ in data.image_names]
        for image, attribute, value in data.labels[["image", "attribute", "value"]].itertuples(index=False):
            rows[place[image]].setdefault(attribute, []).append(value)
    if split is None:
        first = data.labels.drop_duplicates("image")
        split = np.full(len(place), "", dtype="<U5")
        split[[place[image] for image in first["image"]]] = first["split"]

    def regions(images: np.ndarray, attribute: int) -> np.ndarray:
        name = chosen.names[attribute]
        if wardrobe is not None:  # its label table knows eight of the world's attributes only
            return wardrobe.regions(images, [name] * len(images))
        return data.regions(images, data.schema.index(name))

    return ManipulationData(
        name=data.name + SUFFIX,
        edition=data.version,
        image_names=data.image_names,
        pixels=data.pixels,
        geometry=data.geometry,
        labels=vectors_of(chosen, rows),
        split=split,
        role=np.where(split == "", "", assign_image_roles(split, seed)),
        seed=seed,
        changes=changes,
        regions=regions if data.regions is not None else None,
        wardrobe=wardrobe,
        usual_attributes=usual,
    )


HELD_OUT = 0.1  # ADDE's code: the last tenth of the training tuples, in the file's order, is for validation
VALID_QUERIES = 2_000  # of them, evenly spaced: all 78,034 would take longer than the training between two validations


def from_released_tuples(data: RetrievalData) -> ManipulationData:
    """Build the data for manipulation from tuples that came with a data set.

    Training draws from the first nine tenths of the training tuples. Validation takes up to VALID_QUERIES of the last
    tenth; its gallery is their pictures. Test takes every query that a test picture matches, and counts the others; its
    gallery is every test picture.

    Args:
        data: a data set whose `tuples` is not None.
    """
    tuples, labels = data.tuples, data.tuples.labels
    first = len(tuples.train) - round(HELD_OUT * len(tuples.train))
    given = Tuples(tuples.train[:first, 0], tuples.train_vectors[:first], *tuples.train[:first, 1:].T)
    count = len(tuples.train) - first
    held = first + np.linspace(0, count - 1, min(count, VALID_QUERIES)).astype(int)
    query, vectors = tuples.train[held, 0], tuples.train_vectors[held]
    wanted, gallery = target_labels(labels.matrix[query], vectors), np.unique(tuples.train[held])
    test_gallery = np.flatnonzero(tuples.split == "test")
    return ManipulationData(
        name=data.name + SUFFIX,
        edition=data.version,
        image_names=data.image_names,
        pixels=data.pixels,
        geometry=data.geometry,
        labels=labels,
        split=tuples.split,
        role=np.where(tuples.split == "test", "candidate", tuples.split),
        usual_attributes=labels.schema.names,
        given=given,
        _queries={
            "valid": given_queries(labels, query, vectors, wanted, gallery),
            "test": given_queries(labels, tuples.test, tuples.test_vectors, tuples.test_targets, test_gallery),
        },
    )


def load_manipulation(
    dataset: str,
    profile: Profile,
    attributes: Sequence[str] | None = None,
    changes: int = 1,
    *,
    data: RetrievalData | None = None,
) -> ManipulationData:
    """Load a data set of the registry for manipulation.

    The wardrobe provides every label of every picture. Its label table would not be enough, because it has one
    label per picture in valid and test, and FashionAI's attributes only.

    Args:
        dataset: name in the registry.
        profile: decides the size of the data.
        attributes: names of attributes. Default: WARDROBE_ATTRIBUTES, or all attributes of another data set.
        changes: number of attributes that one query changes.
        data: the data set for retrieval, if it is loaded already.

    Raises:
        FashionError: `changes` is no whole number from 1, or an attribute is not known.
    """
    if type(changes) is not int or changes < 1:
        raise FashionError(f"changes={shortened(changes)} is no number of attributes: give a whole number from 1.")
    data = load_dataset(dataset, profile) if data is None else data
    if data.tuples is not None and attributes is None and changes == 1:
        return from_released_tuples(data)
    if dataset != "wardrobe":
        return from_retrieval_data(data, attributes, changes=changes)
    wardrobe = Wardrobe(profile.wardrobe_seed, profile.wardrobe_images, profile.image_size)
    return from_retrieval_data(
        data,
        attributes,
        rows=[wardrobe_labels(wardrobe, index) for index in range(wardrobe.count)],
        schema=WORLD,
        split=split_images(wardrobe.count, wardrobe.seed),
        seed=wardrobe.seed,
        changes=changes,
        wardrobe=wardrobe,
        usual_attributes=WARDROBE_ATTRIBUTES,
    )


def wardrobe_labels(wardrobe: Wardrobe, index: int) -> dict[str, str]:
    """Return attribute -> value of a picture of the wardrobe; what is invisible has no label."""
    return {name: value for name, value in wardrobe.labels(index).items() if value != INVISIBLE}
