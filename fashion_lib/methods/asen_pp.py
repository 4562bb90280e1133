"""ASEN++: one ASEN for the picture, another ASEN for the crop around its attention (Dong et al., TIP 2021).
"""

from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN, AsenFeatures
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Located, Seen, TwoBranchModel
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import autocast_of, float32_maths


class ASENPlusPlus(TwoBranchModel):
    """Two ASENs of version 2, one per branch, each with a backbone of its own; D = 2 C.

    C is the number of channels per branch, D the size of the embedding. The region branch is the paper's
    global branch, the patch branch its local one.

    Inferred, because our source names the parts but not their numbers:

    1. The alignment loss is 1 - cosine of an image's two features, with weight `align`.
    2. Both triplet losses have weight 1.
    3. beta, the region branch's weight, is 1/2.
    4. The threshold of the crop is RPF's.

    Args:
        schema: the attributes.
        backbone: of the region branch.
        local_backbone: of the patch branch.
        beta, patch_weight: see TwoBranchModel.
        align: weight of the alignment loss.
        shared: further arguments of TwoBranchModel.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        local_backbone: Backbone,
        *,
        beta: float = 0.5,
        patch_weight: float = 1.0,
        align: float = 0.1,
        **shared,
    ):
        super().__init__(schema, backbone.out_channels, beta=beta, patch_weight=patch_weight, **shared)
        self.region, self.patch, self.align = ASEN(schema, backbone), ASEN(schema, local_backbone), align

    @property
    def backbone(self) -> Backbone:
        """Return the region branch's backbone."""
        return self.region.backbone

    def look(self, images: Tensor) -> AsenFeatures:
        """Compute the region ASEN's features, once per image."""
        return self.region.features(images)

    @float32_maths
    def locate(self, region: AsenFeatures, attributes: Tensor) -> Located:
        """Compute the region ASEN's vector (B, C); its spatial map is the crop's aim."""
        _, vector, maps, gates = self.region.attended_vectors(region, attributes)
        return Located(vector, maps["spatial"], maps=maps, gates=gates)

    @float32_maths
    def describe(self, crops: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the patch ASEN's vector (B, C) and spatial map (B, h, w), for crops (B, 3, S, S)."""
        with autocast_of(crops):
            features = self.patch.features(crops)
        _, vector, maps, _ = self.patch.attended_vectors(features, attributes)
        return vector, maps["spatial"]

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted alignment loss of the two branches."""
        return {"align": self.align * (1 - (seen.parts["region"] * seen.parts["patch"]).sum(1)).mean()}


@method("asen_pp", reference="Dong et al., TIP 2021", order=70)
def build(schema, backbone, start, variant, seed, **options):
    """Build ASENPlusPlus; see build_model for the arguments."""
    return ASENPlusPlus(schema, build_backbone(backbone, start), build_backbone(backbone, start), **options)
