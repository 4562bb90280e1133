"""CBAM: which channels matter, then which positions (Woo, Park, Lee and Kweon, ECCV 2018).

It asks nobody: unlike ASEN's modules, its gates depend on the map alone. Yao et al. 2026 make it "attribute-guided" by
giving every attribute a CBAM of its own.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.parts.attention import PositionGate

REDUCTION = 16  # of the hidden layer, as in the paper's experiments
SMALLEST_HIDDEN = 4  # the course's small backbone has only 32 channels at its bottom


class Gated(NamedTuple):
    """What CBAM made of a map, and with what: map (B, C, h, w), channel (B, C) and spatial (B, h, w) gates in 0..1."""

    image_map: Tensor
    channel: Tensor
    spatial: Tensor


class ChannelGate(nn.Module):
    """Eq. 2: sigmoid(MLP(mean over positions) + MLP(maximum over positions)), one MLP for both; to (B, C)."""

    def __init__(self, channels: int, reduction: int = REDUCTION):
        super().__init__()
        hidden = max(channels // reduction, SMALLEST_HIDDEN)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, image_map: Tensor) -> Tensor:
        return torch.sigmoid(self.mlp(image_map.mean((2, 3))) + self.mlp(image_map.amax((2, 3))))


class CBAM(nn.Module):
    """The channel gate (eq. 2), then the gate of positions on what it left (eq. 3, a 7 x 7 convolution).

    norm: batch normalisation before the sigmoid of positions, which the authors' code has and eq. 3 has not. It is the
    default, because without it the sum of 98 non-negative numbers runs to one end of the sigmoid, and the gate becomes
    0 or 1 everywhere (notebook 13 shows both).
    """

    def __init__(self, channels: int, norm: bool = True, reduction: int = REDUCTION, kernel: int = 7):
        super().__init__()
        self.channel, self.spatial = ChannelGate(channels, reduction), PositionGate(kernel, norm)

    def forward(self, image_map: Tensor) -> Gated:
        channel = self.channel(image_map)
        weighted = image_map * channel[:, :, None, None]
        summary = PositionGate.summary(weighted)  # (B, 3, h, w): mean, maximum and minimum over channels
        spatial = self.spatial(summary, torch.ones_like(summary[:, 0]))  # (B, h, w)
        return Gated(weighted * spatial[:, None], channel, spatial)
