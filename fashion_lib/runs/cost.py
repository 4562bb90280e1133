"""What a model costs: parameters, passes through its backbone, and operations, counted rather than quoted."""

import pandas as pd
import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has, shortened
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.complexity import operation_count, parameter_count
from fashion_lib.parts.eval_mode import in_eval_mode

SMALLEST = 32  # pixels: a backbone that halves the side five times still has one position left


def cost(model: RetrievalModel, image_size: int | None = None) -> pd.Series:
    """Count what a model needs to embed one picture for one attribute.

    Args:
        model: any model of the registry.
        image_size: side of the pictures in pixels; operations are counted only where it is given.

    Returns:
        Named numbers: parameters, backbone passes per image, and with image_size the multiplications plus additions of
        one image and one attribute, in units of 10^9.

    Raises:
        FashionError: for what is no model, and for a size that is no whole number of at least 32.
    """
    check_has(model, ("parameters", "image_passes"), "model", "give run.model, or call run.cost()")
    if image_size is not None and (type(image_size) is not int or image_size < SMALLEST):
        raise FashionError(f"image_size={shortened(image_size)} is no side in pixels: give at least {SMALLEST}.")
    found = {
        "parameters": parameter_count(model),
        "embedding size": model.embedding_dim,
        "backbone passes per image": model.image_passes,
    }
    if image_size is not None:
        found["10^9 operations per image and attribute"] = operations(model, image_size)
    return pd.Series(found, name=type(model).__name__, dtype=object)


def operations(model: RetrievalModel, image_size: int) -> float:
    """Return multiplications plus additions to embed one random picture for attribute 0, in units of 10^9."""
    parameter = next(model.parameters(), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    image = torch.zeros(1, 3, image_size, image_size, device=device)
    attribute = torch.zeros(1, dtype=torch.int64, device=device)
    with in_eval_mode(model):
        return round(operation_count(lambda: model.attend(model.features(image), attribute)) / 1e9, 4)
