"""Named tensors from a file that others wrote: plain, finite, and no larger than what the file holds."""

import torch
from torch import Tensor

from fashion_lib.core.typed import shortened
from fashion_lib.core.words import one_line

WHOLE = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, *WHOLE)


def fault_of_tensors(held: object) -> str:
    """Return what keeps a file's content from being named plain tensors, or "".

    Args:
        held: what the file's reader returned.
    """
    if not isinstance(held, dict):
        return f"it holds a {type(held).__name__} instead of named tensors"
    if not held:
        return "it is empty"
    for name, tensor in held.items():
        if not (isinstance(name, str) and one_line(name)):
            return f"{shortened(name)} is no tensor's name"
        if fault := _fault(name, tensor):
            return f"its entry {shortened(name, 80)} {fault}"
    return ""


def _fault(name: str, tensor: object) -> str:
    if not isinstance(tensor, Tensor):
        return "is no tensor"
    plain = tensor.layout == torch.strided and not (tensor.is_nested or tensor.is_quantized)
    if not plain or tensor.device.type != "cpu" or tensor.dtype not in DTYPES:
        return "is no plain tensor of numbers"
    # A few bytes can claim to be any number of numbers; looking at them would take that memory.
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "claims more numbers than the file holds"
    if tensor.is_floating_point() and not tensor.isfinite().all():
        return "holds NaN or infinity"
    if name.endswith("running_var") and (tensor < 0).any():
        return "holds a negative variance"
    return ""
