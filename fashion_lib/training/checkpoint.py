"""Checkpoints: tensors and their story in one safetensors file, written whole and checked when it is read.

The state (a JSON object) travels in the safetensors header, so tensors and state can never disagree, whenever the
process is killed. Beside it stands a digest of the state's text and of every tensor: a file with one changed bit is
refused. The .json file beside a checkpoint is a copy for human readers; nothing reads it back.

Files of earlier versions carry no digest. They are read like the others, because trained runs of that time are still
in use: every other check (types, shapes, finite numbers, identity) must pass for them all the same.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import parsed_json, replace_file
from fashion_lib.core.typed import shortened

STATE, DIGEST = "fashion_lib", "fashion_lib.digest"  # keys in the safetensors header
MODEL, OPTIMISER = "model.", "optimiser."
MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # what Adam and AdamW keep per parameter


def write_checkpoint(path: str | os.PathLike, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Replace a checkpoint and the .json beside it; the file that was there stays whole until the new one is.

    Args:
        path: the file, ending in .safetensors.
        tensors: any dtypes and shapes; floating-point ones must be finite.
        state: what JSON can hold.

    Raises:
        FashionError: a tensor or the state holds NaN or infinity, the folder cannot be written to or the disk is full.
    """
    path = Path(path)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    if bad := _not_finite(plain):
        raise FashionError(
            f"The checkpoint {path} is not written because {bad} holds NaN or infinity: lower learning_rate or set "
            "precision='fp32'; an earlier checkpoint there is untouched."
        )
    try:
        text = json.dumps(state, allow_nan=False)
    except ValueError as error:
        raise FashionError(
            f"The checkpoint {path} is not written because its state holds NaN or infinity: check the training for "
            "divergence; an earlier checkpoint there is untouched."
        ) from error
    try:
        replace_file(path, to_bytes(plain, metadata={STATE: text, DIGEST: digest(plain, text)}))
        replace_file(path.with_suffix(".json"), json.dumps(state, indent=1).encode())
    except OSError as error:
        raise FashionError(
            f"The checkpoint {path} could not be written ({error.strerror or error}): free disk space or make the "
            "folder writable and start again; an earlier checkpoint there is untouched."
        ) from error


def digest(tensors: dict[str, Tensor], text: str) -> str:
    """Return the SHA-256, in hexadecimal, of a state's text and of each tensor's name, dtype, shape and bytes."""
    running = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        running.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        running.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())
    return running.hexdigest()


def _not_finite(tensors: dict[str, Tensor]) -> str:
    """Return the name of the first tensor with NaN or infinity, or "".

    A sum is finite unless a part is not, or it overflows.
    """
    for name, tensor in tensors.items():
        suspect = tensor.is_floating_point() and not tensor.sum(dtype=torch.float32).isfinite()
        if suspect and not tensor.isfinite().all():
            return name
    return ""


def read_checkpoint(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint and check it against its digest. Never unpickles.

    Returns:
        The tensors on the CPU, all finite, and the state, whose numbers are finite.

    Raises:
        FashionError: the file is missing, cut off, damaged, a pickle, or a safetensors file without our state.
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
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except FileNotFoundError as error:
        raise FashionError(f"There is no checkpoint {path}: train first or correct the path.") from error
    except FashionError:
        raise
    except Exception as error:  # the reader raises many kinds for a damaged header
        raise damaged(path, str(error)) from error
    if STATE not in header and DIGEST not in header:
        raise FashionError(
            f"{path} holds tensors but no training state: it is not a checkpoint of this course; "
            "delete it and train again."
        )
    if set(header) not in ({STATE}, {STATE, DIGEST}):
        raise damaged(path, f"its header has the entries {', '.join(sorted(header))}")
    if DIGEST in header and header[DIGEST] != digest(tensors, header[STATE]):
        raise damaged(path, "its content differs from the digest in its header")
    try:
        state = parsed_json(header[STATE])
    except ValueError as error:
        raise damaged(path, f"its state is no JSON: {error}") from error
    if not isinstance(state, dict):
        raise damaged(path, f"its state is a JSON {type(state).__name__} instead of an object")
    if bad := _not_finite(tensors):
        raise damaged(path, f"{bad} holds NaN or infinity")
    return tensors, state


def damaged(path: str | os.PathLike, reason: str) -> FashionError:
    """Return the error of a checkpoint that cannot be used, in one sentence."""
    reason = reason.rstrip(". \n").replace("\n", " ")
    return FashionError(f"The checkpoint {path} is cut off or damaged ({reason}): delete it and train again.")


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the model's parameters and buffers as checkpoint tensors."""
    return {MODEL + name: tensor for name, tensor in model.state_dict().items()}


def load_model_tensors(model: nn.Module, tensors: dict[str, Tensor], state: dict[str, Any], path) -> None:
    """Copy a checkpoint's tensors into a model of the same architecture and attributes.

    Args:
        model: built by `build_model`.
        tensors, state: as `read_checkpoint` returns them.
        path: where they were read, for error sentences.

    Raises:
        FashionError: names what the file was made for and what the model is.
    """
    names = list(model.schema.names)
    if state.get("attributes") != names:
        found = state.get("attributes")
        if not (isinstance(found, list) and all(isinstance(name, str) for name in found)):
            raise damaged(path, "its state names no attributes")
        raise FashionError(
            f"The checkpoint {path} was trained for {len(found)} attributes ({', '.join(found)}) but this "
            f"model has {len(names)} ({', '.join(names)}): use the data set it was trained on."
        )
    held, own = state.get("architecture"), json.loads(json.dumps(model.architecture))
    if held != own:
        if isinstance(held, dict) and held | {"edition": 1} == own | {"edition": 1}:
            first, second = (parts.get("edition", 1) for parts in (held, own))
            raise FashionError(
                f"The checkpoint {path} was made by edition {shortened(first)} of {described(own)}, and the method now "
                f"has edition {second}, which computes something else: delete {Path(path).parent} to train anew."
            )
        raise FashionError(
            f"The checkpoint {path} holds {described(held)} but this model is "
            f"{described(model.architecture)}: build that one or choose another folder."
        )
    if strange := [name for name in tensors if not name.startswith((MODEL, OPTIMISER))]:
        raise damaged(path, f"its tensor {strange[0][:60]!r} is no part of a model")
    given = {name.removeprefix(MODEL): tensor for name, tensor in tensors.items() if name.startswith(MODEL)}
    check_fit(model.state_dict(), given, path)
    model.load_state_dict(given)


def check_fit(own: dict[str, Tensor], given: dict[str, Tensor], path) -> None:
    """Compare a checkpoint's tensors with the model's: same names, shapes and dtypes.

    Raises:
        FashionError: for the first tensor that is missing, not expected, or of another shape or dtype.
    """
    for name in [*own, *given]:
        found, expected = (tuple(part[name].shape) if name in part else "nothing" for part in (given, own))
        if found == expected:
            found, expected = given[name].dtype, own[name].dtype
        if found != expected:
            raise FashionError(
                f"The checkpoint {path} does not fit this model ({name}: found {found}, expected "
                f"{expected}): delete it and train again."
            )


def described(architecture: dict[str, Any] | None) -> str:
    """Return an architecture in words: "asen v2 on small"."""
    try:
        options = ", ".join(f"{name}={value}" for name, value in architecture["options"].items())
        return "{method} {variant} on {backbone}".format(**architecture) + (f" ({options})" if options else "")
    except (TypeError, KeyError, AttributeError):
        return "a model not made by build_model"


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's running averages and step counts, flattened to "optimiser.<parameter>.<name>"."""
    states = optimiser.state_dict()["state"]
    return {
        f"{OPTIMISER}{index}.{name}": torch.as_tensor(value)
        for index, state in states.items()
        for name, value in state.items()
    }


def trained_parameters(tensors: dict[str, Tensor]) -> list[int]:
    """Return the numbers, ascending, of the parameters that a checkpoint's optimiser tensors belong to."""
    indices = {name.split(".")[1] for name in tensors if name.startswith(OPTIMISER)}
    return sorted(int(index) if index.isascii() and index.isdigit() else -1 for index in indices)


def check_optimiser_tensors(
    optimiser: torch.optim.Optimizer,
    tensors: dict[str, Tensor],
    indices: list[int],
    steps: int,
    path,
    *,
    fewest: int = 1,
) -> None:
    """Check that a checkpoint holds all that the optimiser needs to go on.

    Args:
        optimiser: Adam or AdamW over the model's parameters.
        tensors: as `read_checkpoint` returns them.
        indices: numbers of the parameters that must have a state; the others must have none.
        steps: finished training steps.
        path: where the tensors were read, for error sentences.
        fewest: steps of the optimiser that a parameter with a state must have taken.

    Raises:
        FashionError: a parameter's state is missing, not expected, incomplete, or of another shape, dtype or step
            count.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    if indices != sorted(set(indices)) or (indices and not 0 <= indices[0] <= indices[-1] < len(parameters)):
        raise damaged(path, f"its optimiser names the parameters {shortened(indices)} of {len(parameters)}")
    held = {name: tensor for name, tensor in tensors.items() if name.startswith(OPTIMISER)}
    wanted = {f"{OPTIMISER}{index}.{name}" for index in indices for name in MOMENTS}
    if differing := sorted(held.keys() ^ wanted):
        raise damaged(path, f"{differing[0]} is {'not expected' if differing[0] in held else 'missing'}")
    for index in indices:
        for name in MOMENTS:
            key = f"{OPTIMISER}{index}.{name}"
            tensor, like = held[key], parameters[index]
            shape, dtype = ((), torch.float32) if name == "step" else (tuple(like.shape), like.dtype)
            if (tuple(tensor.shape), tensor.dtype) != (shape, dtype):
                found = f"{tuple(tensor.shape)} {tensor.dtype}"
                raise damaged(path, f"{key} is {found} instead of {shape} {dtype}")
        taken = held[f"{OPTIMISER}{index}.step"].item()
        if not (fewest <= taken <= steps and taken == int(taken)):
            raise damaged(path, f"parameter {index} has taken {taken} of {steps} steps")
        if (held[f"{OPTIMISER}{index}.exp_avg_sq"] < 0).any():
            raise damaged(path, f"a mean of squares of parameter {index} is negative")


def load_optimiser_tensors(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Load what `optimiser_tensors` returned back into an optimiser.

    Each tensor takes its parameter's memory format, so that the arithmetic stays the same.
    """
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
