"""What a run that was stopped, or is finished, left in its folder: read back into the model, and checked.

The last checkpoint has all that the next step needs, the best one the weights with the highest validation score.
"""

from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.training.checkpoint import (
    check_optimiser_tensors,
    load_model_tensors,
    load_optimiser_tensors,
    read_checkpoint,
)
from fashion_lib.training.config import OF_THE_MACHINE, TrainingConfig
from fashion_lib.training.history import TrainingHistory
from fashion_lib.training.run_state import (
    check_best,
    check_identity,
    check_state,
    optimiser_parameters,
    read_history,
    scaler_state,
)

BEST = "best.safetensors"


def identity(model: RetrievalModel, data, config: TrainingConfig) -> dict:
    """Return what two runs must share for one to go on where the other stopped."""
    decides = {name: value for name, value in dict(config).items() if name not in OF_THE_MACHINE}
    return {
        "architecture": model.architecture,
        "attributes": list(model.schema.names),
        "start": model.start,
        "start_digest": model.start_digest,
        "data": {
            "name": data.name,
            "version": data.version,
            "images": len(data.image_names),
            "pixels": data.pixel_digest,
        },
        "config": decides,
    }


def resume(model, optimiser, scaler, data, config: TrainingConfig, run_dir: Path) -> TrainingHistory | None:
    """Load a run's last checkpoint, so that training goes on with the step after it.

    Args:
        model: takes the checkpoint's tensors.
        optimiser: takes the moments of its parameters; None for a method that is not trained.
        scaler: of the loss in fp16; takes its scale and count. Not enabled in other precisions.
        data: that the run must have been trained on.
        config: that the run must have been trained with, but for settings of the machine.
        run_dir: folder of the run.

    Returns:
        The history up to the checkpoint's step; None without a checkpoint, and then nothing is loaded.

    Raises:
        FashionError: the checkpoint is damaged, belongs to another run, or lacks the best weights beside it.
    """
    path = run_dir / "last.safetensors"
    if path.is_symlink() and not path.exists():
        raise FashionError(
            f"{path} is a link that leads to no file: make that file reachable, or delete {run_dir} to train anew."
        )
    if not path.exists():
        return None
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    load_model_tensors(model, tensors, state, path)
    check_identity(state, identity(model, data, config), run_dir, "last")
    history = read_history(state, config.steps if optimiser else 0, path)
    if history.best_step is not None and not best_is_due(model, data, config, run_dir, history):
        read_best(model, data, config, run_dir, history)  # a lost or foreign file shows now, not hours later
    if optimiser:
        parameters = sum(len(group["params"]) for group in optimiser.param_groups)
        trained = optimiser_parameters(state, tensors, parameters, config.steps)
        fewest = 0 if scaler.is_enabled() else 1  # a step that fp16 leaves out is no step of the optimiser
        check_optimiser_tensors(optimiser, tensors, trained, history.step, path, fewest=fewest)
        load_optimiser_tensors(optimiser, tensors)
        scaler.load_state_dict(scaler_state(state, scaler, history.step, path))
    return history


def best_is_due(model, data, config: TrainingConfig, run_dir: Path, history: TrainingHistory) -> bool:
    """Return whether the run was killed between "last" and "best" of one step: then "last" holds the best weights.

    Args:
        model, data, config: as `resume` takes them.
        run_dir: folder of the run.
        history: of the last checkpoint.

    Raises:
        FashionError: the file with the best weights is damaged, or belongs to another run.
    """
    path = run_dir / BEST
    if history.best_step != history.step or path.is_symlink():  # what a link leads to is not replaced
        return False
    return not path.exists() or _best(model, data, config, run_dir)[2].step < history.step


def read_best(model, data, config: TrainingConfig, run_dir: Path, history: TrainingHistory):
    """Read the weights with the highest validation score.

    Args:
        model: whose architecture and start the run must have; it is not changed.
        data: that the run must have been trained on.
        config: that the run must have been trained with, but for settings of the machine.
        run_dir: folder of the run.
        history: of the same run; the checkpoint must be of its best step.

    Returns:
        (name -> tensor, state): what `read_checkpoint` returns.

    Raises:
        FashionError: the file is missing, damaged, or belongs to another run or step.
    """
    if not (run_dir / BEST).exists():
        raise FashionError(
            f"{run_dir} holds a run whose best weights, {BEST}, are missing: delete that folder to train anew."
        )
    tensors, state, best = _best(model, data, config, run_dir)
    check_best(history, best, run_dir)
    return tensors, state


def _best(model, data, config: TrainingConfig, run_dir: Path):
    """Read the best weights, and check that they are of this run: their tensors, state and history."""
    path = run_dir / BEST
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    check_identity(state, identity(model, data, config), run_dir, "best")
    return tensors, state, read_history(state, config.steps, path)
