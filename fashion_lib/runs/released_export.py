"""A run of ours as the authors of its system would have saved it: their file, their names, their entries."""

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import written_whole
from fashion_lib.core.paths import user_path
from fashion_lib.core.typed import check_type, shortened
from fashion_lib.methods.released.name_table import NameTable, any_matches, exported
from fashion_lib.methods.released.released_systems import table_of
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run import Run
from fashion_lib.runs.stored import check_of_record
from fashion_lib.training.checkpoint import MODEL, check_fit, damaged, read_checkpoint
from fashion_lib.training.run_state import Architecture, check_state

EPOCH = 300_000  # pictures: the authors' epoch is 100,000 triplets
ENDINGS = (".pth", ".pt", ".tar")


def export_released(run: Run | str | Path, file: str | Path) -> list[Path]:
    """Write the best weights of a run under the authors' names, for the authors' code to read.

    The entry `epoch` counts whole epochs of 100,000 triplets. The validation score is ours, in [0, 1]. An imported run
    keeps both as the authors' file had them.

    Args:
        run: a run, or its folder; its variant must be the authors' code.
        file: a new file that ends in .pth, .pt or .tar. ADDE-M's memory goes into a second one, "<name>_memory".

    Returns:
        The files.

    Raises:
        FashionError: the run has no whole checkpoint, its variant is not the authors' code, or the file is there
            already or cannot be written.
    """
    folder = run.folder if isinstance(run, Run) else user_path(run, "the run's folder")
    path = folder / "best.safetensors"
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    try:
        check_type(state["architecture"], Architecture)
        epoch, score = _reached(state)
    except ValueError as error:
        raise damaged(path, f"in its state, {error}") from error
    _check_own(folder, state)
    table = table_of(state["architecture"]["method"], state["architecture"]["variant"])
    own = {name.removeprefix(MODEL): tensor for name, tensor in tensors.items() if name.startswith(MODEL)}
    if isinstance(run, Run):
        check_fit(run.model.state_dict(), own, path)
    return write_authors_files(table, own, file, epoch, score)


def _check_own(folder: Path, state: dict[str, Any]) -> None:
    """Check that a folder's checkpoint is of the run that the folder is named after, and of its record's.

    Raises:
        FashionError: it is another run's.
    """
    if re.fullmatch(r"seed\d+", folder.name):
        parts = state["architecture"]
        made = f"{parts['method']}.{parts['variant']}", f"seed{state['config'].get('seed')}"
        if made != (folder.parent.name.partition("+")[0], folder.name):
            raise FashionError(
                f"the checkpoint in {folder} is that of another run ({shortened(' '.join(made))}): delete that folder "
                "to train anew."
            )
    if (folder / RECORD_NAME).is_file():
        check_of_record(RunRecord.load(folder / RECORD_NAME), state, folder / "best.safetensors")


def write_authors_files(
    table: NameTable, own: dict[str, Tensor], file: str | Path, epoch: int = 0, score: float | None = None
) -> list[Path]:
    """Write a model's tensors as the authors' file or files.

    Args:
        table: of the model's system.
        own: our name -> tensor.
        file, epoch, score: see `export_released`.

    Returns:
        The files.

    Raises:
        FashionError: as `export_released` does.
    """
    path = user_path(file, "the file of the export")
    if path.suffix not in ENDINGS:
        raise FashionError(f"{path.name} does not end in {', '.join(ENDINGS)}: give the export one of these endings.")
    named = {name: tensor.detach().cpu().clone() for name, tensor in exported(table, own).items()}
    apart = {name: named[name] for name in named if table.apart and any_matches([table.apart], name)}
    kept: dict[str, Any] = {name: tensor for name, tensor in named.items() if name not in apart}
    if table.container:
        kept = {table.container: kept, "epoch": epoch, table.score: score}
    contents = {path: kept}
    if apart:
        contents[path.with_stem(f"{path.stem}_memory")] = apart
    if there := [one for one in contents if one.exists()]:
        raise FashionError(f"{there[0]} is there already: choose another name, or delete that file.")
    for one, content in contents.items():
        try:
            with written_whole(one) as part:
                torch.save(content, part)
        except (OSError, RuntimeError) as error:  # torch's writer raises the latter where the disk refuses
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0].rstrip(".")
            raise FashionError(f"{one} cannot be written ({reason}): choose a folder with free space.") from error
    return list(contents)


def _reached(state: dict[str, Any]) -> tuple[int, float | None]:
    """Return the epoch and the validation score of a checkpoint's state.

    Raises:
        ValueError: one of them is no number.
    """
    config, history = state["config"], state["history"]
    if "imported" in config:
        whole, score = {"epoch": config.get("epoch")}, config.get("score")
    else:
        whole = {"best_step": history.get("best_step"), "batch_size": config.get("batch_size")}
        score = history.get("best_map")
    check_type(whole, dict[str, int | None])
    check_type({"score": score}, dict[str, float | None])
    if "imported" in config:
        return whole["epoch"] or 0, score
    return (whole["best_step"] or 0) * (whole["batch_size"] or 0) // EPOCH, score
