"""The interface of every retrieval model: features once per image, then one embedding per attribute.

Shapes: B images, D dimensions of an embedding, L labelled examples (pairs of an image and an attribute).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import Labels
from fashion_lib.parts.losses import in_batch_triplet_loss, mean_similarity, triplet_list_loss


@dataclass
class Attended:
    """The result of `attend`: the embedding and the very tensors that produced it.

    The last three attributes are filled by two-branch methods only.

    Attributes:
        embedding: float32 (B, D), unit length.
        maps: name -> attention map (B, H, W), non-negative, sum 1 over positions. Empty for methods without
            spatial attention.
        gates: name -> factors on channels, (B, C).
        parts: branch -> vectors (B, D') of unit length, which the embedding is composed of.
        boxes: branch -> the crop that the branch received, (B, 4): left, top, right, bottom, as fractions of
            the picture.
        crop_maps: branch -> (B, H', W'), like `maps`, but inside the crop.
    """

    embedding: Tensor
    maps: dict[str, Tensor] = field(default_factory=dict)
    gates: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, Tensor] = field(default_factory=dict)
    boxes: dict[str, Tensor] = field(default_factory=dict)
    crop_maps: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class BatchLabels:
    """The labels of one batch as int64 tensors on the model's device, and the mining rule.

    Attributes:
        images: (M,), rows of the data set.
        rows: (L,), each labelled example's position among the M images of the batch.
        attributes, values: (L,), the label of each example.
        triplets: (T, 3) or None, as in `fashion_lib.data.sampling.Batch`.
        mining: rule for triplets inside the batch, one of `fashion_lib.parts.losses.MINING`.
    """

    images: Tensor
    rows: Tensor
    attributes: Tensor
    values: Tensor
    triplets: Tensor | None = None
    mining: str = "all"


class RetrievalModel(nn.Module):
    """Base class of all methods. Subclasses implement `features` and `attend`.

    `features` uses the autocast precision of its caller and returns float32. `attend` and later steps always
    compute in float32. Autocast is torch's context for lower precision.

    Args:
        schema: the attributes that the model computes embeddings for.
        embedding_dim: D.

    Raises:
        FashionError: if D is below 1.
    """

    image_passes: int = 1  # backbone passes per image, for one attribute
    image_scale: int = 1  # side of the pictures it takes, over the profile's image_size
    handed_on: ClassVar[Mapping[str, Any]] = {}  # option that the constructor hands to its parts -> its type

    def __init__(self, schema: Schema, embedding_dim: int):
        super().__init__()
        if embedding_dim < 1:
            raise FashionError(f"an embedding of {embedding_dim} numbers holds nothing: choose at least 1.")
        self.schema, self.embedding_dim = schema, embedding_dim
        self.architecture: dict[str, Any] = {}  # filled by build_model, kept in checkpoints
        self.start, self.start_digest = "", ""  # name and digest of the start weights
        self.second_start = ""  # name and digest of a second network's, where they are not the backbone's

    @property
    def training_passes(self) -> int:
        """Return the backbone passes per image of the next training step, including those without a gradient.
        """
        return self.image_passes

    def features(self, images: Tensor) -> Any:
        """Compute, once per image, what all attributes share.

        Args:
            images: float32 (B, 3, H, W), normalised.

        Returns:
            Any structure that `select` can index.
        """
        raise NotImplementedError

    def attend(self, features: Any, attributes: Tensor) -> Attended:
        """Compute the embedding of each image for its attribute, with the maps and gates that produced it.

        Args:
            features: what `features` returned for B images.
            attributes: int64 (B,), one attribute id per image.
        """
        raise NotImplementedError

    def select(self, features: Any, rows: Tensor) -> Any:
        """Return the features of some images.

        Args:
            features: what `features` returned. This default accepts tensors, and tuples and dicts of tensors.
            rows: int64 (L,), positions of the images in the batch.
        """
        if isinstance(features, dict):
            return {name: self.select(part, rows) for name, part in features.items()}
        if isinstance(features, tuple):
            parts = [self.select(part, rows) for part in features]
            return type(features)(*parts) if hasattr(features, "_fields") else tuple(parts)
        return features[rows]

    def embed_features(self, features: Any, attributes: Tensor) -> Tensor:
        """Return the embeddings, float32 (B, D) of unit length, for attribute ids (B,)."""
        return self.attend(features, attributes).embedding

    def triplet_vectors(self, features: Any, attributes: Tensor) -> Tensor:
        """Return the vectors, float32 (B, D), that `triplet_gap` compares: the embeddings."""
        return self.embed_features(features, attributes)

    def triplet_gap(self, anchor: Tensor, close: Tensor, far: Tensor) -> Tensor:
        """Return how much closer `close` is to the anchor than `far`: the difference of their cosines.

        Args:
            anchor, close, far: what `triplet_vectors` returned for the images of T triplets, (T, D) each.

        Returns:
            (T,), above zero where the triplet is answered correctly.
        """
        return (anchor * close).sum(1) - (anchor * far).sum(1)

    def embed(self, images: Tensor, attributes: Tensor) -> Tensor:
        """Return the embeddings of images for one attribute each.

        Args:
            images: float (B, 3, H, W), normalised.
            attributes: int64 (B,), one attribute id per image.

        Returns:
            float32 (B, D), unit length.

        Raises:
            FashionError: if the images or the attributes have another type or shape, or if an id is not in
                the schema.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise FashionError(
                f"embed takes float images (B, 3, H, W) but got {images.dtype} {tuple(images.shape)}: "
                "pass them through fashion_lib.data.augmentation.normalise first."
            )
        self.check_attributes(attributes, len(images))
        return self.embed_features(self.features(images), attributes)

    def check_attributes(self, attributes: Tensor, count: int) -> None:
        """Raise FashionError unless `attributes` is int64 (count,) with ids of the schema."""
        if attributes.dtype != torch.int64 or tuple(attributes.shape) != (count,):
            raise FashionError(
                f"{count} images need attributes int64 ({count},) but got {attributes.dtype} "
                f"{tuple(attributes.shape)}: give one attribute id per image."
            )
        outside = attributes[(attributes < 0) | (attributes >= len(self.schema))]
        if len(outside):
            raise FashionError(
                f"Attribute id {int(outside[0])} is outside 0..{len(self.schema) - 1}: "
                "use schema.index(name) to get an id."
            )

    def training_loss(
        self, features: Any, labels: BatchLabels, margin: float
    ) -> tuple[Tensor, dict[str, float]]:
        """Compute the loss of a batch.

        This default is the triplet loss on the embeddings, over `labels.triplets` or over all valid triplets
        in the batch.

        Args:
            features: what `features` returned for the M images of the batch.
            labels: the batch's labels.
            margin: margin of the triplet loss.

        Returns:
            The scalar loss, and numbers for the log. "active_triplets" is a fraction. "similarity" is the
            mean cosine of two examples of one attribute.
        """
        embeddings = self.embed_features(self.examples(features, labels), labels.attributes)
        loss, active = self.triplet_loss(embeddings, labels, margin)
        return loss, {"active_triplets": active, "similarity": mean_similarity(embeddings, labels.attributes)}

    def triplet_loss(self, embeddings: Tensor, labels: BatchLabels, margin: float) -> tuple[Tensor, float]:
        """Compute the triplet loss that the labels define, for unit vectors (L, D).

        Returns:
            The scalar loss and the fraction of active triplets, those with a loss above zero.
        """
        if labels.triplets is None:
            return in_batch_triplet_loss(embeddings, labels.attributes, labels.values, margin, labels.mining)
        return triplet_list_loss(embeddings, labels.triplets, margin)

    def examples(self, features: Any, labels: BatchLabels) -> Any:
        """Return the features of each labelled example, without a copy if every image has exactly one label.
        """
        rows = labels.rows
        if len(rows) == len(labels.images) and torch.equal(rows, torch.arange(len(rows), device=rows.device)):
            return features
        return self.select(features, rows)

    def continue_from(self, first: "RetrievalModel") -> None:
        """Take over the weights of a first stage, which a new training goes on from.

        Args:
            first: a trained model of the same architecture.
        """
        self.load_state_dict(first.state_dict())

    def before_training(self, steps: int, labels: Labels) -> None:
        """Prepare for training. The loop calls this before the first step, and again when it resumes a run.

        Methods with stages or queues override it. What they keep from it must be in buffers, so that
        checkpoints contain it.

        Args:
            steps: number of steps of the whole run.
            labels: the training labels.
        """

    def after_step(self) -> None:
        """Update the model after each optimiser step.

        The default does nothing; methods with momentum encoders or queues override it.
        """

    def clipped_together(self) -> list[list[torch.nn.Parameter]]:
        """Return groups of parameters; the gradient of each group is clipped by its own norm. By default one group."""
        return [list(self.parameters())]

    def parameter_groups(self, learning_rate: float) -> list[dict]:
        """Return the optimiser's parameter groups with their learning rates: by default one group."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": learning_rate}]
