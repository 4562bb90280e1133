"""ASEN++: one ASEN for the picture, another ASEN for the crop around its attention (Dong et al., TIP 2021).

The paper's text was not at hand. The only variant, "code", is the authors' released code.
"""

from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import AsenFeatures
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Located, Seen, TwoBranchModel
from fashion_lib.parts.attention import ChannelAttention, SpatialAttention, attend_positions, attention_dim
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import autocast_of, float32_maths
from fashion_lib.parts.start_files import start_digest

# backbone -> the local branch's, where it is another one: the released code has ResNet-50 and ResNet-34
LOCAL = {"resnet50": "resnet34"}


class AsenBranch(nn.Module):
    """One branch: spatial attention without batch norm, channel gate, linear layer. It has no embedding of its own.

    The map has C channels, the attribute vector A numbers. Keys have min(C, A) channels, the gate's hidden layer C / 2.
    So ResNet-50 (C = 1024, A = 512) has 512 and 512, and ResNet-34 (C = 256) has 256 and 128, as in the released code.

    Args:
        backbone: the network that computes the map.
        attribute_dim: A.
        out: size of the result.
    """

    def __init__(self, backbone: Backbone, attribute_dim: int, out: int):
        super().__init__()
        channels = backbone.out_channels
        dim = min(channels, attribute_dim)
        self.backbone = backbone
        self.spatial = SpatialAttention(channels, dim, nn.Sequential(nn.Linear(attribute_dim, dim), nn.Tanh()))
        self.spatial.norm = nn.Identity()
        self.channel = ChannelAttention(channels, channels // 2, attribute_dim=attribute_dim)
        self.linear = nn.Linear(channels, out)

    def features(self, images: Tensor) -> AsenFeatures:
        """Compute the map and its keys, once per image."""
        image_map = self.backbone(images)  # (B, C, h, w)
        return AsenFeatures(image_map.float(), self.spatial.keys(image_map))

    @float32_maths
    def forward(self, features: AsenFeatures, attribute: Tensor) -> Located:
        """Compute the vector (B, out), the map (B, h, w) and the gate (B, C), for attribute vectors (B, A)."""
        attention = self.spatial(features.keys, attribute)
        vector = attend_positions(features.image_map, attention)  # (B, C)
        gate = self.channel(vector, attribute)
        return Located(self.linear(vector * gate), attention, maps={"spatial": attention}, gates={"channel": gate})


class ASENPlusPlus(TwoBranchModel):
    """Two ASEN branches with a backbone each and one attribute embedding for both; D = 2 C.

    C is the number of channels of the region branch, D the size of the embedding. The region branch is the paper's
    global branch. The patch branch is its local one: it takes the crop at half the side of the region branch's input.
    Stage 1 minimises the region branch's triplet loss. Stage 2 goes on from its last state, with
    `1 T(region) + 0.1 T(patch) + 0.1 A`.

    A, the alignment loss, is the mean of 1 - cosine of the two features of anchors, plus the same for positives, plus
    the same for negatives. A batch without roles takes three times the mean over all its examples: the same number
    if every example stands in each role equally often.

    Readings, where the released training does not fit one budget of steps: one optimiser, learning rate and schedule
    serve both branches and both stages, each stage has half of the steps, and the profile's mirroring stays on. In the
    released code the stages have 50 and 20 epochs, stage 2 has a tenth of the rate for the region branch, and no
    picture is mirrored; so have runs with profile "paper". Crops are cut out of one picture of twice the region's
    side, in the released code out of the original picture.

    Args:
        schema: the attributes.
        backbone: of the region branch.
        local_backbone: of the patch branch.
        beta, patch_weight, crop, crop_scale: see TwoBranchModel.
        align: weight of the alignment loss.
        shared: further arguments of TwoBranchModel.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        local_backbone: Backbone,
        *,
        beta: float | str = 0.6,
        patch_weight: float = 0.1,
        align: float = 0.1,
        crop: str = "code",
        crop_scale: int = 2,
        **shared,
    ):
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        settings = {"beta": beta, "patch_weight": patch_weight, "crop": crop, "crop_scale": crop_scale}
        super().__init__(schema, channels, **settings, **shared)
        self.attribute, self.align = nn.Embedding(len(schema), dim), align
        self.region, self.patch = AsenBranch(backbone, dim, channels), AsenBranch(local_backbone, dim, channels)

    @property
    def backbone(self) -> Backbone:
        """Return the region branch's backbone."""
        return self.region.backbone

    @float32_maths
    def describe(self, crops: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the patch branch's vector (B, C) and spatial map (B, h, w), for crops (B, 3, S, S)."""
        with autocast_of(crops):
            features = self.patch.features(crops)
        found = self.patch(features, self.attribute(attributes))
        return found.vector, found.aim

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted alignment loss of the two branches; {} for one branch."""
        if len(seen.parts) < 2:
            return {}
        apart = (1 - (seen.parts["region"] * seen.parts["patch"]).sum(1)).relu()  # (L,)
        if labels.triplets is None:
            alignment = 3 * apart.mean()
        else:
            alignment = apart[labels.triplets].mean(0).sum()  # (T, 3): a mean per role
        return {"align": self.align * alignment}


@method("asen_pp", variants=("code",), reference="Dong et al., TIP 2021", order=70, edition=2)
def build(schema, backbone, start, variant, seed, local_backbone="", **options):
    """Build ASENPlusPlus; see build_model for the arguments. `local_backbone` "" takes that of LOCAL, or `backbone`.
    """
    local = local_backbone or LOCAL.get(backbone, backbone)
    networks = build_backbone(backbone, start), build_backbone(local, start)
    model = ASENPlusPlus(schema, *networks, **options)
    if local != backbone and start != "random":
        model.second_start = f"{local} {start_digest(local, start)}"
    return model
