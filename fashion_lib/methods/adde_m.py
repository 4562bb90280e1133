"""ADDE-M: subspaces of attributes and a memory of prototypes (Hou, Vig, Donoser and Bazzani, ICCV 2021)."""

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
    """Stage 1: softmax cross-entropy of each attribute. Stage 2: memory from the mean of 100 drawn pictures a value,
    and five losses (weights above) that train memory and features together.

    Inferred: the classification term is the sum over the features of query, target, negative and manipulated query; the
    label triplets are formed inside each attribute's subspace over the whole batch; consistency is the mean over
    the numbers that a target has labels for.
    """

    memory_samples = 100

    def __init__(self, schema: Schema, backbone: str, start: str, dim: int | None = None):
        super().__init__(schema, backbone, start, dim=dim)
        self.memory = AttributeMemory(self.embedding_dim, self.blocks)

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        return represented + self.memory.residual(vectors)

    def initialise_memory(self, prototypes: Tensor) -> None:
        self.memory.initialise(prototypes)

    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        loss = attribute_cross_entropy(self.logits(represented), labels.labels, labels.known, self.blocks)
        return {"classification": loss}

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
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
    return AddeM(schema, backbone, start, **options)
