"""ASEN++ as its authors' code computes it, written out over tensors. W are the weights by name."""

import math

import torch
from oracles.asen import conv1, linear, over_positions, sigmoid
from torch import Tensor


def branch(W: dict[str, Tensor], name: str, image: Tensor, e: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Map (B, h, w), gate (B, C) and vector (B, out) of the branch `name`, for a map (B, C, h, w)."""
    k = torch.tanh(conv1(W, f"{name}.spatial.conv", image))
    q = torch.tanh(linear(W, f"{name}.spatial.attribute_side.0", e))
    alpha = over_positions((k * q[:, :, None, None]).sum(1) / math.sqrt(k.shape[1]))
    v = (alpha[:, None] * image).sum((2, 3))
    told = linear(W, f"{name}.channel.attribute_side.0", e).clamp(min=0)
    hidden = linear(W, f"{name}.channel.hidden", torch.cat([v, told], dim=1)).clamp(min=0)
    gate = sigmoid(linear(W, f"{name}.channel.gate", hidden))
    return alpha, gate, linear(W, f"{name}.linear", v * gate)


def cosine(x: Tensor, y: Tensor) -> Tensor:
    lengths = [(one**2).sum(1).sqrt().clamp(min=1e-8) for one in (x, y)]
    return (x * y).sum(1) / (lengths[0] * lengths[1])


def alignment(g: Tensor, l: Tensor, roles: Tensor) -> Tensor:  # noqa: E741
    """A: a mean for anchors, one for positives and one for negatives, rows of `roles` (T, 3), and their sum."""
    return sum((1 - cosine(g[rows], l[rows])).clamp(min=0).mean() for rows in roles.T)
