"""CBAM, the convolutional block attention module: a channel gate, then a position gate.

Source: Woo, Park, Lee and Kweon, ECCV 2018. A gate is a factor between 0 and 1. CBAM takes no attribute as
input: its gates depend only on the feature map. Yao et al. 2026 make it "attribute-guided": every attribute
has a CBAM of its own.

Shapes: B images, C channels, a map of h x w positions.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.attention import PositionGate

FORMS = {"paper": (0.1, False), "code": (0.01, True)}  # momentum of the batch norm, maximum before mean
REDUCTION = 16  # channels over hidden size, as in the paper's experiments
SIDE = 7  # of the position gate's convolution, as in the paper
SMALLEST_HIDDEN = 4  # the course's small backbone has only 32 channels at its bottom


class Gated(NamedTuple):
    """A map after CBAM, with the gates that were applied.

    Attributes:
        image_map: the gated map, (B, C, h, w).
        channel: the channel gate, (B, C), each factor in 0..1.
        spatial: the position gate, (B, h, w), each factor in 0..1.
    """

    image_map: Tensor
    channel: Tensor
    spatial: Tensor


class ChannelGate(nn.Module):
    """The channel gate, eq. 2: `sigmoid(MLP(mean over positions) + MLP(maximum over positions))`.

    The multilayer perceptron (MLP) has one hidden layer, and both terms share it.

    Args:
        channels: C. The hidden layer has C / REDUCTION numbers, but never fewer than SMALLEST_HIDDEN.
    """

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(channels // REDUCTION, SMALLEST_HIDDEN)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, image_map: Tensor) -> Tensor:
        """Return the gate (B, C) of a map (B, C, h, w)."""
        return torch.sigmoid(self.mlp(image_map.mean((2, 3))) + self.mlp(image_map.amax((2, 3))))


class CBAM(nn.Module):
    """The channel gate (eq. 2), then the position gate of the map that it leaves (eq. 3).

    Args:
        channels: C.
        norm: True adds batch normalisation before the sigmoid of the position gate. The authors' code has it;
            eq. 3 does not. It is the default: without it, the sum of 98 non-negative numbers saturates the
            sigmoid. The gate can then be nearly 1 everywhere (notebook 13 shows where).
        form: a key of FORMS. "code" is the authors' code: it stacks the maximum first, and its batch normalisation
            has momentum 0.01. "paper" stacks the mean first, as eq. 3 prints it, with torch's momentum 0.1.
        residual: True starts all biases and the scale of the batch normalisation at 0. The authors' code does so
            for a CBAM inside a residual block, after its last batch normalisation and before the addition. With `norm`,
            the position gate then starts at 0.5 everywhere. Elsewhere, as at the bottom of a network, a gate that
            scales the map still changes trained features: a shortcut shrinks with it, a batch-normalised branch not.

    Raises:
        FashionError: if `form` is unknown.
    """

    def __init__(
        self,
        channels: int,
        norm: bool = True,
        *,
        form: str = "paper",
        residual: bool = False,
    ):
        super().__init__()
        if form not in FORMS:
            raise FashionError(f"Unknown form '{form}' of CBAM: choose one of {', '.join(FORMS)}.")
        momentum, max_first = FORMS[form]
        self.channel = ChannelGate(channels)
        self.spatial = PositionGate(SIDE, norm, momentum, max_first)
        if residual:
            for name, parameter in self.named_parameters():
                if name.endswith("bias") or name == "spatial.norm.weight":
                    nn.init.zeros_(parameter)

    def forward(self, image_map: Tensor) -> Gated:
        """Return the gated map and both gates, for a map (B, C, h, w)."""
        channel = self.channel(image_map)
        weighted = image_map * channel[:, :, None, None]
        summary = PositionGate.summary(weighted)  # (B, 3, h, w): mean, maximum and minimum over channels
        spatial = self.spatial(summary, torch.ones_like(summary[:, 0]))  # (B, h, w)
        return Gated(weighted * spatial[:, None], channel, spatial)
