"""The training settings: every choice that decides a run's result, checked before anything starts."""

import math
from typing import Annotated, Self

from pydantic import model_validator

from fashion_lib.core.errors import FashionError
from fashion_lib.core.settings import AtLeastOne, Count, Fraction, Number, Settings, one_of
from fashion_lib.data.sampling import SAMPLERS
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.two_branch import TwoBranchModel
from fashion_lib.parts.losses import MINING
from fashion_lib.parts.precision import PRECISIONS

OF_THE_MACHINE = ("device", "checkpoint_every", "gradient_checkpointing")  # they decide no result
OF_THE_RUN = ("seed", *OF_THE_MACHINE)  # all others are settings of a profile


class TrainingConfig(Settings):
    """The settings of one training run. All but those of OF_THE_MACHINE decide the result.

    Attributes:
        steps: optimiser steps.
        batch_size: images per batch: of all processes together, where several share it. So neither the learning rate
            nor the statistics of batch normalisation depend on their number; see `fashion_lib.training.ranks`.
        groups: see fashion_lib.data.sampling.
        optimiser: "adamw" or "adam".
        learning_rate: largest learning rate of the schedule.
        weight_decay: weight decay of the optimiser.
        schedule: "cosine", "step" (multiplied by `decay` every `decay_every` steps) or "constant", each after
            the warm-up.
        warmup: fraction of the steps in which the learning rate rises linearly.
        decay: factor of schedule "step".
        decay_every: steps between two decays of schedule "step".
        clip: largest norm of the gradient; a longer gradient is scaled down. See RetrievalModel.clipped_together.
        margin: margin of the triplet loss, in cosine similarity.
        sampling: see fashion_lib.data.sampling.
        negative: see fashion_lib.data.sampling.
        labels: "one" label per image, or "all".
        mining: which triplets of a batch count, see in_batch_triplet_loss.
        evaluations: number of times that validation MAP is computed. With 0 the last weights are kept.
        shift: see augment.
        brightness: see augment.
        flip: see augment.
        seed: seed of everything random in the run.
        precision: "auto", "fp32", "bf16", or "fp16" with loss scaling; see choose_precision.
        device: "auto", "cpu" or "cuda".
        checkpoint_every: steps between checkpoints; 0 means a tenth of the steps, at most 1,000.
        gradient_checkpointing: whether blocks of the networks are computed again in the backward pass, which takes less
            memory and more time; see `fashion_lib.parts.recomputation`.

    Raises:
        FashionError: if a setting is unknown, of the wrong type or out of range.
    """

    steps: AtLeastOne = 600
    batch_size: AtLeastOne = 96
    groups: AtLeastOne = 4
    optimiser: Annotated[str, one_of(("adamw", "adam"))] = "adamw"
    learning_rate: Number = 2e-3
    weight_decay: Number = 1e-2
    schedule: Annotated[str, one_of(("cosine", "step", "constant"))] = "cosine"
    warmup: Fraction = 0.05
    decay: Number = 0.9
    decay_every: Count = 0
    clip: Number = 5.0
    margin: Number = 0.2
    sampling: Annotated[str, one_of(SAMPLERS)] = "in_batch"
    negative: Annotated[str, one_of(("image", "value"))] = "image"
    labels: Annotated[str, one_of(("one", "all"))] = "one"
    mining: Annotated[str, one_of(MINING)] = "all"
    evaluations: Count = 3
    shift: Fraction = 0.06
    brightness: Fraction = 0.15
    flip: bool = True
    seed: Count = 0
    precision: Annotated[str, one_of(PRECISIONS)] = "auto"
    device: str = "auto"
    checkpoint_every: Count = 0
    gradient_checkpointing: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.schedule == "step" and self.decay_every < 1:
            raise FashionError("schedule='step' needs decay_every >= 1: give the steps between two decays.")
        return self

    def learning_rate_factor(self, step: int) -> float:
        """Return the factor of the learning rate at `step` (0 .. steps - 1)."""
        warmup = round(self.warmup * self.steps)
        if step < warmup:
            return (step + 1) / warmup
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, self.steps - warmup)))
        return self.decay ** (step // self.decay_every) if self.schedule == "step" else 1.0

    @property
    def steps_between_checkpoints(self) -> int:
        """Return the number of steps between two checkpoints."""
        return self.checkpoint_every or min(1000, max(1, self.steps // 10))

    def parameter_groups(self, model: RetrievalModel) -> list[dict]:
        """Return a model's parameters in groups, each with its learning rate."""
        return model.parameter_groups(self.learning_rate)

    def evaluation_steps(self) -> set[int]:
        """Return the counts of finished steps after which validation MAP is taken; the last is `steps`."""
        return {round(self.steps * (k + 1) / self.evaluations) for k in range(self.evaluations)} - {0}


class BranchConfig(TrainingConfig):
    """TrainingConfig of a two-branch model whose patch branch alone has the full learning rate.

    Attributes:
        region_rate: learning rate of all other layers, as a share of `learning_rate`.
    """

    region_rate: Number

    def parameter_groups(self, model: TwoBranchModel) -> list[dict]:
        """Return the patch branch's parameters, then all others, each group with its learning rate."""
        return model.parameter_groups(self.learning_rate, self.region_rate)
