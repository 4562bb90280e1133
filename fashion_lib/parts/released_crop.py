"""The crop of the authors' code of ASEN++, RPF and IPAD, step by step, in whole pixels.

Their map is brought to the side G of the region branch's input, which is a centre crop of the resized picture. The
square found there is carried over to the original picture.
"""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from fashion_lib.data.augmentation import IMAGENET_MEAN, IMAGENET_STD, normalise
from fashion_lib.parts.cropping import THRESHOLD


@torch.no_grad()
def released_squares(
    maps: Tensor, width: int, height: int, side: int = 224, threshold: float = THRESHOLD
) -> Tensor:
    """Return the square around all positions above the threshold, in pixels of the original picture.

    A constant map divides by zero in the authors' code. Here its square is the whole map.

    Args:
        maps: attention maps, float (B, h, w).
        width, height: of the original pictures, in pixels.
        side: G, the side of the region branch's input, in pixels.
        threshold: share of the map's range that a position must exceed, in [0, 1).

    Returns:
        Left, top and side of the squares, int64 (B, 3).
    """
    large = F.interpolate(maps[:, None].float(), size=(side, side), mode="bilinear", align_corners=False)[:, 0]
    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
    flat = high <= low
    levels = ((large - low) / torch.where(flat, 1.0, high - low) * 255).to(torch.uint8)  # cuts the fraction off
    kept = (levels > int(255 * threshold)) | flat  # (B, G, G)
    left, across = _first_and_count(kept.any(1))
    top, down = _first_and_count(kept.any(2))
    square = torch.maximum(across, down)
    left, top = (_start(start, length, square, side) for start, length in ((left, across), (top, down)))
    short = min(width, height)
    left, top, square = (_scaled(part, short, side) for part in (left, top, square))
    left, top = left + max(0, width - short) // 2, top + max(0, height - short) // 2  # undoes the centre crop
    return torch.stack([left, top, square.clamp(min=1)], dim=1)


def _first_and_count(kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first True of each row, and the length from there to the last True, for bool (B, G)."""
    first, after = kept.int().argmax(1), kept.shape[1] - kept.flip(1).int().argmax(1)
    return first, after - first


def _start(start: Tensor, length: Tensor, square: Tensor, side: int) -> Tensor:
    """Return the start of a square around the middle of start .. start + length, moved into 0 .. side."""
    middle, half = start + length // 2, square // 2
    return torch.where(middle + half > side, side - square, (middle - half).clamp(min=0))


def _scaled(part: Tensor, short: int, side: int) -> Tensor:
    """Return floor(part / side * short), computed in double precision as Python does; int64 (B,)."""
    return (part.double() / side * short).floor().long()


def released_boxes(
    maps: Tensor, width: int, height: int, side: int = 224, threshold: float = THRESHOLD
) -> Tensor:
    """Return `released_squares` as boxes: left, top, right, bottom as fractions of the picture, float32 (B, 4)."""
    left, top, square = released_squares(maps, width, height, side, threshold).unbind(1)
    corners = torch.stack([left, top, left + square, top + square], dim=1).float()
    return corners / corners.new_tensor([width, height, width, height])


@torch.no_grad()
def released_crop(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut boxes out of pictures and resize them with Pillow's bilinear filter, in 8 bits per channel.

    What lies outside the picture is black. The result differs from the authors' by nothing if `pictures` are
    normalised 8-bit pixels in float32.

    Args:
        pictures: normalised pictures, (B, 3, H, W), float32, bfloat16 or float16.
        boxes: (B, 4), what `released_boxes` returned.
        size: side of the result, in pixels.

    Returns:
        The normalised crops (B, 3, size, size), channels-last, in the type and on the device of `pictures`.
    """
    height, width = pictures.shape[2:]
    corners = (boxes * boxes.new_tensor([width, height, width, height])).round().int().tolist()
    mean, std = (torch.tensor(part, device=pictures.device) for part in (IMAGENET_MEAN, IMAGENET_STD))
    pixels = pictures.permute(0, 2, 3, 1).float() * (255 * std) + 255 * mean
    pixels = pixels.round().clamp(0, 255).byte().cpu().numpy()
    cut = np.stack([
        np.asarray(Image.fromarray(one).crop(box).resize((size, size), Image.Resampling.BILINEAR))
        for one, box in zip(pixels, corners, strict=True)
    ])  # fmt: skip
    return normalise(torch.from_numpy(cut).to(pictures.device)).to(pictures.dtype)
