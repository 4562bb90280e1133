"""Figures of one run: its answers, where it looked, and how it learned."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.augmentation import normalise
from fashion_lib.show.charts import training_curves
from fashion_lib.show.heat import heat_map_rows
from fashion_lib.show.pictures import retrieval_board, show_images
from fashion_lib.show.title_text import literal
from fashion_lib.tasks.retrieval.explain import attention as attention_maps

RUN = "give what fl.load_or_train(...) returned"


def hits(found, top: int = 8) -> Figure:
    """Draw what `run.search` found: the query, then its `top` nearest candidates, right and wrong ones framed.

    Args:
        found: a Hits. Where the query's own value is not known, no candidate is right or wrong, and none is framed.
        top: number of candidates.

    Raises:
        FashionError: for what is no Hits, and for a `top` below 1.
    """
    check_has(found, ("query", "rows", "wanted"), "answer of a search", "give what run.search(...) returned")
    if top < 1:
        raise FashionError(f"top={top} leaves no candidate to draw: give at least 1.")
    rows = found.rows[:top]
    if found.wanted:
        return retrieval_board(found.data, found.query, rows, found.attribute, found.correct[:top], top=top)
    titles = ["query", *(literal(value).replace("_", " ") for value in found.values[:top])]
    return show_images(found.data.pixels[np.r_[found.query, rows]], titles, columns=top + 1)


def attention(run, rows: Sequence[int], attributes: Sequence[str], map_name: str | None = None) -> Figure:
    """Draw where a run's model looked: a row per picture, a column per attribute, the true regions outlined.

    The maps are those that `forward` used. All maps of one picture share a colour scale.

    Args:
        run: a Run of a method with spatial attention.
        rows: pictures, rows of run.data.pixels.
        attributes: names of the schema.
        map_name: which of the model's maps; None is the first.

    Raises:
        FashionError: for unknown rows, attributes or maps, and for a method without spatial attention.
    """
    check_has(run, ("model", "data", "record"), "run", RUN)
    if isinstance(attributes, str):
        raise FashionError(f"attributes={attributes!r} is one text: give a list of names, as in [{attributes!r}].")
    data, ids = run.data, [run.data.schema.index(name) for name in attributes]
    rows = np.asarray(rows)
    if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu"):
        raise FashionError(f"rows={shortened(rows.tolist())} is no list of whole numbers: give rows=[3, 7].")
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not rows.size or not ids:
        raise FashionError("attention needs at least one row and one attribute: give rows=[3, 7] and attributes=[...].")
    if ((rows < 0) | (rows >= len(data.pixels))).any():
        last = len(data.pixels) - 1
        raise FashionError(f"one of the rows {rows.tolist()} is not in the data set: choose rows from 0 to {last}.")
    pixels = data.pixels[rows]
    images = normalise(pixels)
    drawn, masks = [], []
    for number in ids:
        maps = attention_maps(run.model, images, torch.full((len(rows),), number))
        if not maps:
            raise FashionError(
                f"{run.record.method} has no spatial attention to draw: choose a method such as asen, or use Grad-CAM"
                " (fashion_lib.tasks.retrieval.explain)."
            )
        name = map_name or next(iter(maps))
        if name not in maps:
            raise FashionError(f"{run.record.method} has no map {name!r}: {suggestion(name, tuple(maps))}")
        drawn.append(maps[name])
        masks.append(None if data.regions is None else np.stack([_region(data, row, number) for row in rows]))
    titles = [literal(name) for name in attributes]
    return heat_map_rows(pixels, drawn, titles, masks, row_titles=[f"row {row}" for row in rows])


def _region(data, row: int, attribute: int) -> np.ndarray:
    """Return where one picture shows an attribute, bool (S, S); all False if it does not show it."""
    try:
        return np.asarray(data.regions(np.array([row]), attribute)[0], dtype=bool)
    except FashionError:
        return np.zeros(data.pixels.shape[1:3], dtype=bool)


def history(run) -> Figure:
    """Draw how a run learned: loss, active triplets and validation score over the steps.

    Args:
        run: a Run of any method.

    Raises:
        FashionError: for what is no Run.
    """
    check_has(run, ("record", "history"), "run", RUN)
    record = run.record
    return training_curves([run.history], [f"{record.method} seed {record.seed}"])
