"""IP-SP: look, suppress what is weak, reweigh, look again (Wan et al. 2025, IPAD, section 3.1.1, eq. 1-6)."""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.two_branch import Located
from fashion_lib.parts.attention import ChannelAttention, attend_positions, background_map, positions
from fashion_lib.parts.backbones import Backbone
from fashion_lib.parts.patch_branch import ResidualMLP
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.repeated_attention import RepeatedFeatures, mean_one, repeated_features, weighted_keys

SUPPRESSION = ("keep", "erase", "none")
ITERATION = ("fed", "identical")
GATES = ("attribute", "image")


def suppress(activation: Tensor, ratio: float, kind: str) -> Tensor:
    """AS, eq. 2: scores (B, h, w) with those set to zero that do not reach `ratio` times the largest score.

    kind "keep" is the equation; "erase" what the released code does, which keeps A <= ratio * max A and so removes the
    peak; "none" leaves all. Where the largest score is negative no position reaches 0.95 of it: then the equation keeps
    none, and the map that follows is flat.
    """
    if kind not in SUPPRESSION:
        raise FashionError(f"Unknown suppression '{kind}': choose one of {', '.join(SUPPRESSION)}.")
    threshold = ratio * activation.amax((1, 2), keepdim=True)  # eta
    if kind == "keep":
        return activation * (activation >= threshold)
    return activation * (activation <= threshold) if kind == "erase" else activation


def position_softmax(scores: Tensor) -> Tensor:
    """(B, h, w) to a map of sum 1 over positions."""
    return scores.flatten(1).softmax(1).view_as(scores)


def sum_one(weight: Tensor) -> Tensor:
    """Weights of positions (B, h, w) as a map of sum 1."""
    return weight / weight.sum((1, 2), keepdim=True).clamp(min=1e-12)


class IterativePositioning(nn.Module):
    """`passes` times ISA with AS (eq. 1-3), then ICA (eq. 4); then LN(MLP_skip(p)) of fore- and background (eq. 5-6).

    x^i = attention * x^(i-1) is kept as a weight per position (see repeated_attention). Inferred: the weights are
    scaled to mean 1, since softmax maps would shrink the map about h * w times in each pass, and so is the gate that p
    is multiplied with, since sigmoids would shrink it about twice and the later maps would turn flat; P_s is ASEN's,
    which section 3.1.1 cites, with its batch normalisation, one for each pass, because the attended map's statistics
    change; ICA's "sum of x^i" is over positions, as in ASEN; all else is shared by the passes; the background's own p
    goes through the same ICA, its x is what 1 - attention leaves in each pass; the crop is cut around the weights of
    the last x^i, where all passes together looked.

    gate "attribute" is eq. 4, p^i = gate * p^(i-1), so that the image reaches the result through gates alone. "image"
    (the released code) hands on gate * attended image vector, as ASEN does, while eq. 4 still feeds the next pass.
    iteration "identical" (the released code): every pass starts from x^0 and p^0, so that one pass says it all.
    isa, ica: switches of figure 3; without ISA all positions weigh alike, without ICA the attended vector is handed on.
    end_norm: False leaves out LN of eq. 5 and 6. No source does; notebook 17 shows with it what the LN costs.
    """

    def __init__(
        self,
        backbone: Backbone,
        dim: int,
        *,
        passes: int = 3,
        ratio: float = 0.95,
        suppression: str = "keep",
        iteration: str = "fed",
        gate: str = "attribute",
        isa: bool = True,
        ica: bool = True,
        end_norm: bool = True,
    ):
        super().__init__()
        for name, value, known in (
            ("suppression", suppression, SUPPRESSION),
            ("iteration", iteration, ITERATION),
            ("gate", gate, GATES),
        ):
            if value not in known:
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(known)}.")
        if passes < 1 or not (isa or ica):
            raise FashionError(f"passes={passes}, isa={isa}, ica={ica} leaves nothing to attend with: keep one each.")
        if not 0 < ratio <= 1:
            raise FashionError(f"ratio={ratio} is no share of the largest activation: choose 0 < ratio <= 1.")
        channels = backbone.out_channels
        self.passes = passes if iteration == "fed" else 1
        self.ratio, self.suppression, self.gate, self.isa = ratio, suppression, gate, isa
        self.backbone = backbone
        self.conv = nn.Conv2d(channels, dim, 1, bias=False)  # a bias would not commute
        self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(self.passes))
        self.spatial_attribute = nn.Sequential(nn.Linear(channels, dim), nn.Tanh())
        self.channel = None
        if ica:
            side = nn.Sequential(nn.Linear(channels, dim), nn.ReLU())
            self.channel = ChannelAttention(channels, dim, side)
        self.mlp = ResidualMLP(channels, nn.ReLU())
        self.norm = nn.LayerNorm(channels) if end_norm else nn.Identity()

    def features(self, images: Tensor) -> RepeatedFeatures:
        return repeated_features(self.backbone(images), self.conv, self.norms)

    @float32_maths
    def forward(self, features: RepeatedFeatures, attribute: Tensor) -> Located:
        """Foreground and background (B, C) for attribute embeddings p^0 (B, C).

        maps: "spatial", the weights of the last foreground vector, which the crop is cut around; "pass k", the
        attention of each pass.
        """
        weight = features.image_map.new_ones(len(attribute), *features.image_map.shape[2:])  # of x^0
        asked, rest, rest_weight = attribute, attribute, weight
        maps, gates = {}, {}
        for number in range(self.passes):
            activation = self.activation(features, number, weight, asked)  # (B, h, w)
            attention = position_softmax(suppress(activation, self.ratio, self.suppression))
            maps[f"pass {number + 1}"] = attention
            weight = mean_one(weight * attention)  # eq. 3
            rest_weight = mean_one(rest_weight * background_map(attention))
            vector, asked, gates["channel"] = self.reweigh(features, weight, asked)
            background, rest, _ = self.reweigh(features, rest_weight, rest)
        maps = {"spatial": sum_one(weight)} | maps
        if self.channel is None:
            gates = {}
        return Located(self.finish(vector), maps["spatial"], self.finish(background), maps, gates)

    def activation(self, features: RepeatedFeatures, number: int, weight: Tensor, asked: Tensor) -> Tensor:
        """Eq. 1 summed over channels and divided by their root: A / sqrt(c') of every position of x^i, (B, h, w).

        number: of the pass, from 0, whose weight is 1 everywhere.
        """
        if not self.isa:
            return torch.zeros_like(weight)
        query = self.spatial_attribute(asked)  # P_s(p^i), (B, A)
        keys = weighted_keys(features, self.norms, number, weight) if number else features.keys
        # A row times a matrix: with the query as a column it would take six times as long on a CPU.
        scores = torch.bmm(query[:, None], positions(keys).transpose(1, 2)).squeeze(1)  # (B, h * w)
        if number:
            scores = 2 * scores - query.sum(1, keepdim=True)  # of tanh = 2 * key - 1
        return scores.view_as(weight) / math.sqrt(keys.shape[1])

    def reweigh(self, features: RepeatedFeatures, weight: Tensor, asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ICA: what the pass hands on (B, C), p^i (B, C) for the next pass, and the gate (B, C) of eq. 4."""
        vector = attend_positions(features.image_map, sum_one(weight))  # (B, C)
        if self.channel is None:
            return vector, asked, torch.ones_like(vector)
        gate = self.channel(vector, asked)
        asked = asked * mean_one(gate)  # eq. 4
        return (asked if self.gate == "attribute" else gate * vector), asked, gate

    def finish(self, vector: Tensor) -> Tensor:
        """Eq. 5 and 6."""
        return self.norm(self.mlp(vector))
