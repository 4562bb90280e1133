"""The attention of a model on pictures. The maps are those of its own forward pass; nothing is computed beside it."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.show.heat import heat_map_rows
from fashion_lib.show.title_text import literal
from fashion_lib.tasks.retrieval.explain import attention


def pictures_with(data: RetrievalData, attributes: Sequence[int], split: str = "test") -> np.ndarray:
    """Return the pictures of a split that show every one of these attributes, whether labelled or not.

    Args:
        data: the data set.
        attributes: attribute ids, at least one.
        split: "train", "valid" or "test". Of train every known label counts.

    Returns:
        int64 (pictures,): rows of `data.pixels`, ascending.
    """
    shown = data.shown_labels(split)
    carriers = [set(shown.of(a).image.tolist()) for a in attributes]
    return np.array(sorted(set.intersection(*carriers)), dtype=np.int64)


def attention_rows(
    model: RetrievalModel,
    data: RetrievalData,
    rows: np.ndarray,
    attributes: Sequence[int],
    kinds: Sequence[str] = ("spatial",),
    *,
    size: float = 1.25,
) -> Figure:
    """Draw one row per picture: the picture, then the maps that the model used for each attribute.

    The true region of an attribute is outlined where the data set knows it. The maps of a row share one colour
    scale.

    Args:
        model: a retrieval model with spatial attention.
        data: the data set.
        rows: int (B,), rows of `data.pixels`.
        attributes: attribute ids, one map of each kind for each.
        kinds: names of the maps that the model makes. With several, the title of a map names its kind.
        size: side of a picture, in inches.

    Returns:
        The figure, which pyplot no longer holds.

    Raises:
        FashionError: if the model makes no map of that kind.
    """
    inputs, maps, titles, regions = normalise(data.pixels[rows]), [], [], []
    for a in attributes:
        made = attention(model, inputs, torch.full((len(rows),), a))
        name = literal(data.schema.names[a]).replace("_", " ")
        for kind in kinds:
            if kind not in made:
                end = f"choose a kind: {suggestion(kind, list(made))}" if made else "choose a method with attention."
                raise FashionError(f"{type(model).__name__} makes no attention map '{kind}': {end}")
            maps.append(made[kind])
            titles.append(f"{name}\n{kind}" if len(kinds) > 1 else name)
            regions.append(None if data.regions is None else data.regions(rows, a))
    return heat_map_rows(data.pixels[rows], maps, titles, regions, size=size)
