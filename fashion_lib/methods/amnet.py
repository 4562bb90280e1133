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

SHARPNESS = 10.0  # start of the controller's diagonal: a value to add reads almost only its own slot


class AMNet(ManipulationModel):
    """One feature for all attributes, and a memory of prototypes; F = A * D, as in the other methods.

    A prototype is a learned vector that stands for one value. Memory slot v holds the prototype of value v,
    of size F. The controller is a linear layer and a softmax. It turns the value to add
    (one-hot, the +1 of v_m) into weights over the slots. The weighted sum of the slots is the prototype. A
    linear layer fuses it with the query's feature. AMNet does not use the value to remove. The losses are
    attribute classification and triplets.

    No code is public. Inferred:

    1. Controller and fusion are one linear layer each.
    2. The controller starts as "slot v for value v".
    3. The slots start as class means and are then trained.
    4. Several operations read the mean of their prototypes.
    5. Stage 1 trains the feature by classification alone.
    6. Stage 2 classifies query, target, negative and fused feature, and all weights are 1.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        dim: D; None chooses `subspace_dim` of the trunk's channels.
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
        """Compute the trunk's map, once per image."""
        return self.trunk(images)

    def select(self, features: TrunkMap, rows: Tensor) -> TrunkMap:
        """Return the maps of the images `rows`, int64 (L,)."""
        return TrunkMap(features.image_map[rows], None)

    @float32_maths
    def _project(self, image_map: Tensor) -> Tensor:
        return self.project(image_map.mean((2, 3)))

    def represent(self, features: TrunkMap) -> Tensor:
        """Return the features of the pictures, float32 (B, F)."""
        return self._project(features.image_map)

    @float32_maths
    def logits(self, represented: Tensor) -> Tensor:
        """Return one score per value, float32 (B, V)."""
        return self.classifier(represented)

    def attend(self, features: TrunkMap, attributes: Tensor) -> Attended:
        """Return the same unit-length feature (B, F) for every attribute, because AMNet has no subspaces."""
        return Attended(nn.functional.normalize(self.represent(features), dim=1))

    def read(self, vectors: Tensor) -> Tensor:
        """Return the prototypes that the controller reads for manipulation vectors (B, V), float32 (B, F)."""
        wanted = vectors.clamp(min=0)  # (B, V): 1 at each value to add
        slots = self.controller(torch.eye(len(self.memory), device=vectors.device)).softmax(dim=1)  # (V, V)
        weights = (wanted / wanted.sum(1, keepdim=True).clamp(min=1)) @ slots
        return weights @ self.memory

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Return the fused features, float32 (B, F), of features (B, F) and manipulation vectors (B, V)."""
        return self.fusion(torch.cat([represented, self.read(vectors)], dim=1))

    @torch.no_grad()
    def initialise_memory(self, prototypes: Tensor) -> None:
        """Set the slots to each value's mean feature, float32 (V, F)."""
        self.memory.copy_(prototypes)

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the losses of stage 2: classification of all features, and the manipulation triplets."""
        query, target, negative = represented.chunk(3)  # (T, F) each
        fused = self.manipulate(query, labels.vectors)
        wanted = (labels.wanted, labels.wanted_known, self.blocks)
        return self.feature_losses(represented, labels, margin) | {
            "fused_classification": attribute_cross_entropy(self.logits(fused), *wanted),
            "manipulation": manipulation_triplet_loss(fused, target, negative),
        }


@method("amnet", task="manipulation", reference="Zhao et al., CVPR 2017", order=10)
def build(schema, backbone, start, variant, seed, **options):
    """Build AMNet; see build_model for the arguments."""
    return AMNet(schema, backbone, start, **options)
