"""float32 or bfloat16 for the backbone: decided by a short timing on this machine, not by a guess about it."""

import copy
import functools
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from fashion_lib.errors import FashionError

PRECISIONS = ("auto", "fp32", "bf16")
_measured: dict[tuple, str] = {}


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """Context in which convolutions and linears run in `precision` ("fp32" or "bf16")."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


def float32_maths(attend: Callable) -> Callable:
    """Decorator for `attend(self, features, attributes)`: no autocast inside, whatever surrounds the call.

    A softmax over positions and similarities that differ by less than a margin of 0.2 need more than
    bfloat16's three decimal digits, and the head's layers are float32.
    """

    @functools.wraps(attend)
    def in_float32(self, features, attributes):
        with torch.autocast(attributes.device.type, enabled=False):
            return attend(self, features, attributes)

    return in_float32


def choose_precision(requested: str, model: nn.Module, images: Tensor) -> str:
    """"fp32" or "bf16" for training `model` on batches like `images` (float32 (B, 3, H, W), on the model's device).

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
    """Shortest of two passes after one to warm up (kernels are chosen and memory taken on the first)."""
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
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, list)):
        for part in structure:
            yield from _tensors(part)
    elif isinstance(structure, dict):
        yield from _tensors(list(structure.values()))


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
