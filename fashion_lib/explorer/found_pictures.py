"""The found pictures of an answer, with their maps and true regions, for retrieval and manipulation alike."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.explorer.answers import Shown


def found_pictures(
    data: Any,
    rows: np.ndarray,
    best: Sequence[int],
    number: int,
    *,
    scores: np.ndarray,
    words: Callable[[int], str],
    relevant: np.ndarray | None,
    heats: np.ndarray | None,
) -> list[Shown]:
    """Return the nearest candidates, nearest first.

    Args:
        data: RetrievalData or ManipulationData, with the candidates' pictures.
        rows: int (N,), the row in the data of every candidate.
        best: places in `rows`, nearest first.
        number: of the attribute whose true region is outlined.
        scores: float32 (N,), similarity or distance of every candidate.
        words: from a place in `rows` to what the picture shows.
        relevant: bool (N,); None where the query's value is not known.
        heats: float32 (len(best), h, w), in the order of `best`; None without maps.
    """
    pixels = data.pixels[rows[best]]
    return [
        Shown(
            pixels=pixels[place],
            row=int(rows[one]),
            rank=place + 1,
            score=float(scores[one]),
            value=words(one),
            right=None if relevant is None else bool(relevant[one]),
            heat=None if heats is None else heats[place],
            region=true_region(data, int(rows[one]), number),
        )
        for place, one in enumerate(best)
    ]


def true_region(data: Any, row: int | None, number: int) -> np.ndarray | None:
    """Return the true region of an attribute, bool (S, S); None where the data or the picture has none.

    Args:
        data: RetrievalData or ManipulationData.
        row: of the picture; None for one's own picture.
        number: of the attribute in the schema.
    """
    if data.regions is None or row is None:
        return None
    try:
        mask = np.asarray(data.regions(np.array([row]), number)[0], dtype=bool)
    except FashionError:  # the picture does not show the attribute
        return None
    return mask if mask.any() else None
