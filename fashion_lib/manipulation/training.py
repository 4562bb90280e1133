"""Training in two stages inside the course's one loop: features first, then the memory with them.

Both stages draw the same batches of (query, target, negative) tuples; stage 1 looks at their pictures only. So all
methods see the same pictures, whichever losses they take from them.
"""

from dataclasses import dataclass

import numpy as np
import torch

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.accuracy import classification_accuracy
from fashion_lib.manipulation.data import ManipulationData
from fashion_lib.manipulation.interface import ManipulationModel, TupleLabels
from fashion_lib.manipulation.label_vectors import known_attributes
from fashion_lib.manipulation.memory import value_samples
from fashion_lib.manipulation.operations import target_labels
from fashion_lib.manipulation.retrieval import evaluate_manipulation, represent_rows
from fashion_lib.manipulation.tuples import Tuples, training_tuples
from fashion_lib.training import AttributeRetrieval, train
from fashion_lib.training_config import TrainingConfig
from fashion_lib.training_history import TrainingHistory

STAGE_1 = "stage 1 accuracy, "  # of the history's keys, with what it is the accuracy of
PROTOTYPE_IMAGES = 2000  # a class mean of hundreds of pictures moves no more, and all of them would be a tenth of a run


@dataclass(frozen=True)
class ManipulationConfig(TrainingConfig):
    """TrainingConfig with feature_share: the fraction of the steps that stage 1 takes. batch_size counts images, three
    of which are a tuple. Validation happens in stage 2 alone, because before it there is nothing to choose. sampling,
    groups, negative, labels and mining are not read.
    """

    feature_share: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.feature_share < 1 or self.batch_size < 6:
            raise FashionError(
                f"feature_share={self.feature_share} with batch_size={self.batch_size} cannot be: give a share"
                " between 0 and 1 and at least two tuples of three images."
            )

    @property
    def feature_steps(self) -> int:
        """Steps of stage 1, at least one if there are two."""
        return min(max(1, round(self.feature_share * self.steps)), max(1, self.steps - 1))

    def evaluation_steps(self) -> set[int]:
        left = self.steps - self.feature_steps
        return {self.feature_steps + round(left * (k + 1) / self.evaluations) for k in range(self.evaluations)}


@dataclass(frozen=True, eq=False)
class TupleBatch:
    """What one step looks at. images int64 (3 T,): the tuples' queries, then targets, then negatives."""

    images: np.ndarray
    tuples: Tuples


class TupleSampler:
    """Batches of tuples from the training pictures, a pure function of the generator."""

    def __init__(self, data: ManipulationData, batch_size: int):
        self.labels, self.rows, self.changes = data.labels, data.rows("train"), data.changes
        self.count = batch_size // 3

    def batch(self, rng: np.random.Generator) -> TupleBatch:
        drawn = training_tuples(self.labels, self.rows, rng, self.count, self.changes)
        return TupleBatch(np.concatenate([drawn.query, drawn.target, drawn.negative]), drawn)


class AttributeManipulation(AttributeRetrieval):
    """The task of the loop: tuples, Top-10 accuracy on the validation split, a memory between the stages."""

    measure = "Top-10 accuracy"

    def __init__(self, data: ManipulationData):
        self.label_vectors = data.labels

    def sampler(self, data: ManipulationData, config: ManipulationConfig) -> TupleSampler:
        return TupleSampler(data, config.batch_size)

    def labels(self, batch: TupleBatch, config: ManipulationConfig, device: torch.device) -> TupleLabels:
        vectors, blocks = batch.tuples.vectors, self.label_vectors.blocks
        labels = self.label_vectors.matrix[batch.images]
        wanted = target_labels(self.label_vectors.matrix[batch.tuples.query], vectors)
        arrays = (labels, known_attributes(labels, blocks), vectors.astype(np.float32), wanted)
        return TupleLabels(*(torch.from_numpy(a).to(device) for a in (*arrays, known_attributes(wanted, blocks))))

    def score(self, model: ManipulationModel, data: ManipulationData, precision: str) -> float:
        return evaluate_manipulation(model, data, "valid", precision=precision).top10

    def before_step(
        self, model: ManipulationModel, data: ManipulationData, config: ManipulationConfig, step: int, precision: str
    ) -> dict[str, float] | None:
        """Stage 2 begins with step `feature_steps`; a run resumed there initialises the same memory from the same
        weights. The classifiers' accuracy on the test split at that moment goes into the history: nothing reads it
        but the record.
        """
        model.memory_stage = step >= config.feature_steps
        if step != config.feature_steps:
            return None
        model.initialise_memory(class_means(model, data, config.seed, precision))
        found = classification_accuracy(model, data, "test", precision=precision)
        return {STAGE_1 + name: share for name, share in found.items()}


def stage_1_accuracy(history: TrainingHistory) -> dict[str, float]:
    """classification_accuracy of the features before there was a memory, as the run's history tells it, in [0, 1];
    {} for a run that was not asked.
    """
    told = [(name, value) for entry in history.entries for name, value in entry.items() if name.startswith(STAGE_1)]
    return {name.removeprefix(STAGE_1): value for name, value in told}


def class_means(model: ManipulationModel, data: ManipulationData, seed: int, precision: str) -> torch.Tensor:
    """The mean feature of each value's training pictures, float32 (V, F), in eval mode; see value_samples."""
    rng = np.random.default_rng([seed, data.labels.matrix.shape[1]])
    chosen = value_samples(data.labels, data.rows("train"), rng, model.memory_samples, PROTOTYPE_IMAGES)
    places = np.cumsum([0, *map(len, chosen)])
    stored = represent_rows(model, data, np.concatenate(chosen), precision=precision)
    return torch.stack([stored[start:stop].mean(0) for start, stop in zip(places, places[1:], strict=False)])


def train_manipulation(
    model: ManipulationModel, data: ManipulationData, config: ManipulationConfig, run_dir, *, progress: bool = True
) -> TrainingHistory:
    """`fashion_lib.training.train` on tuples: resumable at every step, best weights by validation Top-10 accuracy."""
    model.prepare(data.labels, data.rows("train"))
    return train(model, data, config, run_dir, task=AttributeManipulation(data), progress=progress)
