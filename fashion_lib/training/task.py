"""What the training loop and the runs need of a task; retrieval and manipulation each have one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from fashion_lib.methods.base import RetrievalModel
from fashion_lib.training.config import TrainingConfig


@dataclass(frozen=True)
class Measured:
    """The scores of a trained model on the test split, as a record keeps them.

    metrics, localisation: metric -> attribute name or average -> value. counts: what was counted -> attribute ->
    number.
    """

    metrics: dict[str, dict[str, float]]
    localisation: dict[str, dict[str, float]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


class Task(Protocol):
    """One task.

    name: as in `Method.task`. measure: the validation score in words. config: its configuration class. stage_config:
    that of a stage with settings of its own, see `fashion_lib.training.paper_stages`.
    """

    name: str
    measure: str
    config: type[TrainingConfig]
    stage_config: type[TrainingConfig]

    def load(self, dataset: str, profile, data=None, **questions) -> Any:
        """Load the data set of a name, or convert `data`, into what this task trains and evaluates on."""

    def fitted(self, data, model: RetrievalModel, profile) -> Any:
        """Return the data with pictures of the size that the model reads."""

    def departures(self, data) -> Mapping[str, object]:
        """Return what differs from the task's default questions, for the variant's name in records."""

    def prepare(self, model: RetrievalModel, data) -> None:
        """Give the model what it needs of the data before training, such as label counts."""

    def sampler(self, data, config: TrainingConfig) -> Any:
        """Return an object whose `batch(rng)` is a pure function of the generator and has `images`, int64 rows."""

    def labels(self, batch, data, config: TrainingConfig, device: torch.device) -> Any:
        """Return what `model.training_loss` takes beside the features of a batch."""

    def score(self, model: RetrievalModel, data, config: TrainingConfig, precision: str) -> float:
        """Return the validation score that selects the weights, in [0, 1]."""

    def before_step(
        self, model: RetrievalModel, data, config: TrainingConfig, step: int, precision: str
    ) -> dict[str, float] | None:
        """Run before each step; depend on the weights, config.seed and `step` alone. Returned numbers join the log."""

    def measured(self, model: RetrievalModel, data, config: TrainingConfig, history) -> Measured:
        """Score the trained model on the test split."""
