"""Masks over embedding dimensions, one per attribute, as in conditional similarity networks (CSN)."""

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError

MASKS = ("prein", "learned", "fixed")
BLOCKS = ("even", "floor")


def initial_masks(attributes: int, dim: int, kind: str, blocks: str = "even") -> Tensor:
    """Return the start values of the masks, float32 (attributes, dim).

    With "prein" and "fixed" each attribute owns one block of dimensions.

    Args:
        attributes: number of attributes.
        dim: number of embedding dimensions.
        kind: one of MASKS. "prein" is 1 on the attribute's own block and 0.1 elsewhere. "fixed" is 1 on the
            block and 0 elsewhere. "learned" is drawn from a normal distribution with mean 0.9 and standard
            deviation 0.7.
        blocks: one of BLOCKS. "even" splits all dimensions as evenly as possible. "floor" is the code of CSN, ASEN
            and AG-MAN (page 11): with l = floor(dim / attributes), attribute i owns [i l, (i + 1) l). The remaining
            dimensions, fewer than `attributes`, then belong to no attribute.

    Raises:
        FashionError: if `kind` or `blocks` is unknown, or if each attribute needs a block and `dim` is smaller than
            `attributes`.
    """
    if kind not in MASKS:
        raise FashionError(f"Unknown masks '{kind}': choose one of {', '.join(MASKS)}.")
    if blocks not in BLOCKS:
        raise FashionError(f"Unknown blocks '{blocks}': choose one of {', '.join(BLOCKS)}.")
    if kind == "learned":
        return torch.normal(0.9, 0.7, (attributes, dim))
    if attributes > dim:
        raise FashionError(
            f"{attributes} attributes cannot each own a block of {dim} dimensions: use masks='learned'."
        )
    masks = torch.full((attributes, dim), 0.1 if kind == "prein" else 0.0)
    owned = dim if blocks == "even" else dim - dim % attributes
    for attribute, block in enumerate(np.array_split(np.arange(owned), attributes)):
        masks[attribute, block] = 1.0
    return masks
