"""ADDE-M: one subspace per attribute, and a memory of prototypes (Hou, Vig, Donoser and Bazzani, ICCV 2021).
"""

import torch
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.manipulation_base import DisentangledModel, TupleLabels, manipulation_triplet_loss
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import attribute_cross_entropy, attribute_triplet_loss
from fashion_lib.parts.memory import AttributeMemory, consistency_loss
from fashion_lib.parts.precision import float32_maths

# Weights of stage 2, as in ADDE's released configuration.
CLASSIFICATION, LABEL_TRIPLET, MANIPULATION_TRIPLET, CONSISTENCY, OFF_BLOCK = 0.2, 1.0, 1.0, 1.0, 0.4


class AddeM(DisentangledModel):
    """Disentangled features (stage 1), then a memory trained together with them (stage 2).

    A prototype is a learned vector that stands for one value. Stage 1 minimises the softmax cross-entropy of
    each attribute. Between the stages, the memory starts from the mean of 100 drawn pictures per value. Stage
    2 minimises five losses, with the weights at the top of this file.

    Inferred:

    1. The classification term is a sum of four losses: of query, target, negative and manipulated query.
    2. The label triplets are formed inside each attribute's subspace, over the whole batch.
    3. Consistency is the mean over the dimensions of the attributes that the target has labels for.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        dim: size of a subspace; None chooses `subspace_dim` of the trunk's channels.
    """

    memory_samples = 100

    def __init__(self, schema: Schema, backbone: str, start: str, dim: int | None = None):
        super().__init__(schema, backbone, start, dim=dim)
        self.memory = AttributeMemory(self.embedding_dim, self.blocks)

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Return the features plus the memory's residual, float32 (B, F)."""
        return represented + self.memory.residual(vectors)

    def initialise_memory(self, prototypes: Tensor) -> None:
        """Start the memory from each value's mean feature, float32 (V, F)."""
        self.memory.initialise(prototypes)

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the classification loss."""
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the five losses of stage 2."""
        query, target, negative = represented.chunk(3)  # (T, A * D) each
        manipulated = self.manipulate(query, labels.vectors)
        named = torch.cat([represented, manipulated])
        wanted, known = torch.cat([labels.labels, labels.wanted]), torch.cat([labels.known, labels.wanted_known])
        classified = sum(
            attribute_cross_entropy(self.logits(part), held, has, self.blocks)
            for part, held, has in zip(named.chunk(4), wanted.chunk(4), known.chunk(4), strict=True)
        )
        label_triplet = attribute_triplet_loss(
            represented, labels.labels, labels.known, self.blocks, margin, "semi_hard"
        )
        prototypes = self.memory.prototypes(labels.wanted.float())
        return {
            "classification": CLASSIFICATION * classified,
            "label_triplet": LABEL_TRIPLET * label_triplet,
            "manipulation": MANIPULATION_TRIPLET * manipulation_triplet_loss(manipulated, target, negative),
            "consistency": CONSISTENCY * consistency_loss(prototypes, manipulated, target, labels.wanted_known),
            "off_block": OFF_BLOCK * self.memory.off_block(),
        }


@method("adde_m", task="manipulation", reference="Hou et al., ICCV 2021", order=20)
def build(schema, backbone, start, variant, seed, **options):
    """Build AddeM; see build_model for the arguments."""
    return AddeM(schema, backbone, start, **options)
