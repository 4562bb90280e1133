"""The interface of every manipulation method: represent a picture, then change its feature by an operation.

An operation removes and adds attribute values. A manipulation vector v_m has -1 at each value to remove and
+1 at each value to add. A training tuple is a query, a target and a negative picture.

Shapes: B pictures, T tuples, A attributes, V values of all attributes, F numbers in a picture's feature.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import LabelVectors, value_blocks
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.parts.label_losses import attribute_cross_entropy
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.subspaces import AttributeBranch, Classifier, Subspace, Trunk, TrunkMap, subspace_dim

# For (manipulated query, target, negative). It is that of ADDE-M's released code, which compares unit vectors; where a
# method compares features as they are, the same number is a smaller share of their distances.
MANIPULATION_MARGIN = 0.5


@dataclass
class TupleLabels:
    """The labels of a batch of T tuples, as tensors on the model's device.

    The 3 T rows are the queries, then the targets, then the negatives. "Known" means that the picture has a
    label for the attribute.

    Attributes:
        labels: bool (3 T, V), the values of each picture.
        known: bool (3 T, A).
        vectors: float (T, V), the manipulation vectors.
        wanted: bool (T, V), the queries' values after the manipulation.
        wanted_known: bool (T, A), the queries' known attributes after it.
    """

    labels: Tensor
    known: Tensor
    vectors: Tensor
    wanted: Tensor
    wanted_known: Tensor


class ManipulationModel(RetrievalModel):
    """Base class of all manipulation methods.

    Subclasses implement `represent` and `logits`, and override `manipulate` and the losses.

    Retrieval ranks the gallery by Euclidean distance between comparable(represent(gallery)) and
    comparable(manipulate(represent(query), v_m)). So a picture costs one backbone pass, and a query one small
    product.

    `memory_stage` is False while features are trained (stage 1), and True once there is a memory to train
    (stage 2).

    Args:
        schema: the attributes.
        width: F, the size of the feature that the gallery stores.
        embedding_dim: size of one attribute's embedding, as in RetrievalModel.
    """

    unit_vectors: bool = False  # True: retrieval compares features of length 1
    memory_samples: int | None = None  # pictures per value that start its prototype; None: see value_samples

    def __init__(self, schema: Schema, width: int, embedding_dim: int):
        super().__init__(schema, embedding_dim)
        self.width, self.blocks, self.memory_stage = width, value_blocks(schema), False

    def represent(self, features) -> Tensor:
        """Return the pictures' features, float32 (B, F), from what `features` returned."""
        raise NotImplementedError

    def logits(self, represented: Tensor) -> Tensor:
        """Return one score per value, float32 (B, V); the values of an attribute are adjacent columns."""
        raise NotImplementedError

    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Return the features after the manipulations, float32 (B, F). This default changes nothing.

        Args:
            represented: float32 (B, F).
            vectors: manipulation vectors, float (B, V).
        """
        return represented

    def comparable(self, represented: Tensor) -> Tensor:
        """Return the features whose distances rank the gallery, float32 (B, F).

        They are the features as they are (Yao et al. 2026), or with length 1 where `unit_vectors` is True.

        Args:
            represented: features before or after a manipulation, float32 (B, F).
        """
        return F.normalize(represented, dim=1) if self.unit_vectors else represented

    def prepare(self, labels: LabelVectors, rows: np.ndarray) -> None:
        """Compute what a method needs from the training labels, such as counts for loss weights.

        The task calls this before training. This default does nothing.

        Args:
            labels: the label vectors of the data set.
            rows: the training rows.
        """

    def initialise_memory(self, prototypes: Tensor) -> None:
        """Start the memory from each value's mean feature, float32 (V, F); called once, between the stages.
        """

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted losses of stage 1 by name; by default the classification loss alone.

        Args:
            represented: the features of a batch, (3 T, F).
            labels: the batch's labels.
            margin: margin of the triplet losses.
        """
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}

    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the weighted losses of stage 2 by name; by default those of stage 1."""
        return self.feature_losses(represented, labels, margin)

    def training_loss(self, features, labels: TupleLabels, margin: float) -> tuple[Tensor, dict[str, float]]:
        """Compute the sum of the stage's losses; the numbers for the log are the single losses."""
        stage = self.memory_losses if self.memory_stage else self.feature_losses
        terms = stage(self.represent(features), labels, margin)
        return sum(terms.values()), {name: term.item() for name, term in terms.items()}


class DisentangledModel(ManipulationModel):
    """The trunk, one branch per attribute, and one linear classifier per subspace; F = A * D.

    D is the size of an attribute's subspace. `attend` returns the unit-length feature of one subspace, so
    attribute-specific retrieval works too. With attention, maps["spatial"] is the position gate of CBAM,
    divided by its sum. gates["channel"] is its channel gate.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        attention: True puts a CBAM into the trunk and before each branch.
        dim: D; None chooses `subspace_dim` of the trunk's channels.
        gate_norm: see CBAM's `norm`.
        hidden: see AFD.
        fc7: see Trunk.
        zero_init_gate: see CBAM's `residual`.
        gate_form: see CBAM's `form`.
    """

    def __init__(
        self,
        schema: Schema,
        backbone: str,
        start: str,
        attention: bool = False,
        dim: int | None = None,
        gate_norm: bool = True,
        hidden: int | None = None,
        fc7: bool = False,
        zero_init_gate: bool = False,
        gate_form: str = "paper",
    ):
        trunk = Trunk(backbone, start, attention, gate_norm, fc7, zero_init_gate, gate_form)
        dim = dim or subspace_dim(trunk.out_channels)
        super().__init__(schema, width=dim * len(schema), embedding_dim=dim)
        self.trunk = trunk
        self.branches = torch.nn.ModuleList(
            AttributeBranch(trunk.out_channels, dim, attention, gate_norm, hidden, zero_init_gate, gate_form)
            for _ in schema
        )
        self.classifier = Classifier(dim, tuple(len(attribute.values) for attribute in schema))

    def features(self, images: Tensor) -> TrunkMap:
        """Compute the shared map, once per image."""
        return self.trunk(images)

    def select(self, features: TrunkMap, rows: Tensor) -> TrunkMap:
        """Return the maps of the images `rows`, int64 (L,)."""
        return TrunkMap(*(None if part is None else part[rows] for part in features))

    def clipped_together(self) -> list[list[torch.nn.Parameter]]:
        """Return the memory apart from the rest.

        The diagonality loss has a gradient of constant length: its weight times the root of the number of entries, 25
        on the wardrobe. In one norm with the others it would shrink every step of the network to a fifth.
        """
        memory = [p for name, p in self.named_parameters() if name.startswith("memory.")]
        own = {id(p) for p in memory}
        rest = [p for p in self.parameters() if id(p) not in own]
        return [rest, memory] if memory else [rest]

    @float32_maths
    def subspaces(self, image_map: Tensor) -> list[Subspace]:
        """Compute all attributes' features and gates, in the schema's order, from a map (B, C, h, w)."""
        return [branch(image_map) for branch in self.branches]

    def represent(self, features: TrunkMap) -> Tensor:
        """Return f(I), eq. 2 of Yao et al. 2026: all subspaces side by side, (B, A * D)."""
        return torch.cat([subspace.feature for subspace in self.subspaces(features.image_map)], dim=1)

    @float32_maths
    def logits(self, represented: Tensor) -> Tensor:
        """Return one score per value, float32 (B, V)."""
        return self.classifier(represented)

    def attend(self, features: TrunkMap, attributes: Tensor) -> Attended:
        """Compute the unit-length feature (B, D) of one subspace per image."""
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
    """Compute `max(0, |f'(q) - f(t)| - |f'(q) - f(n)| + 0.5)`, averaged over tuples.

    The distance is Euclidean, as in retrieval, and not squared. Before it takes the length, torch adds 1e-6 to
    each difference; the authors' code of ADDE does the same.

    Args:
        manipulated: f'(q), the queries' features after manipulation, (T, F).
        target: f(t), (T, F).
        negative: f(n), (T, F).
    """
    return F.triplet_margin_loss(manipulated, target, negative, margin=MANIPULATION_MARGIN)
