"""The record of a training run: curves, counts, and a warning when the model does not learn."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

from fashion_lib.core.provenance import THEN, commit, hardware
from fashion_lib.training.config import TrainingConfig

COLLAPSED = 0.98  # mean cosine between examples of one attribute above which a space counts as collapsed


@dataclass
class TrainingHistory:
    """The record of a run, over all its resumes.

    Attributes:
        step: finished steps.
        entries: dictionaries with step, loss, active_triplets, similarity and the other figures of the
            method's training_loss. These are means since the entry before. Further keys: learning_rate,
            images_per_second and valid_map (in [0, 1], None where it was not computed).
        best_step: the step of the best validation.
        best_map: the best validation score; None without validation.
        seconds: time of the training steps alone.
        evaluation_seconds: time of the validations.
        image_passes: images that went through a backbone in training, also those of a momentum encoder.
        precision: the precision that the run uses.
        warned: whether the warning about a collapse was given.
        measure: what valid_map and best_map hold: "MAP", except for tasks with another validation score.
        threads: pairs [step, number]: from that step on the processor computed with so many threads.
        hardware: names of the machines that trained it, in the order of their first use.
        commits: of the library at the beginning of each session that trained it, in the same order.
        pending: the figures of the steps since the last entry.
    """

    step: int = 0
    entries: list[dict] = field(default_factory=list)
    best_step: int | None = None
    best_map: float | None = None
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    image_passes: int = 0
    precision: str = ""
    warned: bool = False
    measure: str = "MAP"
    threads: list[list[int]] = field(default_factory=list)
    hardware: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    pending: list[dict] = field(default_factory=list)


def threads_used(history: TrainingHistory) -> int | list[list[int]]:
    """What a record says of the threads: their number, or the pairs [step, number] where it changed."""
    return history.threads[0][1] if len(history.threads) == 1 else history.threads


def hardware_used(histories: Iterable[TrainingHistory]) -> str:
    """What a record says of the machines: the one, or "A; then B" where a run went on elsewhere.

    Args:
        histories: of all stages of one run; where they name no machine, it is the present one.
    """
    names = dict.fromkeys(name for history in histories for name in history.hardware)
    return THEN.join(names) or hardware()


def commits_used(histories: Iterable[TrainingHistory]) -> str:
    """What a record says of the library's commits: the one, or "A; then B" where a run went on with another.

    Args:
        histories: of all stages of one run; where they name no commit, it is the present one.
    """
    names = dict.fromkeys(name for history in histories for name in history.commits)
    return THEN.join(names) or commit()


def close_entry(history: TrainingHistory, learning_rate: float) -> None:
    """Turn the pending steps into one entry of means."""
    pending, history.pending = history.pending, []
    names = dict.fromkeys(
        name for figures in pending for name in figures
    )  # a method may report some figures in some steps only
    reported = {name: [figures[name] for figures in pending if name in figures] for name in names}
    entry = {name: sum(values) / len(values) for name, values in reported.items()}
    speed = entry.pop("images") / entry.pop("seconds")
    history.entries.append(
        {
            "step": history.step,
            **entry,
            "learning_rate": learning_rate,
            "images_per_second": speed,
            "valid_map": None,
        }
    )


def warn_if_collapsed(history: TrainingHistory, config: TrainingConfig) -> None:
    """Warn once if all embeddings are alike or nothing is learned.

    The test uses the means of the last ten entries. It begins after a quarter of the steps, because the
    features of an untrained network are alike too.
    """
    recent = history.entries[-10:]
    if history.warned or len(recent) < 10 or 4 * history.step < config.steps:
        return
    similarity, loss, active = (
        sum(entry.get(name, 0.0) for entry in recent) / 10
        for name in ("similarity", "loss", "active_triplets")
    )
    if similarity > COLLAPSED or (abs(loss - config.margin) < 0.02 * config.margin and active > 0.98):
        history.warned = True
        warnings.warn(
            f"The embeddings have collapsed or do not learn: at step {history.step} two images' mean similarity is "
            f"{similarity:.3f} and the loss {loss:.3f} at margin {config.margin}; try mining='all', a lower "
            "learning_rate or other start weights.",
            stacklevel=3,
        )


def status(history: TrainingHistory) -> str:
    """Return the last entry as one line for the progress bar."""
    entry = history.entries[-1]
    best = "-" if history.best_map is None else f"{100 * history.best_map:.1f}"
    active = f", active {entry['active_triplets']:.0%}" if "active_triplets" in entry else ""
    return (
        f"loss {entry['loss']:.3f}{active}, best valid {history.measure} {best}, "
        f"{entry['images_per_second']:.0f} images/s"
    )
