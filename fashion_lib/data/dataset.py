"""A data set ready for retrieval: pixels, label table, schema."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.schema import Schema
from fashion_lib.data.feed import Feed, how_far
from fashion_lib.data.label_table import COLUMNS, Labels, encode
from fashion_lib.data.picture_geometry import WHOLE
from fashion_lib.data.released_tuples import ReleasedTuples

if TYPE_CHECKING:  # a data set in memory needs no decoder
    from fashion_lib.data.lazy_pixels import LazyPixels


@dataclass(frozen=True, eq=False)
class RetrievalData:
    """All that sampling, training and evaluation read, whatever the source of the pictures.

    Attributes:
        name: name of the data set in records.
        edition: what the loader declares: the version of a drawing, or a digest of the picture files.
        schema: the attributes with their values.
        image_names: unique names of the N pictures.
        pixels: uint8 (N, S, S, 3), usually a read-only memory map, or LazyPixels; row i is `image_names[i]`.
        labels: label table; its training rows hold every known label of an image.
        training_labels: the training rows used by default, such as one label per image, as in FashionAI.
        notes: what was left out or derived, for the protocol card.
        regions: (image rows (B,), attribute id) -> bool (B, S, S), the pixels that show the attribute; None
            if unknown.
        card: further facts for the protocol card: source, licence, splitting rule.
        at_size: side in pixels -> the same data set, its pictures drawn or decoded at that size; None if
            impossible.
        senders: who made each picture, where the split keeps their pictures together; part of `version`.
        shown: row of `pixels` -> attribute -> value of all that the picture shows, labelled or not; None if only
            the labels are known.
        triplets: split -> condition -> int64 (T, 3), the triplets that came with the data set, rows of pictures as
            anchor, far, close; {} where they are drawn from the labels.
        tuples: the tuples of manipulation that came with the data set; None where they are drawn.
        geometry: how photographs became squares, see `picture_geometry`.
        unreadable: names of pictures whose files cannot be read. Their pixels are black, and nothing may use them.

    Raises:
        FashionError: if pixels, image names or a label table do not have this form.
    """

    name: str
    edition: str
    schema: Schema
    image_names: tuple[str, ...]
    pixels: np.ndarray | LazyPixels
    labels: pd.DataFrame
    training_labels: pd.DataFrame
    notes: tuple[str, ...] = ()
    regions: Callable[[np.ndarray, int], np.ndarray] | None = None
    card: Mapping[str, str] = field(default_factory=dict)
    at_size: Callable[[int], RetrievalData] | None = None
    senders: tuple[str, ...] = ()
    shown: Callable[[int], Mapping[str, str]] | None = None
    triplets: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    tuples: ReleasedTuples | None = None
    geometry: str = WHOLE
    unreadable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "image_names", tuple(self.image_names))
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
            raise FashionError(
                f"the pixels of data set '{self.name}' are {self.pixels.dtype} {shape}: "
                "give uint8 (N, S, S, 3)."
            )
        if len(self.image_names) != shape[0]:
            raise FashionError(
                f"data set '{self.name}' has {len(self.image_names)} image names for {shape[0]} "
                "pictures: give one name per picture."
            )
        if len(set(self.image_names)) != shape[0]:
            raise FashionError(f"data set '{self.name}' uses an image name twice: make the names unique.")
        for title, table in (("labels", self.labels), ("training_labels", self.training_labels)):
            if tuple(table.columns) != COLUMNS:
                raise FashionError(
                    f"'{title}' of data set '{self.name}' has the columns {list(table.columns)}: "
                    "pass it through check_label_table."
                )
        if self.training_labels.empty or (self.training_labels["split"] != "train").any():
            raise FashionError(
                f"'training_labels' of data set '{self.name}' must be rows of the train split, "
                "at least one: make it with splits.one_label_per_image."
            )

    def __repr__(self) -> str:
        size = f"{self.image_size} x {self.image_size} pixels"
        return (
            f"RetrievalData {self.name}, edition {self.edition}: {len(self.image_names):,} pictures of {size},"
            f" {len(self.schema)} attributes"
        )

    @cached_property
    def version(self) -> str:
        """Return the edition, "+", and a digest of labels, splits, roles, schema, image names and senders.

        Released triplets and tuples are part of it. It does not depend on the size of the pictures;
        `pixel_digest` does.
        """
        parts = (
            json.dumps(self.schema.to_json()),
            *self.image_names,
            *self.senders,
            *(table.to_csv(index=False, lineterminator="\n") for table in (self.labels, self.training_labels)),
        )
        lists = [rows.tobytes() for of in self.triplets.values() for rows in of.values()]
        lists += [] if self.tuples is None else self.tuples.content()
        return f"{self.edition}+{digest_of([*(part.encode() for part in parts), *lists])}"

    @cached_property
    def pixel_digest(self) -> str:
        """Return a digest of every pixel, or of the files that a large set of photographs is decoded from."""
        return pixel_digest(self.pixels)

    @property
    def image_size(self) -> int:
        """Return the side S of the square pictures, in pixels."""
        return int(self.pixels.shape[1])

    def resized(self, size: int) -> RetrievalData:
        """Return this data set with pictures and regions of another size, made from the originals.

        At its own size the data set itself is returned.

        Args:
            size: side of the pictures, in pixels.

        Raises:
            FashionError: if no loader can draw or decode the originals again, or it finds other pictures at
                that size.
        """
        if size == self.image_size:
            return self
        if self.at_size is None:
            raise FashionError(
                f"data set '{self.name}' only has pictures of {self.image_size} px, but {size} px are needed: make "
                "it with load_dataset or load_folder, which can go back to the originals."
            )
        other = self.at_size(size)
        if other.image_names != self.image_names:
            raise FashionError(
                f"data set '{self.name}' at {size} px has other pictures than at {self.image_size} px: keep the "
                "pictures that its loader found, and leave rows out of the label table instead."
            )
        return replace(self, pixels=other.pixels, regions=other.regions)

    def encoded(self, split: str, role: str | None = None, labels: str = "one") -> Labels:
        """Return the rows of a split (and role) as numbers.

        Args:
            split: "train", "valid" or "test".
            role: a role of the split, whose rows are kept; None keeps all rows.
            labels: matters in train only. "one" reads `training_labels`, "all" every known label of each
                image.

        Raises:
            FashionError: if the split, the role or the word `labels` is unknown.
        """
        if labels not in ("one", "all"):
            raise FashionError(f"labels={shortened(labels)} is not known: write 'one' (one label per image) or 'all'.")
        table = self.training_labels if split == "train" and labels == "one" else self.labels
        return encode(table, self.schema, self.image_names, split, role)

    def shown_labels(self, split: str) -> Labels:
        """Return all that is known of a split's pictures, for figures: no training and no score reads it.

        Where pictures have one label each, as in FashionAI, only a drawn data set knows more than its labels.

        Args:
            split: "train", "valid" or "test".

        Raises:
            FashionError: if the split is unknown.
        """
        table = self.labels[self.labels["split"] == split]
        if self.shown is not None and len(table):
            rows = np.flatnonzero(np.isin(self.image_names, table["image"].unique())).tolist()
            lines = [(self.image_names[row], *pair) for row in rows for pair in self.shown(row).items()]
            table = pd.DataFrame(lines, columns=["image", "attribute", "value"]).assign(split=split)
        return encode(table, self.schema, self.image_names, split)


def check_name(name: str) -> None:
    """Check that a data set's name can be a folder name in runs/.

    Raises:
        FashionError: if it cannot.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
        raise FashionError(
            f"{shortened(name)} cannot be the name of a data set: use up to 64 letters, digits, '_' and '-', and begin "
            "with a letter or a digit."
        )


def digest_of(parts: Iterable[bytes]) -> str:
    """Return 12 hexadecimal digits of SHA-256 over the parts.

    Each part enters with its length, so that other divisions of the same bytes give other digests.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:12]


def pixel_digest(pixels: np.ndarray | LazyPixels) -> str:
    """Return a digest of pictures uint8 (N, S, S, 3), read 500 at a time.

    Pixels that know the digest of their files (`picture_source`) are not read.
    """
    if known := getattr(pixels, "digest", ""):
        return known
    starts = range(0, len(pixels), 500)
    with Feed(lambda start: pixels[start : start + 500], starts, how_far(pixels, 500)) as chunks:
        return digest_of(np.ascontiguousarray(chunk).tobytes() for chunk in chunks)
