"""What names and settings decide of a run before anything is trained: model, data, configuration and folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has, check_seed, shortened
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.registry import METHODS, build_model, known_variant
from fashion_lib.parts.collectives import ranks
from fashion_lib.parts.start_files import start_source
from fashion_lib.runs.options import check_options
from fashion_lib.runs.record import (
    RECORD_NAME,
    RunRecord,
    edition_setting,
    of_this_edition,
    run_dir,
    selected_by,
    variant_label,
)
from fashion_lib.runs.same_run import check_same_run
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX as MANIPULATED
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import OF_THE_MACHINE, TrainingConfig
from fashion_lib.training.history import TrainingHistory, commits_used, hardware_used, threads_used
from fashion_lib.training.paper_stages import TrainingStage, departs, training_stages
from fashion_lib.training.profiles import PROFILES, Profile, as_profile
from fashion_lib.training.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (RETRIEVAL, MANIPULATION)}
Trained = tuple[TrainingConfig, TrainingHistory]  # of a stage


@dataclass(frozen=True, eq=False)
class RunSetup:
    """Hold what one run is trained with.

    Attributes:
        method: the method's name.
        label: its variant with everything that departs from the profile, as in records.
        seed: of the run.
        task: of the method.
        model: with its start weights; training changes it in place.
        data: with pictures of the size that the model reads.
        stage: the last stage of training; most runs have no other.
        earlier: the stages before it.
        config: of the last stage.
        options: switches of the model's constructor that the user gave.
        folder: of the run.
    """

    method: str
    label: str
    seed: int
    task: Task
    model: RetrievalModel
    data: Any
    stage: TrainingStage
    earlier: tuple[TrainingStage, ...]
    config: TrainingConfig
    options: Mapping[str, object]
    folder: Path

    @property
    def record_file(self) -> Path:
        """The file of the record, which is written when all else of the run is there."""
        return self.folder / RECORD_NAME

    @property
    def steps(self) -> int:
        """The number of training steps of all stages."""
        return self.config.steps + sum(stage.profile.steps for stage in self.earlier)

    def check_weights_are_there(self) -> None:
        """Refuse a folder with a record and without weights.

        Raises:
            FashionError: the folder is of that kind.
        """
        if self.record_file.exists() and not (self.folder / "last.safetensors").is_file():
            raise FashionError(
                f"{self.folder} holds the record of a finished run but no last.safetensors, or a link that leads "
                "nowhere: put it back, or delete that folder to train anew."
            )

    def check_picture_size(self) -> None:
        """Compute one empty picture, so that a size that some part cannot take shows before any training.

        Raises:
            FashionError: a crop or a map would have no position left, or the pictures are of another shape.
        """
        side = self.data.image_size
        self.model.eval()
        try:
            with torch.no_grad():
                self.model.attend(self.model.features(torch.zeros(1, 3, side, side)), torch.zeros(1, dtype=torch.int64))
        except Exception as error:  # each layer has its own kind of error
            reason = " ".join(str(error).split())[:200]
            raise FashionError(
                f"{self.method} ({self.label}) cannot compute pictures of {side} x {side} pixels ({reason}): choose a"
                " larger image_size, or correct the options."
            ) from error

    def finished_record(self) -> RunRecord:
        """Read the record of a finished run, and check that it is of this setup.

        Raises:
            FashionError: it is damaged, of another run, or of another edition of the method.
        """
        record = RunRecord.load(self.record_file)
        if not of_this_edition(record):
            raise FashionError(
                f"{self.record_file} is the record of another edition of {self.method}: delete {self.folder} to train"
                " anew."
            )
        settings = {name: value for name, value in dict(self.config).items() if name not in OF_THE_MACHINE}
        data = {"data_version": self.data.version, "pixels": self.data.pixel_digest}
        made = {"start_digest": self.model.start_digest, "parameters": parameter_count(self.model)}
        check_same_run(record, settings | data | made, self.record_file)
        return record

    def new_record(self, history: TrainingHistory, before: Sequence[Trained]) -> RunRecord:
        """Measure the trained model on the test split, and write the record.

        Args:
            history: of the last stage.
            before: configuration and history of each stage before it.
        """
        model, data, stage = self.model, self.data, self.stage
        scores = self.task.measured(model, data, self.config, history)
        source = start_source(stage.profile.backbone, stage.profile.start)
        histories = [*(one for _, one in before), history]
        passes = sum(one.image_passes for one in histories)
        record = RunRecord(
            method=self.method,
            variant=self.label,
            dataset=data.name,
            profile=stage.profile.name,
            seed=self.seed,
            metrics=scores.metrics | selected_by(history.best_map),
            localisation=scores.localisation,
            counts=scores.counts,
            minutes=sum(one.seconds + one.evaluation_seconds for one in histories) / 60,
            parameters=parameter_count(model),
            image_passes=model.image_passes,
            start=stage.profile.start if METHODS[self.method].trainable else "",
            precision=history.precision,
            commit=commits_used(histories),
            hardware=hardware_used(histories),
            config=dict(self.config) | {"training_image_passes": passes, "data_version": data.version}
            | {"threads": threads_used(history), "pixels": data.pixel_digest, "start_digest": model.start_digest}
            | edition_setting(model)
            | ({"processes": ranks()} if ranks() > 1 else {})
            | ({"start_source": source} if source else {})
            | ({"stage_1": dict(before[0][0])} if before else {})
            | ({"model_options": stage.options} if stage.options != self.options else {}),
        )  # fmt: skip
        record.save(self.record_file)
        return record


def set_up(
    method: str, data, *, dataset: str, variant: str | None, profile: Profile | str, seed: int,
    options: Mapping[str, object] | None, attributes: Sequence[str] | None, changes: int,
) -> RunSetup:
    """Check every name, load the data and build the model; the arguments are those of `load_or_train`.

    Whatever can be wrong with names shows before data is drawn or loaded, which may take minutes.

    Raises:
        FashionError: for unknown names, and for data of another kind.
    """  # fmt: skip
    task = task_of(method)
    profile = as_profile(profile)
    check_seed(seed)
    if data is not None:
        advice = "load it with fl.load_dataset, or give only its name, as in dataset='wardrobe'"
        check_has(data, ("schema", "encoded"), "data set", advice)
    if not isinstance(options or {}, Mapping):
        raise FashionError(f"options are {shortened(options)}: give names with their values, as {{'spatial': False}}.")
    options = dict(options or {})
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
    return RunSetup(method, label, seed, task, model, data, stage, tuple(earlier), config, options, folder)


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
