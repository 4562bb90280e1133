"""From an attention map to a square crop of the large picture (ASEN++, Dong et al. 2021; RPF, Dong et al. 2023).

Boxes are float32 (B, 4): left, top, right, bottom as fractions of the picture, which the course keeps square.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

from fashion_lib.core.errors import FashionError

THRESHOLD = 0.1  # of the min-max normalised map: RPF and IPAD
FINE = 4  # the map is thresholded at this many points a cell side, interpolated, as if stretched to the picture


def check_threshold(threshold: float) -> float:
    """The threshold, or FashionError outside [0, 1)."""
    if not 0 <= threshold < 1:
        raise FashionError(f"threshold={threshold} is no share of an attention map's range: choose 0 <= threshold < 1.")
    return threshold


@torch.no_grad()
def attention_boxes(maps: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """The smallest square around all that reaches `threshold` in each map, moved into the picture; (B, 4).

    maps: float (B, h, w), stretched to 0..1 each (min-max) before they are compared. A constant map points nowhere,
    so its box is the whole picture. Takes no gradient.
    """
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    flat = high <= low
    stretched = (maps - low) / torch.where(flat, 1.0, high - low)
    size = [FINE * side for side in maps.shape[1:]]
    fine = F.interpolate(stretched[:, None].float(), size=size, mode="bilinear", align_corners=False)[:, 0]
    inside = (fine >= threshold) | flat  # (B, FINE h, FINE w)
    left, right = _extent(inside.any(1))
    top, bottom = _extent(inside.any(2))
    side = torch.maximum(right - left, bottom - top)  # <= 1, so that the square fits
    left = ((left + right - side) / 2).clamp(min=0).minimum(1 - side)
    top = ((top + bottom - side) / 2).clamp(min=0).minimum(1 - side)
    return torch.stack([left, top, left + side, top + side], dim=1)


def whole_pictures(count: int, device: torch.device) -> Tensor:
    """The box that leaves nothing out, (count, 4)."""
    return torch.tensor([0.0, 0.0, 1.0, 1.0], device=device).expand(count, 4)


def _extent(inside: Tensor) -> tuple[Tensor, Tensor]:
    """bool (B, n) to the fractions where each row's first True begins and its last one ends; all where none is."""
    count = inside.shape[1]
    inside = inside | ~inside.any(1, keepdim=True)
    first, after = inside.int().argmax(1), count - inside.flip(1).int().argmax(1)
    return first / count, after / count


@torch.no_grad()
def crop(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut the boxes out of pictures (B, 3, H, W) and bring them to (B, 3, size, size), channels-last, of their type.

    Each pixel of the result is the mean of samples all over the area that it covers, so that making smaller does not
    alias; the whole picture at half its size is the mean of 2 x 2 pixels. Takes no gradient.
    """
    height, width = pictures.shape[2:]
    corners = boxes * boxes.new_tensor([width, height, width, height])
    index = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)[:, None]
    cut = roi_align(pictures.float(), torch.cat([index, corners], dim=1), size, aligned=True)
    return cut.to(pictures.dtype, memory_format=torch.channels_last)


def shrunk(pictures: Tensor, scale: int) -> Tensor:
    """(B, 3, H, W) to (B, 3, H / scale, W / scale), the mean of scale x scale pixels."""
    return pictures if scale == 1 else F.avg_pool2d(pictures, scale)
