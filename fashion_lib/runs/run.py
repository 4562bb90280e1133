"""One run from names to numbers: load the checkpoint if it is there, else train; then score the test split."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.runs.cost import cost
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.run_setup import RunSetup, Trained, set_up, training_config
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.tasks.retrieval.search import Hits, search
from fashion_lib.training.history import TrainingHistory
from fashion_lib.training.loop import train
from fashion_lib.training.paper_stages import TrainingStage
from fashion_lib.training.profiles import Profile
from fashion_lib.training.ranks import first, of_first, wait

FIRST_STAGE = "stage_1"  # folder inside the run's folder


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
    setup = set_up(
        method, data, dataset=dataset, variant=variant, profile=profile, seed=seed, options=options,
        attributes=attributes, changes=changes,
    )  # fmt: skip
    model, data, folder, file = setup.model, setup.data, setup.folder, setup.record_file
    if not file.exists():
        setup.check_picture_size()
    if progress and first() and not file.exists() and any(True for _ in model.parameters()):
        named = f"{method} ({setup.label}) with seed {seed} on {data.name}"
        print(f"No finished run of {named}: training {setup.steps} steps.")
    with run_lock(folder) if first() else nullcontext():  # of several runs one trains; the others wait and load
        wait()  # for the lock, which rank 0 holds for all ranks
        setup.check_weights_are_there()
        before = [] if file.exists() else [_train_first(setup, one, progress) for one in setup.earlier]
        wait()  # every rank has looked for the record, and for last.safetensors
        history = train(model, data, setup.config, folder, task=setup.task, progress=progress)
        if of_first(file.exists):
            record = setup.finished_record()
        else:
            record = of_first(lambda: setup.new_record(history, before))
    return Run(model, data, record, history, folder)


def _train_first(setup: RunSetup, stage: TrainingStage, progress: bool) -> Trained:
    """Train a stage that comes before the last one, or load it; then the model starts from its weights.

    A model whose own training has begun is left alone.
    """
    profile, made = stage.profile, setup.model.architecture
    earlier = build_model(
        made["method"], setup.model.schema, backbone=made["backbone"], variant=made["variant"], start=profile.start,
        seed=setup.seed, **stage.options,
    )  # fmt: skip
    config = training_config(profile, setup.seed, setup.task, **stage.more)
    folder = setup.folder / FIRST_STAGE
    history = train(earlier, setup.data, config, folder, task=setup.task, progress=progress)
    if not (setup.folder / "last.safetensors").is_file():
        setup.model.continue_from(earlier)
    return config, history
