"""The runs that the explorer offers: those of this machine first, then the small ones that ship with the course."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import is_here
from fashion_lib.explorer.eight_bits import unpacked
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import RECORD_NAME, RunRecord, of_this_edition
from fashion_lib.runs.run_folder import CHECKPOINT, checkpoint_model
from fashion_lib.runs.run_setup import task_of
from fashion_lib.runs.stored import check_of_record, stored_model
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.run_state import check_state

WEIGHTS = "weights.safetensors"  # of a shipped run, in eight bits


@dataclass(frozen=True)
class ExploredRun:
    """A finished run that the explorer can load.

    Attributes:
        record: what the run's folder says of it.
        folder: where its weights are.
        shipped: whether it came with the course, in eight bits.
    """

    record: RunRecord
    folder: Path
    shipped: bool = False

    @property
    def key(self) -> str:
        """Return a text that names this run among all others."""
        one = self.record
        where = "shipped" if self.shipped else "own"
        return f"{where}/{one.dataset}/{one.profile}/{one.method}.{one.variant}/seed{one.seed}"

    @property
    def title(self) -> str:
        """Return the run in words: "asen (v2), seed 0"."""
        return f"{self.record.method} ({self.record.variant}), seed {self.record.seed}"

    @property
    def pictures(self) -> str:
        """Return what decides the pictures: two runs can answer side by side where this is the same."""
        return f"{self.record.dataset.removesuffix(SUFFIX)}, profile {self.record.profile}"

    @property
    def manipulates(self) -> bool:
        """Return whether the run answers changes (attribute manipulation) instead of attributes."""
        return task_of(self.record.method).name == MANIPULATION.name

    @property
    def source(self) -> str:
        """Return where the run comes from, in one sentence."""
        made = (
            f"commit {self.record.commit}, profile {self.record.profile}, {self.record.minutes:.1f} minutes"
        )
        if self.shipped:
            return f"{self.title}: shipped with the course in eight bits; trained at {made}."
        return f"{self.title}: your run; trained at {made}."


def explored_runs() -> tuple[list[ExploredRun], list[str]]:
    """Return all runs that can be loaded, own ones first, and a sentence for each that is damaged.

    Runs on data that is not on this machine are left out without a sentence.
    """
    own = sorted(paths.runs_dir().glob(f"*/*/*/seed*/{RECORD_NAME}"))
    shipped = sorted(paths.shipped_runs_dir().glob(f"*/{RECORD_NAME}"))
    found, notes = [], []
    for path in [*own, *shipped]:
        try:
            record = RunRecord.load(path)
        except FashionError as error:
            notes.append(str(error))
            continue
        run = ExploredRun(record, path.parent, shipped=path in shipped)
        weights = run.folder / (WEIGHTS if run.shipped else CHECKPOINT)
        known = METHODS.get(record.method)
        if (
            known
            and weights.is_file()
            and of_this_edition(record)
            and is_here(record.dataset.removesuffix(SUFFIX))
        ):
            found.append(run)
    return sorted(found, key=_place), notes


def _place(run: ExploredRun) -> tuple[bool, bool, float]:
    """Return a run's place: own before shipped, retrieval before manipulation; own by time, shipped by score."""
    record = run.record
    if run.shipped:
        best = -record.metrics.get("map", {}).get("overall", 0.0)
    else:
        best = -datetime.fromisoformat(record.created).timestamp()
    return run.shipped, run.manipulates, best


def shipped_model(run: ExploredRun, data) -> RetrievalModel:
    """Return the model of a shipped run, in eval mode.

    Args:
        run: one with `shipped` True.
        data: the pictures that its record names.

    Raises:
        FashionError: the file is damaged, or was made with other data.
    """
    path = run.folder / WEIGHTS
    held, state = read_checkpoint(path)
    check_state(state, path)
    if state["data"].get("version") != data.version:
        raise FashionError(
            f"The shipped run {run.title} was trained on version {state['data'].get('version')} of {data.name}, but "
            f"this library has {data.version}: ship it anew with `python -m fashion_lib ship-run`."
        )
    check_of_record(run.record, state, path)
    return checkpoint_model(unpacked(held), state, data.schema, path)


def explored_model(run: ExploredRun, data) -> RetrievalModel:
    """Return the model of a run, in eval mode and on the device it would be trained on.

    Args:
        run: of `explored_runs`.
        data: the pictures that its record names, see `explored_data.pictures_of`.

    Raises:
        FashionError: the weights are damaged, or were made with other data.
    """
    return shipped_model(run, data) if run.shipped else stored_model(run.record, data)
