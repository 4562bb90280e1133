"""AttnFashion: ASEN with an adaptive fusion of its spatial and channel outputs (Wan et al., JETAI 2022)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN, AsenFeatures
from fashion_lib.methods.base import Attended
from fashion_lib.methods.registry import method
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import float32_maths


class AttnFashion(ASEN):
    """ASEN with its two vectors fused: x1 after ASA, x2 after ACA; D = C.

    ASA and ACA are attribute-aware spatial and channel attention. Each vector gets one score. A softmax over
    the two scores weighs the vectors' sum, and a linear layer C -> C follows. ASEN itself continues with x2
    alone. gates["fusion"] (B, 2) holds the two weights.

    There is no code public by its authors. Inferred, because the paper describes the idea but not the layers: each
    score has a linear layer of its own. The authors of IPAD rebuilt this piece with one layer for both scores
    (page 11).
    """

    def __init__(self, schema: Schema, backbone: Backbone):
        super().__init__(schema, backbone)
        channels = backbone.out_channels
        self.scores = nn.ModuleList([nn.Linear(channels, 1), nn.Linear(channels, 1)])
        self.linear = nn.Linear(channels, channels)

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        """Compute the fused embedding (B, D), with ASEN's maps and gates and gates["fusion"]."""
        placed, gated, maps, gates = self.attended_vectors(features, attributes)  # x1, x2: (B, C)
        scores = torch.cat([self.scores[0](placed), self.scores[1](gated)], dim=1)  # (B, 2)
        gates["fusion"] = scores.softmax(dim=1)
        first, second = gates["fusion"].unsqueeze(2).unbind(1)  # (B, 1) each
        vector = self.linear(first * placed + second * gated)
        return Attended(F.normalize(vector, dim=1), maps, gates)


@method("attnfashion", reference="Wan et al., JETAI 2022", order=40)
def build(schema, backbone, start, variant, seed, **options):
    """Build AttnFashion; see build_model for the arguments."""
    return AttnFashion(schema, build_backbone(backbone, start), **options)
