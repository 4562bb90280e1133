"""The training settings: every choice that decides a run's result, checked before anything starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sampling import SAMPLERS
from fashion_lib.parts.losses import MINING
from fashion_lib.parts.precision import PRECISIONS


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of one training run. All but `device` and `checkpoint_every` decide the result.

    Attributes:
        steps: optimiser steps.
        batch_size: images per batch.
        groups: see fashion_lib.data.sampling.
        optimiser: "adamw" or "adam".
        learning_rate: largest learning rate of the schedule.
        weight_decay: weight decay of the optimiser.
        schedule: "cosine", "step" (multiplied by `decay` every `decay_every` steps) or "constant", each after
            the warm-up.
        warmup: fraction of the steps in which the learning rate rises linearly.
        decay: factor of schedule "step".
        decay_every: steps between two decays of schedule "step".
        clip: largest norm of the gradient; a longer gradient is scaled down.
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
        precision: see choose_precision.
        device: "auto", "cpu" or "cuda".
        checkpoint_every: steps between checkpoints; 0 means a tenth of the steps, at most 1,000.

    Raises:
        FashionError: if a setting is unknown, of the wrong type or out of range.
    """

    steps: int = 600
    batch_size: int = 96
    groups: int = 4
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    schedule: str = "cosine"
    warmup: float = 0.05
    decay: float = 0.9
    decay_every: int = 0
    clip: float = 5.0
    margin: float = 0.2
    sampling: str = "in_batch"
    negative: str = "image"
    labels: str = "one"
    mining: str = "all"
    evaluations: int = 3
    shift: float = 0.06
    brightness: float = 0.15
    flip: bool = True
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    checkpoint_every: int = 0

    def __post_init__(self):
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise FashionError(
                    f"{name}={getattr(self, name)!r} is unknown: choose one of {', '.join(known)}."
                )
        for entry in fields(self):
            value, kind = getattr(self, entry.name), entry.type
            if kind in (int, float) and (isinstance(value, bool) or not isinstance(value, (int, kind))):
                word = "a whole number" if kind is int else "a number"
                raise FashionError(f"{entry.name}={value!r} is not {word}: write one, without quotes.")
            if kind in (int, float):
                low, high = int(entry.name in AT_LEAST_ONE), 1 if entry.name in FRACTIONS else math.inf
                if not (math.isfinite(value) and low <= value <= high):
                    raise FashionError(
                        f"{entry.name}={value} is out of range: give a value of at least {low}"
                        f"{' and at most 1' if high == 1 else ''}."
                    )
            if kind is bool and not isinstance(value, bool):
                raise FashionError(f"{entry.name}={value!r} is not a truth value: write True or False.")
        if self.schedule == "step" and self.decay_every < 1:
            raise FashionError("schedule='step' needs decay_every >= 1: give the steps between two decays.")

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

    def evaluation_steps(self) -> set[int]:
        """Return the counts of finished steps after which validation MAP is taken; the last is `steps`."""
        return {round(self.steps * (k + 1) / self.evaluations) for k in range(self.evaluations)} - {0}


CHOICES: dict[str, Sequence[str]] = {
    "optimiser": ("adamw", "adam"),
    "schedule": ("cosine", "step", "constant"),
    "sampling": tuple(SAMPLERS),
    "negative": ("image", "value"),
    "labels": ("one", "all"),
    "mining": MINING,
    "precision": PRECISIONS,
}
AT_LEAST_ONE = ("steps", "batch_size", "groups")
FRACTIONS = ("warmup", "shift", "brightness")
