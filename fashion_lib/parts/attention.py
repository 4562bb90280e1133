"""The attention pieces that ASEN introduced and its successors rearrange (Ma et al., AAAI 2020).

Notation of the paper: image feature map I (C x h x w), attribute a, attention dimension A. The attribute side of both
modules can be replaced: it is any module from (B, A) to (B, A).
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError


def attention_dim(channels: int) -> int:
    """A for a map of C channels: 512 for ResNet-50's 1024, as in the paper, and never below 128."""
    return max(channels // 2, 128)


SCORES = ("scaled_sum", "convolution")


class SpatialAttention(nn.Module):
    """ASA, where to look: softmax over positions of <tanh(BN(conv(I))), tanh(W a)> / sqrt(A).

    Two steps, because the image side does not depend on the attribute: `keys(I)` once an image, then `forward`
    once an attribute. score "scaled_sum" is version 2's; "convolution" is version 1's: no batch normalisation, and
    instead of the sum a learned 1 x 1 convolution from A channels to one, then tanh. convolve=False leaves conv(I) out,
    for a map that a convolution has just brought to A channels.
    """

    def __init__(
        self,
        channels: int,
        dim: int,
        attribute_side: nn.Module | None = None,
        score: str = "scaled_sum",
        convolve: bool = True,
    ):
        super().__init__()
        if score not in SCORES:
            raise FashionError(f"Unknown score '{score}': choose one of {', '.join(SCORES)}.")
        self.conv = nn.Conv2d(channels, dim, 1) if convolve else nn.Identity()
        self.norm = nn.BatchNorm2d(dim) if score == "scaled_sum" else nn.Identity()
        self.attribute_side = attribute_side or nn.Sequential(nn.Linear(dim, dim), nn.Tanh())
        self.score = nn.Linear(dim, 1) if score == "convolution" else None

    def keys(self, image_map: Tensor) -> Tensor:
        """Image side: (B, C, h, w) to float32 (B, A, h, w)."""
        return torch.tanh(self.norm(self.conv(image_map)).float())

    def forward(self, keys: Tensor, attribute: Tensor, gain: float = 1.0) -> Tensor:
        """keys (B, A, h, w), attribute (B, A) to the attention map (B, h, w), sum 1 over positions.

        gain: factor of the keys that they leave to the scores, one number a position instead of A.
        """
        query = self.attribute_side(attribute)  # (B, A)
        if self.score is not None:  # <score weights, keys * query> = <keys, score weights * query>
            query = query * self.score.weight
        # A row times a matrix: with the query as a column it would take six times as long on a CPU.
        scores = torch.bmm(query[:, None], positions(keys).transpose(1, 2)).squeeze(1)  # (B, h * w)
        if self.score is not None:
            scores = torch.tanh(scores + self.score.bias)
        else:
            scores = scores * (gain / math.sqrt(keys.shape[1]))
        return scores.softmax(dim=1).view(len(keys), *keys.shape[2:])


def positions(image_map: Tensor) -> Tensor:
    """(B, C, h, w) to (B, h * w, C). A view of channels-last memory; the other order would make every gradient of the
    backbone change its memory format, which costs about a tenth of the training speed."""
    return image_map.permute(0, 2, 3, 1).flatten(1, 2)


def attend_positions(image_map: Tensor, attention: Tensor) -> Tensor:
    """Sum over positions of I weighted by the attention map: (B, C, h, w), (B, h, w) to (B, C)."""
    return torch.bmm(attention.flatten(1)[:, None], positions(image_map)).squeeze(1)


class PositionGate(nn.Module):
    """SA, which positions stand out whatever the attribute: sigmoid(conv([mean over C, max over C])), AG-MLAN eq. 4.

    It is asked about a map that a weight s of each position has scaled, s * I, without making that map: the mean over
    channels of s * I is s * mean(I), its maximum s * max(I), or s * min(I) where s is negative. So `summary(I)` is
    taken once an image, and an attribute costs one value a position. norm: batch normalisation before the sigmoid.
    """

    def __init__(self, kernel: int, norm: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()

    @staticmethod
    def summary(image_map: Tensor) -> Tensor:
        """(B, C, h, w) to mean, maximum and minimum over channels, (B, 3, h, w)."""
        return torch.stack([image_map.mean(1), image_map.amax(1), image_map.amin(1)], dim=1)

    def forward(self, summary: Tensor, scale: Tensor) -> Tensor:
        """summary (B, 3, h, w) of I, scale (B, h, w) to the gate of scale * I, (B, h, w), each factor in 0..1."""
        mean, high, low = summary.unbind(1)
        stacked = torch.stack([scale * mean, scale * torch.where(scale >= 0, high, low)], dim=1)  # (B, 2, h, w)
        return torch.sigmoid(self.norm(self.conv(stacked))).squeeze(1)


class ChannelAttention(nn.Module):
    """ACA, what matters there: sigmoid(W2 relu(W1 [x, relu(W a)])), a gate on each channel of the attended vector x."""

    def __init__(self, channels: int, dim: int, attribute_side: nn.Module | None = None):
        super().__init__()
        self.attribute_side = attribute_side or nn.Sequential(nn.Linear(dim, dim), nn.ReLU())
        self.hidden = nn.Linear(channels + dim, dim)
        self.gate = nn.Linear(dim, channels)

    def forward(self, vector: Tensor, attribute: Tensor) -> Tensor:
        """vector (B, C), attribute (B, A) to the gate (B, C), each factor in 0..1."""
        joined = torch.cat([vector, self.attribute_side(attribute)], dim=1)  # (B, C + A)
        return torch.sigmoid(self.gate(torch.relu(self.hidden(joined))))


def background_map(attention: Tensor) -> Tensor:
    """(1 - attention), brought to sum 1 over positions; (B, h, w)."""
    rest = 1 - attention
    return rest / rest.sum((1, 2), keepdim=True)
