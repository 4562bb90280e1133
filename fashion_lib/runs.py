"""One run from names to numbers: load the checkpoint if it is there, else train; then score the test split."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

from fashion_lib import localisation, triplet_prediction
from fashion_lib.data.dataset import RetrievalData, load_dataset
from fashion_lib.errors import FashionError
from fashion_lib.models import METHODS, RetrievalModel, build_model
from fashion_lib.profiles import PROFILES, Profile
from fashion_lib.results import RECORD_NAME, RunRecord, run_dir, variant_label
from fashion_lib.retrieval import evaluate
from fashion_lib.run_lock import run_lock
from fashion_lib.training import TrainingHistory, train
from fashion_lib.training_config import TrainingConfig
from fashion_lib.training_history import threads_used

Config = TypeVar("Config", bound=TrainingConfig)


@dataclass(frozen=True, eq=False)
class Run:
    """A trained model with its data, its record (what tables read), its history (curves) and its folder."""

    model: RetrievalModel
    data: RetrievalData
    record: RunRecord
    history: TrainingHistory
    folder: Path


def training_config(profile: Profile, seed: int) -> TrainingConfig:
    """The profile's training settings with a seed; every setting of the same name carries over."""
    return config_of(TrainingConfig, profile, seed)


def config_of(kind: type[Config], profile: Profile, seed: int) -> Config:
    """training_config for a configuration class of another task."""
    shared = {field.name for field in fields(kind)} & {field.name for field in fields(Profile)}
    return kind(**{name: getattr(profile, name) for name in shared}, seed=seed)


def departures(profile: Profile) -> dict[str, object]:
    """Settings in which a profile differs from the course's profile of that name."""
    base = PROFILES[profile.name]
    return {
        f.name: getattr(profile, f.name)
        for f in fields(Profile)
        if getattr(profile, f.name) != getattr(base, f.name)
    }


def load_or_train(
    method: str,
    *,
    dataset: str = "wardrobe",
    variant: str | None = None,
    profile: Profile,
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    data: RetrievalData | None = None,
    progress: bool = True,
) -> Run:
    """The run of a method on a data set: loaded when runs/ holds it, resumed when it was interrupted, else trained.

    variant: None is the method's default. profile: may be changed by `with_options`; what differs becomes part of the
    variant's name in records, as do `options` for the model's constructor, so that no table mixes them up.
    data: pass it to save loading it again; Run.data has its pictures at the size that the model reads. FashionError for
    unknown names and for damaged checkpoints or records.
    """
    if method not in METHODS:
        raise FashionError(f"there is no method {method!r}: choose one of {', '.join(METHODS)}.")
    data = data if data is not None else load_dataset(dataset, profile)
    options = dict(options or {})
    model = build_model(
        method,
        data.schema,
        backbone=profile.backbone,
        variant=variant,
        start=profile.start,
        seed=seed,
        **options,
    )
    if data.at_size is not None or model.image_scale != 1:  # a data set made by hand has one size
        data = data.resized(profile.image_size * model.image_scale)
    label = variant_label(model.architecture["variant"], **departures(profile), **options)
    named = {"method": method, "variant": label, "profile": profile, "seed": seed}
    finished = trained_and_scored(model, data, training_config(profile, seed), train, score, **named, progress=progress)
    return Run(model, data, *finished)


def trained_and_scored(
    model: RetrievalModel,
    data,
    config: TrainingConfig,
    train: Callable[..., TrainingHistory],
    score: Callable[..., RunRecord],
    *,
    method: str,
    variant: str,
    profile: Profile,
    seed: int,
    progress: bool,
) -> tuple[RunRecord, TrainingHistory, Path]:
    """A run's record, history and folder, for any task: train(model, data, config, folder, progress=...) loads, resumes
    or trains, and score(model, data, history, config, method=..., variant=..., profile=..., seed=...) makes the record
    where the folder has none. Another process that trains this run is waited for."""
    folder = run_dir(data.name, profile.name, method, variant, seed)
    record_file = folder / RECORD_NAME
    if progress and not record_file.exists() and any(True for _ in model.parameters()):
        print(
            f"No finished run of {method} ({variant}) with seed {seed} on {data.name}: training {config.steps} steps."
        )
    with run_lock(folder):  # of several processes one trains; the others wait and load
        history = train(model, data, config, folder, progress=progress)
        if record_file.exists():
            return RunRecord.load(record_file), history, folder
        record = score(model, data, history, config, method=method, variant=variant, profile=profile, seed=seed)
        record.save(record_file)
    return record, history, folder


def training_facts(model: RetrievalModel, data, history: TrainingHistory, config: TrainingConfig) -> dict[str, object]:
    """The fields of a RunRecord that say on what, how long and with which settings a model of any task was trained."""
    return {
        "dataset": data.name,
        "minutes": (history.seconds + history.evaluation_seconds) / 60,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "image_passes": model.image_passes,
        "precision": history.precision,
        "config": asdict(config)
        | {"training_image_passes": history.image_passes, "data_version": data.version}
        | {"threads": threads_used(history)},
    }


def score(
    model: RetrievalModel,
    data: RetrievalData,
    history: TrainingHistory,
    config: TrainingConfig,
    *,
    method: str,
    variant: str,
    profile: Profile,
    seed: int,
) -> RunRecord:
    """Evaluate on the test split (percent), answer its fixed triplets, and measure localisation where the data knows
    the true regions."""
    result = evaluate(model, data, split="test", precision=history.precision)
    answered = triplet_prediction.scores(model, data, precision=history.precision)
    pointed = {}
    if data.regions is not None:
        pointed = localisation.scores(localisation.measure(model, data, split="test", limit=200))
    return RunRecord(
        method=method,
        variant=variant,
        profile=profile.name,
        seed=seed,
        metrics=result.percent() | answered,
        localisation=pointed,
        start=profile.start if METHODS[method].trainable else "",
        **training_facts(model, data, history, config),
        counts={
            "queries": result.queries,
            "candidates": result.candidates,
            "without_relevant": result.without_relevant,
        },
    )
