"""One embedding space for all attributes: the triplet baseline of ASEN's table 1."""

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import float32_maths


class TripletNetwork(RetrievalModel):
    """Average pool, linear C -> C, unit length; D = C.

    C is the number of the backbone's channels, D the size of an embedding. Every attribute gets the same
    embedding.
    """

    def __init__(self, schema: Schema, backbone: Backbone):
        super().__init__(schema, embedding_dim=backbone.out_channels)
        self.backbone = backbone
        self.linear = nn.Linear(backbone.out_channels, backbone.out_channels)

    def features(self, images: Tensor) -> Tensor:
        """Compute the map (B, C, h, w)."""
        return self.backbone(images).float()  # (B, C, h, w)

    @float32_maths
    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        """Compute the embedding (B, D), the same for every attribute."""
        return Attended(F.normalize(self.linear(features.mean((2, 3))), dim=1))  # (B, C, h, w) -> (B, D)


@method("triplet", reference="one triplet space, as in Ma et al., AAAI 2020, table 1", order=10)
def build(schema, backbone, start, variant, seed, **options):
    """Build TripletNetwork; see build_model for the arguments."""
    return TripletNetwork(schema, build_backbone(backbone, start), **options)
