"""What ISLN and IPAD share: one map is looked at again and again, each time with another weight for every position.

A 1 x 1 convolution without bias commutes with a factor for each position, so it runs once an image, and a pass costs a
normalisation and a tanh.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.parts.attention import positions


class RepeatedFeatures(NamedTuple):
    """What attributes share: the map I (B, C, h, w), conv(I) and the keys of pass 1, tanh(BN(conv(I))), (B, A, h, w).

    later: in eval mode, for each later pass, 2 BN(weight * conv(I)) as shift + weight * scaled: the shift (B, 1, A) and
    scaled (B, h * w, A); nothing in training, where the normalisation depends on the attribute's batch.
    """

    image_map: Tensor
    convolved: Tensor
    keys: Tensor
    later: tuple[tuple[Tensor, Tensor], ...]


def repeated_features(image_map: Tensor, conv: nn.Conv2d, norms: Sequence[nn.BatchNorm2d]) -> RepeatedFeatures:
    """Of a map (B, C, h, w), for a convolution without bias and one normalisation a pass; float32."""
    convolved = conv(image_map).float()
    later = []
    for norm in [] if norms[0].training else norms[1:]:
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)  # BN(x) = scale * x + shift, each (A,)
        shift = norm.bias - norm.running_mean * scale
        later.append(((2 * shift).expand(len(convolved), 1, -1), 2 * scale * positions(convolved)))
    return RepeatedFeatures(image_map.float(), convolved, torch.tanh(norms[0](convolved)), tuple(later))


def weighted_keys(features: RepeatedFeatures, norms: Sequence[nn.BatchNorm2d], number: int, weight: Tensor) -> Tensor:
    """(tanh(BN(weight * conv(I))) + 1) / 2 of a later pass, (B, A, h, w): a sigmoid, six times as fast on a CPU.

    number: of the pass, from 1; weight: (B, h, w). On a CPU every map that is written counts: in eval mode the
    normalisation is one multiplication and one addition, and the sigmoid is taken in place.
    """
    if not features.later:
        return torch.sigmoid(2 * norms[number](weight[:, None] * features.convolved))
    shift, scaled = features.later[number - 1]
    doubled = torch.addcmul(shift, weight.flatten(1)[..., None], scaled)  # (B, h * w, A): channels last, as in memory
    return doubled.sigmoid_().unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)


def mean_one(factors: Tensor) -> Tensor:
    """Factors of positions (B, h, w) or channels (B, C), scaled to mean 1: what they multiply keeps its scale."""
    return factors / factors.mean(tuple(range(1, factors.ndim)), keepdim=True).clamp(min=1e-12)
