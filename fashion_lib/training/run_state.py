"""What a checkpoint of training says of its run: typed, complete, and of the run that is wanted."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.amp import GradScaler

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_type, shortened
from fashion_lib.parts.precision import PRECISIONS
from fashion_lib.training.checkpoint import damaged, trained_parameters
from fashion_lib.training.history import TrainingHistory

# Fields of TrainingHistory that older files lack; every other one must be there.
LATER = {"threads", "hardware", "commits"}


@dataclass
class Architecture:
    """What `build_model` was called with."""

    method: str
    variant: str
    backbone: str
    options: dict[str, Any]
    edition: int = 1


@dataclass
class RunState:
    """The state in `last` and `best` of a run.

    optimiser: numbers of the parameters with a state, in `last`. start_digest: of the start weights. inputs: see
    `ModelInputs`. Older files lack them; whether a file may lack the digest is decided by `check_identity`. scaler: the
    state of fp16's loss scaling, in `last` of a run that uses it.
    """

    architecture: dict[str, Any]
    attributes: list[str]
    start: str
    data: dict[str, Any]
    config: dict[str, Any]
    history: dict[str, Any]
    optimiser: list[int] | None = None
    start_digest: str = ""
    inputs: dict[str, Any] | None = None
    scaler: dict[str, float] | None = None


@dataclass
class _History:
    """The types of a stored TrainingHistory: what its own annotations leave open."""

    step: int
    entries: list[dict[str, float | None]]
    best_step: int | None
    best_map: float | None
    seconds: float
    evaluation_seconds: float
    image_passes: int
    precision: str
    warned: bool
    measure: str
    pending: list[dict[str, float]]


def check_state(state: dict[str, Any], path: Path) -> None:
    """Check that a checkpoint's state is complete and of the right types.

    Raises:
        FashionError: names the first part that is missing, unknown or of another type.
    """
    try:
        if unknown := state.keys() - {entry.name for entry in fields(RunState)}:
            raise ValueError(f"{min(unknown)} is not known")
        check_type(state, RunState)
    except ValueError as error:
        raise damaged(path, f"in its state, {error}") from error


def check_identity(state: dict[str, Any], expected: dict[str, Any], folder: Path, name: str) -> None:
    """Compare a checkpoint's state with what the wanted run is.

    Args:
        state: checked by `check_state`.
        expected: the parts that two runs must share for one to go on where the other stopped.
        folder: the run's folder.
        name: the checkpoint's, "last" or "best", for error sentences.

    Raises:
        FashionError: names the first part that differs, what was found and what is wanted.
    """
    for part, wanted in json.loads(json.dumps(expected)).items():  # as a file would hold it: tuples are lists
        found = state.get(part)
        if found != wanted or _kinds(found) != _kinds(wanted):
            if isinstance(wanted, dict) and isinstance(found, dict):
                key = next(
                    key
                    for key in [*wanted, *found]
                    if (key in wanted) != (key in found)
                    or wanted[key] != found[key]
                    or _kinds(wanted[key]) != _kinds(found[key])
                )
                part, found, wanted = f"{part} {key}", found.get(key), wanted.get(key)
            holds = "holds a run" if name == "last" else f"holds a {name}.safetensors of a run"
            raise FashionError(
                f"{folder} {holds} with {part} {shortened(found)} but {shortened(wanted)} is asked for: choose another "
                "folder, or delete that one to train anew."
            )


def _kinds(value: Any) -> Any:
    """Whether each part is a truth value: in Python, True equals 1."""
    if isinstance(value, dict):
        return {key: _kinds(part) for key, part in value.items()}
    return [_kinds(part) for part in value] if isinstance(value, list) else isinstance(value, bool)


def read_history(state: dict[str, Any], steps: int, path: Path) -> TrainingHistory:
    """Return the history in a checkpoint's state, as it was stored.

    Args:
        state: checked by `check_state`.
        steps: of the whole run; 0 for a model without parameters.
        path: the checkpoint, for error sentences.

    Raises:
        FashionError: a field is missing, unknown, of another type, or contradicts another one.
    """
    told = state["history"]
    known = {entry.name for entry in fields(TrainingHistory)}
    try:
        if unknown := told.keys() - known:
            raise ValueError(f"{min(unknown)} is not known")
        check_type({name: value for name, value in told.items() if name not in LATER}, _History)
        check_type(told, TrainingHistory)
        history = TrainingHistory(**told)
        _check_history(history, steps)
    except ValueError as error:
        raise damaged(path, f"in its history, {error}") from error
    return history


def _check_history(history: TrainingHistory, steps: int) -> None:
    def claim(true: bool, text: str) -> None:
        if not true:
            raise ValueError(text)

    claim(0 <= history.step <= steps, f"step {history.step} is not between 0 and {steps}")
    at = [entry.get("step") for entry in history.entries]
    claim(all(type(step) is int for step in at), "an entry has no whole number as its step")
    claim(all(a < b for a, b in zip([0, *at], at, strict=False)), "the entries' steps do not rise")
    told = (at[-1] if at else 0) + len(history.pending)
    claim(told == history.step, f"entries and pending steps end at {told} instead of {history.step}")
    for entry in history.entries:
        for name in ("loss", "learning_rate", "images_per_second"):
            claim(entry.get(name) is not None, f"the entry of step {entry['step']} has no {name}")
        claim("valid_map" in entry, f"the entry of step {entry['step']} has no valid_map")
    for figures in history.pending:
        claim("loss" in figures, "a pending step has no loss")
        claim(figures.get("images", 0) > 0 and figures.get("seconds", 0) > 0, "a pending step took no images or time")
    claim(all(len(pair) == 2 and pair[0] >= 0 < pair[1] for pair in history.threads), "threads are no pairs")
    best, score = history.best_step, history.best_map
    claim(best is None or 0 <= best <= history.step, f"best_step {best} is not between 0 and {history.step}")
    claim(score is None or (best is not None and 0 <= score <= 1), f"best_map is {score} at best_step {best}")
    claim(history.seconds >= 0 and history.evaluation_seconds >= 0, "a time is negative")
    claim(history.image_passes >= 0, f"image_passes is {history.image_passes}")
    claim(history.precision in PRECISIONS and history.precision != "auto", f"precision is {history.precision!r}")


def check_best(last: TrainingHistory, best: TrainingHistory, folder: Path) -> None:
    """Check that `best` holds the weights that `last` calls the best ones.

    Raises:
        FashionError: `best` is of another moment of the run.
    """
    same = (best.step, best.best_map) == (last.best_step, last.best_map)
    if best.step != best.best_step or not same:
        raise FashionError(
            f"{folder / 'best.safetensors'} holds the weights of step {best.step} but last.safetensors says that step "
            f"{last.best_step} was best: delete that folder to train anew."
        )


def optimiser_parameters(state: dict[str, Any], tensors: dict[str, Tensor], parameters: int, steps: int) -> list[int]:
    """Return the numbers of the parameters whose optimiser state a `last` must hold.

    A parameter that had no gradient yet has none, so newer files list them. An older file that is not finished must
    have one for each parameter.

    Args:
        state: of the checkpoint; its history may be any.
        tensors: of the checkpoint.
        parameters: how many the optimiser has.
        steps: of the whole run.
    """
    if state.get("optimiser") is not None:
        return state["optimiser"]
    done = state["history"]["step"]
    return trained_parameters(tensors) if done in (0, steps) else list(range(parameters))


def scaler_state(state: dict[str, Any], scaler: GradScaler, steps: int, path: Path) -> dict[str, float]:
    """Return the state of the loss scaling that a `last` holds; {} where the precision needs none.

    Args:
        state: of the checkpoint, checked by `check_state`.
        scaler: of the run that goes on.
        steps: finished training steps.
        path: of the checkpoint, for error sentences.

    Raises:
        FashionError: the entry is missing, not expected, or of a scaling that this library does not do.
    """
    found, own = state.get("scaler") or {}, scaler.state_dict()
    chosen = {name: own[name] for name in own if name not in ("scale", "_growth_tracker")}
    if found.keys() != own.keys() or any(found[name] != value for name, value in chosen.items()):
        raise damaged(path, f"its scaler is {shortened(state.get('scaler'))}")
    if found and not (found["scale"] > 0 and found["_growth_tracker"] in range(steps + 1)):
        raise damaged(path, f"its scaler is {shortened(found)} after {steps} steps")
    return found
