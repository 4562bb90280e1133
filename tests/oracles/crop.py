"""The crop of the authors' code in numpy, plain Python and Pillow, written from its ten steps."""

import numpy as np
from PIL import Image


def enlarged(heat: np.ndarray, side: int) -> np.ndarray:
    """Bilinear, half-pixel centres, edges repeated; float32 (h, w) -> (side, side)."""
    for axis in (0, 1):
        count = heat.shape[axis]
        at = np.maximum((np.arange(side, dtype=np.float64) + 0.5) * count / side - 0.5, 0)
        first = np.floor(at).astype(int)
        second = np.minimum(first + 1, count - 1)
        share = np.expand_dims(at - first, 1 - axis)
        heat = np.take(heat, first, axis) * (1 - share) + np.take(heat, second, axis) * share
    return heat


def square(heat: np.ndarray, width: int, height: int, side: int, threshold: float) -> tuple[int, int, int]:
    """Steps 1 to 9: left, top and side of the square in the picture of width x height pixels."""
    large = enlarged(heat.astype(np.float64), side)
    large = (large - large.min()) / (large.max() - large.min())
    levels = np.floor(large * 255)
    rows, columns = np.nonzero(levels > int(255 * threshold))
    x, y = columns.min(), rows.min()
    w, h = columns.max() - x + 1, rows.max() - y + 1
    d = max(w, h)
    xc, yc = x + w // 2, y + h // 2
    x = side - d if xc + d // 2 > side else max(0, xc - d // 2)
    y = side - d if yc + d // 2 > side else max(0, yc - d // 2)
    short = min(width, height)
    x, y, d = (int(value / side * short) for value in (x, y, d))
    if width < height:
        y += (height - width) // 2
    else:
        x += (width - height) // 2
    return x, y, d


def cut(pixels: np.ndarray, x: int, y: int, d: int, size: int) -> np.ndarray:
    """Step 10 without the normalisation: uint8 (H, W, 3) -> (size, size, 3)."""
    return np.asarray(Image.fromarray(pixels).crop((x, y, x + d, y + d)).resize((size, size), Image.BILINEAR))
