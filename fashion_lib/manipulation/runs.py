"""One manipulation run from names to numbers, with the course's folders, records and ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.accuracy import classification_accuracy
from fashion_lib.manipulation.data import ManipulationData, load_manipulation
from fashion_lib.manipulation.disentanglement_scores import disentanglement_scores
from fashion_lib.manipulation.interface import ManipulationModel
from fashion_lib.manipulation.methods import MANIPULATION_METHODS, build_manipulation_model
from fashion_lib.manipulation.metrics import CUTOFFS
from fashion_lib.manipulation.operations import changed_attributes
from fashion_lib.manipulation.retrieval import evaluate_manipulation
from fashion_lib.manipulation.training import ManipulationConfig, stage_1_accuracy, train_manipulation
from fashion_lib.manipulation.tuples import changed_names
from fashion_lib.profiles import Profile
from fashion_lib.results import RunRecord, variant_label
from fashion_lib.runs import config_of, departures, trained_and_scored, training_facts
from fashion_lib.training_history import TrainingHistory

# NDCG is a fraction, as the paper prints it.
PERCENT = ("accuracy", "accuracy_stage1", *(f"top{k}_acc" for k in CUTOFFS))


@dataclass(frozen=True, eq=False)
class ManipulationRun:
    """A trained model with its data, record, history and folder."""

    model: ManipulationModel
    data: ManipulationData
    record: RunRecord
    history: TrainingHistory
    folder: Path


def manipulation_config(profile: Profile, seed: int) -> ManipulationConfig:
    """The profile's training settings with a seed; every setting of the same name carries over."""
    return config_of(ManipulationConfig, profile, seed)


def load_or_train_manipulation(
    method: str,
    *,
    dataset: str = "wardrobe",
    variant: str | None = None,
    profile: Profile,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    attributes: Sequence[str] | None = None,
    changes: int = 1,
    data: ManipulationData | None = None,
    progress: bool = True,
) -> ManipulationRun:
    """The run of a method: loaded when runs/ holds it, resumed when it was interrupted, else trained and scored.

    attributes, changes: see load_manipulation; data: pass it instead of them to save loading it again. Whatever departs
    from the defaults becomes part of the variant's name in records. Records of "wardrobe" belong to the data set
    "wardrobe_manipulation". FashionError as in load_or_train.
    """
    if method not in MANIPULATION_METHODS:
        raise FashionError(f"there is no method {method!r}: choose one of {', '.join(MANIPULATION_METHODS)}.")
    data = data if data is not None else load_manipulation(dataset, profile, attributes, changes)
    options = dict(options or {})
    settings = {"backbone": profile.backbone, "start": profile.start, "variant": variant, "seed": seed}
    model = build_manipulation_model(method, data.schema, **settings, **options)
    label = variant_label(model.architecture["variant"], **departures(profile), **options, **data.departures)
    named = {"method": method, "variant": label, "profile": profile, "seed": seed}
    finished = trained_and_scored(
        model, data, manipulation_config(profile, seed), train_manipulation, score_run, **named, progress=progress
    )
    return ManipulationRun(model, data, *finished)


def measured(model: ManipulationModel, data: ManipulationData, precision: str) -> dict[str, dict[str, float]]:
    """The test split's scores: metric -> what was changed, or an average -> value; units: see PERCENT.

    METRICS of manipulation, "accuracy" of the classifiers, and disentanglement.
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
    """The metric "accuracy_stage1", in percent; {} for a history that does not have it."""
    found = stage_1_accuracy(history)
    return {"accuracy_stage1": {name: 100 * share for name, share in found.items()}} if found else {}


def score_run(
    model: ManipulationModel,
    data: ManipulationData,
    history: TrainingHistory,
    config: ManipulationConfig,
    *,
    method: str,
    variant: str,
    profile: Profile,
    seed: int,
) -> RunRecord:
    """The test split's scores (see measured) with everything that places them."""
    queries = data.queries("test")
    asked = [changed_names(data.schema, row) for row in changed_attributes(queries.vectors, data.schema)]
    return RunRecord(
        method=method,
        variant=variant,
        profile=profile.name,
        seed=seed,
        metrics=measured(model, data, history.precision) | stage_1(history),
        start=profile.start,
        **training_facts(model, data, history, config),
        counts={
            "queries": dict(Counter(asked)),
            "candidates": {"gallery": len(queries.gallery)},
            "without_relevant": queries.excluded,
        },
    )
