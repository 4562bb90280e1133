"""ASEN, version 2: attribute-specific embedding by spatial, then channel attention (Ma et al., AAAI 2020)."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.attributes import Schema
from fashion_lib.models.attention import ChannelAttention, SpatialAttention, attend_positions, attention_dim
from fashion_lib.models.backbones import Backbone
from fashion_lib.models.interface import Attended, RetrievalModel
from fashion_lib.precision import float32_maths


class AsenFeatures(NamedTuple):
    """What attributes share: the map I, float32 (B, C, h, w), and ASA's image side (B, A, h, w), None without ASA."""

    image_map: Tensor
    keys: Tensor | None


class ASEN(RetrievalModel):
    """I -> ASA -> weighted sum over positions -> ACA gate -> unit length; D = C.

    ResNet-50: C = 1024, A = 512 (the released code's sizes); small: C = A = 128. One attribute embedding feeds both
    modules. `spatial=False` (plain average over positions) and `channel=False` (no gate) are the ablation.
    """

    def __init__(self, schema: Schema, backbone: Backbone, spatial: bool = True, channel: bool = True):
        super().__init__(schema, embedding_dim=backbone.out_channels)
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        self.backbone = backbone
        self.attribute = nn.Embedding(len(schema), dim)
        self.spatial = SpatialAttention(channels, dim) if spatial else None
        self.channel = ChannelAttention(channels, dim) if channel else None

    def features(self, images: Tensor) -> AsenFeatures:
        image_map = self.backbone(images)  # (B, C, h, w)
        return AsenFeatures(image_map.float(), self.spatial.keys(image_map) if self.spatial else None)

    def select(self, features: AsenFeatures, rows: Tensor) -> AsenFeatures:
        return AsenFeatures(features.image_map[rows], features.keys[rows] if self.spatial else None)

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        attribute = self.attribute(attributes)  # (B, A)
        maps, gates = {}, {}
        if self.spatial:
            maps["spatial"] = self.spatial(features.keys, attribute)  # (B, h, w)
            vector = attend_positions(features.image_map, maps["spatial"])  # (B, C)
        else:
            vector = features.image_map.mean((2, 3))
        if self.channel:
            gates["channel"] = self.channel(vector, attribute)  # (B, C)
            vector = vector * gates["channel"]
        return Attended(F.normalize(vector, dim=1), maps, gates)
