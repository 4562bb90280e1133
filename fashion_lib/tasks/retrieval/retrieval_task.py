"""Attribute-specific retrieval as a task of the training loop: examples, selection by MAP, test scores."""

import warnings

import numpy as np
import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.feed import to_device
from fashion_lib.data.released_triplets import ReleasedTripletSampler
from fashion_lib.data.sampling import SAMPLERS, Batch, triplet_pools
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.base import BatchLabels, RetrievalModel
from fashion_lib.tasks.retrieval import chosen_beta, localisation, triplet_prediction
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.training.config import BranchConfig, TrainingConfig
from fashion_lib.training.history import TrainingHistory
from fashion_lib.training.task import Measured

LOCALISED_PICTURES = 200  # test pictures per attribute whose maps are compared with the true regions


class AttributeRetrieval:
    """The course's own task: one attribute, one query, a ranked gallery (ASEN, section 3)."""

    name = "retrieval"
    measure = "MAP"
    config, stage_config = TrainingConfig, BranchConfig

    def load(self, dataset: str, profile, data: RetrievalData | None = None, **questions) -> RetrievalData:
        """Load a data set of the registry, or take `data`.

        Raises:
            FashionError: if there are settings of another task, such as `changes`.
        """
        if questions:
            raise FashionError(f"retrieval takes no {', '.join(questions)}: these belong to attribute manipulation.")
        return data if data is not None else load_dataset(dataset, profile)

    def fitted(self, data: RetrievalData, model: RetrievalModel, profile) -> RetrievalData:
        """Return the data with pictures of the size that the model reads."""
        if data.at_size is None and model.image_scale == 1:
            return data  # a data set made by hand has one size
        return data.resized(profile.image_size * model.image_scale)

    def departures(self, data: RetrievalData) -> dict[str, object]:
        """Return {}: this task has no settings of its own."""
        return {}

    def prepare(self, model: RetrievalModel, data: RetrievalData) -> None:
        """Do nothing: a method receives the labels that it needs in `before_training`."""

    def sampler(self, data: RetrievalData, config: TrainingConfig):
        """Return the sampler of `config.sampling` over the training labels, or over `released_lists`.

        A warning names the attributes without a triplet.
        """
        if untrained := untrained_attributes(data, config.labels, config.sampling):
            warnings.warn(
                f"{', '.join(untrained)} of {data.name} cannot be trained and gets no MAP: its training labels hold no "
                "triplet, which needs two values, and two images of one of them.",
                stacklevel=3,
            )
        if released := released_lists(data, config.sampling):
            return ReleasedTripletSampler(data.encoded("train", labels="all"), released, config.batch_size)
        return SAMPLERS[config.sampling](
            data.encoded("train", labels=config.labels), config.batch_size, config.groups, config.negative
        )

    def labels(self, batch: Batch, data: RetrievalData, config: TrainingConfig, device: torch.device) -> BatchLabels:
        """Return the sampler's arrays as tensors on `device`."""
        return batch_labels(batch, config.mining, device)

    def score(self, model: RetrievalModel, data: RetrievalData, config: TrainingConfig, precision: str) -> float:
        """Return overall MAP on the validation split over the trained attributes, in [0, 1]."""
        scored = scored_attributes(model, data, config)
        return evaluate(model, data, split="valid", precision=precision, attributes=scored).overall

    def before_step(self, model, data, config: TrainingConfig, step: int, precision: str) -> None:
        """Do nothing."""

    def measured(
        self, model: RetrievalModel, data: RetrievalData, config: TrainingConfig, history: TrainingHistory
    ) -> Measured:
        """Evaluate the test split: the metrics in percent, its fixed triplets, beta from validation, and localisation.

        Localisation needs data with known true regions; its scores are fractions in [0, 1]. It is computed in float32,
        all else in the training's precision. An attribute that
        formed no triplet in training is counted as "untrained" and gets no MAP.
        """
        scored = scored_attributes(model, data, config)
        result = evaluate(model, data, split="test", precision=history.precision, attributes=scored)
        answered = triplet_prediction.scores(model, data, precision=history.precision, attributes=scored)
        answered |= chosen_beta.scores(model, data, precision=history.precision, attributes=scored)
        pointed = {}
        if data.regions is not None:
            table = localisation.measure(model, data, split="test", limit=LOCALISED_PICTURES)
            counted = data.schema.names if scored is None else [data.schema.names[a] for a in scored]
            pointed = localisation.scores(table[table["attribute"].isin(counted)])
        counts = {name: getattr(result, name) for name in ("queries", "candidates", "without_relevant")}
        if scored is not None and (untrained := untrained_attributes(data, config.labels, config.sampling)):
            counts["untrained"] = untrained
        return Measured(result.percent() | answered, pointed, counts)


RETRIEVAL = AttributeRetrieval()


def released_lists(data: RetrievalData, sampling: str) -> dict[int, np.ndarray]:
    """Return the training triplets that came with the data and are read: attribute id -> anchor, far, close.

    They are read with sampling="triplet_list", as in the papers' code. {} where triplets are drawn from the labels.
    """
    lists = data.triplets.get("train", {}) if sampling == "triplet_list" else {}
    return {data.schema.index(condition): rows for condition, rows in lists.items() if len(rows)}


def untrained_attributes(data: RetrievalData, labels: str = "one", sampling: str = "in_batch") -> dict[str, int]:
    """Return the attributes without a training triplet: name -> number of training labels."""
    known = data.encoded("train", labels=labels)
    trained = released_lists(data, sampling) or triplet_pools(known)
    return {name: len(known.of(a)) for a, name in enumerate(data.schema.names) if a not in trained}


def scored_attributes(model: RetrievalModel, data: RetrievalData, config: TrainingConfig) -> list[int] | None:
    """Return the ids of the trained attributes; None, which means all, for a model that trains nothing."""
    if not any(True for _ in model.parameters()):
        return None
    untrained = untrained_attributes(data, config.labels, config.sampling)
    return [a for a, name in enumerate(data.schema.names) if name not in untrained]


def batch_labels(batch: Batch, mining: str, device: torch.device) -> BatchLabels:
    """Return the sampler's arrays as tensors on `device`.

    Args:
        batch: the sampler's int64 arrays.
        mining: which triplets of a batch count, see in_batch_triplet_loss.
        device: device of the tensors.
    """
    arrays = (batch.images, batch.rows, batch.attributes, batch.values, batch.triplets)
    return BatchLabels(
        *(None if a is None else to_device(torch.from_numpy(a), device) for a in arrays), mining=mining
    )
