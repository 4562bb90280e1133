"""Makes the small runs that ship with the course: a finished run in eight bits, measured before it is accepted."""

import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.explorer.eight_bits import packed, unpacked
from fashion_lib.explorer.explored_data import pictures_of
from fashion_lib.explorer.explored_runs import WEIGHTS
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run_folder import CHECKPOINT, checkpoint_model
from fashion_lib.runs.run_setup import task_of
from fashion_lib.tasks.manipulation.manipulation_evaluation import evaluate_manipulation
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.training.checkpoint import MODEL, read_checkpoint, write_checkpoint
from fashion_lib.training.run_state import check_state

LARGEST = 1_000_000  # bytes of a shipped file
TOLERANCE = 0.5  # points of MAP (or Top-10 accuracy) that eight bits may cost
LOSS = "eight_bits"  # of a shipped record's config: the score with eight bits, in percent


def ship_run(folder: Path, target: Path | None = None) -> Path:
    """Write a finished run in eight bits, with its record, if its score stays the same within TOLERANCE.

    Args:
        folder: of the run.
        target: None is the folder of shipped runs.

    Returns:
        The folder that was written.

    Raises:
        FashionError: there is no whole run, the weights take more than LARGEST bytes, or the score changes. The
            folder is then left as it was.
    """
    folder = user_path(folder, "the run's folder")
    record = RunRecord.load(folder / RECORD_NAME)
    tensors, state = read_checkpoint(folder / CHECKPOINT)
    check_state(state, folder / CHECKPOINT)
    held = packed({name: tensor for name, tensor in tensors.items() if name.startswith(MODEL)})
    state = state | {"history": state["history"] | {"entries": [], "pending": []}, "optimiser": None}
    data = pictures_of(record)
    model = checkpoint_model(unpacked(held), state, data.schema, folder / CHECKPOINT)
    if task_of(record.method).name == "manipulation":
        before = record.metrics["top10_acc"]["overall"]
        found = evaluate_manipulation(model, data, "test", precision=record.precision)
        after = 100 * found.scores["top10_acc"]["overall"]
    else:
        before = record.metrics["map"]["overall"]
        sized = data.resized(data.image_size * model.image_scale)
        after = 100 * evaluate(model, sized, split="test", precision=record.precision).overall
    if abs(after - before) > TOLERANCE:
        raise FashionError(
            f"{record.method} scores {after:.2f} in eight bits instead of {before:.2f}, which is more than {TOLERANCE} "
            "points away: ship another run."
        )
    place = (target or paths.shipped_runs_dir()) / f"{record.method}.{record.variant}"
    with TemporaryDirectory() as elsewhere:  # a file that is too large must not replace an older run's
        file = Path(elsewhere) / WEIGHTS
        write_checkpoint(file, held, state)
        if (size := file.stat().st_size) > LARGEST:
            raise FashionError(
                f"{place / WEIGHTS} would have {size:,} bytes, more than {LARGEST:,}: ship a smaller run."
            )
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place / WEIGHTS)
    shipped = replace(
        record, config=record.config | {LOSS: {"before": round(before, 2), "after": round(after, 2)}}
    )
    shipped.save(place / RECORD_NAME)
    return place
