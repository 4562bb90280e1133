"""ADDE-M: one subspace per attribute, and a memory of prototypes (Hou, Vig, Donoser and Bazzani, ICCV 2021).

The code of ADDE-M is public; the paper's text was not at hand. "code" is the authors' code. "default" is the
course's baseline for Yao et al. 2026; its losses have the names and weights of that code and another form.
"""

import torch
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.manipulation_base import (
    MANIPULATION_MARGIN,
    DisentangledModel,
    TupleLabels,
    manipulation_triplet_loss,
)
from fashion_lib.methods.registry import method
from fashion_lib.parts.label_losses import attribute_cross_entropy, attribute_triplet_loss
from fashion_lib.parts.memory import AttributeMemory, consistency_loss, label_consistency_loss
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.semi_hard import same_labels, semi_hard_triplet_loss
from fashion_lib.parts.subspaces import SUBSPACE

# Weights of the losses in the authors' training command.
CLASSIFICATION, LABEL_TRIPLET, MANIPULATION_TRIPLET, CONSISTENCY, OFF_BLOCK = 0.2, 1.0, 1.0, 1.0, 0.4
ATTRIBUTE_TRIPLET = 0.2  # stage 1 only
SMALL_SUBSPACE = 64  # dimensions per attribute in the laptop's "small" network, half of its 128 channels


class AddeM(DisentangledModel):
    """Variant "default": disentangled features (stage 1), then a memory trained together with them (stage 2).

    A prototype is a learned vector that stands for one value. Stage 1 minimises the softmax cross-entropy of
    each attribute. Between the stages, the memory starts from the mean of 100 drawn pictures per value, as in
    the authors' code. Stage 2 minimises five losses, with that code's weights.

    This variant is neither the paper nor the code. It shares the distance and the consistency of Yao et al.
    2026, so that the two methods differ in attention, losses and the start of the memory alone. Its main
    differences from the code (page 11 lists all):

    1. Retrieval and the manipulation triplet compare features as they are, not unit vectors.
    2. Classification averages over attributes; the code sums.
    3. Label triplets are formed inside each attribute's subspace, of query, target and negative.
    4. Consistency compares prototypes, manipulated query and target, over the attributes that the target has.
    5. Stage 1 has no triplets.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        dim: size of a subspace; None chooses `subspace_dim` of the trunk's channels.
        hidden: size of the hidden layer before a subspace; None chooses as AFD does.
        fc7: True ends AlexNet with fc6 and fc7.
    """

    memory_samples = 100

    def __init__(
        self,
        schema: Schema,
        backbone: str,
        start: str,
        dim: int | None = None,
        hidden: int | None = None,
        fc7: bool = False,
    ):
        super().__init__(schema, backbone, start, dim=dim, hidden=hidden, fc7=fc7)
        self.memory = AttributeMemory(self.embedding_dim, self.blocks)

    @float32_maths
    def manipulate(self, represented: Tensor, vectors: Tensor) -> Tensor:
        """Return the features plus the memory's residual, float32 (B, F)."""
        return represented + self.memory.residual(vectors)

    def initialise_memory(self, prototypes: Tensor) -> None:
        """Start the memory from each value's mean feature, float32 (V, F)."""
        self.memory.initialise(prototypes)

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


class AddeMCode(AddeM):
    """Variant "code": modules, losses and retrieval of the authors' code.

    The backbone is AlexNet through fc7, or ResNet-18 with its stage 4; other backbones are the course's. A
    subspace is linear, ReLU, linear, with 340 numbers in both layers. Retrieval compares unit vectors.

    S is `semi_hard_triplet_loss` at margin 0.5; the profile's margin is not read. The losses sum over
    attributes and do not average. The target's own labels count, not the query's labels after the operation.

    Inferred: where a picture has several values of one attribute, the values share the cross-entropy's target
    and their prototypes are added. The authors' pictures have one value per attribute.

    The class leaves out how the code trains and tests. It uses Adam at 1e-4, halved every 10 of 25 epochs, and
    batches of 128 pictures, then of 64 tuples, as profile "paper" does. It squeezes pictures into a square, selects
    weights on the test split, and keeps the query's own picture in the gallery. Stage 1 sees single pictures,
    tuples come from a file, and a hit has exactly the target's labels.

    Args:
        schema: the attributes.
        backbone, start: see `fashion_lib.parts.backbones.build_backbone`.
        dim: size of a subspace; None is 340, and 64 for the backbone "small".
    """

    unit_vectors = True

    def __init__(self, schema: Schema, backbone: str, start: str, dim: int | None = None):
        dim = dim or (SMALL_SUBSPACE if backbone == "small" else SUBSPACE)
        super().__init__(schema, backbone, start, dim, hidden=dim, fc7=backbone == "alexnet")

    @float32_maths
    def feature_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the losses of stage 1: classification, S in every subspace, and S of the whole feature."""
        parts = zip(self.blocks, represented.chunk(len(self.blocks), dim=1), strict=True)
        triplets = sum(
            semi_hard_triplet_loss(part, same_labels(labels.labels[:, block]), MANIPULATION_MARGIN)
            for block, part in parts
        )
        whole = semi_hard_triplet_loss(represented, same_labels(labels.labels), MANIPULATION_MARGIN)
        return {
            "classification": CLASSIFICATION * self._classified(represented, labels.labels, labels.known),
            "attribute_triplet": ATTRIBUTE_TRIPLET * triplets,
            "label_triplet": LABEL_TRIPLET * whole,
        }

    @float32_maths
    def memory_losses(self, represented: Tensor, labels: TupleLabels, margin: float) -> dict[str, Tensor]:
        """Return the five losses of stage 2. In the label triplet, the manipulated query replaces the target."""
        query, target, negative = represented.chunk(3)  # (T, A * D) each
        manipulated = self.manipulate(query, labels.vectors)
        named, held, known = (query, target, negative), labels.labels.chunk(3), labels.known.chunk(3)
        classified = sum(map(self._classified, named, held, known))
        classified = classified + self._classified(manipulated, held[1], known[1])
        label_triplet = semi_hard_triplet_loss(
            torch.cat([query, manipulated, negative]), same_labels(labels.labels), MANIPULATION_MARGIN
        )
        compared = map(self.comparable, (manipulated, target, negative))
        described = (query, manipulated, negative)
        return {
            "classification": CLASSIFICATION * classified,
            "label_triplet": LABEL_TRIPLET * label_triplet,
            "manipulation": MANIPULATION_TRIPLET * manipulation_triplet_loss(*compared),
            "consistency": CONSISTENCY * label_consistency_loss(self.memory, held, described),
            "off_block": OFF_BLOCK * self.memory.off_block(),
        }

    def _classified(self, represented: Tensor, labels: Tensor, known: Tensor) -> Tensor:
        return attribute_cross_entropy(self.logits(represented), labels, known, self.blocks, reduction="sum")


VARIANTS = {"default": AddeM, "code": AddeMCode}


@method(
    "adde_m", task="manipulation", variants=tuple(VARIANTS), reference="Hou et al., ICCV 2021", order=20, edition=2
)
def build(schema, backbone, start, variant, seed, **options):
    """Build the variant's class; see build_model for the arguments."""
    return VARIANTS[variant](schema, backbone, start, **options)
