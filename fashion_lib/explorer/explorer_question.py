"""A question to the explorer, and the picture that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.data.photographs import decode_photograph

TOP = 12  # pictures on a board


@dataclass(frozen=True)
class Question:
    """One question, to one run or several.

    Attributes:
        runs: keys of the runs that answer, see `ExploredRun.key`.
        row: the picture, a row of the data; None for one's own picture.
        file: the file of one's own picture.
        attribute: under which pictures are alike; of retrieval runs.
        change: attribute -> value wanted instead of the picture's own; of manipulation runs.
        top: number of answers.
    """

    runs: tuple[str, ...]
    row: int | None = None
    file: Path | None = None
    attribute: str = ""
    change: Mapping[str, str] = field(default_factory=dict)
    top: int = TOP


def query_pixels(question: Question, data: Any) -> np.ndarray:
    """Return the picture of a question as the model takes it, uint8 (S, S, 3).

    A file goes through the loader of photographs, so camera turns, CMYK and HEIC are handled there.

    Raises:
        FashionError: there is no such row, or the file cannot be read as a picture.
    """
    if question.file is not None:
        return decode_photograph(question.file, data.image_size, data.geometry)
    last = len(data.image_names) - 1
    if not isinstance(question.row, int) or isinstance(question.row, bool) or not 0 <= question.row <= last:
        raise FashionError(
            f"there is no picture {shortened(question.row)}: choose a number from 0 to {last}."
        )
    return np.asarray(data.pixels[question.row])
