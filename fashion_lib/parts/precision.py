"""float32 or bfloat16 for the backbone: decided by a short timing on this machine, not by a guess about it."""

import copy
import functools
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError

PRECISIONS = ("auto", "fp32", "bf16")
_measured: dict[tuple, str] = {}


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """Context in which convolutions and linears run in `precision` ("fp32" or "bf16")."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


def rounded_as_autocast(tensor: Tensor) -> Tensor:
    """The tensor in the type that the surrounding autocast computes in; unchanged without one. Later, outside of it,
    `autocast_of` goes on in the same precision."""
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor


def autocast_of(tensor: Tensor) -> torch.autocast:
    """Context that computes in bfloat16 if the tensor is, and else in float32."""
    return autocast("bf16" if tensor.dtype == torch.bfloat16 else "fp32", tensor.device)


def float32_maths(function: Callable) -> Callable:
    """Decorator for functions of float32 tensors (heads, losses): no autocast inside, whatever surrounds the call.

    A softmax over positions, and similarities that are compared at a margin of 0.2, need more than bfloat16's three
    decimal digits. One argument must be a Tensor; its device is the one meant.
    """

    @functools.wraps(function)
    def in_float32(*arguments, **named):
        device = next(a.device.type for a in (*arguments, *named.values()) if isinstance(a, Tensor))
        with torch.autocast(device, enabled=False):
            return function(*arguments, **named)

    return in_float32


def choose_precision(requested: str, model: nn.Module, images: Tensor) -> str:
    """ "fp32" or "bf16" for training `model` on batches like `images` (float32 (B, 3, H, W), on the model's device).

    "auto" times forward + backward of `model.features` in both (channels-last) on a copy of the model and takes
    the faster; the answer is kept for the rest of the process. Raises FashionError for an unknown name.
    """
    if requested not in PRECISIONS:
        raise FashionError(f"Unknown precision '{requested}': choose one of {', '.join(PRECISIONS)}.")
    if requested != "auto":
        return requested
    weights = tuple((name, tuple(p.shape)) for name, p in model.named_parameters())
    key = (str(images.device), torch.get_num_threads(), tuple(images.shape), weights)
    if key not in _measured:
        trial = copy.deepcopy(model).train()
        seconds = {precision: _seconds(trial, images, precision) for precision in ("fp32", "bf16")}
        _measured[key] = min(seconds, key=seconds.__getitem__)
    return _measured[key]


def _seconds(model: nn.Module, images: Tensor, precision: str) -> float:
    """The shorter of two passes, after one to warm up (which chooses kernels and takes memory)."""
    return min([_forward_backward_seconds(model, images, precision) for _ in range(3)][1:])


def _forward_backward_seconds(model: nn.Module, images: Tensor, precision: str) -> float:
    _wait_for(images.device)
    start = time.perf_counter()
    with autocast(precision, images.device):
        outputs = [t for t in _tensors(model.features(images)) if t.requires_grad]
    if outputs:
        sum(t.float().square().mean() for t in outputs).backward()
    _wait_for(images.device)
    return time.perf_counter() - start


def _tensors(structure) -> Iterator[Tensor]:
    """Every tensor in what `features` returned."""
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, list, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _tensors(part)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
