"""Attribute-guided attention, disentangled features, weighted and triplet losses, memory: Yao, Zhu and Wan 2026."""

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import LabelVectors
from fashion_lib.methods.adde_m import CONSISTENCY, MANIPULATION_TRIPLET, OFF_BLOCK
from fashion_lib.methods.manipulation_base import DisentangledModel, TupleLabels, manipulation_triplet_loss
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import (
    attribute_triplet_loss,
    global_triplet_loss,
    known_columns,
    label_weights,
    weighted_cross_entropy,
)
from fashion_lib.parts.memory import AttributeMemory, consistency_loss
from fashion_lib.parts.precision import float32_maths

LOSSES = {  # name -> (weighted cross-entropy, triplet losses)
    "wt": (True, True),
    "weighted": (True, False),
    "triplet": (False, True),
    "plain": (False, False),
}


class Yao2026(DisentangledModel):
    """Stage 1: w1 L_WCE + w2 L_T (eq. 3 to 5; w1 = w2 = 1, as none are printed). Stage 2 adds the memory's losses.

    attention: CBAM at the bottom of the network and before every AFD block (table 2, "AD attention"). loss: "wt" (both
    of the paper's losses), "weighted" or "triplet" (one of them), "plain" (unweighted cross-entropy: the baseline).
    gate_norm: see CBAM's norm. label_smoothing: targets 1 - s/2 and s/2, for the paper's text, which calls the loss
    label-smoothed where its equation has weights.

    Inferred: both stages keep eq. 3 on the pictures of the batch. Of the tuples' negatives the paper says only that
    there are some; they enter ADDE-M's manipulation triplet. The weights of consistency and diagonality are ADDE-M's.
    Prototypes start from the mean over training pictures with the value (see value_samples for the limit).
    """

    def __init__(
        self,
        schema: Schema,
        backbone: str,
        start: str,
        attention: bool = True,
        loss: str = "wt",
        dim: int | None = None,
        gate_norm: bool = True,
        label_smoothing: float = 0.0,
    ):
        if loss not in LOSSES:
            raise FashionError(f"Unknown loss '{loss}': choose one of {', '.join(LOSSES)}.")
        if not 0 <= label_smoothing < 1:
            raise FashionError(f"label_smoothing={label_smoothing} is out of range: give a share from 0 to below 1.")
        super().__init__(schema, backbone, start, attention, dim, gate_norm)
        self.label_smoothing = label_smoothing
        self.memory = AttributeMemory(self.embedding_dim, self.blocks)
        self.weighted, self.triplets = LOSSES[loss]
        values = self.blocks[-1].stop
        self.register_buffer("label_weights", torch.ones(2, values), persistent=False)  # w_p and w_n

    def prepare(self, labels: LabelVectors, rows: np.ndarray) -> None:
        matrix, known = (torch.from_numpy(part[rows]) for part in (labels.matrix, labels.known))
        if self.weighted:
            positive, negative = label_weights(matrix, known_columns(known, self.blocks))
            self.label_weights.copy_(torch.stack([positive, negative]))

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        return represented + self.memory.residual(vectors)

    def initialise_memory(self, prototypes: Tensor) -> None:
        self.memory.initialise(prototypes)

    @float32_maths
    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        given = (labels.labels, labels.known, self.blocks)
        terms = {
            "classification": weighted_cross_entropy(
                self.logits(represented), *given, *self.label_weights, label_smoothing=self.label_smoothing
            )
        }
        if self.triplets:
            terms["label_triplet"] = attribute_triplet_loss(represented, *given, margin)
            terms["global_triplet"] = global_triplet_loss(represented, *given, margin)
        return terms

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        query, target, negative = represented.chunk(3)  # (T, A * D) each
        manipulated = self.manipulate(query, labels.vectors)
        prototypes = self.memory.prototypes(labels.wanted.float())
        return self.feature_losses(represented, labels, margin) | {
            "manipulation": MANIPULATION_TRIPLET * manipulation_triplet_loss(manipulated, target, negative),
            "consistency": CONSISTENCY * consistency_loss(prototypes, manipulated, target, labels.wanted_known),
            "off_block": OFF_BLOCK * self.memory.off_block(),
        }


@method("yao2026", task="manipulation", reference="Yao, Zhu and Wan, 2026", order=30)
def build(schema, backbone, start, variant, seed, **options):
    return Yao2026(schema, backbone, start, **options)
