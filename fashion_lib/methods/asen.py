"""ASEN, the attribute-specific embedding network: spatial, then channel attention (Ma et al., AAAI 2020)."""

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
    """The features of an image that all attributes share.

    Attributes:
        image_map: the map I, float32 (B, C, h, w).
        keys: the image side of ASA, (B, A, h, w), or None without ASA.
    """

    image_map: Tensor
    keys: Tensor | None


class ASEN(RetrievalModel):
    """I -> ASA -> weighted sum over positions -> ACA gate -> unit length; D = C.

    I is the image's map of C channels, D the size of an embedding. ASA and ACA are attribute-aware spatial
    and channel attention, A is their dimension. ResNet-50 has C = 1024 and A = 512 (the released code's
    sizes); "small" has C = A = 128.

    Args:
        schema: the attributes.
        backbone: the network that computes I.
        version: 2 has one attribute embedding, which feeds both modules through one linear layer each. 1 has
            one table per module, A wide for ASA and C wide for ACA: a one-hot attribute through a linear layer
            without bias. Its ASA scores by a convolution without batch normalisation, and a linear layer C -> C
            is its last. Both are in the authors' code (page 11).
        spatial: False replaces ASA by the plain average over positions (ablation).
        channel: False leaves out the ACA gate (ablation).
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
            self.channel_attribute = nn.Embedding(len(schema), channels)
            for table in (self.attribute, self.channel_attribute):  # the start of a linear layer on a one-hot vector
                nn.init.uniform_(table.weight, -(len(schema) ** -0.5), len(schema) ** -0.5)
            self.spatial = SpatialAttention(channels, dim, nn.Tanh(), "convolution") if spatial else None
            self.channel = ChannelAttention(channels, dim, nn.ReLU(), channels) if channel else None
            self.linear = nn.Linear(channels, channels)
        else:
            self.spatial = SpatialAttention(channels, dim) if spatial else None
            self.channel = ChannelAttention(channels, dim) if channel else None

    def features(self, images: Tensor) -> AsenFeatures:
        """Compute the map and, with ASA, its keys."""
        image_map = self.backbone(images)  # (B, C, h, w)
        return AsenFeatures(image_map.float(), self.spatial.keys(image_map) if self.spatial else None)

    def select(self, features: AsenFeatures, rows: Tensor) -> AsenFeatures:
        """Return the features of the images `rows`, int64 (L,)."""
        return AsenFeatures(features.image_map[rows], features.keys[rows] if self.spatial else None)

    def attribute_vectors(self, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Return the attribute vectors of ASA and ACA for attribute ids (B,).

        Both are (B, A), but version 1's for ACA is (B, C).
        """
        vector = self.attribute(attributes)
        return vector, self.channel_attribute(attributes) if self.version == 1 else vector

    def attended_vectors(
        self, features: AsenFeatures, attributes: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Compute the vectors after each module.

        Args:
            features: what `features` returned for B images.
            attributes: int64 (B,).

        Returns:
            The vector after ASA (B, C), the vector after ACA (B, C), and the maps and gates that produced
            them.
        """
        where, which = self.attribute_vectors(attributes)
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
        """Compute the embedding (B, D), with maps["spatial"] (B, h, w) and gates["channel"] (B, C)."""
        _, vector, maps, gates = self.attended_vectors(features, attributes)
        if self.version == 1:
            vector = self.linear(vector)
        return Attended(F.normalize(vector, dim=1), maps, gates)


@method("asen", variants=("v2", "v1"), reference="Ma et al., AAAI 2020", order=30, edition={"v1": 2})
def build(schema, backbone, start, variant, seed, **options):
    """Build ASEN; see build_model for the arguments."""
    return ASEN(schema, build_backbone(backbone, start), version=int(variant.removeprefix("v")), **options)
