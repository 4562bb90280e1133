"""IPAD: iterative positioning in space and semantics, attribute diverging (Wan et al. 2025).

Equation numbers are the paper's. `variant="paper"` follows the printed equations, `variant="code"` the authors' code;
every difference is also an option of its own. The paper's re-ranking, feature reasoning, is in
`fashion_lib.tasks.retrieval.reranking`.

Names of the paper: IP-SP is iterative positioning in space, here the region branch. IP-SE is positioning in
semantics, here the patch branch. AD is attribute diverging, the losses against cluster centres. p^0 is the
attribute's embedding, before any pass.
"""

from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import Labels
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.ipad.diverging import AttributeDiverging
from fashion_lib.methods.ipad.momentum import MomentumEncoder
from fashion_lib.methods.ipad.positioning import IterativePositioning
from fashion_lib.methods.ipad.values import ValueAttention, ValueHead
from fashion_lib.methods.ipad.views import DISTORTIONS, anchors_of, perspective_views, view_triplet_loss
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Seen, TwoBranchModel
from fashion_lib.parts.attention import attention_dim
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.cropping import shrunk
from fashion_lib.parts.losses import BACKGROUNDS, e_info_nce
from fashion_lib.parts.patch_branch import PatchBranch
from fashion_lib.parts.precision import autocast_of, float32_maths
from fashion_lib.parts.vit import PatchTokens, build_vit, vit_beside, vit_start

# Every row of "paper against code" that changes a model or its training; see IterativePositioning (first line),
# AttributeDiverging (third line) and IPAD.
VARIANTS: dict[str, dict[str, Any]] = {
    "paper": {"iteration": "fed", "suppression": "keep", "gate": "attribute", "input_norm": "keys",
              "attribute_width": "map", "linear": False, "region_form": "printed", "patch_form": "printed",
              "momentum": "both", "queued": "unit", "repeats": "append", "queue_per": "value",
              "lost_centres": "forget", "ticks": 1, "pushed": "after the step", "begins": "queues full",
              "centres_from": 2, "terms": "sum", "views": 1, "backgrounds": "value", "value_weight": 0.0,
              "unused_parts": False, "crop": "course", "beta": 0.4},
    "code": {"iteration": "identical", "suppression": "erase", "gate": "image", "input_norm": "inputs",
             "attribute_width": "attention", "linear": True, "region_form": "released", "patch_form": "released",
             "momentum": "none", "queued": "raw", "repeats": "average", "queue_per": "attribute",
             "lost_centres": "keep", "ticks": 3, "pushed": "before the loss", "begins": "centres known",
             "centres_from": 1, "terms": "third", "views": 3, "backgrounds": "attribute", "value_weight": 0.1,
             "unused_parts": True, "crop": "code", "beta": 0.3},
}  # fmt: skip
BRANCHES = {"both": ("region", "patch"), "sp": ("region",), "se": ("patch",)}
MOMENTUM = BRANCHES | {"none": ()}
# Option of IPAD -> its values; see there.
CHOICES: dict[str, Collection] = {
    "branches": BRANCHES, "momentum": MOMENTUM, "queued": ("unit", "raw"),
    "pushed": ("after the step", "before the loss"), "centres_from": (1, 2), "views": (1, 3),
    "backgrounds": BACKGROUNDS,
}  # fmt: skip
OWN = ("patch_form", "momentum", "queued", "pushed", "centres_from", "views", "backgrounds", "value_weight",
       "unused_parts")  # fmt: skip
POSITIONING = ("passes", "ratio", "suppression", "iteration", "gate", "isa", "ica", "end_norm", "input_norm",
               "attribute_width", "linear", "region_form")  # fmt: skip
DIVERGING = ("queue_length", "centre_every", "ticks", "begins", "terms", "queue_per", "repeats", "lost_centres")
# The paper's settings that count steps, for budgets of hundreds of steps instead of hundreds of thousands.
SHORT = {"queue_length": 32, "centre_every": 10, "mu": 0.98}


class IPAD(TwoBranchModel):
    """IP-SP (region branch), IP-SE (patch branch) and AD, trained in two stages; D = 2 C.

    C is the number of channels per branch, A the dimension of the attention, D the size of the embedding. T(r) and
    T(f) are the triplet losses of the region and the patch branch, E is E-InfoNCE, CC(r) and CC(f) are the
    cluster-centre losses of eq. 19.

    1. Stage 1 trains the region branch alone. "paper" minimises T(r), "code" T(r) + CC(r) + 0.1 V. V is the
       cross-entropy of a classifier of the anchors' values.
    2. Stage 2 minimises `T(r) + 0.1 T(f) + 0.04 E` (eq. 18: L_warm), and `CC(r) + CC(f)` with it (eq. 20: L_total)
       when the queues are full ("paper") or every value has a centre ("code").

    In "code" T(r) is the mean of five triplet losses over three views of the anchor, and the queues start stage 2
    empty. Roles: where the sampler lists triplets, their columns are anchors, positives and negatives. Otherwise each
    example of the batch has all three roles.

    The momentum encoders of "paper" start as copies when the queues begin to fill. The patch branch's momentum
    encoder gets the same crops as the patch branch.

    Args:
        schema: the attributes.
        backbone: of the region branch, with C channels.
        vit: vision transformer of the patch branch.
        variant: a key of VARIANTS, "paper" or "code".
        branches: "both", "sp" or "se" (ablation).
        diverging: False leaves out AD (ablation).
        patch_weight: weight of T(f).
        contrast_weight: weight of E.
        xi: weight of both cluster-centre losses.
        mu: momentum of eq. 10.
        options: those below, and options of IterativePositioning, AttributeDiverging and TwoBranchModel. Each
            replaces the variant's own setting.
        patch_form: form of PatchBranch, "printed" (eq. 7-9) or "released".
        momentum: the branches that have a momentum encoder: "both", "sp", "se" or "none". A branch without one puts
            its own features into its queue.
        queued: "unit" or "raw": whether features enter the queues at unit length. Eq. 11 does not say; cosines of a
            feature do not depend on its length, but a mean of features does.
        pushed: when a batch's features enter the queues: "after the step", or "before the loss", which then uses
            them.
        centres_from: the stage, 1 or 2, in which queues and cluster-centre losses begin.
        views: 3 adds two views of each anchor to T(r); see `fashion_lib.methods.ipad.views`.
        backgrounds: see `fashion_lib.parts.losses.e_info_nce`.
        value_weight: weight of V in stage 1; at 0 there is no classifier.
        unused_parts: True adds layers that the authors' code has but never uses; see ValueAttention.

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
        **options,
    ):
        options = VARIANTS[variant] | options
        for name, known in CHOICES.items():
            value = branches if name == "branches" else options[name]
            if value not in known:
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(map(str, known))}.")
        weights = {"patch_weight": patch_weight, "contrast_weight": contrast_weight, "xi": xi}
        for name, weight in (weights | {"value_weight": options["value_weight"]}).items():
            if weight < 0:
                raise FashionError(f"{name}={weight} turns the loss round: choose 0 or more.")
        positioning = {name: options.pop(name) for name in POSITIONING if name in options}
        queues = {name: options.pop(name) for name in DIVERGING if name in options}
        own = {name: options.pop(name) for name in OWN}
        channels, dim = backbone.out_channels, attention_dim(backbone.out_channels)
        super().__init__(schema, channels, patch_weight=patch_weight, branches=BRANCHES[branches], **options)
        self.contrast_weight, self.xi, self.value_weight = contrast_weight, xi, own["value_weight"]
        self.backgrounds, self.queued, self.pushed = own["backgrounds"], own["queued"], own["pushed"]
        self.centres_from, self.views = own["centres_from"], own["views"]
        counts = [len(attribute.values) for attribute in schema]
        width = channels if positioning["attribute_width"] == "map" else dim
        self.attribute = nn.Embedding(len(schema), width)  # p^0
        positioned = IterativePositioning(backbone, dim, **positioning)
        self.region = positioned if "region" in self.branches else None
        patch = PatchBranch(vit, width, channels, own["patch_form"]) if "patch" in self.branches else None
        self.patch = patch
        self.diverging, self.slow, self.pending = None, nn.ModuleDict(), None
        if diverging:
            self.diverging = AttributeDiverging(counts, channels, self.branches, **queues)
            for name in self.branches:
                if name in MOMENTUM[own["momentum"]]:
                    self.slow[name] = MomentumEncoder(self.online(name), mu)
        self.values = ValueHead(counts, channels) if self.value_weight else None
        self.unused = None
        if own["unused_parts"]:
            attention = ValueAttention(counts, vit.dim, channels, vit.heads)
            self.unused = nn.ModuleDict({"value_attention": attention, "adapter": nn.Linear(channels, 1)})

    @property
    def backbone(self) -> Backbone | None:
        """Return the region branch's backbone, or None without that branch."""
        return None if self.region is None else self.region.backbone

    @property
    def training_passes(self) -> int:
        """Return the backbone passes per image of the next training step, momentum encoders included.

        Further views of the anchors are not: the log of `training_loss` counts their pictures.
        """
        slow = [name for name in self.slow if not self.in_first_stage or (name == "region" and self.centres_from == 1)]
        return super().training_passes + len(slow)

    def online(self, branch: str) -> nn.ModuleDict:
        """Return the trained modules that a branch's momentum encoder follows."""
        return nn.ModuleDict({"attribute": self.attribute, branch: getattr(self, branch)})

    @property
    def first_queued_step(self) -> int:
        """Return the first step whose features enter the queues."""
        return 0 if self.centres_from == 1 else self.second_stage_begins

    def region_loss(self, seen: Seen, labels: BatchLabels, margin: float) -> tuple[Tensor, float]:
        """Compute T(r), over one view or three views of the anchors, and the fraction of active triplets."""
        if self.views == 1:
            return super().region_loss(seen, labels, margin)
        anchors = anchors_of(labels)
        pictures, attributes = shrunk(seen.pictures[anchors].float(), self.image_scale), labels.attributes[anchors]
        views = []
        for distortion in DISTORTIONS:
            with autocast_of(seen.pictures):
                features = self.look(perspective_views(pictures, distortion))
            views.append(F.normalize(self.locate(features, attributes).vector, dim=1))
        return view_triplet_loss(seen.parts["region"], views, labels, margin)

    def first_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the other losses of stage 1: CC(r) if queues fill in stage 1, and V."""
        terms = self.centre_terms(seen, labels, margin) if self.centres_from == 1 else {}
        if self.values is not None:
            rows = anchors_of(labels)
            loss = float32_maths(self.values.loss)(
                seen.located.vector[rows], labels.attributes[rows], labels.values[rows]
            )
            terms["values"] = self.value_weight * loss
        return terms

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return E between the branches and, when it is on, the cluster-centre losses."""
        terms = {}
        if len(seen.parts) == 2:
            parts = *seen.parts.values(), F.normalize(seen.located.background, dim=1)
            loss = e_info_nce(*parts, labels.attributes, labels.values, backgrounds=self.backgrounds)
            terms["contrast"] = self.contrast_weight * loss
        return terms | self.centre_terms(seen, labels, margin)

    def centre_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted cluster-centre losses, and put this batch's features into the queues or aside."""
        if self.diverging is None:
            return {}
        pairs = self.diverging.pairs(labels.attributes, labels.values)
        found = self.queue_features(seen, labels.attributes), pairs, labels.images[labels.rows], labels.triplets
        if self.pushed == "before the loss":
            self.diverging.remember(*found)
        else:
            self.pending = found
        losses = self.diverging.loss(seen.parts, labels, margin)
        return {f"centres {name}": self.xi * loss for name, loss in losses.items()}

    @torch.no_grad()
    def queue_features(self, seen: Seen, attributes: Tensor) -> dict[str, Tensor]:
        """Compute the vectors that go into the queues.

        They come from the branch's momentum encoder, or from the branch itself if it has none.

        Args:
            seen: the results of the branches.
            attributes: int64 (L,).

        Returns:
            Branch -> vectors (L, C), without gradient; of unit length with queued="unit".
        """
        found = {}
        if "region" in seen.parts:
            found["region"] = seen.located.vector.detach()
        if "patch" in seen.parts:
            found["patch"] = seen.patch.detach()
        if "region" in self.slow:
            parts = self.slow["region"].parts
            features = parts["region"].features(shrunk(seen.pictures.float(), self.image_scale))
            found["region"] = parts["region"](features, parts["attribute"](attributes)).vector
        if "patch" in self.slow and "patch" in found:
            parts = self.slow["patch"].parts
            found["patch"], _ = parts["patch"](seen.crops, parts["attribute"](attributes))
        if self.queued == "unit":
            return {name: F.normalize(vectors, dim=1) for name, vectors in found.items()}
        return found

    def training_loss(self, features, labels: BatchLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """Compute the loss as TwoBranchModel does, with more numbers for the log.

        "queues_full" or "centres_known" is the share of what the cluster-centre loss waits for. "views" is the number
        of pictures that further views of the anchors add to the batch.
        """
        loss, figures = super().training_loss(features, labels, margin)
        if self.diverging is not None and int(self.step) >= self.first_queued_step:
            name = "queues_full" if self.diverging.begins == "queues full" else "centres_known"
            figures[name] = self.diverging.share_ready(("region",) if self.in_first_stage else None)
        if self.views > 1 and self.region is not None:
            figures["views"] = (self.views - 1) * len(anchors_of(labels))
        return loss, figures

    def before_training(self, steps: int, labels: Labels) -> None:
        """Store the number of steps, and register the training labels with the queues."""
        super().before_training(steps, labels)
        if self.diverging is not None:
            device = self.step.device
            told = (torch.from_numpy(part).to(device) for part in (labels.attribute, labels.value))
            self.diverging.expect(*told)

    def after_step(self) -> None:
        """Count the step, update the momentum encoders, and fill or empty the queues if that is due."""
        super().after_step()
        begins = int(self.step) == self.second_stage_begins
        if self.pending is not None or begins:
            for name, encoder in self.slow.items():
                encoder.follow(self.online(name), mu=0 if begins else None)
        if self.pending is not None:
            self.diverging.remember(*self.pending)
            self.pending = None
        if begins and self.diverging is not None:
            self.diverging.clear()  # stage 2 is a run of its own in the authors' code, with empty queues


@method("ipad", variants=("paper", "code"), reference="Wan et al., 2025", order=90, edition={"code": 2})
def build(schema, backbone, start, variant, seed, vit="", **options):
    """Build IPAD; see build_model for the arguments.

    `vit` is a key of SIZES; "" chooses the backbone's own. With the backbone "small", SHORT replaces the
    defaults.
    """
    form = options.get("patch_form", VARIANTS[variant]["patch_form"])
    vit = vit or vit_beside(backbone)
    tokens = build_vit(vit, start, released=form == "released")
    counted = SHORT | options if backbone == "small" else options
    model = IPAD(schema, build_backbone(backbone, start), tokens, variant, **counted)
    model.second_start = vit_start(vit, start)
    return model
