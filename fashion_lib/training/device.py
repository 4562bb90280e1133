"""The device that a model is trained on."""

import torch

from fashion_lib.core.errors import FashionError


def training_device(name: str) -> torch.device:
    """Return the device of a name; "auto" takes CUDA where there is one.

    Raises:
        FashionError: if this machine lacks the device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise FashionError(
            f"The device '{name}' is not available here: choose device='auto' or 'cpu'."
        ) from error
