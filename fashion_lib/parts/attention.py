"""The attention modules that ASEN introduced and its successors reuse (Ma et al., AAAI 2020).

ASA is attribute-aware spatial attention; ACA is attribute-aware channel attention. Notation of the paper:
image feature map I of shape (C, h, w), attribute a, attention dimension A. B is the number of images in a
batch.

The attribute side of both modules can be replaced: any module that makes the vector it needs of the attribute's.
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError


def attention_dim(channels: int) -> int:
    """Return A for a map of C channels: 512 for ResNet-50's 1024, as in the authors' code, and never below 128."""
    return max(channels // 2, 128)


SCORES = ("scaled_sum", "convolution")


class SpatialAttention(nn.Module):
    """ASA, the attention over positions: `softmax(<tanh(BN(conv(I))), tanh(W a)> / sqrt(A))`.

    BN is batch normalisation; < , > is the inner product over the A channels. The image side does not depend
    on the attribute. So call `keys(I)` once per image, then `forward` once per attribute.

    Args:
        channels: C of the map I.
        dim: A.
        attribute_side: module from (B, A) to (B, A); None is `tanh(W a)`.
        score: "scaled_sum" is version 2 of ASEN. "convolution" is version 1: it has no batch normalisation. A
            learned 1 x 1 convolution from A channels to one, then tanh, replaces the scaled sum.
        convolve: False leaves conv(I) out, for a map that a convolution has already reduced to A channels.

    Raises:
        FashionError: if `score` is unknown.
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
        """Compute the image side: a map (B, C, h, w) gives the keys, float32 (B, A, h, w)."""
        return torch.tanh(self.norm(self.conv(image_map)).float())

    def forward(self, keys: Tensor, attribute: Tensor, gain: float = 1.0) -> Tensor:
        """Compute the attention map.

        Args:
            keys: what `keys` returned, float32 (B, A, h, w).
            attribute: attribute vectors, (B, A).
            gain: constant factor of the keys. It is applied to the scores instead: h * w products, not
                A * h * w. The score "convolution" ignores it.

        Returns:
            The attention map (B, h, w), which sums to 1 over positions.
        """
        query = self.attribute_side(attribute)  # (B, A)
        if self.score is not None:  # <score weights, keys * query> = <keys, score weights * query>
            query = query * self.score.weight
        # A row times a matrix: with the query as a column, a CPU takes six times as long.
        scores = torch.bmm(query[:, None], positions(keys).transpose(1, 2)).squeeze(1)  # (B, h * w)
        if self.score is not None:
            scores = torch.tanh(scores + self.score.bias)
        else:
            scores = scores * (gain / math.sqrt(keys.shape[1]))
        return scores.softmax(dim=1).view(len(keys), *keys.shape[2:])


def positions(image_map: Tensor) -> Tensor:
    """Reorder a map (B, C, h, w) to (B, h * w, C), without a copy if the memory is channels-last.

    The other order, (B, C, h * w), would make every gradient of the backbone change its memory format. That
    costs about a tenth of the training speed.
    """
    return image_map.permute(0, 2, 3, 1).flatten(1, 2)


def attend_positions(image_map: Tensor, attention: Tensor) -> Tensor:
    """Sum a map (B, C, h, w) over positions, weighted by an attention map (B, h, w); return (B, C)."""
    return torch.bmm(attention.flatten(1)[:, None], positions(image_map)).squeeze(1)


class PositionGate(nn.Module):
    """SA, a position gate that takes no attribute: `sigmoid(conv([mean over C, max over C]))`, AG-MLAN eq. 4.

    The methods apply it to s * I: the map I with a scale s per position. That map need not be computed. The
    mean over channels of s * I is s * mean(I). Its maximum is s * max(I), or s * min(I) where s is negative.
    So call `summary(I)` once per image; each attribute then costs one value per position.

    Args:
        kernel: side of the convolution, odd.
        norm: True adds batch normalisation before the sigmoid.
        momentum: of the batch normalisation.
        max_first: True gives the convolution the maximum first, then the mean, as CBAM's code does.
    """

    def __init__(self, kernel: int, norm: bool = False, momentum: float = 0.1, max_first: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=momentum) if norm else nn.Identity()
        self.max_first = max_first

    @staticmethod
    def summary(image_map: Tensor) -> Tensor:
        """Stack mean, maximum and minimum over channels: (B, C, h, w) gives (B, 3, h, w)."""
        return torch.stack([image_map.mean(1), image_map.amax(1), image_map.amin(1)], dim=1)

    def forward(self, summary: Tensor, scale: Tensor) -> Tensor:
        """Compute the gate of scale * I.

        Args:
            summary: what `summary(I)` returned, (B, 3, h, w).
            scale: scale per position, (B, h, w).

        Returns:
            The gate (B, h, w), each factor in 0..1.
        """
        mean, high, low = summary.unbind(1)
        maps = [scale * mean, scale * torch.where(scale >= 0, high, low)]
        stacked = torch.stack(maps[::-1] if self.max_first else maps, dim=1)  # (B, 2, h, w)
        return torch.sigmoid(self.norm(self.conv(stacked))).squeeze(1)


class ChannelAttention(nn.Module):
    """ACA, the attention over channels: `sigmoid(W2 relu(W1 [x, relu(W a)]))`.

    The result is a gate: a factor between 0 and 1 for each channel of the attended vector x.

    Args:
        channels: C, the size of x.
        dim: A, the size of the hidden layer.
        attribute_side: module from (B, attribute_dim) to (B, attribute_dim); None is `relu(W a)`.
        attribute_dim: size of the attribute vector; None is A. ASEN's version 1 has C.
    """

    def __init__(
        self,
        channels: int,
        dim: int,
        attribute_side: nn.Module | None = None,
        attribute_dim: int | None = None,
    ):
        super().__init__()
        width = attribute_dim or dim
        self.attribute_side = attribute_side or nn.Sequential(nn.Linear(width, width), nn.ReLU())
        self.hidden = nn.Linear(channels + width, dim)
        self.gate = nn.Linear(dim, channels)

    def forward(self, vector: Tensor, attribute: Tensor) -> Tensor:
        """Compute the gate (B, C), each factor in 0..1.

        Args:
            vector: attended vectors, (B, C).
            attribute: attribute vectors, (B, attribute_dim).
        """
        joined = torch.cat([vector, self.attribute_side(attribute)], dim=1)  # (B, C + attribute_dim)
        return torch.sigmoid(self.gate(torch.relu(self.hidden(joined))))


def background_map(attention: Tensor) -> Tensor:
    """Return 1 - attention, scaled to sum 1 over positions; both maps are (B, h, w)."""
    rest = 1 - attention
    return rest / rest.sum((1, 2), keepdim=True)
