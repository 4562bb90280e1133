"""IP-SP: attend, suppress weak positions, reweigh the attribute, attend again (IPAD, section 3.1.1, eq. 1-6).

Source: Wan et al. 2025. Names of the paper: ISA is the spatial attention (eq. 1 and 3). AS is the suppression
of activations (eq. 2). ICA is the channel attention (eq. 4). x^i is the map and p^i the attribute vector
after pass i.
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.two_branch import Located
from fashion_lib.parts.attention import ChannelAttention, attend_positions, background_map, positions
from fashion_lib.parts.backbones import Backbone
from fashion_lib.parts.patch_branch import EPS, FORMS, ResidualMLP
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.repeated_attention import (
    ChannelShift,
    RepeatedFeatures,
    mean_one,
    repeated_features,
    weighted_keys,
)

# Option of IterativePositioning -> its values; see there.
CHOICES = {
    "suppression": ("keep", "erase", "none"),
    "iteration": ("fed", "identical"),
    "gate": ("attribute", "image"),
    "input_norm": ("keys", "inputs"),
    "attribute_width": ("map", "attention"),
    "region_form": FORMS,
}


def suppress(activation: Tensor, ratio: float, kind: str) -> Tensor:
    """Set the scores below a share of the largest score to zero: AS, eq. 2.

    If the largest score is negative, no position reaches 0.95 of it. Then the equation keeps none, and the
    attention map becomes uniform.

    Args:
        activation: scores of the positions, (B, h, w).
        ratio: the share.
        kind: "keep" is the equation. "erase" is the authors' code: it keeps `A <= ratio * max A` and so
            removes the peak. "none" changes nothing.

    Returns:
        The scores, (B, h, w).

    Raises:
        FashionError: if `kind` is unknown.
    """
    if kind not in CHOICES["suppression"]:
        raise FashionError(f"Unknown suppression '{kind}': choose one of {', '.join(CHOICES['suppression'])}.")
    threshold = ratio * activation.amax((1, 2), keepdim=True)  # eta
    if kind == "keep":
        return activation * (activation >= threshold)
    return activation * (activation <= threshold) if kind == "erase" else activation


def position_softmax(scores: Tensor) -> Tensor:
    """Return the softmax over positions of scores (B, h, w), a map of sum 1."""
    return scores.flatten(1).softmax(1).view_as(scores)


def sum_one(weight: Tensor) -> Tensor:
    """Scale weights of positions (B, h, w) to sum 1."""
    return weight / weight.sum((1, 2), keepdim=True).clamp(min=1e-12)


class IterativePositioning(nn.Module):
    """The region branch of IPAD.

    Each of `passes` passes is ISA with AS (eq. 1-3), then ICA (eq. 4). At the end, foreground and background
    vector p each become LN(MLP_skip(p)) (eq. 5-6). LN is layer normalisation; MLP_skip is a residual
    multilayer perceptron.

    The map `x^i = attention * x^(i-1)` is kept as a weight per position; see
    `fashion_lib.parts.repeated_attention`.

    Inferred, because the paper leaves these points open:

    1. The weights of positions are scaled to mean 1. Otherwise each pass would divide the map by about h * w,
       because a softmax map sums to 1.
    2. The gate on p is scaled to mean 1 too. Otherwise each pass would halve p, because a sigmoid is about
       1/2, and the later maps would become uniform.
    3. P_s, the attribute side of ISA, is ASEN's, which section 3.1.1 cites, with its batch normalisation.
       Each pass has its own normalisation, because the statistics of the weighted map change.
    4. ICA's "sum of x^i" is over positions, as in ASEN. The text says "along the channel dimension", which
       would leave h * w numbers instead of C.
    5. All passes share the other layers.
    6. The background has its own p, which goes through the same ICA. Its x is weighted by 1 - attention in
       each pass.
    7. The crop is cut around the weights of the last x^i, which combine the attention of all passes.

    Args:
        backbone: the network that computes x^0, a map of C channels.
        dim: A, the dimension of the attention.
        passes: number of passes.
        ratio, suppression: see `suppress`.
        iteration: "fed" starts each pass from the previous one. "identical" (the authors' code) starts every
            pass from x^0 and p^0, so one pass gives the same result.
        gate: "attribute" is eq. 4, `p^i = gate * p^(i-1)`: the image changes the result through gates alone.
            "image" (the authors' code) returns gate * attended image vector, as ASEN does; eq. 4 still feeds
            the next pass.
        input_norm: "keys" is point 3. "inputs" (the authors' code) normalises x^0 and p^0 with one LN each.
            Then the convolution has a bias, and no batch normalisation follows.
        attribute_width: "map" gives p^0 the C numbers that eq. 4 needs. "attention" (the authors' code) gives
            it A numbers, which only "identical" passes with the gate on "image" can use.
        linear: True (the authors' code) applies one linear layer to foreground and background, before eq. 5.
        region_form: "printed" is eq. 5, LN(p + MLP(p)). "released" (the authors' code) is LN(p + MLP(LN(p))).
            Both LN are one module; a second dropout follows the MLP.
        isa: False gives all positions the same weight (figure 3).
        ica: False returns the attended vector without a gate (figure 3).
        end_norm: False leaves out the LN of eq. 5 and 6. No source does so; notebook 17a uses it to show the
            cost of the LN.

    Raises:
        FashionError: if a name is unknown, a number is out of range, or `isa` and `ica` are both False.
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
        input_norm: str = "keys",
        attribute_width: str = "map",
        linear: bool = False,
        region_form: str = "printed",
        isa: bool = True,
        ica: bool = True,
        end_norm: bool = True,
    ):
        super().__init__()
        chosen = (suppression, iteration, gate, input_norm, attribute_width, region_form)
        for (name, known), value in zip(CHOICES.items(), chosen, strict=True):
            if value not in known:
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(known)}.")
        if attribute_width == "attention" and (iteration, gate) != ("identical", "image"):
            raise FashionError(
                f"attribute_width='attention' leaves {dim} numbers where eq. 4 multiplies C: "
                "choose iteration='identical' and gate='image' with it."
            )
        if passes < 1 or not (isa or ica):
            raise FashionError(f"passes={passes}, isa={isa}, ica={ica} leaves nothing to attend with: keep one each.")
        if not 0 < ratio <= 1:
            raise FashionError(f"ratio={ratio} is no share of the largest activation: choose 0 < ratio <= 1.")
        channels = backbone.out_channels
        self.passes = passes if iteration == "fed" else 1
        self.ratio, self.suppression, self.gate, self.isa = ratio, suppression, gate, isa
        self.width = channels if attribute_width == "map" else dim  # of p^0
        self.backbone = backbone
        self.map_norm = self.attribute_norm = None
        self.conv = nn.Conv2d(channels, dim, 1, bias=False)  # a bias would not commute
        if input_norm == "keys":
            self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(self.passes))
        else:
            self.map_norm, self.attribute_norm = nn.LayerNorm(channels, eps=EPS), nn.LayerNorm(self.width, eps=EPS)
            self.norms = nn.ModuleList([ChannelShift(dim, channels**-0.5)])
        self.spatial_attribute = nn.Sequential(nn.Linear(self.width, dim), nn.Tanh())
        self.channel = None
        if ica:
            side = nn.Sequential(nn.Linear(self.width, dim), nn.ReLU())
            self.channel = ChannelAttention(channels, dim, side)
        self.linear = nn.Linear(channels, channels) if linear else nn.Identity()
        self.first_norm = region_form == "released"
        self.mlp = ResidualMLP(channels, nn.ReLU(), last_dropout=0.1 if self.first_norm else 0.0)
        self.norm = nn.LayerNorm(channels, eps=EPS if self.first_norm else 1e-5) if end_norm else nn.Identity()

    @property
    def pass_norms(self) -> list[nn.Module]:
        """Return what follows the convolution in each pass; one ChannelShift serves all passes."""
        return [self.norms[min(number, len(self.norms) - 1)] for number in range(self.passes)]

    def features(self, images: Tensor) -> RepeatedFeatures:
        """Compute x^0 and what all attributes share, once per image."""
        image_map = self.backbone(images)
        if self.map_norm is not None:  # LN over the channels of each position
            image_map = self.map_norm(image_map.float().permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return repeated_features(image_map, self.conv, self.pass_norms)

    @float32_maths
    def forward(self, features: RepeatedFeatures, attribute: Tensor) -> Located:
        """Run all passes.

        Args:
            features: what `features` returned for B images.
            attribute: attribute embeddings p^0, (B, C), or (B, A) at attribute_width="attention".

        Returns:
            Foreground and background, (B, C) each, and the maps. "spatial" holds the weights of the last
            foreground vector, which the crop is cut around. "pass k" is the attention of pass k.
        """
        if self.attribute_norm is not None:
            attribute = self.attribute_norm(attribute)
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
        """Compute the scores A / sqrt(c') of the positions of x^i.

        That is eq. 1, summed over the c' channels and divided by their square root.

        Args:
            features: what `features` returned for B images.
            number: number of the pass, from 0; pass 0 uses weight 1 everywhere.
            weight: weight per position, (B, h, w).
            asked: p^i, (B, C).

        Returns:
            The scores, (B, h, w).
        """
        if not self.isa:
            return torch.zeros_like(weight)
        query = self.spatial_attribute(asked)  # P_s(p^i), (B, A)
        keys = weighted_keys(features, self.pass_norms, number, weight) if number else features.keys
        # A row times a matrix: with the query as a column, a CPU takes six times as long.
        scores = torch.bmm(query[:, None], positions(keys).transpose(1, 2)).squeeze(1)  # (B, h * w)
        if number:
            scores = 2 * scores - query.sum(1, keepdim=True)  # of tanh = 2 * key - 1
        return scores.view_as(weight) / math.sqrt(keys.shape[1])

    def reweigh(self, features: RepeatedFeatures, weight: Tensor, asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Apply ICA: compute the gate of eq. 4 and the next attribute vector.

        Args:
            features: what `features` returned for B images.
            weight: weight per position, (B, h, w).
            asked: the attribute vector of this pass, (B, C).

        Returns:
            The result of the pass, p^i for the next pass, and the gate; (B, C) each.
        """
        vector = attend_positions(features.image_map, sum_one(weight))  # (B, C)
        if self.channel is None:
            return vector, asked, torch.ones_like(vector)
        gate = self.channel(vector, asked)
        if asked.shape == gate.shape:
            asked = asked * mean_one(gate)  # eq. 4
        return (asked if self.gate == "attribute" else gate * vector), asked, gate

    def finish(self, vector: Tensor) -> Tensor:
        """Apply eq. 5 or 6 to a vector (B, C), with the layers that the options add."""
        vector = self.linear(vector)
        return self.norm(self.mlp(vector, self.norm if self.first_norm else None))
