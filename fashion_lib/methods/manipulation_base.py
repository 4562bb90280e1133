"""The one interface of every manipulation method: represent a picture, then move its feature by an operation."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import LabelVectors, value_blocks
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.subspaces import AttributeBranch, Classifier, Subspace, Trunk, TrunkMap, subspace_dim

MANIPULATION_MARGIN = 0.5  # of the triplets (manipulated query, target, negative), as in ADDE-M (Hou et al. 2021)


@dataclass
class TupleLabels:
    """A batch of T tuples as tensors on the model's device.

    labels bool (3 T, V) and known bool (3 T, A): of the queries, then the targets, then the negatives. vectors float
    (T, V): the manipulations. wanted bool (T, V) and wanted_known bool (T, A): the queries' labels after them.
    """

    labels: Tensor
    known: Tensor
    vectors: Tensor
    wanted: Tensor
    wanted_known: Tensor


class ManipulationModel(RetrievalModel):
    """Base of all methods; a subclass writes `represent`, `manipulate` and its losses.

    width: F, of the feature that the gallery stores. Retrieval is by Euclidean distance between represent(gallery) and
    manipulate(represent(query), v_m): one backbone pass a picture, and a small product for each query.
    memory_stage: False while features are learned (stage 1), True once there is a memory to learn (stage 2).
    """

    memory_samples: int | None = None  # pictures a value that start its prototype; None: all, see value_samples

    def __init__(self, schema: Schema, width: int, embedding_dim: int):
        super().__init__(schema, embedding_dim)
        self.width, self.blocks, self.memory_stage = width, value_blocks(schema), False

    def represent(self, features) -> Tensor:
        """float32 (B, F) from what `features` returned."""
        raise NotImplementedError

    def logits(self, represented: Tensor) -> Tensor:
        """float32 (B, V): a score for each value, the values of an attribute side by side."""
        raise NotImplementedError

    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Features (B, F) after the manipulations float (B, V); float32 (B, F). Here: as they were."""
        return represented

    def prepare(self, labels: LabelVectors, rows: np.ndarray) -> None:
        """Called before training with the label vectors and the training rows; counts for loss weights go here."""

    def initialise_memory(self, prototypes: Tensor) -> None:
        """Called once between the stages with each value's mean feature, float32 (V, F)."""

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Stage 1: the weighted terms of the loss by name, from the features (3 T, F) of a batch."""
        raise NotImplementedError

    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Stage 2; the default goes on with stage 1."""
        return self.feature_losses(represented, labels, margin)

    def training_loss(self, features, labels: TupleLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """The sum of the terms, and each of them for the log."""
        stage = self.memory_losses if self.memory_stage else self.feature_losses
        terms = stage(self.represent(features), labels, margin)
        return sum(terms.values()), {name: term.item() for name, term in terms.items()}


class DisentangledModel(ManipulationModel):
    """Trunk, a branch for each attribute, a linear classifier on each subspace; F = A * D.

    It is a RetrievalModel too: `attend` gives the unit-length feature of one attribute's subspace. With attention, maps
    are {"spatial": the CBAM's gate of positions, divided by its sum}, and gates {"channel": its gate of channels}.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: str,
        start: str,
        attention: bool = False,
        dim: int | None = None,
        gate_norm: bool = True,
    ):
        trunk = Trunk(backbone, start, attention, gate_norm)
        dim = dim or subspace_dim(trunk.out_channels)
        super().__init__(schema, width=dim * len(schema), embedding_dim=dim)
        self.trunk = trunk
        self.branches = torch.nn.ModuleList(
            AttributeBranch(trunk.out_channels, dim, attention, gate_norm) for _ in schema
        )
        self.classifier = Classifier(dim, tuple(len(attribute.values) for attribute in schema))

    def features(self, images: Tensor) -> TrunkMap:
        return self.trunk(images)

    def select(self, features: TrunkMap, rows: Tensor) -> TrunkMap:
        return TrunkMap(*(None if part is None else part[rows] for part in features))

    @float32_maths
    def subspaces(self, image_map: Tensor) -> list[Subspace]:
        """Every attribute's feature and gates, in the schema's order, from the shared map (B, C, h, w)."""
        return [branch(image_map) for branch in self.branches]

    def represent(self, features: TrunkMap) -> Tensor:
        """f(I), eq. 2."""
        return torch.cat([subspace.feature for subspace in self.subspaces(features.image_map)], dim=1)

    @float32_maths
    def logits(self, represented: Tensor) -> Tensor:
        return self.classifier(represented)

    def attend(self, features: TrunkMap, attributes: Tensor) -> Attended:
        image_map = features.image_map
        parts, order = [], []
        for attribute in attributes.unique().tolist():
            rows = torch.nonzero(attributes == attribute)[:, 0]
            parts.append(self._branch(attribute, image_map[rows]))
            order.append(rows)
        back = torch.cat(order).argsort()
        feature, channel, spatial = (
            None if part[0] is None else torch.cat(part)[back] for part in zip(*parts, strict=True)
        )
        maps = {} if spatial is None else {"spatial": spatial / spatial.sum((1, 2), keepdim=True)}
        gates = {} if channel is None else {"channel": channel}
        return Attended(F.normalize(feature, dim=1), maps, gates)

    def _branch(self, attribute: int, image_map: Tensor) -> Subspace:
        with torch.autocast(image_map.device.type, enabled=False):
            return self.branches[attribute](image_map)


@float32_maths
def manipulation_triplet_loss(manipulated: Tensor, target: Tensor, negative: Tensor) -> Tensor:
    """max(0, |f'(q) - f(t)| - |f'(q) - f(n)| + 0.5), mean over tuples: (T, F) each, Euclidean as in retrieval."""
    return F.triplet_margin_loss(manipulated, target, negative, margin=MANIPULATION_MARGIN)
