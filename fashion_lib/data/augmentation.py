"""Pixels to network input: shift, mirror and brightness drawn per image, then ImageNet normalisation.

What is drawn and what is done with it are two functions. `draw_changes` draws a few numbers per image on the CPU, with
NumPy, so that a step draws the same numbers on every machine. `apply_changes` uses them on the device of the pixels.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from fashion_lib.data.feed import to_device

# Mean and standard deviation of ImageNet's training images in [0, 1], as torchvision's weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Changes:
    """What augmentation does to each of B images.

    Attributes:
        down, right: int64 (B,), displacements in pixels.
        mirrored: bool (B,), whether left and right change places.
        gain: float32 (B,), factor of the brightness.
    """

    down: np.ndarray
    right: np.ndarray
    mirrored: np.ndarray
    gain: np.ndarray


def draw_changes(
    count: int,
    size: int,
    rng: np.random.Generator,
    *,
    shift: float = 0.06,
    brightness: float = 0.15,
    flip: bool = True,
) -> Changes:
    """Draw the changes of a batch; see `augment` for the settings.

    Args:
        count: B.
        size: width S of the images, in pixels.
        rng: source of the random draws.
        shift, brightness, flip: see augment.
    """
    reach = round(shift * size)
    down, right = rng.integers(-reach, reach + 1, (2, count))
    mirrored = rng.random(count) < (0.5 if flip else 0.0)
    gain = rng.uniform(1 - brightness, 1 + brightness, count).astype(np.float32)
    return Changes(down, right, mirrored, gain)


def apply_changes(pixels: Tensor, changes: Changes) -> Tensor:
    """Shift, mirror and brighten a batch on the device of its pixels.

    The result depends on the arguments only. It is the same on every device: positions are whole numbers, and the
    product of a pixel and its gain is rounded once, to float32.

    Args:
        pixels: uint8 (B, S, S, 3).
        changes: of the B images.

    Returns:
        float32 (B, S, S, 3) in 0..255.
    """
    device, (count, height, width) = pixels.device, pixels.shape[:3]
    numbers = np.stack([changes.down, changes.right, changes.mirrored]).astype(np.int32)
    down, right, mirrored = to_device(torch.from_numpy(numbers), device)[..., None]  # (B, 1) each
    gain = to_device(torch.from_numpy(changes.gain), device)
    rows, columns = (torch.arange(side, dtype=torch.int32, device=device) for side in (height, width))
    rows = (rows - down).clamp(0, height - 1)  # (B, S): the source row of every target row
    columns = torch.where(mirrored > 0, width - 1 - columns, columns)
    columns = (columns - right).clamp(0, width - 1)
    # Position of each target pixel's source in the flat batch: one gather shifts and mirrors every image
    # differently.
    rows = (torch.arange(count, dtype=torch.int32, device=device)[:, None] * height + rows) * width
    source = rows[:, :, None] + columns[:, None, :]  # (B, S, S)
    moved = pixels.reshape(-1, 3).index_select(0, source.flatten()).reshape(pixels.shape)
    return moved.float().mul_(gain[:, None, None, None]).clamp_(0, 255)


def augment(
    pixels: np.ndarray,
    rng: np.random.Generator,
    *,
    shift: float = 0.06,
    brightness: float = 0.15,
    flip: bool = True,
) -> Tensor:
    """Shift, mirror and brighten a batch, with a separate random draw for each image.

    With one draw for a whole batch, its images would share what the network should learn to ignore. No
    triplet inside the batch would then contain that difference.

    Args:
        pixels: uint8 (B, S, S, 3).
        rng: source of the random draws.
        shift: largest displacement in both directions, as a fraction of S. It is rounded to whole pixels; the
            edge repeats.
        brightness: largest relative change.
        flip: whether to mirror left and right with probability 1/2.

    Returns:
        float32 (B, S, S, 3) in 0..255.
    """
    changes = draw_changes(len(pixels), pixels.shape[2], rng, shift=shift, brightness=brightness, flip=flip)
    return apply_changes(pixel_tensor(pixels), changes)


def pixel_tensor(pixels: np.ndarray) -> Tensor:
    """Return pixels as a tensor; rows of a read-only memory map cannot become one and are copied."""
    return torch.from_numpy(np.array(pixels, copy=not pixels.flags.writeable))


@lru_cache(maxsize=16)
def _row_constants(width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of one row's 3 * width numbers. Kept, because a copy to CUDA waits."""
    with torch.inference_mode(False):  # they outlive the caller's mode
        mean, std = (
            torch.tensor(one, dtype=torch.float32, device=device) for one in (IMAGENET_MEAN, IMAGENET_STD)
        )
        return mean.mul(255).repeat(width), std.mul(255).repeat(width)


def normalise(pixels: np.ndarray | Tensor) -> Tensor:
    """Return network input: pixels in 0..255 become float32 (B, 3, S, S) in channels-last memory.

    Args:
        pixels: uint8 or float (B, S, S, 3).
    """
    if isinstance(pixels, np.ndarray):
        pixels = pixel_tensor(pixels)
    # One constant per number of a pixel row: broadcasting over a row is several times faster than over 3
    # channels.
    mean, std = _row_constants(pixels.shape[2], pixels.device)
    normal = pixels.flatten(2).float().sub(mean).div_(std).reshape(pixels.shape)
    return normal.permute(0, 3, 1, 2)  # memory stays (B, S, S, 3): that is channels-last
