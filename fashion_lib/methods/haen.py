"""HAEN: ASEN with a tree of attributes, and one mask over the dimensions per attribute (Yan et al., 2021)."""

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
    """ASEN with the attribute vector W [parent, own], and a mask on the gated vector; D = C.

    The parent is the attribute's kind in the schema (length, design, ...). So all the lengths train what they
    have in common. The gated vector is multiplied by relu(mask of the attribute).

    There is no code public by its authors. Inferred from the abstract and from later papers, because the paper is
    behind a paywall:

    1. A linear layer joins the parent's and the attribute's own embedding, both (B, A).
    2. The masks start as in the course's CSN.

    Args:
        schema: the attributes.
        backbone: the network that computes the map.
        masks: see `fashion_lib.parts.masks.initial_masks`.
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
        """Return the joined vector of parent and attribute, (B, A), for ASA and again for ACA."""
        both = torch.cat([self.parent(self.parent_of[attributes]), self.attribute(attributes)], dim=1)  # (B, 2 A)
        vector = self.join(both)
        return vector, vector

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        """Compute the masked embedding (B, D), with ASEN's maps and gates and gates["mask"] (B, C)."""
        _, vector, maps, gates = self.attended_vectors(features, attributes)
        gates["mask"] = self.masks[attributes].relu()  # (B, C)
        return Attended(F.normalize(vector * gates["mask"], dim=1), maps, gates)


@method("haen", reference="Yan et al., 2021", order=50)
def build(schema, backbone, start, variant, seed, **options):
    """Build HAEN; see build_model for the arguments."""
    return HAEN(schema, build_backbone(backbone, start), **options)
