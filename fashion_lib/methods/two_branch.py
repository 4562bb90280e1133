"""What ASEN++, RPF and IPAD share: look at the picture, cut out where you looked, look again at the crop.

The region branch sees the picture made small, the patch branch a square cut out of the large one. Training has two
stages inside one budget: the region branch alone for the first share of the steps, then both. The test feature is
[sqrt(beta) region, sqrt(1 - beta) patch], each of unit length, so that a similarity is beta times the region's plus
1 - beta times the patch's.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import Labels
from fashion_lib.methods.base import Attended, BatchLabels, RetrievalModel
from fashion_lib.parts.cropping import (
    THRESHOLD,
    attention_boxes,
    check_threshold,
    crop,
    shrunk,
    whole_pictures,
)
from fashion_lib.parts.losses import mean_similarity
from fashion_lib.parts.precision import float32_maths, rounded_as_autocast


class TwoBranchFeatures(NamedTuple):
    """What attributes share: the large pictures (B, 3, H, W) that crops are cut from, the region branch's features.

    The pictures are of the type that the backbone computed in, and the patch branch's backbone goes on in it.
    """

    pictures: Tensor
    region: Any


@dataclass
class Located:
    """What the region branch found. vector (B, C); aim (B, h, w), the map that the crop is cut around; background
    (B, C) or None; maps and gates as in Attended."""

    vector: Tensor
    aim: Tensor
    background: Tensor | None = None
    maps: dict[str, Tensor] = field(default_factory=dict)
    gates: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Seen:
    """The branches on L labelled examples: large pictures, what the region branch found, the crops (L, 3, S, S), and
    parts, branch -> unit vectors (L, C). Without a branch its entries are None or missing."""

    pictures: Tensor
    located: Located | None
    crops: Tensor | None
    parts: dict[str, Tensor]


def check_beta(beta: float) -> float:
    """beta, or FashionError outside [0, 1]."""
    if not 0 <= beta <= 1:
        raise FashionError(f"beta={beta} is no weight of the region branch: choose 0 <= beta <= 1.")
    return float(beta)


def weigh(region: Tensor, patch: Tensor, beta: float) -> Tensor:
    """[sqrt(beta) region, sqrt(1 - beta) patch], (B, 2 C) of unit length, for unit vectors (B, C) each (IPAD eq. 21).

    The equation prints a sum; the released code of RPF and IPAD concatenates, and only then is beta a weight of the two
    similarities.
    """
    beta = check_beta(beta)
    return torch.cat([beta**0.5 * region, (1 - beta) ** 0.5 * patch], dim=1)


class TwoBranchModel(RetrievalModel):
    """Base of the two-branch methods; a subclass writes `joint_terms`, and makes `attribute`, `region` and `patch`, or
    writes `look`, `locate` and `describe` for branches that are asked otherwise.

    channels: C of each branch, so D = 2 C. beta: see `weigh`. threshold: see attention_boxes. first_stage: the share of
    the training steps in which only the region branch learns. patch_weight: of the patch branch's triplet loss.
    image_scale: side of the pictures it reads over the side that the region branch sees; 1 cuts crops from the small
    picture. An image costs one pass of the region branch and, for each attribute asked, one of the patch branch.
    Until the first stage is over the embedding is the region's alone (beta = 1): the patch branch has not begun.
    branches: ("region",) or ("patch",) leaves the other one out (D = C); the patch branch then sees the whole picture.
    """

    def __init__(
        self,
        schema: Schema,
        channels: int,
        *,
        beta: float,
        patch_weight: float,
        threshold: float = THRESHOLD,
        first_stage: float = 0.5,
        image_scale: int = 2,
        branches: tuple[str, ...] = ("region", "patch"),
    ):
        super().__init__(schema, embedding_dim=len(branches) * channels)
        if not 0 <= first_stage <= 1:
            raise FashionError(f"first_stage={first_stage} is no share of the steps: choose 0 <= first_stage <= 1.")
        if image_scale < 1 or image_scale != int(image_scale):
            raise FashionError(f"image_scale={image_scale} is no number of times: choose a whole number from 1.")
        self.beta, self.patch_weight = check_beta(beta), patch_weight
        self.threshold, self.image_scale = check_threshold(threshold), int(image_scale)
        self.branches, self.image_passes = branches, len(branches)
        self.first_stage = first_stage if len(branches) == 2 else 0.0
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))  # of the whole run; 0: not in training

    # What a subclass writes or replaces.

    def look(self, images: Tensor) -> Any:
        """The region branch's features of small images (B, 3, H / scale, W / scale), once an image."""
        return self.region.features(images)

    def locate(self, region: Any, attributes: Tensor) -> Located:
        """The region branch for one attribute an image, in float32."""
        return self.region(region, self.attribute(attributes))

    def describe(self, crops: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """The patch branch: crops (B, 3, S, S) to (B, C) and where in the crop it looked, (B, h, w)."""
        return self.patch(crops, self.attribute(attributes))

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """The weighted losses of the second stage besides the triplet losses, by name."""
        raise NotImplementedError

    # What they share.

    @property
    def in_first_stage(self) -> bool:
        """Whether training has begun and the region branch still learns alone."""
        return int(self.step) < self.second_stage_begins

    @property
    def training_passes(self) -> int:
        return 1 if self.in_first_stage else self.image_passes

    @property
    def second_stage_begins(self) -> int:
        """The first step of the second stage; 0 outside of training."""
        return round(self.first_stage * int(self.steps))

    def before_training(self, steps: int, labels: Labels) -> None:
        self.steps.fill_(steps)

    def after_step(self) -> None:
        self.step += 1

    def features(self, images: Tensor) -> TwoBranchFeatures:
        region = self.look(shrunk(images, self.image_scale)) if "region" in self.branches else ()
        return TwoBranchFeatures(rounded_as_autocast(images), region)

    @float32_maths
    def cut(self, pictures: Tensor, located: Located | None) -> tuple[Tensor, Tensor]:
        """Crops around each aim (the whole picture without one), as large as the region branch's image; their boxes."""
        boxes = whole_pictures(len(pictures), pictures.device)
        if located is not None:
            boxes = attention_boxes(located.aim, self.threshold)
        return crop(pictures, boxes, pictures.shape[2] // self.image_scale), boxes

    @float32_maths
    def attend(self, features: TwoBranchFeatures, attributes: Tensor) -> Attended:
        located, found = None, Attended(features.pictures)
        if "region" in self.branches:
            located = self.locate(features.region, attributes)
            found.maps, found.gates = located.maps, located.gates
            found.parts["region"] = F.normalize(located.vector, dim=1)
        if "patch" in self.branches:
            crops, found.boxes["patch"] = self.cut(features.pictures, located)
            patch, found.crop_maps["patch"] = self.describe(crops, attributes)
            found.parts["patch"] = F.normalize(patch, dim=1)
        parts = [*found.parts.values()]
        found.embedding = parts[0]
        if len(parts) == 2:
            found.embedding = weigh(*parts, 1.0 if self.in_first_stage else self.beta)
        return found

    def training_loss(
        self, features: TwoBranchFeatures, labels: BatchLabels, margin: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The region branch's triplet loss and, in the second stage, the patch branch's and the joint terms.

        Figures besides those of the base class: every weighted term of the second stage under its own name.
        """
        features, parts, terms, active = self.examples(features, labels), {}, {}, {}
        located, crops = None, None
        if "region" in self.branches:
            located = self.locate(features.region, labels.attributes)
            parts["region"] = F.normalize(located.vector, dim=1)
            terms["region"], active["region"] = self.triplet_loss(parts["region"], labels, margin)
        if "patch" in self.branches and not self.in_first_stage:
            crops, _ = self.cut(features.pictures, located)
            parts["patch"] = F.normalize(self.describe(crops, labels.attributes)[0], dim=1)
            loss, active["patch"] = self.triplet_loss(parts["patch"], labels, margin)
            terms["patch"] = loss * (self.patch_weight if located else 1.0)
        if not self.in_first_stage:
            terms |= self.joint_terms(Seen(features.pictures, located, crops, parts), labels, margin)
        first = next(iter(parts))
        figures = {"active_triplets": active[first], "similarity": mean_similarity(parts[first], labels.attributes)}
        figures |= {name: term.item() for name, term in terms.items()}
        return torch.stack([*terms.values()]).sum(), figures
