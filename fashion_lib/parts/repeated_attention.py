"""Repeated attention, shared by ISLN and IPAD: several passes over one map, each with new position weights.

A 1 x 1 convolution without bias commutes with a weight per position. So it runs once per image, and a later
pass costs one multiplication and one addition per channel, and a tanh. The two are a batch normalisation (BN), or a
ChannelShift where a method has none.

Shapes: B images, C channels of the map I, A channels of the keys, h x w positions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.parts.attention import positions


class RepeatedFeatures(NamedTuple):
    """The features of an image that all attributes share.

    Attributes:
        image_map: the map I, (B, C, h, w).
        convolved: conv(I), (B, A, h, w).
        keys: the keys of pass 1, tanh(BN(conv(I))), (B, A, h, w).
        later: in eval mode, one pair (shift, scaled) per later pass, with
            `2 BN(weight * conv(I)) = shift + weight * scaled`. Shift is (B, 1, A), scaled is (B, h * w, A).
            In training it is empty: the normalisation then depends on the attribute's batch.
    """

    image_map: Tensor
    convolved: Tensor
    keys: Tensor
    later: tuple[tuple[Tensor, Tensor], ...]


class ChannelShift(nn.Module):
    """Add a learned number per channel: the bias of a convolution that is computed without it.

    The bias does not commute with a weight per position, so it comes after the weight.

    Args:
        channels: A, the number of channels.
        bound: the numbers start uniform in -bound..bound.
    """

    def __init__(self, channels: int, bound: float):
        super().__init__()
        self.bias = nn.Parameter(torch.empty(channels).uniform_(-bound, bound))

    def forward(self, convolved: Tensor) -> Tensor:
        """Return the shifted map, (B, A, h, w)."""
        return convolved + self.bias[:, None, None]


def scale_and_shift(norm: nn.BatchNorm2d | ChannelShift) -> tuple[Tensor, Tensor]:
    """Return scale and shift, (A,) each, with norm(x) = scale * x + shift in eval mode."""
    if isinstance(norm, ChannelShift):
        return torch.ones_like(norm.bias), norm.bias
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def repeated_features(
    image_map: Tensor, conv: nn.Conv2d, norms: Sequence[nn.BatchNorm2d | ChannelShift]
) -> RepeatedFeatures:
    """Compute what all attributes share, in float32.

    Args:
        image_map: I, (B, C, h, w).
        conv: 1 x 1 convolution from C to A channels, without bias.
        norms: one batch normalisation, or ChannelShift, over A channels per pass.
    """
    convolved = conv(image_map).float()
    later = []
    for norm in [] if norms[0].training else norms[1:]:
        scale, shift = scale_and_shift(norm)
        later.append(((2 * shift).expand(len(convolved), 1, -1), 2 * scale * positions(convolved)))
    return RepeatedFeatures(image_map.float(), convolved, torch.tanh(norms[0](convolved)), tuple(later))


def weighted_keys(
    features: RepeatedFeatures, norms: Sequence[nn.BatchNorm2d | ChannelShift], number: int, weight: Tensor
) -> Tensor:
    """Compute the keys of a later pass: `(tanh(BN(weight * conv(I))) + 1) / 2`, (B, A, h, w).

    That is a sigmoid, which is six times as fast as tanh on a CPU. Every map written to memory costs time
    there. So in eval mode the normalisation is one multiplication and one addition, and the sigmoid is taken
    in place.

    Args:
        features: what `repeated_features` returned.
        norms: the same normalisations as there.
        number: number of the pass, from 1; pass 0 uses `features.keys`.
        weight: weight per position, (B, h, w).
    """
    if not features.later:
        return torch.sigmoid(2 * norms[number](weight[:, None] * features.convolved))
    shift, scaled = features.later[number - 1]
    doubled = torch.addcmul(shift, weight.flatten(1)[..., None], scaled)  # (B, h * w, A): channels last, as in memory
    return doubled.sigmoid_().unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)


def mean_one(factors: Tensor) -> Tensor:
    """Scale factors of positions (B, h, w) or channels (B, C) to mean 1; a map times them keeps its scale."""
    return factors / factors.mean(tuple(range(1, factors.ndim)), keepdim=True).clamp(min=1e-12)
