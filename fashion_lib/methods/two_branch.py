"""The base of ASEN++, RPF and IPAD: one branch for the whole picture, one for a crop around its attention.

The region branch takes the picture at reduced size. The patch branch takes a square crop of the large
picture. Training has two stages in one budget of steps. In the first stage only the region branch is
trained; in the second stage both are.

The embedding is [sqrt(beta) region, sqrt(1 - beta) patch], with each part of unit length. So a similarity is
beta times the region's plus 1 - beta times the patch's.

Shapes: B images, L labelled examples, C channels per branch, D dimensions of the embedding.
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
from fashion_lib.parts.released_crop import released_boxes, released_crop
from fashion_lib.parts.shared_batch import shared_out

# beta of RPF's and IPAD's released configurations, by data set
BETA_OF_DATA_SET = {"fashionai": 0.3, "darn": 0.3, "deepfashion": 0.4}
CROPS = ("course", "code")
ONE_OR_BOTH = (("region", "patch"), ("region",), ("patch",))
PATCH_SIDE = ("patch", "values", "unused")  # modules with the patch branch's learning rate in the authors' code


class TwoBranchFeatures(NamedTuple):
    """The features of an image that all attributes share.

    Attributes:
        pictures: the large pictures (B, 3, H, W) that crops are cut from. They have the type that the
            backbone computed in, and the patch branch's backbone computes in that type too.
        region: the region branch's features.
    """

    pictures: Tensor
    region: Any


@dataclass
class Located:
    """The result of the region branch.

    Attributes:
        vector: (B, C), not of unit length.
        aim: the map that the crop is cut around, (B, h, w).
        background: (B, C), or None.
        maps, gates: as in Attended.
    """

    vector: Tensor
    aim: Tensor
    background: Tensor | None = None
    maps: dict[str, Tensor] = field(default_factory=dict)
    gates: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class Seen:
    """The results of both branches for L labelled examples.

    If a branch is left out, its entries are None or missing.

    Attributes:
        pictures: the large pictures, (L, 3, H, W).
        located: the result of the region branch.
        crops: the patch branch's input, (L, 3, S, S).
        parts: branch -> unit vectors, (L, C).
        patch: the result of the patch branch, (L, C), not of unit length.
    """

    pictures: Tensor
    located: Located | None
    crops: Tensor | None
    parts: dict[str, Tensor]
    patch: Tensor | None = None


def check_beta(beta: float | str) -> float:
    """Return beta as a float; the name of a data set becomes its beta in BETA_OF_DATA_SET.

    Raises:
        FashionError: if the name is unknown, or the number is outside [0, 1].
    """
    if isinstance(beta, str):
        if beta not in BETA_OF_DATA_SET:
            raise FashionError(f"Unknown beta '{beta}': give a number, or one of {', '.join(BETA_OF_DATA_SET)}.")
        return BETA_OF_DATA_SET[beta]
    if not 0 <= beta <= 1:
        raise FashionError(f"beta={beta} is no weight of the region branch: choose 0 <= beta <= 1.")
    return float(beta)


def weigh(region: Tensor, patch: Tensor, beta: float) -> Tensor:
    """Concatenate both branches' vectors: [sqrt(beta) region, sqrt(1 - beta) patch] (IPAD eq. 21).

    The equation prints a sum, but the released code of RPF and IPAD concatenates. Only then is beta a weight
    of the two similarities.

    Args:
        region, patch: unit vectors, (B, C) each.
        beta: weight of the region branch, in [0, 1].

    Returns:
        (B, 2 C), unit length.

    Raises:
        FashionError: if beta is outside [0, 1].
    """
    beta = check_beta(beta)
    return torch.cat([beta**0.5 * region, (1 - beta) ** 0.5 * patch], dim=1)


class TwoBranchModel(RetrievalModel):
    """Base class of the two-branch methods.

    Subclasses implement `joint_terms`. They also set `attribute`, `region` and `patch`, or override `look`,
    `locate` and `describe`.

    An image costs one pass of the region branch and, per attribute, one pass of the patch branch. In the
    first stage beta is 1: the embedding is the region's alone, because the patch branch is not trained yet.

    Args:
        schema: the attributes.
        channels: C, so D = 2 C.
        beta: weight of the region branch, see `weigh`; or a key of BETA_OF_DATA_SET.
        patch_weight: weight of the patch branch's triplet loss.
        threshold: see `fashion_lib.parts.cropping.attention_boxes`.
        crop: "course" cuts as in `fashion_lib.parts.cropping`, "code" as in `fashion_lib.parts.released_crop`.
        crop_scale: side of the region branch's input over the side of the crop, from 1.
        first_stage: share of the training steps in which only the region branch learns, in [0, 1]. With 1 the patch
            branch is never trained, so the embedding is always the region's.
        image_scale: side of the large picture over the side of the region branch's input. 1 cuts crops from
            the small picture.
        branches: ("region",) or ("patch",) leaves the other branch out, so D = C. Without a region branch the
            patch branch takes the whole picture.

    Raises:
        FashionError: if beta, `threshold`, `first_stage`, `image_scale` or `crop_scale` is out of range, or `crop`
            or `branches` is unknown.
    """

    def __init__(
        self,
        schema: Schema,
        channels: int,
        *,
        beta: float | str,
        patch_weight: float,
        threshold: float = THRESHOLD,
        crop: str = "course",
        crop_scale: int = 1,
        first_stage: float = 0.5,
        image_scale: int = 2,
        branches: tuple[str, ...] = ("region", "patch"),
    ):
        if branches not in ONE_OR_BOTH:
            raise FashionError(f"branches={branches!r} is no choice: take {', '.join(map(str, ONE_OR_BOTH))}.")
        super().__init__(schema, embedding_dim=len(branches) * channels)
        if not 0 <= first_stage <= 1:
            raise FashionError(f"first_stage={first_stage} is no share of the steps: choose 0 <= first_stage <= 1.")
        for name, scale in (("image_scale", image_scale), ("crop_scale", crop_scale)):
            if scale < 1 or scale != int(scale):
                raise FashionError(f"{name}={scale} is no number of times: choose a whole number from 1.")
        if crop not in CROPS:
            raise FashionError(f"Unknown crop '{crop}': choose one of {', '.join(CROPS)}.")
        self.beta, self.patch_weight = check_beta(beta), patch_weight
        self.threshold, self.image_scale = check_threshold(threshold), int(image_scale)
        self.crop, self.crop_scale = crop, int(crop_scale)
        self.branches, self.image_passes = branches, len(branches)
        self.first_stage = first_stage if len(branches) == 2 else 0.0
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))  # of the whole run; 0: not in training

    # Subclasses implement or override these.

    def look(self, images: Tensor) -> Any:
        """Compute the region branch's features, once per image.

        Args:
            images: small images, (B, 3, H / scale, W / scale).
        """
        return self.region.features(images)

    def locate(self, region: Any, attributes: Tensor) -> Located:
        """Compute the region branch in float32, for its features and one attribute id per image, int64 (B,).
        """
        return self.region(region, self.attribute(attributes))

    def describe(self, crops: Tensor, attributes: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the patch branch.

        Args:
            crops: (B, 3, S, S).
            attributes: int64 (B,).

        Returns:
            The vector (B, C), and the attention inside the crop, (B, h, w).
        """
        return self.patch(crops, self.attribute(attributes))

    def joint_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the second stage's weighted losses by name, without the triplet losses.

        Args:
            seen: the results of both branches.
            labels: the batch's labels.
            margin: margin of the triplet losses.
        """
        raise NotImplementedError

    def first_terms(self, seen: Seen, labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Return the first stage's weighted losses by name, without the triplet loss: none by default."""
        return {}

    def region_loss(self, seen: Seen, labels: BatchLabels, margin: float) -> tuple[Tensor, float]:
        """Compute the region branch's triplet loss, and the fraction of active triplets."""
        return self.triplet_loss(seen.parts["region"], labels, margin)

    # The rest is the same for all subclasses.

    @property
    def in_first_stage(self) -> bool:
        """Return whether training has begun and only the region branch learns."""
        return self.first_stage == 1 or int(self.step) < self.second_stage_begins

    @property
    def training_passes(self) -> int:
        """Return the backbone passes per image of the next training step: one in the first stage."""
        return 1 if self.in_first_stage else self.image_passes

    @property
    def second_stage_begins(self) -> int:
        """Return the first step of the second stage; 0 outside of training."""
        return round(self.first_stage * int(self.steps))

    def before_training(self, steps: int, labels: Labels) -> None:
        """Store the number of steps of the whole run."""
        self.steps.fill_(steps)

    def after_step(self) -> None:
        """Count the step."""
        self.step += 1

    def continue_from(self, first: "TwoBranchModel") -> None:
        """Take over the weights of a first stage, and count this model's steps from 0."""
        super().continue_from(first)
        self.step.zero_()
        self.steps.zero_()

    def parameter_groups(self, learning_rate: float, region_rate: float = 1.0) -> list[dict]:
        """Return one group, or two: what only the patch branch's loss or the values need, then the rest.

        Args:
            learning_rate: of the first group.
            region_rate: learning rate of the second group, as a share of the first one's.
        """
        if region_rate == 1:
            return super().parameter_groups(learning_rate)
        trained = [(name.partition(".")[0], p) for name, p in self.named_parameters() if p.requires_grad]
        patch = [p for part, p in trained if part in PATCH_SIDE]
        rest = [p for part, p in trained if part not in PATCH_SIDE]
        return [{"params": patch, "lr": learning_rate}, {"params": rest, "lr": learning_rate * region_rate}]

    def features(self, images: Tensor) -> TwoBranchFeatures:
        """Compute the region branch's features of small pictures, and keep the large ones for crops."""
        region = self.look(shrunk(images, self.image_scale)) if "region" in self.branches else ()
        return TwoBranchFeatures(rounded_as_autocast(images), region)

    def boxes(self, aim: Tensor, height: int, width: int, threshold: float | None = None) -> Tensor:
        """Return the boxes around the maps `aim` (B, h, w), in pictures of height x width pixels.

        Args:
            aim: the maps.
            height, width: of the large pictures, in pixels.
            threshold: replaces the model's own.

        Returns:
            Left, top, right, bottom as fractions of the picture, float32 (B, 4).
        """
        threshold = self.threshold if threshold is None else threshold
        if self.crop == "code":
            return released_boxes(aim, width, height, height // self.image_scale, threshold)
        return attention_boxes(aim, threshold)

    @float32_maths
    def cut(self, pictures: Tensor, located: Located | None) -> tuple[Tensor, Tensor]:
        """Cut the patch branch's input.

        Args:
            pictures: the large pictures, (B, 3, H, W).
            located: the region branch's result; None takes the whole picture.

        Returns:
            The crops, (B, 3, S, S), and their boxes, (B, 4). S is H / image_scale / crop_scale.
        """
        height, width = pictures.shape[2:]
        boxes = whole_pictures(len(pictures), pictures.device)
        if located is not None:
            boxes = self.boxes(located.aim, height, width)
        resized = released_crop if self.crop == "code" else crop
        return resized(pictures, boxes, height // self.image_scale // self.crop_scale), boxes

    @float32_maths
    def attend(self, features: TwoBranchFeatures, attributes: Tensor) -> Attended:
        """Compute the embedding (B, D), with parts, boxes and crop maps of the branches."""
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
        """Compute the region branch's triplet loss and, in the second stage, all other terms.

        Those are the patch branch's triplet loss and the joint terms.

        Args:
            features: what `features` returned for the images of the batch.
            labels: the batch's labels.
            margin: margin of the triplet losses.

        Returns:
            The scalar loss and numbers for the log: those of RetrievalModel, and every weighted term by its
                name.
        """
        features, terms, active = self.examples(features, labels), {}, {}
        seen = Seen(features.pictures, None, None, {})
        parts = seen.parts
        if "region" in self.branches:
            seen.located = self.locate(features.region, labels.attributes)
            parts["region"] = F.normalize(seen.located.vector, dim=1)
            terms["region"], active["region"] = self.region_loss(seen, labels, margin)
        if "patch" in self.branches and not self.in_first_stage:
            seen.crops, _ = self.cut(features.pictures, seen.located)
            seen.patch, _ = shared_out(self.describe, seen.crops, labels.attributes)
            parts["patch"] = F.normalize(seen.patch, dim=1)
            loss, active["patch"] = self.triplet_loss(parts["patch"], labels, margin)
            terms["patch"] = loss * (self.patch_weight if seen.located else 1.0)
        terms |= (self.first_terms if self.in_first_stage else self.joint_terms)(seen, labels, margin)
        first = next(iter(parts))
        figures = {"active_triplets": active[first], "similarity": mean_similarity(parts[first], labels.attributes)}
        figures |= {name: term.item() for name, term in terms.items()}
        return torch.stack([*terms.values()]).sum(), figures
