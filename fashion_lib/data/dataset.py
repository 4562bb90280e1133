"""A data set ready for retrieval: pixels, label table, schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import COLUMNS, Labels, encode


@dataclass(frozen=True, eq=False)
class RetrievalData:
    """All that sampling, training and evaluation read, whatever the source of the pictures.

    Attributes:
        name: name of the data set in records.
        version: changes whenever the data change.
        schema: the attributes with their values.
        image_names: unique names of the N pictures.
        pixels: uint8 (N, S, S, 3), usually a read-only memory map; row i is `image_names[i]`.
        labels: checked label table; its training rows hold every known label of an image.
        training_labels: the training rows used by default: one balanced label per image, as in FashionAI.
        notes: what was left out or derived, for the protocol card.
        regions: (image rows (B,), attribute id) -> bool (B, S, S), the pixels that show the attribute; None
            if unknown.
        card: further facts for the protocol card: source, licence, splitting rule.
        at_size: side in pixels -> the same data set, its pictures drawn or decoded at that size; None if
            impossible.

    Raises:
        FashionError: if pixels, image names or a label table do not have this form.
    """

    name: str
    version: str
    schema: Schema
    image_names: tuple[str, ...]
    pixels: np.ndarray
    labels: pd.DataFrame
    training_labels: pd.DataFrame
    notes: tuple[str, ...] = ()
    regions: Callable[[np.ndarray, int], np.ndarray] | None = None
    card: Mapping[str, str] = field(default_factory=dict)
    at_size: Callable[[int], RetrievalData] | None = None

    def __post_init__(self) -> None:
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
                "pictures: give one name a picture."
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
                f"data set '{self.name}' only has pictures of {self.image_size} px, but {size} px are asked for: make "
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
            raise FashionError(f"labels='{labels}' is not known: write 'one' (one label an image) or 'all'.")
        table = self.training_labels if split == "train" and labels == "one" else self.labels
        return encode(table, self.schema, self.image_names, split, role)
