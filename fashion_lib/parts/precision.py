"""The backbone's precision: float32, bfloat16 or float16. On a CPU a short timing chooses one of the first two.

Autocast is torch's context in which convolutions and linear layers compute in a lower precision.

float16 holds numbers from 6e-8 to 65,504. Some gradients of a network are smaller than that. So the loss is multiplied
by a large number, the *loss scale*, before the backward pass, and the gradients are divided by it afterwards
(Micikevicius et al., Mixed precision training, ICLR 2018). torch's GradScaler finds the scale: a step whose gradients
hold infinity or NaN is left out and halves the scale; 2,000 steps without one double it. bfloat16 has float32's range
and needs no scale; float16 is for GPUs without fast bfloat16, such as V100 and T4.
"""

import copy
import functools
import time
import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.recomputation import recomputing

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}  # name -> the type of two bytes
COMPARED = ("fp32", "bf16")  # by "auto"
ROUNDS = 5  # of timing, the first of them not counted
_measured: dict[tuple, str] = {}


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """Return a context in which convolutions and linear layers run in `precision` ("fp32", "bf16" or "fp16")."""
    half = HALVES.get(precision)
    return torch.autocast(torch.device(device).type, dtype=half or torch.bfloat16, enabled=half is not None)


def loss_scaler(precision: str, device: torch.device | str) -> torch.amp.GradScaler:
    """Return torch's loss scaling for "fp16"; for any other precision one that changes nothing."""
    return torch.amp.GradScaler(torch.device(device).type, enabled=precision == "fp16")


def rounded_as_autocast(tensor: Tensor) -> Tensor:
    """Cast the tensor to the active autocast dtype; return it unchanged if autocast is off.

    Later, outside that context, `autocast_of(tensor)` continues in the same precision.
    """
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor


def autocast_of(tensor: Tensor) -> torch.autocast:
    """Return a context that computes in the tensor's type if that is bfloat16 or float16, and in float32 otherwise."""
    precision = next((name for name, half in HALVES.items() if half == tensor.dtype), "fp32")
    return autocast(precision, tensor.device)


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


def choose_precision(requested: str, model: nn.Module, images: Tensor, recompute: bool = False) -> str:
    """Return the precision for training a model, "fp32", "bf16" or "fp16".

    On a GPU, "auto" is bf16 where the GPU computes bfloat16 itself, and fp32 elsewhere. bf16 is faster in large
    networks and keeps half as much. A small network's step takes as long in both, so a timing would choose by chance,
    and the runs of one table would differ.

    On a CPU, "auto" times forward and backward of `model.features` in fp32 and bf16, channels-last, on a copy of the
    model. It times them by turns, so that both meet the same other work of the machine. It takes the faster one and
    keeps the answer until the process ends.

    "auto" never takes fp16, whose steps may be left out. On a CPU, fp16 gives a warning: the backward pass of a
    convolution is 10 to 200 times slower there.

    Args:
        requested: one of PRECISIONS.
        model: the model, on the device that it will train on.
        images: an example batch, float32 (B, 3, H, W), on the same device.
        recompute: whether training uses gradient checkpointing, without which the timing on a CPU may lack memory, too.

    Raises:
        FashionError: if `requested` is unknown.
    """
    if requested not in PRECISIONS:
        raise FashionError(f"Unknown precision '{requested}': choose one of {', '.join(PRECISIONS)}.")
    if requested == "fp16" and images.device.type == "cpu":
        warnings.warn(
            "precision='fp16' on a CPU is many times slower than 'fp32' and is meant for GPUs: choose 'auto', unless "
            "you want to see how it computes.",
            stacklevel=2,
        )
    if requested != "auto":
        return requested
    if images.device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    weights = tuple((name, tuple(p.shape)) for name, p in model.named_parameters())
    key = (str(images.device), torch.get_num_threads(), tuple(images.shape), weights, recompute)
    if key not in _measured:
        trial = copy.deepcopy(model).train()
        with recomputing(trial, recompute):
            rounds = [{one: _seconds(trial, images, one) for one in COMPARED} for _ in range(ROUNDS)]
        # The first round chooses kernels and allocates memory. The shortest time is the one with the least other work.
        shortest = {one: min(timed[one] for timed in rounds[1:]) for one in COMPARED}
        _measured[key] = min(COMPARED, key=shortest.__getitem__)
    return _measured[key]


def _seconds(model: nn.Module, images: Tensor, precision: str) -> float:
    start = time.perf_counter()
    with autocast(precision, images.device):
        outputs = [t for t in _tensors(model.features(images)) if t.requires_grad]
    if outputs:
        sum(t.float().square().mean() for t in outputs).backward()
    return time.perf_counter() - start


def _tensors(structure) -> Iterator[Tensor]:
    """Yield every tensor in the structure that `features` returned."""
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, list, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _tensors(part)
