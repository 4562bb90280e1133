"""The backbone's precision, float32 or bfloat16: a short timing on this machine decides, not a guess.

Autocast is torch's context in which convolutions and linear layers compute in a lower precision.
"""

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
    """Return a context in which convolutions and linear layers run in `precision` ("fp32" or "bf16")."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


def rounded_as_autocast(tensor: Tensor) -> Tensor:
    """Cast the tensor to the active autocast dtype; return it unchanged if autocast is off.

    Later, outside that context, `autocast_of(tensor)` continues in the same precision.
    """
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor


def autocast_of(tensor: Tensor) -> torch.autocast:
    """Return a context that computes in bfloat16 if the tensor is bfloat16, and in float32 otherwise."""
    return autocast("bf16" if tensor.dtype == torch.bfloat16 else "fp32", tensor.device)


def float32_maths(function: Callable) -> Callable:
    """Decorate a function of float32 tensors (heads, losses) so that autocast is off inside it.

    A softmax over positions needs more than bfloat16's three decimal digits. So do similarities that are
    compared at a margin of 0.2. At least one argument must be a Tensor; autocast is turned off for that
    tensor's device.
    """

    @functools.wraps(function)
    def in_float32(*arguments, **named):
        device = next(a.device.type for a in (*arguments, *named.values()) if isinstance(a, Tensor))
        with torch.autocast(device, enabled=False):
            return function(*arguments, **named)

    return in_float32


def choose_precision(requested: str, model: nn.Module, images: Tensor) -> str:
    """Return the precision for training a model, "fp32" or "bf16".

    "auto" times forward and backward of `model.features` in both precisions, channels-last, on a copy of the
    model. It takes the faster one and keeps the answer until the process ends.

    Args:
        requested: one of PRECISIONS.
        model: the model, on the device that it will train on.
        images: an example batch, float32 (B, 3, H, W), on the same device.

    Raises:
        FashionError: if `requested` is unknown.
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
    """Return the shorter of two timed passes; an untimed first pass chooses kernels and allocates memory."""
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
    """Yield every tensor in the structure that `features` returned."""
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, list, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _tensors(part)


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
