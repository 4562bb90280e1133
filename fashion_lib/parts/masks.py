"""Masks of embedding dimensions, one per attribute, as conditional similarity networks start them."""

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError

MASKS = ("prein", "learned", "fixed")


def initial_masks(attributes: int, dim: int, kind: str) -> Tensor:
    """float32 (attributes, dim) of one of MASKS; blocks split the dimensions as evenly as can be."""
    if kind not in MASKS:
        raise FashionError(f"Unknown masks '{kind}': choose one of {', '.join(MASKS)}.")
    if kind == "learned":
        return torch.normal(0.9, 0.7, (attributes, dim))
    if attributes > dim:
        raise FashionError(
            f"{attributes} attributes cannot each own a block of {dim} dimensions: use masks='learned'."
        )
    masks = torch.full((attributes, dim), 0.1 if kind == "prein" else 0.0)
    for attribute, block in enumerate(np.array_split(np.arange(dim), attributes)):
        masks[attribute, block] = 1.0
    return masks
