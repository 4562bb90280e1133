"""ISLN: ASEN's two modules applied again and again, each pass fed by the one before (Yan et al., ICME 2022)."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.attention import attend_positions, positions
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.repeated_attention import RepeatedFeatures, mean_one, repeated_features, weighted_keys


class Pass(NamedTuple):
    """What a pass found: its own map (B, h, w), the gate and the gated vector (B, C) of the map attended so far."""

    attention: Tensor
    gate: Tensor
    vector: Tensor


class IslnFeatures(NamedTuple):
    """repeated: see there. first: in eval mode pass 1 for each of n attributes, as in Pass but (B, n, ...); or ()."""

    repeated: RepeatedFeatures
    first: Pass | tuple[()]


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
        repeated = repeated_features(self.backbone(images), self.spatial.conv, self.norms)
        return IslnFeatures(repeated, () if self.training else self.first_of_all(repeated.image_map, repeated.keys))

    def select(self, features: IslnFeatures, rows: Tensor) -> IslnFeatures:
        return RetrievalModel.select(self, features, rows)  # ASEN's may lack its keys

    @float32_maths
    def first_of_all(self, image_map: Tensor, keys: Tensor) -> Pass:
        """Pass 1 of every attribute, (B, n, h, w) and (B, n, C): one matrix product where asking one by one takes n."""
        query = self.attribute.weight  # (n, A)
        scores = positions(keys) @ self.spatial.attribute_side(query).T / math.sqrt(query.shape[1])  # (B, h * w, n)
        attention = scores.softmax(dim=1).transpose(1, 2)  # (B, n, h * w)
        attended = attention @ positions(image_map)  # (B, n, C)
        count = len(attended)
        gate = self.channel(attended.flatten(0, 1), query.repeat(count, 1)).unflatten(0, (count, -1))
        return Pass(attention.unflatten(2, keys.shape[2:]), gate, attended * gate)

    @float32_maths
    def attend(self, features: IslnFeatures, attributes: Tensor) -> Attended:
        (repeated, first), query = features, self.attribute(attributes)  # p (B, A)
        image_map, keys = repeated.image_map, repeated.keys  # pass 1 sees the map as it is
        height, width = image_map.shape[2:]
        if first:
            every = torch.arange(len(attributes), device=attributes.device)
            found = Pass(*(part[every, attributes] for part in first))
        else:
            attention = self.spatial(keys, query)  # (B, h, w)
            found = self.weigh(image_map, attention, attention, query)
        weight, passes = mean_one(found.attention), [found.attention]
        for number in range(1, len(self.norms)):
            query = query + self.feedback(found.vector)  # (B, A)
            keys = weighted_keys(repeated, self.norms, number, weight)  # (B, A, h, w)
            # tanh = 2 * sigmoid - 1, and softmax does not see the - 1.
            attention = self.spatial(keys, query, gain=2.0)
            weight = mean_one(weight * attention)
            found = self.weigh(image_map, weight / (height * width), attention, query)
            passes.append(attention)
        maps = {"spatial": weight / (height * width)} | {f"pass {k}": one for k, one in enumerate(passes, start=1)}
        return Attended(F.normalize(found.vector, dim=1), maps, {"channel": found.gate})

    def weigh(self, image_map: Tensor, weight: Tensor, attention: Tensor, query: Tensor) -> Pass:
        """The pass that ends with this weight of each position, (B, h, w) of sum 1, asked with query (B, A)."""
        vector = attend_positions(image_map, weight)  # (B, C)
        gate = self.channel(vector, query)
        return Pass(attention, gate, vector * gate)


@method("isln", reference="Yan et al., ICME 2022", order=60)
def build(schema, backbone, start, variant, seed, **options):
    return ISLN(schema, build_backbone(backbone, start), **options)
