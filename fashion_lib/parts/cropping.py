"""Square crops around an attention map, cut from the large picture.

Sources: ASEN++ (Dong et al. 2021) and RPF (Dong et al. 2023).

Boxes are float32 (B, 4): left, top, right, bottom, as fractions of the picture. Pictures are square in the
course.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import roi_align

from fashion_lib.core.errors import FashionError

THRESHOLD = 0.1  # smallest value of the min-max scaled map inside the box, as in the code of RPF and IPAD
FINE = 4  # points per cell side: the map is interpolated before the threshold, as if resized to the picture


def check_threshold(threshold: float) -> float:
    """Return the threshold. Raises FashionError outside [0, 1)."""
    if not 0 <= threshold < 1:
        raise FashionError(f"threshold={threshold} is no share of an attention map's range: choose 0 <= threshold < 1.")
    return threshold


@torch.no_grad()
def attention_boxes(maps: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """Return the smallest square around all positions that reach the threshold, moved into the picture.

    Each map is first scaled to 0..1 (min-max). A constant map has no peak, so its box is the whole picture.
    No gradient flows through this function.

    Args:
        maps: attention maps, float (B, h, w).
        threshold: smallest scaled value that the box must contain, in [0, 1).

    Returns:
        The boxes, (B, 4).
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
    """Return boxes that contain the whole picture, (count, 4)."""
    return torch.tensor([0.0, 0.0, 1.0, 1.0], device=device).expand(count, 4)


def _extent(inside: Tensor) -> tuple[Tensor, Tensor]:
    """Return the fractions at which each row's first True begins and its last True ends, for bool (B, n).

    A row without True counts as all True.
    """
    count = inside.shape[1]
    inside = inside | ~inside.any(1, keepdim=True)
    first, after = inside.int().argmax(1), count - inside.flip(1).int().argmax(1)
    return first / count, after / count


@torch.no_grad()
def crop(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Cut the boxes out of pictures and resize them.

    Each output pixel averages samples from the whole area that it covers, so a smaller picture does not
    alias. The whole picture at half its size is the mean of 2 x 2 pixels. No gradient flows through this
    function.

    Args:
        pictures: (B, 3, H, W), float32, bfloat16 or float16.
        boxes: (B, 4), see above.
        size: side of the result, in pixels.

    Returns:
        The crops (B, 3, size, size), channels-last, in the type of `pictures`.
    """
    height, width = pictures.shape[2:]
    corners = boxes * boxes.new_tensor([width, height, width, height])
    index = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)[:, None]
    cut = roi_align(pictures.float(), torch.cat([index, corners], dim=1), size, aligned=True)
    return cut.to(pictures.dtype, memory_format=torch.channels_last)


def shrunk(pictures: Tensor, scale: int) -> Tensor:
    """Return pictures (B, 3, H, W) at (B, 3, H / scale, W / scale): the mean of scale x scale pixels."""
    return pictures if scale == 1 else F.avg_pool2d(pictures, scale)
