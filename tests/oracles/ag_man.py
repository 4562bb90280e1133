"""AG-MAN as its authors' code computes it, written out over tensors. W are the weights by name.

Shapes: s2 (B, C / 2, 2 h, 2 w) and s3 (B, C, h, w) are the maps of stages 2 and 3, a (B,) are attribute ids.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Result(NamedTuple):
    alpha: Tensor  # (B, h, w)
    position_gate: Tensor  # (B, h, w)
    channel_gate: Tensor  # (B, A), before w2
    embedding: Tensor  # (B, A)
    added: Tensor  # S, (B, C, h, w), the input of branch 1


def linear(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ W[f"{name}.weight"].T + W[f"{name}.bias"]


def conv1(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    kernel = W[f"{name}.weight"]
    return torch.einsum("oi,bihw->bohw", kernel.reshape(kernel.shape[:2]), x) + W[f"{name}.bias"][:, None, None]


def swish(t: Tensor) -> Tensor:
    return t / (1 + torch.exp(-t))


def branch2(W: dict[str, Tensor], s2: Tensor, s3: Tensor, a: Tensor, training: bool) -> Result:
    stride = s2.shape[2] // s3.shape[2]
    added = s3 + conv1(W, "bring.conv", F.max_pool2d(s2, 3, stride, 1))
    R = conv1(W, "reduce", W["scale"] * torch.cat([s3, added], dim=1))
    mean, variance = W["spatial.norm.running_mean"], W["spatial.norm.running_var"]
    if training:
        mean, variance = R.mean((0, 2, 3)), R.var((0, 2, 3), correction=0)
    normed = (R - mean[:, None, None]) / torch.sqrt(variance + 1e-5)[:, None, None]
    normed = normed * W["spatial.norm.weight"][:, None, None] + W["spatial.norm.bias"][:, None, None]
    e = W["spatial_attribute.weight"][a]  # one table for both attentions
    query = swish(linear(W, "spatial.attribute_side.0", e))
    scores = torch.einsum("bkhw,bk->bhw", torch.tanh(normed), query) / math.sqrt(R.shape[1])
    alpha = scores.flatten(1).softmax(1).view_as(scores)
    X = R * (W["spatial_scale"] * alpha)[:, None]
    stacked = torch.stack([X.mean(1), X.max(1).values], dim=1)
    kernel = W["spatial_gate.conv.weight"]
    position_gate = torch.sigmoid(F.conv2d(stacked, kernel, padding=kernel.shape[-1] // 2))[:, 0]
    x = (position_gate[:, None] * X).sum((2, 3))
    joined = torch.cat([x, swish(linear(W, "channel.attribute_side.0", e))], dim=1)
    g = torch.sigmoid(linear(W, "channel.gate", linear(W, "channel.hidden", joined).clamp(min=0)))
    f = x * W["channel_scale"] * g * W["masks"][a].clamp(min=0)
    return Result(alpha, position_gate, g, f / (f**2).sum(1, keepdim=True).sqrt(), added)


def classification(W: dict[str, Tensor], stage4: Tensor, a: Tensor) -> Tensor:
    """C for stage 4's output (B, 2 C, h, w): the mean binary cross-entropy over images and attributes."""
    z = linear(W, "branch1.linear", stage4.mean((2, 3)))
    p = torch.sigmoid(z)
    y = torch.zeros_like(z)
    for row, attribute in enumerate(a.tolist()):
        y[row, attribute] = 1
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).sum() / z.numel()


def total(triplet: Tensor, classified: Tensor) -> Tensor:
    return 0.5 * math.e * (triplet + classified) + 2
