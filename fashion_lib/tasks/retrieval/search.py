"""One question to a trained model: which pictures have the same value of this attribute as that one?"""

from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has
from fashion_lib.core.words import suggestion
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.ranking import rank

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Hits:
    """Hold the answer to one question, best first; `fl.show.hits` draws it.

    Attributes:
        data: the data set.
        query: row of the query picture in data.pixels.
        attribute: its name.
        rows: int64 (N,), rows of the found pictures in data.pixels.
        similarity: float32 (N,), cosine.
        values: label of each found picture; several labels are joined by commas.
        wanted: the query's own label or labels, "" where the table has none.
        correct: bool (N,), whether each found picture shares a value with the query; all False if it has none.
    """

    data: Any
    query: int
    attribute: str
    rows: np.ndarray
    similarity: np.ndarray
    values: tuple[str, ...]
    wanted: str
    correct: np.ndarray

    def table(self) -> pd.DataFrame:
        """Return one line per found picture: row, image, similarity, value, correct."""
        images = [self.data.image_names[row] for row in self.rows]
        columns = {"row": self.rows, "image": images, "similarity": self.similarity, "value": self.values}
        rank_of = pd.RangeIndex(1, len(self.rows) + 1, name="rank")
        return pd.DataFrame(columns | {"correct": self.correct}, index=rank_of)

    def __repr__(self) -> str:
        wanted = self.wanted or "unknown"
        return f"{self.attribute} of row {self.query} ({wanted}):\n{self.table().head(8)}"


def search(model, data, row: int, attribute: str, *, split: str = "test", precision: str = "fp32") -> Hits:
    """Rank the candidates of a split by their similarity to one picture under one attribute.

    Args:
        model: a RetrievalModel.
        data: a RetrievalData.
        row: the query picture, a row of data.pixels, of any split. It is never among its own answers.
        attribute: a name of data.schema.
        split: whose candidates are ranked: "test", "valid", or "train" for all training pictures with that label.
        precision: of the backbone, "fp32", "bf16" or "fp16".

    Returns:
        The hits. Equal similarities are ordered by row of the candidates' table.

    Raises:
        FashionError: for what is no model or no data set, an unknown attribute or split, a row outside the data, and
            a split without candidates.
    """
    check_has(model, ("features", "attend"), "model", "give run.model, or call run.search(...)")
    check_has(data, ("schema", "encoded"), "data set", "give one that fl.load_dataset returned")
    number = data.schema.index(attribute)
    if split not in SPLITS:
        raise FashionError(f"there is no split {split!r}: {suggestion(split, SPLITS)}")
    try:
        row = index(row)
    except TypeError:
        last = len(data.pixels) - 1
        raise FashionError(f"the row {row!r} is no whole number: choose one from 0 to {last}.") from None
    offered = data.encoded(split, None if split == "train" else "candidate", labels="all").of(number)
    images = np.unique(offered.image[offered.image != row])  # a picture with several values is one answer
    if not len(images):
        raise FashionError(f"the split {split!r} of {data.name} has no other picture with that label: choose another.")
    vectors = embed_images(model, data, np.r_[row, images], [number], precision=precision)[number]  # (1 + N, D)
    ((_, order),) = rank(vectors[:1], vectors[1:])
    order = order[0]
    similarity = (vectors[1:] @ vectors[0]).numpy()[order]
    names = data.schema.attributes[number].values
    shown: dict[int, list[str]] = {}
    for image, value in zip(offered.image.tolist(), offered.value.tolist(), strict=True):
        shown.setdefault(image, []).append(names[value])
    own = data.labels[(data.labels["image"] == data.image_names[row]) & (data.labels["attribute"] == attribute)]
    wanted = dict.fromkeys(map(str, own["value"]))
    found = [shown[image] for image in images[order].tolist()]
    correct = np.array([not wanted.keys().isdisjoint(values) for values in found], dtype=bool)
    told = tuple(", ".join(values) for values in found)
    return Hits(data, row, attribute, images[order], similarity, told, ", ".join(wanted), correct)
