"""The feature extractor: a network, one CBAM and one AFD block for each attribute (Yao et al. 2026, section 2).

f(I) = [AFD_1(f_g(I)), ..., AFD_A(f_g(I))], eq. 1 and 2: each attribute has a subspace of its own, and an operation on
one attribute should leave the other subspaces alone.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.parts.backbones import build_backbone, build_stage4
from fashion_lib.parts.cbam import CBAM

SUBSPACE = 340  # dimensions of an attribute, as in ADDE (Hou et al. 2021); Yao et al. print none


class TrunkMap(NamedTuple):
    """image_map: float32 (B, C, h, w), what attributes share. low: CBAM's gate of positions at the bottom, or None."""

    image_map: Tensor
    low: Tensor | None


class Trunk(nn.Module):
    """A whole network without its linear layers; `attention` puts a CBAM behind its stem ("the bottom of the network").

    ResNets keep their stage 4 here, as in the paper. "small" ends at stage 3, where its start weights end.
    gate_norm: see CBAM's norm.
    """

    def __init__(self, backbone: str, start: str, attention: bool, gate_norm: bool = True):
        super().__init__()
        self.backbone = build_backbone(backbone, start)
        self.stage4 = build_stage4(backbone, start) if backbone.startswith("resnet") else None
        self.low = CBAM(self.backbone.stem_channels, gate_norm) if attention else None
        self.out_channels = self.backbone.out_channels * (2 if self.stage4 is not None else 1)

    def forward(self, images: Tensor) -> TrunkMap:
        image_map, low = self.backbone.stem(images), None
        if self.low is not None:
            image_map, _, low = self.low(image_map)
        image_map = self.backbone.body(image_map)
        if self.stage4 is not None:
            image_map = self.stage4(image_map)
        return TrunkMap(image_map.float(), low)

    @property
    def last_layer(self) -> nn.Module:
        """The module whose output is the last map: what Grad-CAM reads."""
        if self.stage4 is not None:
            return self.stage4
        return getattr(self.backbone, "layer3", None) or self.backbone.features[-1]


class AFD(nn.Module):
    """Attribute feature disentanglement block: two linear layers that reduce the dimension, ReLU between; C to D.

    The hidden size is not printed; it is half of C, and never below D.
    """

    def __init__(self, channels: int, dim: int):
        super().__init__()
        hidden = max(channels // 2, dim)
        self.layers = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, pooled: Tensor) -> Tensor:
        return self.layers(pooled)


class Subspace(NamedTuple):
    """One attribute's feature (B, D), with the gates of its CBAM: channel (B, C) and spatial (B, h, w), or None."""

    feature: Tensor
    channel: Tensor | None
    spatial: Tensor | None


class AttributeBranch(nn.Module):
    """CBAM (if asked for), average over positions, AFD block: from the shared map to one attribute's subspace."""

    def __init__(self, channels: int, dim: int, attention: bool, gate_norm: bool = True):
        super().__init__()
        self.attention = CBAM(channels, gate_norm) if attention else None
        self.afd = AFD(channels, dim)

    def forward(self, image_map: Tensor) -> Subspace:
        if self.attention is None:
            return Subspace(self.afd(image_map.mean((2, 3))), None, None)
        gated = self.attention(image_map)
        return Subspace(self.afd(gated.image_map.mean((2, 3))), gated.channel, gated.spatial)


def subspace_dim(channels: int) -> int:
    """D for a map of C channels: 340, but at most half of C, so that an AFD block always reduces."""
    return min(SUBSPACE, channels // 2)


class Classifier(nn.Module):
    """A linear layer for each attribute, on its subspace: (B, A * D) to logits (B, V), values side by side."""

    def __init__(self, dim: int, values: tuple[int, ...]):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, count) for count in values)

    def forward(self, represented: Tensor) -> Tensor:
        parts = represented.chunk(len(self.layers), dim=1)
        return torch.cat([layer(part) for layer, part in zip(self.layers, parts, strict=True)], dim=1)
