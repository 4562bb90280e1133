"""ASEN++: an ASEN for the picture, another one for the crop around its attention (Dong et al., TIP 2021)."""

from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN, AsenFeatures
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Located, Seen, TwoBranchModel
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import autocast_of, float32_maths


class ASENPlusPlus(TwoBranchModel):
    """Global and local branch are ASEN version 2, each with a backbone of its own; D = 2 C.

    Inferred, as our source gives the parts but not their numbers: the alignment loss is 1 - cosine of an image's two
    features, `align` weighs it, both triplet losses weigh 1, beta is 1/2, the threshold is RPF's.
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
        return self.region.backbone

    def look(self, images: Tensor) -> AsenFeatures:
        return self.region.features(images)

    @float32_maths
    def locate(self, region: AsenFeatures, attributes: Tensor) -> Located:
        _, vector, maps, gates = self.region.attended_vectors(region, attributes)
        return Located(vector, maps["spatial"], maps=maps, gates=gates)

    @float32_maths
    def describe(self, crops: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        with autocast_of(crops):
            features = self.patch.features(crops)
        _, vector, maps, _ = self.patch.attended_vectors(features, attributes)
        return vector, maps["spatial"]

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        return {"align": self.align * (1 - (seen.parts["region"] * seen.parts["patch"]).sum(1)).mean()}


@method("asen_pp", reference="Dong et al., TIP 2021", order=70)
def build(schema, backbone, start, variant, seed, **options):
    return ASENPlusPlus(schema, build_backbone(backbone, start), build_backbone(backbone, start), **options)
