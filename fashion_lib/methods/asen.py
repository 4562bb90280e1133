"""ASEN: attribute-specific embedding by spatial, then channel attention (Ma et al., AAAI 2020)."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.attention import ChannelAttention, SpatialAttention, attend_positions, attention_dim
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import float32_maths


class AsenFeatures(NamedTuple):
    """What attributes share: the map I, float32 (B, C, h, w), and ASA's image side (B, A, h, w), None without ASA."""

    image_map: Tensor
    keys: Tensor | None


class ASEN(RetrievalModel):
    """I -> ASA -> weighted sum over positions -> ACA gate -> unit length; D = C.

    ResNet-50: C = 1024, A = 512 (the released code's sizes); small: C = A = 128. version 2: one attribute embedding
    feeds both modules through a linear layer each. version 1: each module has an embedding of its own (a one-hot
    attribute through a linear layer without bias), ASA scores by a convolution without batch normalisation, and a
    linear layer C -> C ends it. `spatial=False` (plain average over positions) and `channel=False` (no gate) are
    the ablation.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        version: int = 2,
        spatial: bool = True,
        channel: bool = True,
    ):
        super().__init__(schema, embedding_dim=backbone.out_channels)
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        self.backbone, self.version = backbone, version
        self.attribute = nn.Embedding(len(schema), dim)
        if version == 1:
            self.channel_attribute = nn.Embedding(len(schema), dim)
            self.spatial = SpatialAttention(channels, dim, nn.Tanh(), "convolution") if spatial else None
            self.channel = ChannelAttention(channels, dim, nn.ReLU()) if channel else None
            self.linear = nn.Linear(channels, channels)
        else:
            self.spatial = SpatialAttention(channels, dim) if spatial else None
            self.channel = ChannelAttention(channels, dim) if channel else None

    def features(self, images: Tensor) -> AsenFeatures:
        image_map = self.backbone(images)  # (B, C, h, w)
        return AsenFeatures(image_map.float(), self.spatial.keys(image_map) if self.spatial else None)

    def select(self, features: AsenFeatures, rows: Tensor) -> AsenFeatures:
        return AsenFeatures(features.image_map[rows], features.keys[rows] if self.spatial else None)

    def attribute_vectors(self, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """What ASA and ACA are asked with, (B, A) each, for attribute ids (B,)."""
        vector = self.attribute(attributes)
        return vector, self.channel_attribute(attributes) if self.version == 1 else vector

    def attended_vectors(
        self, features: AsenFeatures, attributes: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """After ASA (B, C), after ACA (B, C), and the maps and gates that made them."""
        where, which = self.attribute_vectors(attributes)  # (B, A) each
        maps, gates = {}, {}
        if self.spatial:
            maps["spatial"] = self.spatial(features.keys, where)  # (B, h, w)
            placed = attend_positions(features.image_map, maps["spatial"])  # (B, C)
        else:
            placed = features.image_map.mean((2, 3))
        gated = placed
        if self.channel:
            gates["channel"] = self.channel(placed, which)  # (B, C)
            gated = placed * gates["channel"]
        return placed, gated, maps, gates

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        _, vector, maps, gates = self.attended_vectors(features, attributes)
        if self.version == 1:
            vector = self.linear(vector)
        return Attended(F.normalize(vector, dim=1), maps, gates)


@method("asen", variants=("v2", "v1"), reference="Ma et al., AAAI 2020", order=30)
def build(schema, backbone, start, variant, seed, **options):
    return ASEN(schema, build_backbone(backbone, start), version=int(variant.removeprefix("v")), **options)
