"""RPF: from region to patch, with a contrast of foreground and background (Dong et al., SIGIR 2023).

Both variants are the authors' released code. Its text was not at hand, so one open point is a reading:
`variant="paper"` sends the background vector through the linear layer of the foreground, as the framework figure
can be read. `variant="code"` does not.

ASA is ASEN's attribute-aware spatial attention. E-InfoNCE is the contrastive loss of
`fashion_lib.parts.losses.e_info_nce`.
"""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Located, Seen, TwoBranchModel
from fashion_lib.parts.attention import SpatialAttention, attend_positions, attention_dim, background_map
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.losses import e_info_nce
from fashion_lib.parts.patch_branch import EPS, PatchBranch, ResidualMLP
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.vit import PatchTokens, build_vit, vit_beside, vit_start

VARIANTS = {
    "paper": {"background_linear": True, "crop": "course"},
    "code": {"background_linear": False, "crop": "code"},
}


class RegionFeatures(NamedTuple):
    """The features of an image that all attributes share, in float32.

    Attributes:
        image_map: the map after layer normalisation, (B, C, h, w).
        keys: its attention keys, (B, A, h, w).
    """

    image_map: Tensor
    keys: Tensor


def normalised(image_map: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Normalise the channels of each position by a layer norm.

    Args:
        image_map: (B, C, h, w).
        norm: layer norm over C channels.

    Returns:
        float32 (B, C, h, w), channels-last.
    """
    return norm(image_map.float().permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class RegionBranch(nn.Module):
    """LN, ASA without batch norm, linear, then `LN(h + MLP(LN(h)))` on foreground and background.

    LN is layer normalisation, MLP a multilayer perceptron. The map and the attribute have an LN each. The last two
    LNs are the same module. The residual comes from h, not from LN(h).

    Args:
        backbone: the network that computes the map of C channels.
        dim: A, the size of the attribute vector and of the keys.
        background_linear: True applies the linear layer to the background vector too.
    """

    def __init__(self, backbone: Backbone, dim: int, background_linear: bool):
        super().__init__()
        channels = backbone.out_channels
        self.backbone, self.background_linear = backbone, background_linear
        self.map_norm, self.attribute_norm = nn.LayerNorm(channels, eps=EPS), nn.LayerNorm(dim, eps=EPS)
        self.spatial = SpatialAttention(channels, dim)
        self.spatial.norm = nn.Identity()
        self.linear = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.mlp = ResidualMLP(channels, nn.ReLU(), last_dropout=0.1)

    def features(self, images: Tensor) -> RegionFeatures:
        """Compute the normalised map and its keys, once per image."""
        image_map = normalised(self.backbone(images), self.map_norm)
        return RegionFeatures(image_map, self.spatial.keys(image_map))

    @float32_maths
    def forward(self, features: RegionFeatures, attribute: Tensor) -> Located:
        """Compute foreground and background (B, C) and the attention map, for attribute vectors (B, A)."""
        attention = self.spatial(features.keys, self.attribute_norm(attribute))  # (B, h, w)
        foreground = self.linear(attend_positions(features.image_map, attention))  # (B, C)
        background = attend_positions(features.image_map, background_map(attention))
        if self.background_linear:
            background = self.linear(background)
        maps = {"spatial": attention}
        return Located(self.finish(foreground), attention, self.finish(background), maps)

    def finish(self, vector: Tensor) -> Tensor:
        """Apply the last layers to a vector h (B, C): LN(h + MLP(LN(h)))."""
        return self.norm(self.mlp(vector, self.norm))


class RPF(TwoBranchModel):
    """RegionBranch, then a PatchBranch on a vision transformer (ViT), with E-InfoNCE between them; D = 2 C.

    The loss is the region's triplet loss, plus `patch_weight` times the patch's, plus `contrast_weight` times
    E-InfoNCE. One attribute embedding (B, A) feeds both branches.

    Readings, where the released training does not fit one budget of steps: stage 2 goes on from the last state of
    stage 1, not from its best validation. One learning rate and one schedule serve both branches and both stages,
    and the profile's mirroring stays on. In the released code stage 2 has 1.1 times stage 1's rate for the patch
    branch, a fifth of it for the rest, and no mirroring. Runs with profile "paper" follow that code. The variant
    "paper" keeps the course's crop.

    Args:
        schema: the attributes.
        backbone: of the region branch, with C channels.
        vit: of the patch branch.
        variant: a key of VARIANTS, "paper" or "code".
        beta, patch_weight: see TwoBranchModel. 0.4 is the released code's default.
        contrast_weight: weight of E-InfoNCE, 0 or more.
        background_linear: True applies the foreground's linear layer to the background. None is the variant's own.
        crop: see TwoBranchModel. None is the variant's own.
        shared: further arguments of TwoBranchModel.

    Raises:
        FashionError: if `contrast_weight` is negative, or as in TwoBranchModel.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        vit: PatchTokens,
        variant: str = "paper",
        *,
        beta: float | str = 0.4,
        patch_weight: float = 0.1,
        contrast_weight: float = 0.04,
        background_linear: bool | None = None,
        crop: str | None = None,
        **shared,
    ):
        own = VARIANTS[variant]
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        crop = own["crop"] if crop is None else crop
        super().__init__(schema, channels, beta=beta, patch_weight=patch_weight, crop=crop, **shared)
        if contrast_weight < 0:
            raise FashionError(f"contrast_weight={contrast_weight} turns the loss round: choose 0 or more.")
        linear = own["background_linear"] if background_linear is None else background_linear
        self.contrast_weight = contrast_weight
        self.attribute = nn.Embedding(len(schema), dim)
        self.region, self.patch = RegionBranch(backbone, dim, linear), PatchBranch(vit, dim, channels)

    @property
    def backbone(self) -> Backbone:
        """Return the region branch's backbone."""
        return self.region.backbone

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted E-InfoNCE loss of the two branches and the background; {} for one branch."""
        if len(seen.parts) < 2:
            return {}
        background = F.normalize(seen.located.background, dim=1)
        parts = seen.parts["region"], seen.parts["patch"], background
        loss = e_info_nce(*parts, labels.attributes, labels.values)
        return {"contrast": self.contrast_weight * loss}


@method("rpf", variants=("paper", "code"), reference="Dong et al., SIGIR 2023", order=80, edition=2)
def build(schema, backbone, start, variant, seed, vit="", **options):
    """Build RPF; see build_model for the arguments. `vit` is a key of SIZES; "" chooses the backbone's own.
    """
    vit = vit or vit_beside(backbone)
    tokens = build_vit(vit, start)
    model = RPF(schema, build_backbone(backbone, start), tokens, variant, **options)
    model.second_start = vit_start(vit, start)
    return model
