"""Conditional similarity network: one embedding, a mask of dimensions per attribute (Veit et al., CVPR 2017)."""

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.masks import initial_masks
from fashion_lib.parts.precision import float32_maths


class ConditionalSimilarityNetwork(RetrievalModel):
    """Average pool, linear C -> C, times relu(mask of the attribute), unit length; D = C.

    This is ASEN's re-run of CSN (cosine similarity, no norm penalties). masks: "prein" starts at 0.1 with 1 on the
    attribute's own block of dimensions; "learned" starts at N(0.9, 0.7); "fixed" is 1 on the block, 0 elsewhere,
    and takes no gradient. "prein" is the course's default because it is the better start on validation. Raises
    FashionError when blocks are asked for and D is below the number of attributes.
    """

    def __init__(self, schema: Schema, backbone: Backbone, masks: str = "prein"):
        super().__init__(schema, embedding_dim=backbone.out_channels)
        self.backbone = backbone
        self.linear = nn.Linear(backbone.out_channels, backbone.out_channels)
        self.masks = nn.Parameter(
            initial_masks(len(schema), self.embedding_dim, masks), requires_grad=masks != "fixed"
        )

    def features(self, images: Tensor) -> Tensor:
        return self.backbone(images).float()  # (B, C, h, w)

    @float32_maths
    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        mask = self.masks[attributes].relu()  # (B, D)
        vector = self.linear(features.mean((2, 3))) * mask
        return Attended(F.normalize(vector, dim=1), gates={"mask": mask})


@method("csn", variants=("prein", "learned", "fixed"), reference="Veit et al., CVPR 2017", order=20)
def build(schema, backbone, start, variant, seed, **options):
    return ConditionalSimilarityNetwork(schema, build_backbone(backbone, start), masks=variant, **options)
