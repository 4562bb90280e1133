"""The one interface of every retrieval model: features once an image, then an embedding for each attribute."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import Labels
from fashion_lib.parts.losses import in_batch_triplet_loss, mean_similarity, triplet_list_loss


@dataclass
class Attended:
    """What `attend` computed, and by what: the very tensors that the embedding was made with.

    embedding: float32 (B, D), unit length. maps: name -> (B, H, W), non-negative, sum 1 over positions ({} for methods
    without spatial attention). gates: name -> (B, C) factors on channels. Two-branch methods add: parts, branch ->
    (B, D') unit length, what the embedding is put together from; boxes, branch -> (B, 4), the crop that it looked at as
    left, top, right, bottom in fractions of the picture; crop_maps, branch -> (B, H', W'), like maps, inside the crop.
    """

    embedding: Tensor
    maps: dict[str, Tensor] = field(default_factory=dict)
    gates: dict[str, Tensor] = field(default_factory=dict)
    parts: dict[str, Tensor] = field(default_factory=dict)
    boxes: dict[str, Tensor] = field(default_factory=dict)
    crop_maps: dict[str, Tensor] = field(default_factory=dict)


@dataclass
class BatchLabels:
    """A sampler's Batch as int64 tensors on the model's device, plus the mining rule.

    images (M,): rows of the data set. rows (L,): each labelled example's position in the batch's M images.
    attributes, values (L,). triplets (T, 3) or None, as in `fashion_lib.data.sampling.Batch`.
    """

    images: Tensor
    rows: Tensor
    attributes: Tensor
    values: Tensor
    triplets: Tensor | None = None
    mining: str = "all"


class RetrievalModel(nn.Module):
    """Base of all methods; a subclass writes `features` and `attend`.

    schema: the attributes it embeds for. embedding_dim: D. `features` runs in the precision of the autocast around it
    and returns float32; `attend` and all that follows is float32 whatever surrounds it.
    """

    image_passes: int = 1  # backbone passes that one image costs, asked for one attribute
    image_scale: int = 1  # it reads pictures whose side is this many times the profile's image_size

    def __init__(self, schema: Schema, embedding_dim: int):
        super().__init__()
        self.schema, self.embedding_dim = schema, embedding_dim
        self.architecture: dict[str, Any] = {}  # filled by build_model, kept in checkpoints
        self.start, self.start_digest = "", ""  # name and digest of the start weights

    @property
    def training_passes(self) -> int:
        """Backbone passes that an image costs in the training step to come, those without a gradient included."""
        return self.image_passes

    def features(self, images: Tensor) -> Any:
        """What attributes have in common: images float32 (B, 3, H, W), normalised, to any structure `select` takes."""
        raise NotImplementedError

    def attend(self, features: Any, attributes: Tensor) -> Attended:
        """The embedding of each image for its attribute (int64 (B,)), with the maps and gates that made it."""
        raise NotImplementedError

    def select(self, features: Any, rows: Tensor) -> Any:
        """The features of the images `rows` (int64 (L,)); the default takes tensors, and tuples and dicts of them."""
        if isinstance(features, dict):
            return {name: self.select(part, rows) for name, part in features.items()}
        if isinstance(features, tuple):
            parts = [self.select(part, rows) for part in features]
            return type(features)(*parts) if hasattr(features, "_fields") else tuple(parts)
        return features[rows]

    def embed_features(self, features: Any, attributes: Tensor) -> Tensor:
        """float32 (B, D), unit length."""
        return self.attend(features, attributes).embedding

    def embed(self, images: Tensor, attributes: Tensor) -> Tensor:
        """float32 (B, D), unit length, of images float32 (B, 3, H, W) for attributes int64 (B,).

        Raises FashionError for other shapes and for an attribute id outside the schema.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise FashionError(
                f"embed takes float images (B, 3, H, W) but got {images.dtype} {tuple(images.shape)}: "
                "pass them through fashion_lib.data.augmentation.normalise first."
            )
        self.check_attributes(attributes, len(images))
        return self.embed_features(self.features(images), attributes)

    def check_attributes(self, attributes: Tensor, count: int) -> None:
        """FashionError unless `attributes` is int64 (count,) with ids of the schema."""
        if attributes.dtype != torch.int64 or tuple(attributes.shape) != (count,):
            raise FashionError(
                f"{count} images need attributes int64 ({count},) but got {attributes.dtype} "
                f"{tuple(attributes.shape)}: give one attribute id an image."
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
        """The loss of a batch, from the features of its M images, and figures for the log.

        The default is the triplet loss on the embeddings, over labels.triplets or all valid triplets in the batch.
        The figures: "active_triplets" (fraction), "similarity" (mean cosine of two examples of one attribute).
        """
        embeddings = self.embed_features(self.examples(features, labels), labels.attributes)
        loss, active = self.triplet_loss(embeddings, labels, margin)
        return loss, {"active_triplets": active, "similarity": mean_similarity(embeddings, labels.attributes)}

    def triplet_loss(self, embeddings: Tensor, labels: BatchLabels, margin: float) -> tuple[Tensor, float]:
        """The triplet loss that the labels ask for, of unit vectors (L, D), and the active fraction of its triplets."""
        if labels.triplets is None:
            return in_batch_triplet_loss(embeddings, labels.attributes, labels.values, margin, labels.mining)
        return triplet_list_loss(embeddings, labels.triplets, margin)

    def examples(self, features: Any, labels: BatchLabels) -> Any:
        """The features of each labelled example; no copy where every image of the batch has exactly one label."""
        rows = labels.rows
        if len(rows) == len(labels.images) and torch.equal(rows, torch.arange(len(rows), device=rows.device)):
            return features
        return self.select(features, rows)

    def before_training(self, steps: int, labels: Labels) -> None:
        """Called before the first step, and again when a run is resumed: the number of steps, and the training labels.

        Methods with stages or queues override it; what they keep of it belongs into buffers.
        """

    def after_step(self) -> None:
        """Called after each optimiser step; methods with momentum encoders or queues override it."""

    def parameter_groups(self, learning_rate: float) -> list[dict]:
        """Optimiser groups with their learning rates; one for everything that takes a gradient by default."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": learning_rate}]
