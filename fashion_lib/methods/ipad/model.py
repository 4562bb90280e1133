"""IPAD: iterative positioning in space and semantics, attribute diverging (Wan et al. 2025).

Equation numbers are the paper's. `variant="paper"` follows the printed equations, `variant="code"` the authors' code;
every difference is also an option of its own. The paper's re-ranking, feature reasoning, is in
`fashion_lib.tasks.retrieval.reranking`.

Names of the paper: IP-SP is iterative positioning in space, here the region branch. IP-SE is positioning in
semantics, here the patch branch. AD is attribute diverging, the losses against cluster centres. p^0 is the
attribute's embedding, before any pass.
"""

from typing import get_type_hints

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
from fashion_lib.methods.ipad.variants import (
    BRANCHES,
    CHOICES,
    DIVERGING,
    MOMENTUM,
    OWN,
    POSITIONING,
    SHORT,
    VARIANTS,
)
from fashion_lib.methods.ipad.views import (
    DISTORTIONS,
    anchors_of,
    known_values,
    perspective_views,
    view_triplet_loss,
)
from fashion_lib.methods.registry import method
from fashion_lib.methods.two_branch import Seen, TwoBranchModel
from fashion_lib.parts.attention import attention_dim
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.cropping import shrunk
from fashion_lib.parts.losses import e_info_nce
from fashion_lib.parts.patch_branch import PatchBranch
from fashion_lib.parts.precision import autocast_of
from fashion_lib.parts.shared_batch import shared_out
from fashion_lib.parts.vit import PatchTokens, build_vit, vit_beside, vit_start


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

    Where the training of the authors' code does not fit one run of one loop, "code" is a reading. With profile "paper"
    the first two points are as in the code:

    1. Stage 2 goes on from the last weights, with the same optimiser. One learning rate and one schedule serve both
       stages. The authors' code has 1e-4, then 5.5e-5 for the patch branch and 1e-5 for the rest, and a new schedule.
    2. Whether the first view is mirrored is one setting. The authors' code mirrors it in stage 1 only.
    3. The first views of all roles pass the backbone together, so they share the statistics of batch normalisation.
       The authors' code passes one role at a time. The other two views have a pass each, as there.
    4. The loss waits for no value that training cannot show. The authors' code waits for all values.

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

    handed_on = (
        {name: type(VARIANTS["paper"][name]) for name in OWN}
        | get_type_hints(IterativePositioning.__init__)
        | get_type_hints(AttributeDiverging.__init__)
    )

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
        self.values = ValueHead(counts, channels) if self.value_weight and self.region is not None else None
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
                features = shared_out(self.look, perspective_views(pictures, distortion))
            views.append(F.normalize(self.locate(features, attributes).vector, dim=1))
        return view_triplet_loss(seen.parts["region"], views, labels, margin)

    def first_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the other losses of stage 1: CC(r) if queues fill in stage 1, and V."""
        terms = self.centre_terms(seen, labels, margin) if self.centres_from == 1 else {}
        return terms | self.value_terms(seen, labels)

    def value_terms(self, seen: Seen, labels: BatchLabels) -> dict[str, Tensor]:
        """Return the weighted loss V of the region branch's value classifier; {} for a model without it."""
        if self.values is None:
            return {}
        rows = anchors_of(labels)
        loss = self.values.loss(seen.located.vector[rows], labels.attributes[rows], known_values(labels)[rows])
        return {"values": self.value_weight * loss}

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return E between the branches and, when it is on, the cluster-centre losses.

        A region branch alone has V in all its steps, as the released stage 1 has.
        """
        terms = self.value_terms(seen, labels) if len(self.branches) == 1 else {}
        if len(seen.parts) == 2:
            parts = *seen.parts.values(), F.normalize(seen.located.background, dim=1)
            loss = e_info_nce(*parts, labels.attributes, labels.values, backgrounds=self.backgrounds)
            terms["contrast"] = self.contrast_weight * loss
        return terms | self.centre_terms(seen, labels, margin)

    def centre_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted cluster-centre losses, and put this batch's features into the queues or aside."""
        if self.diverging is None:
            return {}
        pairs = self.diverging.pairs(labels.attributes, known_values(labels))
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
        for name in seen.parts:
            parts = self.slow[name].parts if name in self.slow else None
            if parts is None:
                found[name] = seen.located.vector.detach() if name == "region" else seen.patch.detach()
            elif name == "region":
                pictures = shrunk(seen.pictures.float(), self.image_scale)
                features = shared_out(parts["region"].features, pictures)
                found["region"] = parts["region"](features, parts["attribute"](attributes)).vector
            else:
                found["patch"], _ = shared_out(parts["patch"], seen.crops, parts["attribute"](attributes))
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

    def continue_from(self, first: "IPAD") -> None:
        """Take over a first stage's weights; queues are empty and momentum encoders are copies of them."""
        super().continue_from(first)
        if self.diverging is not None:
            self.diverging.clear()
        for name, encoder in self.slow.items():
            encoder.follow(self.online(name), mu=0)

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
