"""ASEN as its authors' code computes it, both versions, written out over tensors. W are the weights by name.

Shapes: image (B, C, h, w) is ResNet's map, a (B,) are attribute ids, all floats have one type.
"""

import math

import torch
from torch import Tensor


def linear(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return torch.einsum("oi,bi->bo", W[f"{name}.weight"], x) + W[f"{name}.bias"]


def conv1(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    kernel = W[f"{name}.weight"]
    return torch.einsum("oi,bihw->bohw", kernel.reshape(kernel.shape[:2]), x) + W[f"{name}.bias"][:, None, None]


def batch_norm(W: dict[str, Tensor], name: str, x: Tensor, training: bool) -> Tensor:
    """Batch mean and biased batch variance in training, the running ones otherwise."""
    mean, variance = W[f"{name}.running_mean"], W[f"{name}.running_var"]
    if training:
        mean = x.mean((0, 2, 3))
        variance = ((x - mean[:, None, None]) ** 2).mean((0, 2, 3))
    scaled = (x - mean[:, None, None]) / torch.sqrt(variance + 1e-5)[:, None, None]
    return scaled * W[f"{name}.weight"][:, None, None] + W[f"{name}.bias"][:, None, None]


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def over_positions(scores: Tensor) -> Tensor:
    """Softmax of (B, h, w) over its h * w positions."""
    e = torch.exp(scores - scores.amax((1, 2), keepdim=True).detach())
    return e / e.sum((1, 2), keepdim=True)


def unit(x: Tensor) -> Tensor:
    return x / (x**2).sum(1, keepdim=True).sqrt()


def gate(W: dict[str, Tensor], v: Tensor, attribute: Tensor) -> Tensor:
    hidden = linear(W, "channel.hidden", torch.cat([v, attribute], dim=1)).clamp(min=0)
    return sigmoid(linear(W, "channel.gate", hidden))


def version1(W: dict[str, Tensor], image: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return map, gate and embedding. Two tables; a convolution scores; a linear layer ends it."""
    u, w = W["attribute.weight"][a], W["channel_attribute.weight"][a]
    fused = torch.tanh(conv1(W, "spatial.conv", image)) * torch.tanh(u)[:, :, None, None]
    score = torch.einsum("oi,bihw->bohw", W["spatial.score.weight"], fused) + W["spatial.score.bias"][:, None, None]
    alpha = over_positions(torch.tanh(score[:, 0]))
    v = (alpha[:, None] * image).sum((2, 3))
    g = gate(W, v, w.clamp(min=0))
    return alpha, g, unit(linear(W, "linear", v * g))


def version2(W: dict[str, Tensor], image: Tensor, a: Tensor, training: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return map, gate and embedding. One table, two linear layers; batch norm on the keys; a scaled sum scores."""
    e = W["attribute.weight"][a]
    k = torch.tanh(batch_norm(W, "spatial.norm", conv1(W, "spatial.conv", image), training))
    q = torch.tanh(linear(W, "spatial.attribute_side.0", e))
    alpha = over_positions((k * q[:, :, None, None]).sum(1) / math.sqrt(q.shape[1]))
    v = (alpha[:, None] * image).sum((2, 3))
    g = gate(W, v, linear(W, "channel.attribute_side.0", e).clamp(min=0))
    return alpha, g, unit(v * g)


def triplet(x: Tensor, p: Tensor, n: Tensor) -> Tensor:
    """T(x, p, n) on unit vectors (B, D)."""
    return (0.2 + (x * n).sum(1) - (x * p).sum(1)).clamp(min=0).sum() / len(x)
