"""Yao, Zhu and Wan 2026: disentangled features with attribute-guided attention, and a memory.

The losses are a weighted cross-entropy, triplet losses and the memory's losses.
"""

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
    """Disentangled features with attention (stage 1), then a memory of prototypes (stage 2).

    A prototype is a learned vector that stands for one value. Stage 1 minimises `w1 L_WCE + w2 L_T`
    (eq. 3 to 5), a weighted cross-entropy and triplet losses. The paper prints no weights; we take w1 = w2 =
    1. Stage 2 adds the memory's losses.

    Prototypes start from the mean over training pictures with the value (section 3.1); `value_samples` limits
    their number. No code is public. Inferred:

    1. Training has two stages, and both keep eq. 3 on the pictures of the batch.
    2. The paper says only that tuples have negatives. We use them in the manipulation triplet of ADDE-M.
    3. The weights of consistency and diagonality are those of ADDE-M's released code.
    4. "Feature consistency" is the mean L1 distance of three pairs; see `consistency_loss`.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        attention: True puts a CBAM at the bottom of the network and before every AFD block (table 2, "AD
            attention").
        loss: "wt" is both losses of the paper, "weighted" or "triplet" one of them. "plain" is unweighted
            cross-entropy, the baseline.
        dim: size of a subspace; None chooses `subspace_dim` of the trunk's channels.
        gate_norm: see CBAM's `norm`.
        label_smoothing: s; the targets are 1 - s/2 and s/2. The paper's text calls the loss label-smoothed,
            but its equation has weights instead.
        zero_init_gate: True starts the gates as CBAM's authors do inside a residual block: with `gate_norm`, the
            position gates at 0.5 everywhere. False is torch's start. See CBAM's `residual`.
        gate_form: "paper" is CBAM as it is printed, "code" as its authors wrote it. See CBAM's `form`.

    Raises:
        FashionError: if `loss` is unknown, or `label_smoothing` is outside [0, 1).
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
        zero_init_gate: bool = False,
        gate_form: str = "paper",
    ):
        if loss not in LOSSES:
            raise FashionError(f"Unknown loss '{loss}': choose one of {', '.join(LOSSES)}.")
        if not 0 <= label_smoothing < 1:
            raise FashionError(f"label_smoothing={label_smoothing} is out of range: give a share from 0 to below 1.")
        super().__init__(schema, backbone, start, attention, dim, gate_norm, zero_init_gate=zero_init_gate,
                         gate_form=gate_form)  # fmt: skip
        self.label_smoothing = label_smoothing
        self.memory = AttributeMemory(self.embedding_dim, self.blocks)
        self.weighted, self.triplets = LOSSES[loss]
        values = self.blocks[-1].stop
        self.register_buffer("label_weights", torch.ones(2, values), persistent=False)  # w_p and w_n

    def prepare(self, labels: LabelVectors, rows: np.ndarray) -> None:
        """Compute the weights w_p and w_n of eq. 4 from the training rows, if the loss is weighted."""
        matrix, known = (torch.from_numpy(part[rows]) for part in (labels.matrix, labels.known))
        if self.weighted:
            positive, negative = label_weights(matrix, known_columns(known, self.blocks))
            self.label_weights.copy_(torch.stack([positive, negative]))

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Return the features plus the memory's residual, float32 (B, F)."""
        return represented + self.memory.residual(vectors)

    def initialise_memory(self, prototypes: Tensor) -> None:
        """Start the memory from each value's mean feature, float32 (V, F)."""
        self.memory.initialise(prototypes)

    @float32_maths
    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the losses of stage 1."""
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
        """Return the losses of stage 1 and those of the memory."""
        query, target, negative = represented.chunk(3)  # (T, A * D) each
        manipulated = self.manipulate(query, labels.vectors)
        prototypes = self.memory.prototypes(labels.wanted.float())
        return self.feature_losses(represented, labels, margin) | {
            "manipulation": MANIPULATION_TRIPLET * manipulation_triplet_loss(manipulated, target, negative),
            "consistency": CONSISTENCY * consistency_loss(prototypes, manipulated, target, labels.wanted_known),
            "off_block": OFF_BLOCK * self.memory.off_block(),
        }


@method("yao2026", task="manipulation", reference="Yao, Zhu and Wan, 2026", order=30, edition=2)
def build(schema, backbone, start, variant, seed, **options):
    """Build Yao2026; see build_model for the arguments."""
    return Yao2026(schema, backbone, start, **options)
