"""The feature extractor of manipulation: a trunk, then one CBAM and one AFD block per attribute.

Source: Yao et al. 2026. AFD is attribute feature disentanglement. With f_g(I) the trunk's map of image I,
section 2 defines `f(I) = [AFD_1(f_g(I)), ..., AFD_A(f_g(I))]` (eq. 1 and 2). So each of the A attributes has
a subspace of D dimensions. An operation on one attribute should leave the other subspaces unchanged.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.backbones import BACKBONES, build_backbone, build_stage4
from fashion_lib.parts.cbam import CBAM
from fashion_lib.parts.fc7 import Fc7

SUBSPACE = 340  # dimensions per attribute, as in the authors' code of ADDE; Yao et al. print none


class TrunkMap(NamedTuple):
    """The trunk's output.

    Attributes:
        image_map: the map that all attributes share, float32 (B, C, h, w).
        low: the position gate of the CBAM at the bottom of the network, or None without that CBAM.
    """

    image_map: Tensor
    low: Tensor | None


class Trunk(nn.Module):
    """A whole network without its linear layers.

    ResNets keep their stage 4 here, as in the paper. "small" ends at stage 3, because its start weights end
    there.

    Args:
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        attention: True puts a CBAM after the stem ("the bottom of the network").
        gate_norm: see CBAM's `norm`.
        zero_init_gate: see CBAM's `residual`.
        gate_form: see CBAM's `form`.
        fc7: True ends AlexNet with fc6 and fc7, a map of one position, as the authors' code of ADDE does.

    Raises:
        FashionError: as in `build_backbone`, for a network of timm, and for fc7 with another backbone than AlexNet.
    """

    def __init__(
        self, backbone: str, start: str, attention: bool, gate_norm: bool = True, fc7: bool = False,
        zero_init_gate: bool = False, gate_form: str = "paper",
    ):  # fmt: skip
        super().__init__()
        if fc7 and backbone != "alexnet":
            raise FashionError(f"The backbone '{backbone}' has no fc7: leave fc7 out or choose backbone='alexnet'.")
        self.backbone = build_backbone(backbone, start)
        if not hasattr(self.backbone, "stem"):
            raise FashionError(
                f"Attribute manipulation needs the bottom of the network, which '{backbone}' does not show: choose one"
                f" of {', '.join(BACKBONES)}."
            )
        self.stage4 = build_stage4(backbone, start) if backbone.startswith("resnet") else None
        gate = {"norm": gate_norm, "form": gate_form, "residual": zero_init_gate}
        self.low = CBAM(self.backbone.stem_channels, **gate) if attention else None
        self.out_channels = self.backbone.out_channels * (2 if self.stage4 is not None else 1)
        self.fc7 = Fc7(start) if fc7 else None
        if self.fc7 is not None:
            self.out_channels = self.fc7.out_channels

    def forward(self, images: Tensor) -> TrunkMap:
        """Return the map and the low gate, for normalised images (B, 3, H, W)."""
        image_map, low = self.backbone.stem(images), None
        if self.low is not None:
            image_map, _, low = self.low(image_map)
        image_map = self.backbone.body(image_map)
        if self.stage4 is not None:
            image_map = self.stage4(image_map)
        if self.fc7 is not None:
            image_map = self.fc7(image_map)
        return TrunkMap(image_map.float(), low)

    @property
    def last_layer(self) -> nn.Module:
        """Return the module whose output is the last map of positions; Grad-CAM reads it."""
        if self.stage4 is not None:
            return self.stage4
        return getattr(self.backbone, "layer3", None) or self.backbone.features[-1]


class AFD(nn.Module):
    """Attribute feature disentanglement block: linear, ReLU, linear; from C channels to D dimensions.

    Yao et al. print no hidden size. Inferred: it is half of C, and never below D.

    Args:
        channels: C.
        dim: D.
        hidden: size of the hidden layer; None is the inferred one. ADDE's released code has D.
    """

    def __init__(self, channels: int, dim: int, hidden: int | None = None):
        super().__init__()
        hidden = hidden or max(channels // 2, dim)
        self.layers = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the attribute's feature (B, D) for pooled vectors (B, C)."""
        return self.layers(pooled)


class Subspace(NamedTuple):
    """One attribute's feature, with the gates of its CBAM.

    Attributes:
        feature: (B, D).
        channel: the channel gate, (B, C), or None without attention.
        spatial: the position gate, (B, h, w), or None without attention.
    """

    feature: Tensor
    channel: Tensor | None
    spatial: Tensor | None


class AttributeBranch(nn.Module):
    """The branch from the shared map to one attribute's subspace: CBAM, average over positions, AFD block.

    Args:
        channels: C of the shared map.
        dim: D of the subspace.
        attention: True puts a CBAM before the average.
        gate_norm: see CBAM's `norm`.
        hidden: see AFD.
        zero_init_gate: see CBAM's `residual`.
        gate_form: see CBAM's `form`.
    """

    def __init__(
        self, channels: int, dim: int, attention: bool, gate_norm: bool = True, hidden: int | None = None,
        zero_init_gate: bool = False, gate_form: str = "paper",
    ):  # fmt: skip
        super().__init__()
        gate = {"norm": gate_norm, "form": gate_form, "residual": zero_init_gate}
        self.attention = CBAM(channels, **gate) if attention else None
        self.afd = AFD(channels, dim, hidden)

    def forward(self, image_map: Tensor) -> Subspace:
        """Return the feature and the gates, for a map (B, C, h, w)."""
        if self.attention is None:
            return Subspace(self.afd(image_map.mean((2, 3))), None, None)
        gated = self.attention(image_map)
        return Subspace(self.afd(gated.image_map.mean((2, 3))), gated.channel, gated.spatial)


def subspace_dim(channels: int) -> int:
    """Return D for a map of C channels: 340, but at most half of C, so that an AFD block always reduces."""
    return min(SUBSPACE, channels // 2)


class Classifier(nn.Module):
    """One linear layer per attribute, on the attribute's subspace.

    Args:
        dim: D of a subspace.
        values: number of values of each attribute.
    """

    def __init__(self, dim: int, values: tuple[int, ...]):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, count) for count in values)

    def forward(self, represented: Tensor) -> Tensor:
        """Return the logits (B, V) for features (B, A * D); the values of an attribute are adjacent columns.
        """
        parts = represented.chunk(len(self.layers), dim=1)
        return torch.cat([layer(part) for layer, part in zip(self.layers, parts, strict=True)], dim=1)
