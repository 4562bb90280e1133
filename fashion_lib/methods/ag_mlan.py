"""AG-MLAN: hierarchical features, a branch that classifies attributes, and attention on several levels.

Source: Xiao and Yamasaki, "Attribute-Guided Multi-Level Attention Network for Fine-Grained Fashion Retrieval"
(later AG-MAN). Equation numbers are the paper's. `variant="code"` is the authors' released code, AG-MAN (page 11).

C is the number of stage 3's channels, A the dimension of the attention. ASA and ACA are ASEN's
attribute-aware spatial and channel attention. SA is a position gate that takes no attribute. The hierarchical
map joins stage 3 with a map made from stages 2 and 3.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, BatchLabels, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.attention import (
    ChannelAttention,
    PositionGate,
    SpatialAttention,
    attend_positions,
    attention_dim,
)
from fashion_lib.parts.backbones import Backbone, build_backbone, build_stage4
from fashion_lib.parts.losses import LOSS_WEIGHTS, LossWeights
from fashion_lib.parts.masks import initial_masks
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.shared_batch import shared_out


class Settings(NamedTuple):
    """The settings in which the variants differ, each an option of AGMLAN.

    Attributes:
        sa_kernel: side of SA's convolution, in positions.
        reduce: where 2 C channels become A channels, "before" or "after".
        loss_weights: kind of LossWeights.
        shared_attribute: True if one table of attribute embeddings feeds ASA and ACA.
        mask_blocks: the blocks of the masks' start, see `initial_masks`.
    """

    sa_kernel: int
    reduce: str
    loss_weights: str
    shared_attribute: bool
    mask_blocks: str


VARIANTS = {
    "paper": Settings(1, "after", "learned", True, "even"),
    "code": Settings(7, "before", "fixed", True, "floor"),
}


class AgMlanFeatures(NamedTuple):
    """The features of an image that all attributes share.

    Attributes:
        image_map: branch 2's map, (B, C', h, w).
        keys: ASA's image side, (B, A, h, w).
        summary: SA's mean, maximum and minimum over channels, (B, 3, h, w).
        merged: the input of branch 1's classifier, (B, C, h, w).
    """

    image_map: Tensor
    keys: Tensor
    summary: Tensor
    merged: Tensor


class AGMLAN(RetrievalModel):
    """Hierarchical map -> ASA -> SA -> sum over positions -> ACA -> mask -> unit length; D = A.

    D is the size of an embedding. ResNet-50: stage 3 has C = 1024 channels, the hierarchical map 2048, and A
    = 512. "small" has C = A = 128.

    `reduce` says where the 2 C channels become A channels. "before" is before any attention, as in the code;
    ASA then has no convolution of its own. "after" is after the sum over positions, as in the paper (inferred
    from the mask's c' rows).

    Eq. 2 and 5 each have a W of the attribute "of the embedding and FC layers". The text leaves open whether they
    share the table of embeddings. Both variants take the code's form, one table and two linear layers (a reading).
    `shared_attribute=False` is the other reading, one table per equation.

    Args:
        schema: the attributes.
        backbone: stages 1-3.
        stage4: the stage that branch 1 uses.
        variant: a key of VARIANTS, "paper" or "code".
        branch1: False leaves out branch 1, the attribute classification (ablation).
        branch1_loss: False leaves out only its loss, as the code does on Zappos50k: the network still computes
            branch 1, whose weights (stage 4 and a linear layer) stay at their start.
        hierarchical: False gives stage 3 alone to both branches (ablation).
        spatial_gate: False leaves out SA (ablation).
        mask: False leaves out the mask (ablation).
        sa_kernel, reduce, loss_weights, shared_attribute, mask_blocks: replace the variant's own setting; see
            Settings.

    Raises:
        FashionError: if `reduce`, `loss_weights` or `mask_blocks` is unknown, or if `sa_kernel` is even.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        stage4: nn.Module,
        variant: str = "paper",
        *,
        branch1: bool = True,
        branch1_loss: bool = True,
        hierarchical: bool = True,
        spatial_gate: bool = True,
        mask: bool = True,
        sa_kernel: int | None = None,
        reduce: str | None = None,
        loss_weights: str | None = None,
        shared_attribute: bool | None = None,
        mask_blocks: str | None = None,
    ):
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        super().__init__(schema, embedding_dim=dim)
        given = Settings(sa_kernel, reduce, loss_weights, shared_attribute, mask_blocks)
        own = VARIANTS[variant]._replace(**{k: value for k, value in given._asdict().items() if value is not None})
        for name, known in (("reduce", ("before", "after")), ("loss_weights", LOSS_WEIGHTS)):
            if getattr(own, name) not in known:
                raise FashionError(f"Unknown {name} '{getattr(own, name)}': choose one of {', '.join(known)}.")
        if own.sa_kernel % 2 == 0:
            raise FashionError(f"sa_kernel={sa_kernel} has no middle: choose an odd size, such as 1 or 7.")
        self.backbone, self.reduce_before = backbone, own.reduce == "before"
        self.bring = Bring(channels, normal=variant == "code") if hierarchical else None
        wide = 2 * channels if hierarchical else channels
        self.scale = nn.Parameter(torch.ones(1))  # of the hierarchical map, "w" in the code
        self.reduce = nn.Conv2d(wide, dim, 1) if self.reduce_before else nn.Linear(wide, dim)
        self.spatial_attribute = nn.Embedding(len(schema), dim)  # of both, if shared
        self.channel_attribute = None if own.shared_attribute else nn.Embedding(len(schema), dim)
        inside = dim if self.reduce_before else wide
        self.spatial = SpatialAttention(inside, dim, self_gated(dim), convolve=not self.reduce_before)
        self.spatial_gate = PositionGate(own.sa_kernel) if spatial_gate else None
        self.channel = ChannelAttention(dim, dim, self_gated(dim))
        self.spatial_scale, self.channel_scale = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))  # W1, W2
        masks = initial_masks(len(schema), dim, "prein", own.mask_blocks) if mask else None
        self.masks = None if masks is None else nn.Parameter(masks)
        stage4_channels = getattr(stage4, "out_channels", 2 * channels)
        self.branch1 = AttributeClassifier(stage4, stage4_channels, len(schema)) if branch1 else None
        self.loss_weights = LossWeights(2, own.loss_weights) if branch1 and branch1_loss else None

    def features(self, images: Tensor) -> AgMlanFeatures:
        """Compute the maps that both branches use."""
        second, third = self.backbone.stages(images)
        merged, image_map = third, third
        if self.bring is not None:
            merged = third + self.bring(second, third)  # (B, C, h, w)
            image_map = torch.cat([third, merged], dim=1)  # (B, 2 C, h, w)
        image_map = self.scale * image_map
        if self.reduce_before:
            image_map = self.reduce(image_map)  # (B, A, h, w)
        image_map = image_map.contiguous(memory_format=torch.channels_last)
        keys, whole = self.spatial.keys(image_map), image_map.float()
        return AgMlanFeatures(whole, keys, PositionGate.summary(whole), merged)

    @float32_maths
    def attend(self, features: AgMlanFeatures, attributes: Tensor) -> Attended:
        """Compute the embedding (B, D), with its maps and gates.

        maps["spatial"] is ASA's map. maps["gated"] is that map times SA's gate, scaled to sum 1. gates are
        "channel" and "mask", (B, A) each.
        """
        attention = self.spatial(features.keys, self.spatial_attribute(attributes))  # eq. 1-3, (B, h, w)
        weight = self.spatial_scale * attention
        maps = {"spatial": attention}
        if self.spatial_gate is not None:
            gate = self.spatial_gate(features.summary, weight)  # eq. 4, (B, h, w)
            weight = weight * gate
            maps["gated"] = attention * gate / (attention * gate).sum((1, 2), keepdim=True).clamp(min=1e-12)
        vector = attend_positions(features.image_map, weight)  # (B, C')
        if not self.reduce_before:
            vector = self.reduce(vector)  # (B, A)
        table = self.spatial_attribute if self.channel_attribute is None else self.channel_attribute
        gates = {"channel": self.channel_scale * self.channel(vector, table(attributes))}  # eq. 5-6
        vector = vector * gates["channel"]
        if self.masks is not None:
            gates["mask"] = self.masks[attributes].relu()  # section 3.4
            vector = vector * gates["mask"]
        return Attended(F.normalize(vector, dim=1), maps, gates)

    def training_loss(self, features: Any, labels: BatchLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """Compute eq. 9: the weighted sum of two losses.

        They are the triplet loss (eq. 8) and the attribute classification loss (eq. 7). The class of a labelled
        example is its attribute, not its value.

        Args:
            features: what `features` returned for M images.
            labels: the batch's labels.
            margin: margin of the triplet loss.

        Returns:
            The scalar loss and numbers for the log. Beside those of RetrievalModel they are both losses, and
            "..._weight", the factor of each loss in this step. Without branch 1's loss the total is the triplet
            loss, and there are no factors.
        """
        triplet, figures = super().training_loss(features, labels, margin)
        if self.branch1 is None:
            return triplet, figures
        logits = self.examples(shared_out(self.branch1, features.merged), labels)  # (L, n)
        target = F.one_hot(labels.attributes, len(self.schema)).to(logits)
        classification = F.binary_cross_entropy_with_logits(logits, target)
        losses = {"classification": classification, "triplet": triplet}
        figures |= {name: one.item() for name, one in losses.items()}
        if self.loss_weights is None:
            return triplet, figures
        loss = self.loss_weights(torch.stack([*losses.values()]))
        weights = zip(losses, self.loss_weights.factors.tolist(), strict=True)
        return loss, figures | {f"{name}_weight": weight for name, weight in weights}


class Bring(nn.Module):
    """The layers that give stage 2's map the shape of stage 3's.

    A 3 x 3 max pool with stage 3's stride, then a 1 x 1 convolution C / 2 -> C.

    Args:
        channels: C.
        normal: True starts the convolution's weights from N(0, sqrt(2 / C)), as the code does. Otherwise their
            start is torch's.
    """

    def __init__(self, channels: int, normal: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(channels // 2, channels, 1)
        if normal:
            nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, second: Tensor, third: Tensor) -> Tensor:
        """Return stage 2's map in the shape of stage 3's, (B, C, h, w)."""
        stride = round(second.shape[2] / third.shape[2])
        return self.conv(F.max_pool2d(second, 3, stride, padding=1))


class AttributeClassifier(nn.Module):
    """Branch 1: stage 4, average pool, linear to one logit per attribute.

    Args:
        stage4: the stage, from C to `channels` channels.
        channels: 2 C.
        attributes: n, the number of attributes.
    """

    def __init__(self, stage4: nn.Module, channels: int, attributes: int):
        super().__init__()
        self.stage4, self.linear = stage4, nn.Linear(channels, attributes)

    def forward(self, merged: Tensor) -> Tensor:
        """Return the logits, float32 (B, n), for maps (B, C, h, w)."""
        return self.linear(self.stage4(merged).float().mean((2, 3)))


def self_gated(dim: int) -> nn.Sequential:
    """Return the layers of eq. 2 and 5, `sigma(W a) * W a`, which is SiLU(W a).

    The paper calls them the "self-attention" of the attribute.
    """
    return nn.Sequential(nn.Linear(dim, dim), nn.SiLU())


@method(
    "ag_mlan",
    variants=("paper", "code"),
    reference="Xiao and Yamasaki (AG-MLAN, later AG-MAN)",
    order=100,
    edition=2,
)
def build(schema, backbone, start, variant, seed, **options):
    """Build AGMLAN; see build_model for the arguments."""
    stages = build_backbone(backbone, start), build_stage4(backbone, start)
    return AGMLAN(schema, *stages, variant, **options)
