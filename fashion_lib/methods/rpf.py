"""RPF: from region to patch, foreground against background (Dong et al., SIGIR 2023).

`variant="code"` is what the authors' released code does where it differs: the background vector skips the linear layer
that the foreground takes.
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
from fashion_lib.parts.patch_branch import PatchBranch, ResidualMLP
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.vit import PatchTokens, build_vit, vit_beside

BACKGROUND_LINEAR = {"paper": True, "code": False}


class RegionFeatures(NamedTuple):
    """What attributes share: the normalised map (B, C, h, w) and its attention keys (B, A, h, w), float32."""

    image_map: Tensor
    keys: Tensor


def normalised(image_map: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer normalisation over the channels of each position: (B, C, h, w) to float32 (B, C, h, w), channels-last."""
    return norm(image_map.float().permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class RegionBranch(nn.Module):
    """LayerNorm of map and attribute, ASA without batch norm, linear, LayerNorm, residual MLP, the same LayerNorm."""

    def __init__(self, backbone: Backbone, dim: int, background_linear: bool):
        super().__init__()
        channels = backbone.out_channels
        self.backbone, self.background_linear = backbone, background_linear
        self.map_norm, self.attribute_norm = nn.LayerNorm(channels), nn.LayerNorm(dim)
        self.spatial = SpatialAttention(channels, dim)
        self.spatial.norm = nn.Identity()
        self.linear = nn.Linear(channels, channels)
        self.norm, self.mlp = nn.LayerNorm(channels), ResidualMLP(channels, nn.ReLU())

    def features(self, images: Tensor) -> RegionFeatures:
        image_map = normalised(self.backbone(images), self.map_norm)
        return RegionFeatures(image_map, self.spatial.keys(image_map))

    @float32_maths
    def forward(self, features: RegionFeatures, attribute: Tensor) -> Located:
        """Foreground and background (B, C) and the map, for attribute vectors (B, A)."""
        attention = self.spatial(features.keys, self.attribute_norm(attribute))  # (B, h, w)
        foreground = self.linear(attend_positions(features.image_map, attention))  # (B, C)
        background = attend_positions(features.image_map, background_map(attention))
        if self.background_linear:
            background = self.linear(background)
        maps = {"spatial": attention}
        return Located(self.finish(foreground), attention, self.finish(background), maps)

    def finish(self, vector: Tensor) -> Tensor:
        return self.norm(self.mlp(self.norm(vector)))


class RPF(TwoBranchModel):
    """RegionBranch, then a PatchBranch on a ViT, E-InfoNCE between them; D = 2 C.

    Loss: 1 triplet of the region, patch_weight (0.1) triplet of the patch, contrast_weight (0.04) E-InfoNCE. One
    attribute embedding (B, A) feeds both branches. background_linear replaces the variant's own. Inferred: beta 0.4,
    which is IPAD's.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        vit: PatchTokens,
        variant: str = "paper",
        *,
        beta: float = 0.4,
        patch_weight: float = 0.1,
        contrast_weight: float = 0.04,
        background_linear: bool | None = None,
        **shared,
    ):
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        super().__init__(schema, channels, beta=beta, patch_weight=patch_weight, **shared)
        if contrast_weight < 0:
            raise FashionError(f"contrast_weight={contrast_weight} turns the loss round: choose 0 or more.")
        linear = BACKGROUND_LINEAR[variant] if background_linear is None else background_linear
        self.contrast_weight = contrast_weight
        self.attribute = nn.Embedding(len(schema), dim)
        self.region, self.patch = RegionBranch(backbone, dim, linear), PatchBranch(vit, dim, channels)

    @property
    def backbone(self) -> Backbone:
        return self.region.backbone

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        background = F.normalize(seen.located.background, dim=1)
        parts = seen.parts["region"], seen.parts["patch"], background
        loss = e_info_nce(*parts, labels.attributes, labels.values)
        return {"contrast": self.contrast_weight * loss}


@method("rpf", variants=("paper", "code"), reference="Dong et al., SIGIR 2023", order=80)
def build(schema, backbone, start, variant, seed, vit="", **options):
    tokens = build_vit(vit or vit_beside(backbone), start)
    return RPF(schema, build_backbone(backbone, start), tokens, variant, **options)
