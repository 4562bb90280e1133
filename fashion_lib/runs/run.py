"""One run from names to numbers: load the checkpoint if it is there, else train; then score the test split."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.registry import METHODS, build_model, known_variant
from fashion_lib.parts.collectives import ranks
from fashion_lib.parts.start_files import start_source
from fashion_lib.runs.cost import cost
from fashion_lib.runs.options import check_options
from fashion_lib.runs.record import (
    RECORD_NAME,
    RunRecord,
    check_seed,
    edition_setting,
    of_this_edition,
    run_dir,
    selected_by,
    variant_label,
)
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.same_run import check_same_run
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX as MANIPULATED
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.tasks.retrieval.search import Hits, search
from fashion_lib.training.config import OF_THE_MACHINE, TrainingConfig
from fashion_lib.training.history import TrainingHistory, threads_used
from fashion_lib.training.loop import train
from fashion_lib.training.paper_stages import TrainingStage, departs, training_stages
from fashion_lib.training.profiles import PROFILES, Profile, as_profile
from fashion_lib.training.ranks import first, of_first, wait
from fashion_lib.training.task import Task

FIRST_STAGE = "stage_1"  # folder inside the run's folder
TASKS: dict[str, Task] = {task.name: task for task in (RETRIEVAL, MANIPULATION)}


@dataclass(frozen=True, eq=False)
class Run:
    """Hold a trained model with its data, its record (for tables), its history (for curves) and its folder."""

    model: RetrievalModel
    data: Any  # None for a released checkpoint without its pictures
    record: RunRecord
    history: TrainingHistory
    folder: Path

    def __repr__(self) -> str:
        record = self.record
        return (
            f"Run of {record.method} ({record.variant}), seed {record.seed}, on {record.dataset},"
            f" profile {record.profile}, in {self.folder}"
        )

    def score(self, metric: str = "map", attribute: str = "overall") -> float:
        """Return a score of the test split from the run's record.

        Args:
            metric: such as "map" or "recall@1" (in percent), or of manipulation "top10_acc".
            attribute: an attribute's name, or an average: "overall", "macro", "local".

        Raises:
            FashionError: for a metric or an attribute that the record does not have.
        """
        scores = self.record.metrics | self.record.localisation
        if metric not in scores:
            raise FashionError(f"this run has no score {shortened(metric)}: {suggestion(metric, tuple(scores))}")
        if attribute not in scores[metric]:
            advice = suggestion(attribute, tuple(scores[metric]))
            raise FashionError(f"{metric} has no {shortened(attribute)}: {advice}")
        return scores[metric][attribute]

    def cost(self) -> pd.Series:
        """Return what the model costs (see `runs.cost.cost`), with the training's image passes and minutes."""
        trained = {
            "backbone passes in training": self.history.image_passes,
            "minutes of training and validation": round(self.record.minutes, 2),
        }
        if told := self.record.config.get("imported"):  # a released checkpoint; nobody here knows what it cost
            trained = {"training": told}
        size = None if self.data is None else self.data.image_size
        return pd.concat([cost(self.model, size), pd.Series(trained, dtype=object)])

    def search(self, row: int, attribute: str, *, split: str = "test") -> Hits:
        """Rank the candidates of a split by their similarity to one picture under one attribute, see `search`.

        Raises:
            FashionError: for a run of attribute manipulation, whose questions are operations, not pictures.
        """
        if METHODS.known(self.record.method).task != RETRIEVAL.name:
            raise FashionError(
                f"{self.record.method} answers operations (this picture, but with long sleeves), not a picture alone:"
                " search with a retrieval method, or see notebook 14."
            )
        return search(self.model, self.data, row, attribute, split=split, precision=self.history.precision or "fp32")


def training_config(profile: Profile, seed: int, task: Task = RETRIEVAL, **more: object) -> TrainingConfig:
    """Return the profile's training settings with a seed, as the task's kind of configuration.

    Args:
        profile: of the run.
        seed: of the run.
        task: of the method.
        **more: settings that are no profile's: see `TrainingStage`.
    """
    kind = task.stage_config if more else task.config
    return kind(**dict(profile.training) | {"seed": seed} | more)


def departures(profile: Profile, method: str = "", variant: str = "") -> dict[str, object]:
    """Return the settings in which a profile differs from the course's profile of that name.

    Args:
        profile: of the run, as the user gave it.
        method, variant: the run's. At profile `paper` their own settings are not the profile's, so every setting
            that the user gave in place of one of them is among the departures.
    """
    base, named = PROFILES[profile.name].settings(), departs(profile, method, variant)
    return {name: value for name, value in profile.settings().items() if value != base[name] or name in named}


def task_of(method: str) -> Task:
    """Return the task of a method.

    Raises:
        FashionError: for an unknown name.
    """
    return TASKS[METHODS.known(method).task]


def load_or_train(
    method: str,
    data=None,
    *,
    dataset: str = "wardrobe",
    variant: str | None = None,
    profile: Profile | str = "laptop",
    seed: int = 0,
    options: Mapping[str, object] | None = None,
    attributes: Sequence[str] | None = None,
    changes: int = 1,
    progress: bool = True,
) -> Run:
    """Load the run of a method on a data set when runs/ holds it, resume it when it was interrupted, else train it.

    Args:
        method: a name of METHODS; it decides the task, attribute-specific retrieval or attribute manipulation.
        data: what the task's `load` returns (RetrievalData, ManipulationData), to save loading it again.
        dataset: the data set's name, read when `data` is None.
        variant: one of the method's; None is its default.
        profile: its name, or a Profile. `Profile.with_options` changes settings; what differs becomes part of the
            variant's name in records, as do `options`, so that no table mixes them up.
        seed: of the new layers, the batches and the augmentation.
        options: switches of the model's constructor.
        attributes, changes: of attribute manipulation, see `load_manipulation`.
        progress: print one line before training, and a bar.

    Returns:
        The run. Its data has pictures of the size that the model reads.

    Raises:
        FashionError: for unknown names, and for damaged checkpoints or records.
    """
    task = task_of(method)
    profile = as_profile(profile)
    check_seed(seed)
    if data is not None:
        advice = "load it with fl.load_dataset, or give only its name, as in dataset='wardrobe'"
        check_has(data, ("schema", "encoded"), "data set", advice)
    options = dict(options or {})
    # Whatever can be wrong with names shows before data is drawn or loaded, which may take minutes.
    variant = known_variant(method, variant)
    named = (dataset if data is None else data.name).removesuffix(MANIPULATED)
    *earlier, stage = training_stages(method, variant, named, profile, options)
    asked, profile = departures(profile, method, variant), stage.profile
    config = training_config(profile, seed, task, **stage.more)
    check_options(method, variant, options, profile.backbone, f"the options {shortened(options)}")
    questions = {"attributes": attributes} if attributes is not None else {}
    questions |= {"changes": changes} if changes != 1 else {}
    data = task.load(dataset, profile, data, **questions)
    settings = {"backbone": profile.backbone, "start": profile.start, "variant": variant, "seed": seed}
    model = build_model(method, data.schema, **settings, **stage.options)
    data = task.fitted(data, model, profile)
    label = variant_label(variant, **asked, **options, **task.departures(data))
    folder = run_dir(data.name, profile.name, method, label, seed)
    record_file = folder / RECORD_NAME
    steps = config.steps + sum(one.profile.steps for one in earlier)
    if progress and first() and not record_file.exists() and any(True for _ in model.parameters()):
        print(f"No finished run of {method} ({label}) with seed {seed} on {data.name}: training {steps} steps.")
    with run_lock(folder) if first() else nullcontext():  # of several runs one trains; the others wait and load
        wait()  # for the lock, which rank 0 holds for all ranks
        if record_file.exists() and not (folder / "last.safetensors").is_file():
            raise FashionError(
                f"{folder} holds the record of a finished run but no last.safetensors, or a link that leads nowhere: "
                "put it back, or delete that folder to train anew."
            )
        before: list[tuple[TrainingConfig, TrainingHistory]] = []
        if not record_file.exists():
            before = [_train_first(one, model, data, folder, seed, task, progress) for one in earlier]
        wait()  # every rank has looked for the record, and for last.safetensors
        history = train(model, data, config, folder, task=task, progress=progress)
        if of_first(record_file.exists):
            record = RunRecord.load(record_file)
            if not of_this_edition(record):
                raise FashionError(
                    f"{record_file} is the record of another edition of {method}: delete {folder} to train anew."
                )
            settings = {name: value for name, value in dict(config).items() if name not in OF_THE_MACHINE}
            of_data = {"data_version": data.version, "pixels": data.pixel_digest, "start_digest": model.start_digest}
            check_same_run(record, settings | of_data | {"parameters": parameter_count(model)}, record_file)
            return Run(model, data, record, history, folder)

        def make_record() -> RunRecord:
            scores = task.measured(model, data, config, history)
            source = start_source(profile.backbone, profile.start)
            histories = [*(one for _, one in before), history]
            passes = sum(one.image_passes for one in histories)
            record = RunRecord(
                method=method,
                variant=label,
                dataset=data.name,
                profile=profile.name,
                seed=seed,
                metrics=scores.metrics | selected_by(history.best_map),
                localisation=scores.localisation,
                counts=scores.counts,
                minutes=sum(one.seconds + one.evaluation_seconds for one in histories) / 60,
                parameters=parameter_count(model),
                image_passes=model.image_passes,
                start=profile.start if METHODS[method].trainable else "",
                precision=history.precision,
                config=dict(config) | {"training_image_passes": passes, "data_version": data.version}
                | {"threads": threads_used(history), "pixels": data.pixel_digest, "start_digest": model.start_digest}
                | edition_setting(model)
                | ({"processes": ranks()} if ranks() > 1 else {})
                | ({"start_source": source} if source else {})
                | ({"stage_1": dict(before[0][0])} if before else {})
                | ({"model_options": stage.options} if stage.options != options else {}),
            )
            record.save(record_file)
            return record

        record = of_first(make_record)
    return Run(model, data, record, history, folder)


def _train_first(
    stage: TrainingStage, model: RetrievalModel, data, folder: Path, seed: int, task: Task, progress: bool
) -> tuple[TrainingConfig, TrainingHistory]:
    """Train a stage that comes before the last one, or load it; then `model` starts from its weights.

    A `model` whose own training has begun is left alone.
    """
    profile, made = stage.profile, model.architecture
    earlier = build_model(
        made["method"], model.schema, backbone=made["backbone"], variant=made["variant"], start=profile.start,
        seed=seed, **stage.options,
    )  # fmt: skip
    config = training_config(profile, seed, task, **stage.more)
    history = train(earlier, data, config, folder / FIRST_STAGE, task=task, progress=progress)
    if not (folder / "last.safetensors").is_file():
        model.continue_from(earlier)
    return config, history
