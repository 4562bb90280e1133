"""What a run says to one question: the nearest pictures, all similarities, and where the model looked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fashion_lib.data.label_vectors import described
from fashion_lib.show.style import colour

NO_LABEL = "value not known"


@dataclass(frozen=True, eq=False)
class Shown:
    """One picture of an answer.

    Attributes:
        pixels: uint8 (S, S, 3), as the model took it.
        row: its row in the data; None for one's own picture.
        rank: 1 for the nearest; 0 for the query.
        score: similarity or distance to the query; None for the query.
        value: what it shows, in words; NO_LABEL where that is not known.
        right: whether it is relevant; None where that is not known.
        heat: float32 (h, w), where the model looked; None without a map.
        region: bool (S, S), the true region of the attribute; None where it is not known.
    """

    pixels: np.ndarray
    row: int | None = None
    rank: int = 0
    score: float | None = None
    value: str = NO_LABEL
    right: bool | None = None
    heat: np.ndarray | None = None
    region: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """What one run answers.

    Attributes:
        method, title, source: of the run, see `ExploredRun`.
        question: the attribute, or the change, in words.
        query: the picture of the question.
        found: the nearest pictures, nearest first.
        scores: float32 (N,), similarity or distance of every candidate.
        relevant: bool (N,), which candidates are right; None where the query's value is not known.
        measure: "similarity" or "distance".
        average_precision: of this one query, in [0, 1]; None where nothing is known to be relevant.
        map_kind: what the heat maps are, "attention" or "Grad-CAM"; "" without maps.
        under: attribute -> float32 (h, w), the query's map under every attribute; {} without attention.
        under_regions: attribute -> bool (S, S), the query's true regions.
        notes: what the reader should know, one sentence each.
    """

    method: str
    title: str
    source: str
    question: str
    query: Shown
    found: Sequence[Shown]
    scores: np.ndarray
    relevant: np.ndarray | None
    measure: str = "similarity"
    average_precision: float | None = None
    map_kind: str = ""
    under: dict[str, np.ndarray] = field(default_factory=dict)
    under_regions: dict[str, np.ndarray] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def colour(self) -> str:
        """Return the method's fixed colour, the same as in every figure of the course."""
        return colour(self.method)

    def heats(self) -> Iterator[np.ndarray]:
        """Yield every heat map of this answer."""
        yield from (one.heat for one in (self.query, *self.found) if one.heat is not None)
        yield from self.under.values()


def in_words(name: str) -> str:
    """Return a name of the schema as words: "sleeve_length" is "sleeve length"."""
    return name.replace("_", " ")


def known_value(data: Any, row: int, attribute: str) -> str:
    """Return the value of an attribute that a picture shows, "" where neither labels nor drawing tell it."""
    if data.shown is not None:
        return data.shown(int(row)).get(attribute, "")
    table = data.labels
    found = table.loc[(table["image"] == data.image_names[row]) & (table["attribute"] == attribute), "value"]
    return "" if found.empty else str(found.iloc[0])


def shown_attributes(data: Any, row: int) -> list[str]:
    """Return the attributes whose value is known for a picture, its labelled one first.

    Args:
        data: RetrievalData, or ManipulationData with its whole label vectors.
        row: of the picture.
    """
    if hasattr(data.labels, "matrix"):
        return list(described(data.schema, data.labels.matrix[row]))
    labelled = data.labels.loc[data.labels["image"] == data.image_names[row], "attribute"].tolist()
    others = [name for name in data.schema.names if name not in labelled and known_value(data, row, name)]
    return [*labelled, *others]
