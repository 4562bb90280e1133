"""AMNet: read a prototype from a memory and fuse it with the query (Zhao, Feng, Wu and Yan, CVPR 2017)."""

import torch
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended
from fashion_lib.methods.manipulation_base import ManipulationModel, TupleLabels, manipulation_triplet_loss
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import attribute_cross_entropy
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.subspaces import Trunk, TrunkMap, subspace_dim

SHARPNESS = 10.0  # of the controller at the start: a wanted value reads its own slot, and nearly nothing else


class AMNet(ManipulationModel):
    """One feature for everything; memory slot v holds value v's prototype of it; F = A * D, as in the others.

    The controller turns the wanted value (one-hot, the +1 of v_m) into weights over the slots by a linear layer and a
    softmax, the weighted slots are the prototype, and a linear layer fuses it with the query's feature. The value to
    remove is not read: AMNet is told only what is wanted. Loss: attribute classification and triplets.

    Inferred: controller and fusion are one linear layer each; the controller starts as "slot v for value v"; slots
    start as class means and are trained on; several operations read the mean of their prototypes. Stage 1 trains the
    feature by classification alone; stage 2 classifies query, target, negative and fused feature, all weights 1.
    """

    def __init__(self, schema: Schema, backbone: str, start: str, dim: int | None = None):
        trunk = Trunk(backbone, start, attention=False)
        width = (dim or subspace_dim(trunk.out_channels)) * len(schema)
        super().__init__(schema, width=width, embedding_dim=width)
        self.trunk, values = trunk, self.blocks[-1].stop
        self.project = nn.Sequential(nn.Linear(trunk.out_channels, width), nn.ReLU(), nn.Linear(width, width))
        self.classifier = nn.Linear(width, values)
        self.controller = nn.Linear(values, values)
        self.memory = nn.Parameter(torch.zeros(values, width))
        self.fusion = nn.Linear(2 * width, width)
        with torch.no_grad():
            self.controller.weight.copy_(SHARPNESS * torch.eye(values))
            self.controller.bias.zero_()

    def features(self, images: Tensor) -> TrunkMap:
        return self.trunk(images)

    def select(self, features: TrunkMap, rows: Tensor) -> TrunkMap:
        return TrunkMap(features.image_map[rows], None)

    @float32_maths
    def _project(self, image_map: Tensor) -> Tensor:
        return self.project(image_map.mean((2, 3)))

    def represent(self, features: TrunkMap) -> Tensor:
        return self._project(features.image_map)

    @float32_maths
    def logits(self, represented: Tensor) -> Tensor:
        return self.classifier(represented)

    def attend(self, features: TrunkMap, attributes: Tensor) -> Attended:
        """The same unit-length feature for every attribute: nothing here is disentangled."""
        return Attended(nn.functional.normalize(self.represent(features), dim=1))

    def read(self, vectors: Tensor) -> Tensor:
        """The prototype that the controller reads for manipulations (B, V), float32 (B, F)."""
        wanted = vectors.clamp(min=0)  # (B, V): 1 at each wanted value
        slots = self.controller(torch.eye(len(self.memory), device=vectors.device)).softmax(dim=1)  # (V, V)
        weights = (wanted / wanted.sum(1, keepdim=True).clamp(min=1)) @ slots
        return weights @ self.memory

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        return self.fusion(torch.cat([represented, self.read(vectors)], dim=1))

    @torch.no_grad()
    def initialise_memory(self, prototypes: Tensor) -> None:
        self.memory.copy_(prototypes)

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        query, target, negative = represented.chunk(3)  # (T, F) each
        fused = self.manipulate(query, labels.vectors)
        wanted = (labels.wanted, labels.wanted_known, self.blocks)
        return self.feature_losses(represented, labels, margin) | {
            "fused_classification": attribute_cross_entropy(self.logits(fused), *wanted),
            "manipulation": manipulation_triplet_loss(fused, target, negative),
        }


@method("amnet", task="manipulation", reference="Zhao et al., CVPR 2017", order=10)
def build(schema, backbone, start, variant, seed, **options):
    return AMNet(schema, backbone, start, **options)
