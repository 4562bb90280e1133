"""Attribute manipulation as a task of the training loop: features alone, then features with the memory.

Stage 1 trains the features, stage 2 the memory with them. Both stages draw the same batches of (query,
target, negative) tuples, but stage 1 uses their pictures only. So all methods train on the same pictures,
whichever losses they use.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from pydantic import model_validator

from fashion_lib.core.errors import FashionError
from fashion_lib.core.settings import Number
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.feed import to_device
from fashion_lib.data.label_vectors import known_attributes
from fashion_lib.methods.manipulation_base import ManipulationModel, TupleLabels
from fashion_lib.parts.memory import value_samples
from fashion_lib.tasks.manipulation.accuracy import classification_accuracy
from fashion_lib.tasks.manipulation.disentanglement_scores import disentanglement_scores
from fashion_lib.tasks.manipulation.manipulation_data import ManipulationData, load_manipulation
from fashion_lib.tasks.manipulation.manipulation_evaluation import evaluate_manipulation, represent_rows
from fashion_lib.tasks.manipulation.manipulation_metrics import PERCENT
from fashion_lib.tasks.manipulation.operations import changed_attributes, target_labels
from fashion_lib.tasks.manipulation.tuples import Tuples, changed_names, distinct_vectors, training_tuples
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.history import TrainingHistory
from fashion_lib.training.task import Measured

STAGE_1 = "stage 1 accuracy, "  # prefix of history keys, e.g. "stage 1 accuracy, colour"
# Training pictures for the class means. A mean of hundreds of pictures hardly changes with more pictures, and
# embedding all of them would take a tenth of a run.
PROTOTYPE_IMAGES = 2000


class ManipulationConfig(TrainingConfig):
    """TrainingConfig with `feature_share`: the fraction of the steps that stage 1 takes.

    batch_size counts images, three per tuple. Validation happens in stage 2 alone, because stage 1 has no
    manipulation to select by. sampling, groups, negative, labels and mining are not read.

    Raises:
        FashionError: if feature_share is not between 0 and 1, or a batch has fewer than two tuples.
    """

    feature_share: Number = 0.5

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        if not 0 < self.feature_share < 1 or self.batch_size < 6:
            raise FashionError(
                f"feature_share={self.feature_share} with batch_size={self.batch_size} cannot be: give a share"
                " between 0 and 1 and at least two tuples of three images."
            )
        return self

    @property
    def feature_steps(self) -> int:
        """Return the number of steps of stage 1, at least one if the run has two."""
        return min(max(1, round(self.feature_share * self.steps)), max(1, self.steps - 1))

    def evaluation_steps(self) -> set[int]:
        """Return the counts of finished steps after which Top-10 accuracy is computed, all in stage 2."""
        left = self.steps - self.feature_steps
        return {self.feature_steps + round(left * (k + 1) / self.evaluations) for k in range(self.evaluations)}


class ManipulationStageConfig(ManipulationConfig):
    """ManipulationConfig of a run with one stage: `feature_share` 1 is stage 1, 0 is stage 2.

    Raises:
        FashionError: if feature_share is another number, or a batch has fewer than two tuples.
    """

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        if self.feature_share not in (0, 1) or self.batch_size < 6:
            raise FashionError(
                f"feature_share={self.feature_share} with batch_size={self.batch_size} is no single stage: give a share"
                " of 0 or 1 and at least two tuples of three images."
            )
        return self

    @property
    def feature_steps(self) -> int:
        """Return the number of steps of stage 1: all or none."""
        return round(self.feature_share * self.steps)


@dataclass(frozen=True, eq=False)
class TupleBatch:
    """The data of one step. images, int64 (3 T,), holds the tuples' queries, then targets, then negatives."""

    images: np.ndarray
    tuples: Tuples


class TupleSampler:
    """Batches of tuples, given or drawn from the training pictures; a pure function of the generator."""

    def __init__(self, data: ManipulationData, batch_size: int):
        self.labels, self.rows, self.changes = data.labels, data.rows("train"), data.changes
        self.given, self.count = data.given, batch_size // 3
        self.distinct = None if data.given is not None else distinct_vectors(data.labels.matrix[self.rows])

    def batch(self, rng: np.random.Generator) -> TupleBatch:
        """Draw one batch; a pure function of the generator."""
        if self.given is not None:
            rows = rng.integers(len(self.given), size=self.count)
            drawn = Tuples(*(part[rows] for part in vars(self.given).values()))
        else:
            drawn = training_tuples(self.labels, self.rows, rng, self.count, self.changes, distinct=self.distinct)
        return TupleBatch(np.concatenate([drawn.query, drawn.target, drawn.negative]), drawn)


class AttributeManipulation:
    """The task: tuples, selection by Top-10 accuracy on the validation split, and two stages.

    The memory is started between the two stages.
    """

    name = "manipulation"
    measure = "Top-10 accuracy"
    config, stage_config = ManipulationConfig, ManipulationStageConfig

    def load(
        self,
        dataset: str,
        profile,
        data: ManipulationData | RetrievalData | None = None,
        *,
        attributes: Sequence[str] | None = None,
        changes: int = 1,
    ) -> ManipulationData:
        """Load a data set by name, or convert `data`; see `load_manipulation` for attributes and changes.

        Raises:
            FashionError: if `data` is ready for manipulation and other attributes or changes come with it.
        """
        if isinstance(data, ManipulationData):
            if attributes is not None or changes not in (1, data.changes):
                raise FashionError(
                    "the data is ready for manipulation already: give attributes and changes to load_manipulation."
                )
            return data
        return load_manipulation(dataset if data is None else data.name, profile, attributes, changes, data=data)

    def fitted(self, data: ManipulationData, model: ManipulationModel, profile) -> ManipulationData:
        """Return the data unchanged: every model of this task reads pictures of the profile's size."""
        return data

    def departures(self, data: ManipulationData) -> Mapping[str, object]:
        """Return the attributes and changes that differ from the data set's default, for the variant's name."""
        return data.departures

    def prepare(self, model: ManipulationModel, data: ManipulationData) -> None:
        """Pass the label vectors of the training pictures to the model."""
        model.prepare(data.labels, data.rows("train"))

    def sampler(self, data: ManipulationData, config: ManipulationConfig) -> TupleSampler:
        """Return the sampler of (query, target, negative) tuples."""
        return TupleSampler(data, config.batch_size)

    def labels(
        self, batch: TupleBatch, data: ManipulationData, config: ManipulationConfig, device: torch.device
    ) -> TupleLabels:
        """Return the label vectors of a batch's pictures, before and after the operation, on `device`."""
        vectors, blocks, matrix = batch.tuples.vectors, data.labels.blocks, data.labels.matrix
        labels = matrix[batch.images]
        wanted = target_labels(matrix[batch.tuples.query], vectors)
        arrays = (labels, known_attributes(labels, blocks), vectors.astype(np.float32), wanted)
        arrays = (*arrays, known_attributes(wanted, blocks))
        return TupleLabels(*(to_device(torch.from_numpy(a), device) for a in arrays))

    def score(
        self, model: ManipulationModel, data: ManipulationData, config: ManipulationConfig, precision: str
    ) -> float:
        """Return Top-10 accuracy on the validation split, in [0, 1]."""
        return evaluate_manipulation(model, data, "valid", precision=precision).top10

    def before_step(
        self, model: ManipulationModel, data: ManipulationData, config: ManipulationConfig, step: int, precision: str
    ) -> dict[str, float] | None:
        """Begin stage 2 at step `feature_steps`: start the memory from class means of the current features.

        A run resumed there starts the same memory from the same weights. The classifiers' accuracy on the
        test split at that moment enters the history. It is used in the record only, never for a choice.

        Returns:
            History keys with the prefix STAGE_1 -> accuracy in [0, 1] at that step; None at all other steps.
        """
        model.memory_stage = step >= config.feature_steps
        if step != config.feature_steps:
            return None
        model.initialise_memory(class_means(model, data, config.seed, precision))
        found = classification_accuracy(model, data, "test", precision=precision)
        return {STAGE_1 + name: share for name, share in found.items()}

    def measured(
        self, model: ManipulationModel, data: ManipulationData, config: ManipulationConfig, history: TrainingHistory
    ) -> Measured:
        """Score the test split: see `split_scores`; accuracy after stage 1 comes from the history."""
        queries = data.queries("test")
        changed = [changed_names(data.schema, row) for row in changed_attributes(queries.vectors, data.schema)]
        counts = {
            "queries": dict(Counter(changed)),
            "candidates": {"gallery": len(queries.gallery)},
            "without_relevant": queries.excluded,
        }
        return Measured(split_scores(model, data, history.precision) | stage_1(history), counts=counts)


MANIPULATION = AttributeManipulation()


def split_scores(model: ManipulationModel, data: ManipulationData, precision: str) -> dict[str, dict[str, float]]:
    """Score the test split of the data.

    The metrics are METRICS of manipulation, "accuracy" of the classifiers, and disentanglement.

    Args:
        model: a manipulation method.
        data: ManipulationData.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        Metric -> name of what was changed, or an average -> value. Metrics of PERCENT are in percent.
    """
    scores = {"accuracy": classification_accuracy(model, data, "test", precision=precision)}
    scores |= evaluate_manipulation(model, data, "test", precision=precision).scores
    found = {
        metric: {name: (100 if metric in PERCENT else 1) * value for name, value in row.items()}
        for metric, row in scores.items()
        if row
    }
    return found | disentanglement_scores(model, data)


def stage_1(history: TrainingHistory) -> dict[str, dict[str, float]]:
    """Return the metric "accuracy_stage1" in percent; {} for a history that does not have it."""
    found = stage_1_accuracy(history)
    return {"accuracy_stage1": {name: 100 * share for name, share in found.items()}} if found else {}


def stage_1_accuracy(history: TrainingHistory) -> dict[str, float]:
    """Return classification_accuracy of the features before the memory existed, in [0, 1].

    The values come from the run's history. A run without this measurement gives {}.
    """
    found = [(name, value) for entry in history.entries for name, value in entry.items() if name.startswith(STAGE_1)]
    return {name.removeprefix(STAGE_1): value for name, value in found}


def class_means(model: ManipulationModel, data: ManipulationData, seed: int, precision: str) -> torch.Tensor:
    """Compute the mean feature of each value's training pictures, in eval mode; see `value_samples`.

    Args:
        model: a manipulation method.
        data: ManipulationData.
        seed: decides which pictures are used.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        float32 (V, F).
    """
    rng = np.random.default_rng([seed, data.labels.matrix.shape[1]])
    chosen = value_samples(data.labels, data.rows("train"), rng, model.memory_samples, PROTOTYPE_IMAGES)
    places = np.cumsum([0, *map(len, chosen)])
    stored = represent_rows(model, data, np.concatenate(chosen), precision=precision)
    return torch.stack([stored[start:stop].mean(0) for start, stop in zip(places, places[1:], strict=False)])
