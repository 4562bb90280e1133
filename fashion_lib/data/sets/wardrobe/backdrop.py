"""The surroundings of the figure: clutter, patterned cloths that distract, light and sensor noise."""

import math

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import SUPERSAMPLING
from fashion_lib.data.sets.wardrobe.finish import smooth_noise
from fashion_lib.data.sets.wardrobe.streams import Stream


def _slope(size: int, angle: float) -> np.ndarray:
    """Return a plane through the picture's centre, (size, size) float32, about -0.5..0.5 from edge to edge.
    """
    line = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    return line[None, :] * math.cos(angle) + line[:, None] * math.sin(angle)


def _patterned_cloth(picture, centre, half, colours, stream: Stream) -> None:
    """Draw a striped, checked or dotted rectangle: the distractor for the pattern attribute."""
    (cx, cy), (w, h), side = centre, half, picture.shape[0]
    left, right = max(int(cx - w), 0), min(int(cx + w), side)
    top, bottom = max(int(cy - h), 0), min(int(cy + h), side)
    step, kind = (
        max(int(stream.uniform(0.07, 0.12) * side), 6),
        stream.choice(("rows", "columns", "checks", "dots")),
    )
    if right <= left or bottom <= top:
        return
    y, x = np.ogrid[top:bottom, left:right]
    rows, columns = y % step < step // 2, x % step < step // 2
    ink = {
        "rows": rows | (x < 0),
        "columns": columns | (y < 0),
        "checks": rows ^ columns,
        "dots": (x % step - step / 2) ** 2 + (y % step - step / 2) ** 2 < (0.3 * step) ** 2,
    }[kind]
    picture[top:bottom, left:right] = np.where(ink[..., None], np.uint8(colours[1]), np.uint8(colours[0]))


def draw_backdrop(side: int, stream: Stream) -> np.ndarray:
    """Draw a wall with a light gradient and 2 to 6 objects in front of it.

    Args:
        side: side of the super-sampled canvas, in pixels.
        stream: the random draws of the backdrop.

    Returns:
        uint8 (side, side, 3).
    """
    size = side // SUPERSAMPLING
    wall = np.float32(stream.colour(60, 240))
    wall = wall.mean() + stream.uniform(0.1, 0.8) * (wall - wall.mean())
    slope = _slope(size, stream.uniform(0, 2 * math.pi))[..., None] * stream.uniform(0.0, 0.5)
    picture = wall * (1 + slope) * (1 + 0.06 * smooth_noise(stream.generator, size, 9))[..., None]
    picture = cv2.resize(
        np.clip(picture, 0, 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST
    )
    for _ in range(stream.choice((2, 3, 4, 5, 6))):
        colours = (stream.colour(20, 250), stream.colour(20, 250))
        cx, cy = stream.uniform(0, side), stream.uniform(0, side)
        w, h = stream.uniform(0.04, 0.25) * side, stream.uniform(0.04, 0.35) * side
        dx, dy = stream.uniform(-side, side), stream.uniform(-side, side)
        kind = stream.choice(("box", "disc", "line", "cloth", "wedge"))
        if kind == "box":
            cv2.rectangle(picture, (int(cx - w), int(cy - h)), (int(cx + w), int(cy + h)), colours[0], -1)
        elif kind == "disc":
            cv2.circle(picture, (int(cx), int(cy)), int(w), colours[0], -1, cv2.LINE_AA)
        elif kind == "line":
            width = max(int(0.02 * side), 1)
            cv2.line(
                picture, (int(cx), int(cy)), (int(cx + dx), int(cy + dy)), colours[0], width, cv2.LINE_AA
            )
        elif kind == "wedge":
            corners = np.int32([(cx, cy), (cx + w, cy + h), (cx - w, cy + h / 2)])
            cv2.fillPoly(picture, [corners], colours[0], cv2.LINE_AA)
        else:
            _patterned_cloth(picture, (cx, cy), (w, h), colours, stream)
    return picture


def expose(picture: np.ndarray, stream: Stream) -> np.ndarray:
    """Add light, white balance and sensor noise, and reduce the picture to the output size.

    Args:
        picture: uint8 (S, S, 3), the super-sampled canvas; S is the output size times SUPERSAMPLING (2).
        stream: the random draws of the light.

    Returns:
        uint8 (S/2, S/2, 3).
    """
    size = picture.shape[0] // SUPERSAMPLING
    photo = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    light = 1 + _slope(size, stream.uniform(0, 2 * math.pi)) * stream.uniform(0, 0.45)
    balance = np.float32([stream.uniform(0.94, 1.06) for _ in range(3)]) * stream.uniform(0.8, 1.14)
    noise = stream.generator.standard_normal((size, size, 1), dtype=np.float32) * stream.uniform(1, 6)
    return np.clip(photo * light[..., None] * balance + noise, 0, 255).astype(np.uint8)
