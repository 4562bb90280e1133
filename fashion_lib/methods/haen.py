"""HAEN: ASEN asked through a tree of attributes, with a mask of dimensions per attribute (Yan et al., 2021)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN, AsenFeatures
from fashion_lib.methods.base import Attended
from fashion_lib.methods.registry import method
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.masks import initial_masks
from fashion_lib.parts.precision import float32_maths


class HAEN(ASEN):
    """An attribute is asked for as W [parent, own]; the gated vector times relu(mask of the attribute); D = C.

    The parent is the attribute's kind in the schema (length, design, ...): what the lengths have in common is learned
    from all of them. The paper is behind a paywall, so these are inferred from its abstract and its successors: the
    linear layer that joins parent and own embedding (both (B, A)), and masks that start as the course's CSN starts
    them (`masks`: see initial_masks).
    """

    def __init__(self, schema: Schema, backbone: Backbone, masks: str = "prein"):
        super().__init__(schema, backbone)
        kinds = list(dict.fromkeys(attribute.kind for attribute in schema))
        dim = self.attribute.embedding_dim
        self.register_buffer("parent_of", torch.tensor([kinds.index(a.kind) for a in schema]), persistent=False)
        self.parent = nn.Embedding(len(kinds), dim)
        self.join = nn.Linear(2 * dim, dim)
        self.masks = nn.Parameter(initial_masks(len(schema), self.embedding_dim, masks))

    def attribute_vectors(self, attributes: Tensor) -> tuple[Tensor, Tensor]:
        both = torch.cat([self.parent(self.parent_of[attributes]), self.attribute(attributes)], dim=1)  # (B, 2 A)
        vector = self.join(both)
        return vector, vector

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        _, vector, maps, gates = self.attended_vectors(features, attributes)
        gates["mask"] = self.masks[attributes].relu()  # (B, C)
        return Attended(F.normalize(vector * gates["mask"], dim=1), maps, gates)


@method("haen", reference="Yan et al., 2021", order=50)
def build(schema, backbone, start, variant, seed, **options):
    return HAEN(schema, build_backbone(backbone, start), **options)
