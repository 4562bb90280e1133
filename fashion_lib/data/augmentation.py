"""Pixels to network input: shift, mirror and brightness drawn per image, then ImageNet normalisation."""

import numpy as np
import torch
from torch import Tensor

# Mean and standard deviation of ImageNet's training images in [0, 1], as torchvision's weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


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
    count, height, width = pixels.shape[:3]
    reach = round(shift * width)
    down, right = rng.integers(-reach, reach + 1, (2, count, 1))
    mirrored = rng.random((count, 1)) < (0.5 if flip else 0.0)
    gain = rng.uniform(1 - brightness, 1 + brightness, (count, 1, 1, 1)).astype(np.float32)
    rows = (np.arange(height) - down).clip(0, height - 1)  # (B, S): the source row of every target row
    columns = np.where(mirrored, np.arange(width)[::-1], np.arange(width))
    columns = (columns - right).clip(0, width - 1)
    # Position of each target pixel's source in the flat batch: one gather shifts and mirrors every image
    # differently.
    rows = (np.arange(count)[:, None] * height + rows).astype(np.int32) * width
    source = torch.from_numpy(rows[:, :, None] + columns.astype(np.int32)[:, None, :])  # (B, S, S)
    flat = torch.from_numpy(np.array(pixels, copy=not pixels.flags.writeable)).reshape(-1, 3)
    moved = flat.index_select(0, source.flatten()).reshape(pixels.shape)
    return moved.float().mul_(torch.from_numpy(gain)).clamp_(0, 255)


def normalise(pixels: np.ndarray | Tensor) -> Tensor:
    """Return network input: pixels in 0..255 become float32 (B, 3, S, S) in channels-last memory.

    Args:
        pixels: uint8 or float (B, S, S, 3).
    """
    if isinstance(pixels, np.ndarray):
        pixels = torch.from_numpy(
            np.array(pixels)
        )  # a copy: rows of a read-only memory map cannot become a tensor
    # One constant per number of a pixel row: broadcasting over a row is several times faster than over 3
    # channels.
    mean = torch.tensor(IMAGENET_MEAN, device=pixels.device).mul(255).repeat(pixels.shape[2])
    std = torch.tensor(IMAGENET_STD, device=pixels.device).mul(255).repeat(pixels.shape[2])
    normal = pixels.flatten(2).float().sub(mean).div_(std).reshape(pixels.shape)
    return normal.permute(0, 3, 1, 2)  # memory stays (B, S, S, 3): that is channels-last
