"""IPAD: iterative positioning in space and semantics, attribute diverging (Wan et al. 2025).

Equation numbers are the paper's. `variant="code"` follows the authors' released code where it differs; every
difference is also an option of its own. The paper's re-ranking, feature reasoning, is in
`fashion_lib.tasks.retrieval.reranking`.

Names of the paper: IP-SP is iterative positioning in space, here the region branch. IP-SE is positioning in
semantics, here the patch branch. AD is attribute diverging, the losses against cluster centres. p^0 is the
attribute's embedding, before any pass.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import Labels
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.ipad.diverging import AttributeDiverging, MomentumEncoder
from fashion_lib.methods.ipad.positioning import IterativePositioning
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Seen, TwoBranchModel
from fashion_lib.parts.attention import attention_dim
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.cropping import shrunk
from fashion_lib.parts.losses import BACKGROUNDS, e_info_nce
from fashion_lib.parts.patch_branch import PatchBranch
from fashion_lib.parts.vit import PatchTokens, build_vit, vit_beside

# Every row of "paper against code" that changes a result; see IterativePositioning, AttributeDiverging and
# e_info_nce.
VARIANTS: dict[str, dict[str, Any]] = {
    "paper": {"iteration": "fed", "suppression": "keep", "gate": "attribute", "momentum": "both",
              "repeats": "append", "queue_per": "value", "ticks": 1, "terms": "sum", "beta": 0.4},
    "code": {"iteration": "identical", "suppression": "erase", "gate": "image", "momentum": "none",
             "repeats": "average", "queue_per": "attribute", "ticks": 3, "terms": "third", "beta": 0.3},
}  # fmt: skip
BRANCHES = {"both": ("region", "patch"), "sp": ("region",), "se": ("patch",)}
MOMENTUM = BRANCHES | {"none": ()}
POSITIONING = ("passes", "ratio", "suppression", "iteration", "gate", "isa", "ica", "end_norm")
DIVERGING = ("queue_length", "centre_every", "ticks", "terms", "queue_per", "repeats")
# The paper's settings that count steps, for budgets of hundreds of steps instead of hundreds of thousands.
SHORT = {"queue_length": 32, "centre_every": 10, "mu": 0.98}


class IPAD(TwoBranchModel):
    """IP-SP (region branch), IP-SE (patch branch) and AD, trained in two stages; D = 2 C.

    C is the number of channels per branch, D the size of the embedding. L_T^sp and L_T^se are the branches'
    triplet losses, L_E is E-InfoNCE, and L_sp and L_se are the cluster-centre losses.

    1. Stage 1 minimises L_T^sp alone.
    2. Stage 2 begins with `L_warm = L_T^sp + 0.1 L_T^se + 0.04 L_E` (eq. 18). Meanwhile, queues fill with
       features of the momentum encoders.
    3. When the queues are full, the loss is L_total (eq. 20).

    The momentum encoders start as copies when stage 2 begins. The patch branch's momentum encoder gets the
    same crops as the patch branch.

    Args:
        schema: the attributes.
        backbone: of the region branch, with C channels.
        vit: vision transformer of the patch branch.
        variant: a key of VARIANTS, "paper" or "code".
        branches: "both", "sp" or "se" (ablation).
        diverging: False leaves out AD (ablation).
        patch_weight: weight of L_T^se.
        contrast_weight: weight of L_E.
        xi: weight of both cluster-centre losses.
        mu: momentum of eq. 10.
        backgrounds: see `fashion_lib.parts.losses.e_info_nce`.
        options: `momentum`, and options of IterativePositioning, AttributeDiverging and TwoBranchModel. Each
            replaces the variant's own setting. `momentum` is "both", "sp", "se" or "none": the branches that
            have a momentum encoder. A branch without one puts its own features into its queue.

    Raises:
        FashionError: if a name is unknown, a weight is negative, or a number is out of range.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: Backbone,
        vit: PatchTokens,
        variant: str = "paper",
        *,
        branches: str = "both",
        diverging: bool = True,
        patch_weight: float = 0.1,
        contrast_weight: float = 0.04,
        xi: float = 1.0,
        mu: float = 0.995,
        backgrounds: str = "value",
        **options,
    ):
        for name, value, known in (("branches", branches, BRANCHES), ("momentum", options.get("momentum"), MOMENTUM)):
            if value is not None and value not in known:
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(known)}.")
        for name, weight in (("patch_weight", patch_weight), ("contrast_weight", contrast_weight), ("xi", xi)):
            if weight < 0:
                raise FashionError(f"{name}={weight} turns the loss round: choose 0 or more.")
        if backgrounds not in BACKGROUNDS:
            raise FashionError(f"Unknown backgrounds '{backgrounds}': choose one of {', '.join(BACKGROUNDS)}.")
        options = VARIANTS[variant] | options
        momentum = MOMENTUM[options.pop("momentum")]
        positioning = {name: options.pop(name) for name in POSITIONING if name in options}
        queues = {name: options.pop(name) for name in DIVERGING if name in options}
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        super().__init__(schema, channels, patch_weight=patch_weight, branches=BRANCHES[branches], **options)
        self.contrast_weight, self.xi, self.backgrounds = contrast_weight, xi, backgrounds
        self.attribute = nn.Embedding(len(schema), channels)  # p^0
        positioned = IterativePositioning(backbone, dim, **positioning)
        self.region = positioned if "region" in self.branches else None
        self.patch = PatchBranch(vit, channels, channels, "printed") if "patch" in self.branches else None
        self.diverging, self.slow, self.pending = None, nn.ModuleDict(), None
        if diverging:
            counts = [len(attribute.values) for attribute in schema]
            self.diverging = AttributeDiverging(counts, channels, self.branches, **queues)
            for name in self.branches:
                if name in momentum:
                    self.slow[name] = MomentumEncoder(self.online(name), mu)

    @property
    def backbone(self) -> Backbone | None:
        """Return the region branch's backbone, or None without that branch."""
        return None if self.region is None else self.region.backbone

    @property
    def training_passes(self) -> int:
        """Return the backbone passes per image of the next training step, momentum encoders included."""
        return super().training_passes + (0 if self.in_first_stage else len(self.slow))

    def online(self, branch: str) -> nn.ModuleDict:
        """Return the trained modules that a branch's momentum encoder follows."""
        return nn.ModuleDict({"attribute": self.attribute, branch: getattr(self, branch)})

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return L_E between the branches and, when the queues are full, L_sp and L_se."""
        terms = {}
        if len(seen.parts) == 2:
            parts = *seen.parts.values(), F.normalize(seen.located.background, dim=1)
            loss = e_info_nce(*parts, labels.attributes, labels.values, backgrounds=self.backgrounds)
            terms["contrast"] = self.contrast_weight * loss
        if self.diverging is not None:
            losses = self.diverging.loss(seen.parts, labels, margin)
            terms |= {f"centres {name}": self.xi * loss for name, loss in losses.items()}
            pairs = self.diverging.pairs(labels.attributes, labels.values)
            self.pending = self.queue_features(seen, labels.attributes), pairs, labels.images[labels.rows]
        return terms

    @torch.no_grad()
    def queue_features(self, seen: Seen, attributes: Tensor) -> dict[str, Tensor]:
        """Compute the vectors that go into the queues.

        They come from the branch's momentum encoder, or from the branch itself if it has none.

        Args:
            seen: the results of both branches.
            attributes: int64 (L,).

        Returns:
            Branch -> unit vectors (L, C), without gradient.
        """
        found = {name: vectors.detach() for name, vectors in seen.parts.items()}
        if "region" in self.slow:
            parts = self.slow["region"].parts
            features = parts["region"].features(shrunk(seen.pictures.float(), self.image_scale))
            located = parts["region"](features, parts["attribute"](attributes))
            found["region"] = F.normalize(located.vector, dim=1)
        if "patch" in self.slow:
            parts = self.slow["patch"].parts
            vectors, _ = parts["patch"](seen.crops, parts["attribute"](attributes))
            found["patch"] = F.normalize(vectors, dim=1)
        return found

    def training_loss(self, features, labels: BatchLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """Compute the loss as TwoBranchModel does; the log also gets "queues_full", the share of full queues.
        """
        loss, figures = super().training_loss(features, labels, margin)
        if self.diverging is not None and not self.in_first_stage:
            figures["queues_full"] = self.diverging.share_full()
        return loss, figures

    def before_training(self, steps: int, labels: Labels) -> None:
        """Store the number of steps, and register the training labels with the queues."""
        super().before_training(steps, labels)
        if self.diverging is not None:
            device = self.step.device
            told = (torch.from_numpy(part).to(device) for part in (labels.attribute, labels.value))
            self.diverging.expect(*told)

    def after_step(self) -> None:
        """Count the step, update the momentum encoders, and put this batch's features into the queues."""
        super().after_step()
        begins = int(self.step) == self.second_stage_begins
        if self.pending is not None or begins:
            for name, encoder in self.slow.items():
                encoder.follow(self.online(name), mu=0 if begins else None)
        if self.pending is not None:
            self.diverging.remember(*self.pending)
            self.pending = None


@method("ipad", variants=("paper", "code"), reference="Wan et al., 2025", order=90)
def build(schema, backbone, start, variant, seed, vit="", **options):
    """Build IPAD; see build_model for the arguments.

    `vit` is a key of SIZES; "" chooses the backbone's own. With the backbone "small", SHORT replaces the
    defaults.
    """
    tokens = build_vit(vit or vit_beside(backbone), start, released=False)
    counted = SHORT | options if backbone == "small" else options
    return IPAD(schema, build_backbone(backbone, start), tokens, variant, **counted)
