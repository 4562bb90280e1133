"""Conditional similarity network (CSN): one embedding, and one mask over its dimensions per attribute.

Source: Veit et al., CVPR 2017.
"""

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

    C is the number of the backbone's channels, D the size of an embedding. This is ASEN's version of CSN:
    cosine similarity, no norm penalties.

    Args:
        schema: the attributes.
        backbone: the network that computes the map.
        masks: the start of the masks. "prein" is 1 on the attribute's own block of dimensions and 0.1
            elsewhere. "learned" is drawn from N(0.9, 0.7). "fixed" is 1 on the block, 0 elsewhere, and takes
            no gradient. The course's default is "prein", because it is better on validation.

    Raises:
        FashionError: if the masks need blocks and D is below the number of attributes.
    """

    def __init__(self, schema: Schema, backbone: Backbone, masks: str = "prein"):
        super().__init__(schema, embedding_dim=backbone.out_channels)
        self.backbone = backbone
        self.linear = nn.Linear(backbone.out_channels, backbone.out_channels)
        self.masks = nn.Parameter(
            initial_masks(len(schema), self.embedding_dim, masks), requires_grad=masks != "fixed"
        )

    def features(self, images: Tensor) -> Tensor:
        """Compute the map (B, C, h, w)."""
        return self.backbone(images).float()  # (B, C, h, w)

    @float32_maths
    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        """Compute the masked embedding (B, D); gates["mask"] is the mask after relu, (B, D)."""
        mask = self.masks[attributes].relu()  # (B, D)
        vector = self.linear(features.mean((2, 3))) * mask
        return Attended(F.normalize(vector, dim=1), gates={"mask": mask})


@method("csn", variants=("prein", "learned", "fixed"), reference="Veit et al., CVPR 2017", order=20)
def build(schema, backbone, start, variant, seed, **options):
    """Build ConditionalSimilarityNetwork; see build_model for the arguments."""
    return ConditionalSimilarityNetwork(schema, build_backbone(backbone, start), masks=variant, **options)
