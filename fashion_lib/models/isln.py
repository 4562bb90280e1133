"""ISLN: ASEN's two modules applied again and again, each pass fed by the one before (Yan et al., ICME 2022)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.attributes import Schema
from fashion_lib.errors import FashionError
from fashion_lib.models.asen import ASEN
from fashion_lib.models.attention import attend_positions, positions
from fashion_lib.models.backbones import Backbone
from fashion_lib.models.interface import Attended
from fashion_lib.precision import float32_maths


class IslnFeatures(NamedTuple):
    """What attributes share: the map I (B, C, h, w), conv(I) and its normalised keys for pass 1, (B, A, h, w) each.

    scaled: in eval mode conv(I) times the scale of each later pass's normalisation, (B, A, h, w) each; nothing in
    training, where the scale depends on the attribute's batch.
    """

    image_map: Tensor
    convolved: Tensor
    keys: Tensor
    scaled: tuple[Tensor, ...]


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What the layer does in eval mode, x * scale + shift, each (A, 1, 1)."""
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale[:, None, None], (norm.bias - norm.running_mean * scale)[:, None, None]


class ISLN(ASEN):
    """`passes` times: ASA on the attended map, ACA on its sum, and an attribute vector that has seen the image; D = C.

    maps["spatial"] is the map that the last vector was summed with, the passes' maps multiplied; maps["pass 1"] and so
    on are the single ones. The attended map keeps its scale (a softmax map times h * w has mean 1), and as a 1 x 1
    convolution commutes with a weight per position, the convolution runs once an image. Inferred: the next attribute
    vector is the last one plus a linear layer C -> A of the gated vector, and each pass has a batch
    normalisation of its own, because the attended map's statistics change. Raises FashionError below one pass.
    """

    def __init__(self, schema: Schema, backbone: Backbone, passes: int = 3):
        if passes < 1:
            raise FashionError(f"passes={passes} leaves nothing to attend with: choose at least 1.")
        super().__init__(schema, backbone)
        dim = self.attribute.embedding_dim
        self.spatial.conv = nn.Conv2d(backbone.out_channels, dim, 1, bias=False)  # a bias would not commute
        self.spatial.norm = nn.Identity()
        self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(passes))
        self.feedback = nn.Linear(backbone.out_channels, dim) if passes > 1 else None

    def features(self, images: Tensor) -> IslnFeatures:
        image_map = self.backbone(images)  # (B, C, h, w)
        convolved = self.spatial.conv(image_map).float()  # (B, A, h, w)
        later = [] if self.training else self.norms[1:]
        scaled = tuple(scale_and_shift(norm)[0] * convolved for norm in later)
        return IslnFeatures(image_map.float(), convolved, torch.tanh(self.norms[0](convolved)), scaled)

    def select(self, features: IslnFeatures, rows: Tensor) -> IslnFeatures:
        *maps, scaled = features
        return IslnFeatures(*(part[rows] for part in maps), tuple(part[rows] for part in scaled))

    def weighted_keys(self, features: IslnFeatures, number: int, weight: Tensor) -> Tensor:
        """(tanh(BN(weight * conv(I))) + 1) / 2 of a later pass, (B, A, h, w): a sigmoid, six times as fast on a CPU.

        There every map that is written counts: in eval mode the normalisation is one multiplication and one addition,
        and the sigmoid is taken in place.
        """
        if not features.scaled:
            return torch.sigmoid(2 * self.norms[number](weight[:, None] * features.convolved))
        shift = scale_and_shift(self.norms[number])[1].flatten()  # (A,)
        scaled = positions(features.scaled[number - 1])  # (B, h * w, A): channels last, as it lies in memory
        doubled = torch.addcmul(2 * shift, 2 * weight.flatten(1)[..., None], scaled)
        return doubled.sigmoid_().unflatten(1, weight.shape[1:]).permute(0, 3, 1, 2)

    @float32_maths
    def attend(self, features: IslnFeatures, attributes: Tensor) -> Attended:
        query, keys = self.attribute(attributes), features.keys  # p (B, A); pass 1 sees the map as it is
        count, _, height, width = keys.shape
        weight = keys.new_ones(count, height, width)  # of each position, mean 1
        vector, passes = None, []
        for number in range(len(self.norms)):
            if number:
                query = query + self.feedback(vector)  # (B, A)
                keys = self.weighted_keys(features, number, weight)  # (B, A, h, w)
            # tanh = 2 * sigmoid - 1, and softmax does not see the - 1.
            passes.append(self.spatial(keys, query, gain=2.0 if number else 1.0))  # (B, h, w)
            weight = weight * passes[-1]
            weight = weight / weight.mean((1, 2), keepdim=True).clamp(min=1e-12)
            vector = attend_positions(features.image_map, weight / (height * width))  # (B, C)
            gate = self.channel(vector, query)  # (B, C)
            vector = vector * gate
        maps = {"spatial": weight / (height * width)} | {f"pass {k}": one for k, one in enumerate(passes, start=1)}
        return Attended(F.normalize(vector, dim=1), maps, {"channel": gate})
