"""Weights in eight bits: a quarter of the bytes, for the runs that ship with the course.

Each output channel of a weight has one scale, its largest absolute value divided by 127. A number is off by at most
half a scale. Small tensors (biases, normalisation) stay as they are.
"""

import torch
from torch import Tensor

LEVELS = 127
SMALL = 512  # numbers; a smaller tensor stays as it is
SCALE = "scale."  # prefix of the scales' names


def packed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in eight bits, each followed by its scales.

    Args:
        tensors: name -> tensor, weights being float32 (channels, ...).

    Returns:
        name -> int8 of the same shape, and "scale." + name -> float32 (channels,); small tensors unchanged.
    """
    held = {}
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32 or tensor.ndim < 2 or tensor.numel() < SMALL:
            held[name] = tensor
            continue
        rows = tensor.flatten(1)  # (channels, ...) -> (channels, K)
        scale = rows.abs().amax(1) / LEVELS
        steps = rows / torch.where(scale > 0, scale, 1.0)[:, None]  # a channel of zeros stays zero
        held[name], held[SCALE + name] = steps.round().to(torch.int8).reshape(tensor.shape), scale
    return held


def unpacked(held: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights behind `packed`: float32, off by at most half a scale."""
    tensors = {}
    for name, tensor in held.items():
        if name.startswith(SCALE):
            continue
        scale = held.get(SCALE + name)
        if scale is not None:
            tensor = (tensor.float().flatten(1) * scale[:, None]).reshape(tensor.shape)
        tensors[name] = tensor
    return tensors
