"""Conditional similarity network: one embedding, a mask of dimensions per attribute (Veit et al., CVPR 2017)."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.attributes import Schema
from fashion_lib.errors import FashionError
from fashion_lib.models.backbones import Backbone
from fashion_lib.models.interface import Attended, RetrievalModel
from fashion_lib.precision import float32_maths

MASKS = ("prein", "learned", "fixed")


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


def initial_masks(attributes: int, dim: int, kind: str) -> Tensor:
    """float32 (attributes, dim) of one of MASKS; blocks split the dimensions as evenly as can be."""
    if kind not in MASKS:
        raise FashionError(f"Unknown masks '{kind}': choose one of {', '.join(MASKS)}.")
    if kind == "learned":
        return torch.normal(0.9, 0.7, (attributes, dim))
    if attributes > dim:
        raise FashionError(
            f"{attributes} attributes cannot each own a block of {dim} dimensions: use masks='learned'."
        )
    masks = torch.full((attributes, dim), 0.1 if kind == "prein" else 0.0)
    for attribute, block in enumerate(np.array_split(np.arange(dim), attributes)):
        masks[attribute, block] = 1.0
    return masks
