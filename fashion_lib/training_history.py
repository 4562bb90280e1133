"""What a training run tells while it runs and afterwards: curves, counts, and a warning when nothing is learned."""

import warnings
from dataclasses import dataclass, field

from fashion_lib.training_config import TrainingConfig

COLLAPSED = 0.98  # mean cosine between examples of one attribute from which a space counts as collapsed


@dataclass
class TrainingHistory:
    """What a run did, over all its resumes.

    step: finished steps. entries: dictionaries with step, loss, active_triplets, similarity and whatever else the
    method's training_loss reports (means since the entry before), learning_rate, images_per_second, valid_map (in
    [0, 1], None where not taken). seconds: training steps alone; evaluation_seconds: validation. image_passes: images
    that went through a backbone in training, also those of a momentum encoder. best_map is None where no validation was
    asked for. measure: what valid_map and best_map hold, "MAP" but for tasks with another validation score.
    threads: pairs [step, number]: from that step on the processor computed with so many threads.
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
    pending: list[dict] = field(default_factory=list)  # figures of the steps since the last entry


def threads_used(history: TrainingHistory) -> int | list[list[int]]:
    """What a record says of the threads: their number, or the pairs [step, number] where it changed."""
    return history.threads[0][1] if len(history.threads) == 1 else history.threads


def close_entry(history: TrainingHistory, learning_rate: float) -> None:
    """Turn the pending steps into one entry of means."""
    pending, history.pending = history.pending, []
    names = dict.fromkeys(
        name for figures in pending for name in figures
    )  # a method may report some only at times
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
    """Once, from the means of the last ten entries, after a quarter of the steps: untrained features are alike too."""
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
    entry = history.entries[-1]
    best = "-" if history.best_map is None else f"{100 * history.best_map:.1f}"
    active = f", active {entry['active_triplets']:.0%}" if "active_triplets" in entry else ""
    return (
        f"loss {entry['loss']:.3f}{active}, best valid {history.measure} {best}, "
        f"{entry['images_per_second']:.0f} images/s"
    )
