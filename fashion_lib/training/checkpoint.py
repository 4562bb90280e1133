"""Checkpoints: tensors and their story in one safetensors file, written whole or not at all.

The state (a JSON object) travels in the safetensors header, so tensors and state can never disagree, whenever the
process is killed. The .json file beside it is a copy for human readers; nothing reads it back.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError

STATE = "fashion_lib"  # key of the state in the safetensors header
MODEL, OPTIMISER = "model.", "optimiser."


def write_checkpoint(path: str | os.PathLike, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Replace `path` (.safetensors) and the .json beside it; the file that was there stays whole until the new one is.

    Raises FashionError when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, to_bytes(plain, metadata={STATE: json.dumps(state)}))
        _replace(path.with_suffix(".json"), json.dumps(state, indent=1).encode())
    except OSError as error:
        raise FashionError(
            f"The checkpoint {path} could not be written ({error.strerror or error}): free disk space or make the "
            "folder writable and start again; an earlier checkpoint there is untouched."
        ) from error


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name with no content
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete the unfinished files of processes that were killed while they wrote into a run folder.

    What a living process writes stays: its number stands in the name of its file.
    """
    for part in folder.glob("*.part"):
        number = part.name.removesuffix(".part").rpartition(".")[2]
        if not (number.isascii() and number.isdigit() and _is_alive(int(number))):
            part.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # it belongs to another user
    return True


def read_checkpoint(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors on the CPU, state). Never unpickles.

    Raises FashionError for a missing, cut-off or damaged file, a pickle, and a safetensors file without our state.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            head = file.read(9)
        if head[8:] != b"{" and (head[:2] == b"PK" or head[:1] == b"\x80"):
            raise FashionError(
                f"{path} is a pickled file, which could run code when it is opened: save the weights as "
                "safetensors or train again."
            )
        with safe_open(path, framework="pt") as file:
            state = (file.metadata() or {}).get(STATE)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError as error:
        raise FashionError(f"There is no checkpoint {path}: train first or correct the path.") from error
    except (SafetensorError, OSError) as error:
        raise FashionError(
            f"The checkpoint {path} is cut off or damaged ({error}): delete it and train again."
        ) from error
    try:
        return tensors, json.loads(state)
    except (TypeError, ValueError) as error:
        raise FashionError(
            f"{path} holds tensors but no training state: it is not a checkpoint of this course; "
            "delete it and train again."
        ) from error


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's parameters and buffers as checkpoint tensors."""
    return {MODEL + name: tensor for name, tensor in model.state_dict().items()}


def load_model_tensors(model: nn.Module, tensors: dict[str, Tensor], state: dict[str, Any], path) -> None:
    """Copy a checkpoint's tensors into a model of the same architecture and attributes.

    Raises FashionError naming what the file was made for and what the model is.
    """
    names = list(model.schema.names)
    if state.get("attributes") != names:
        found = state.get("attributes") or []
        raise FashionError(
            f"The checkpoint {path} was trained for {len(found)} attributes ({', '.join(found)}) but this "
            f"model has {len(names)} ({', '.join(names)}): use the data set it was trained on."
        )
    if state.get("architecture") != model.architecture:
        raise FashionError(
            f"The checkpoint {path} holds {described(state.get('architecture'))} but this model is "
            f"{described(model.architecture)}: build that one or choose another folder."
        )
    own = model.state_dict()
    given = {name.removeprefix(MODEL): tensor for name, tensor in tensors.items() if name.startswith(MODEL)}
    for name in [*own, *given]:
        found, expected = (tuple(part[name].shape) if name in part else "nothing" for part in (given, own))
        if found != expected:
            raise FashionError(
                f"The checkpoint {path} does not fit this model ({name}: found {found}, expected "
                f"{expected}): delete it and train again."
            )
    model.load_state_dict(given)


def described(architecture: dict[str, Any] | None) -> str:
    """An architecture in words: "asen v2 on small"."""
    if not architecture:
        return "a model not made by build_model"
    options = ", ".join(f"{name}={value}" for name, value in architecture.get("options", {}).items())
    return "{method} {variant} on {backbone}".format(**architecture) + (f" ({options})" if options else "")


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's running averages and step counts, flattened to "optimiser.<parameter>.<name>"."""
    states = optimiser.state_dict()["state"]
    return {
        f"{OPTIMISER}{index}.{name}": torch.as_tensor(value)
        for index, state in states.items()
        for name, value in state.items()
    }


def load_optimiser_tensors(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Undo `optimiser_tensors`: each tensor gets its parameter's memory format, so that arithmetic is the same."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith(OPTIMISER):
            index, name = key.removeprefix(OPTIMISER).split(".", 1)
            like = parameters[int(index)]
            if tensor.shape == like.shape:
                tensor = torch.empty_like(like, dtype=tensor.dtype, requires_grad=False).copy_(tensor)
            states.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
