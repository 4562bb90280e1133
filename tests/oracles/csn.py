"""CSN as ASEN's authors and as Veit et al. compute it, written out over tensors. W are the weights by name.

Shapes: image (B, C, h, w) is ResNet's map, a (B,) are attribute ids.
"""

import math

import torch
from torch import Tensor


def embedded(W: dict[str, Tensor], image: Tensor) -> Tensor:
    pooled = image.sum((2, 3)) / (image.shape[2] * image.shape[3])
    return pooled @ W["linear.weight"].T + W["linear.bias"]


def mask(W: dict[str, Tensor], a: Tensor, learned: bool) -> Tensor:
    return W["masks"][a].clamp(min=0) if learned else W["masks"][a]


def rerun(W: dict[str, Tensor], image: Tensor, a: Tensor, learned: bool) -> Tensor:
    """The unit vector of ASEN's re-run."""
    x = embedded(W, image) * mask(W, a, learned)
    return x / (x**2).sum(1, keepdim=True).sqrt()


def distance(u: Tensor, v: Tensor) -> Tensor:
    return ((u - v + 1e-6) ** 2).sum(1).sqrt()


def veit_loss(W: dict[str, Tensor], roles: list[tuple[Tensor, Tensor]], learned: bool) -> Tensor:
    """Hinge on masked embeddings plus both penalties, for (map, attribute ids) of anchor, close and far."""
    f = [embedded(W, image) for image, _ in roles]
    m = [mask(W, a, learned) for _, a in roles]
    anchor, close, far = (x * y for x, y in zip(f, m, strict=True))
    count = len(anchor)
    hinge = (0.2 + distance(anchor, close) - distance(anchor, far)).clamp(min=0).sum() / count
    norm = sum((x**2).sum().sqrt() for x in f) / 3
    size = sum(x.abs().sum() for x in m) / 3
    return hinge + 5e-3 * norm / math.sqrt(count) + 5e-4 * size / count


def start(attributes: int, dim: int, elsewhere: float) -> Tensor:
    """The blocks' start: what is left over belongs to no attribute."""
    length = dim // attributes
    rows = [[1.0 if d // length == i else elsewhere for d in range(dim)] for i in range(attributes)]
    return torch.tensor(rows)
