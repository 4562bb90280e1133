"""CBAM as its authors' code computes it, written out over tensors. W are the weights by name."""

import torch
import torch.nn.functional as F
from torch import Tensor


def cbam(W: dict[str, Tensor], x: Tensor, training: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gated map, the channel gate (B, C) and the position gate (B, h, w)."""

    def m(u: Tensor) -> Tensor:
        hidden = (u @ W["channel.mlp.0.weight"].T + W["channel.mlp.0.bias"]).clamp(min=0)
        return hidden @ W["channel.mlp.2.weight"].T + W["channel.mlp.2.bias"]

    flat = x.flatten(2)
    channel = 1 / (1 + torch.exp(-(m(flat.mean(2)) + m(flat.max(2).values))))
    y = x * channel[:, :, None, None]
    stacked = torch.stack([y.max(1).values, y.mean(1)], dim=1)  # the maximum first
    z = F.conv2d(stacked, W["spatial.conv.weight"], padding=3)
    mean, variance = W["spatial.norm.running_mean"], W["spatial.norm.running_var"]
    if training:
        mean, variance = z.mean(), ((z - z.mean()) ** 2).mean()
    z = (z - mean) / torch.sqrt(variance + 1e-5) * W["spatial.norm.weight"] + W["spatial.norm.bias"]
    spatial = 1 / (1 + torch.exp(-z[:, 0]))
    return y * spatial[:, None], channel, spatial
