"""Fabric in body coordinates, so that it turns and scales with the body: dyes, patterns and their drawing.

Every size here is a share of the body or of the whole picture, never a number of pixels: the same picture at
twice the size shows the same fabric.
"""

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import SUPERSAMPLING, Frame
from fashion_lib.data.sets.wardrobe.finish import finished
from fashion_lib.data.sets.wardrobe.patterns import INKS, petals, shares_of_ink
from fashion_lib.data.sets.wardrobe.streams import Stream

DYES = {
    "red": (206, 30, 42),
    "orange": (240, 124, 28),
    "yellow": (244, 206, 44),
    "olive": (118, 116, 40),
    "green": (34, 142, 62),
    "teal": (16, 128, 130),
    "sky": (120, 186, 232),
    "blue": (34, 86, 204),
    "navy": (28, 36, 92),
    "purple": (126, 52, 164),
    "pink": (240, 140, 176),
    "burgundy": (112, 24, 44),
    "brown": (120, 72, 38),
    "beige": (214, 188, 148),
    "grey": (136, 136, 140),
    "black": (32, 32, 36),
    "white": (236, 234, 230),
}
FINEST_PERIOD = 1 / 12  # of the picture: a finer pattern would turn into plain grey in a small picture


def luminance(colour) -> float:
    """Return the brightness, 0..255, of an RGB colour."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def shade(colour, factor: float) -> tuple[float, float, float]:
    """Return an RGB colour scaled by `factor` and clipped to 0..255."""
    return tuple(min(max(c * factor, 0.0), 255.0) for c in colour)


def edge_colour(colour) -> tuple[float, float, float]:
    """Return the outline colour of a cloth: a darker shade, or a light grey for a nearly black cloth."""
    return shade(colour, 0.5) if luminance(colour) > 55 else (104, 104, 112)


def contrast_colour(colour, stream: Stream) -> tuple[float, float, float]:
    """Draw a second dye that differs clearly in brightness from the first."""
    draw = stream.uniform()
    light = ((242, 238, 226), (190, 220, 235), (250, 220, 190))
    dark = ((26, 26, 34), (60, 40, 30), (30, 44, 70))
    return (dark if luminance(colour) > 120 else light)[min(int(draw * 3), 2)]


def weave(pattern: str, finish: str, dye, frame: Frame, side: int, stream: Stream) -> np.ndarray:
    """Draw a whole picture of fabric.

    Args:
        pattern: a value of the attribute pattern.
        finish: a value of the attribute finish.
        dye: RGB, 0..255.
        frame: the body's transform, from body units to canvas pixels.
        side: side of the canvas, in pixels.
        stream: the random draws of the fabric.

    Returns:
        uint8 (side, side, 3). A pattern's period is at least FINEST_PERIOD of the picture.
    """
    size = side // SUPERSAMPLING
    per_unit = frame.scale / SUPERSAMPLING  # output pixels per body unit
    second = contrast_colour(dye, stream)
    period = max(stream.uniform(0.3, 0.44), FINEST_PERIOD * size / per_unit)
    shift_u, shift_v = stream.uniform(0, 2), stream.uniform(0, 2)
    share, pick = stream.uniform(0.32, 0.42), stream.uniform()
    tilt, offset = stream.uniform(0, 6.28), (stream.uniform(), stream.uniform())
    u, v = frame.body_grid(size, SUPERSAMPLING)
    if pattern == "floral":
        cloth = petals(size, 1.7 * period * per_unit, dye, second, pick, tilt, offset).astype(np.float32)
    elif pattern == "solid":
        cloth = np.broadcast_to(np.float32(dye), (size, size, 3))
    elif pattern in INKS:
        ink = INKS[pattern]((u + shift_u) / period, (v + shift_v) / period, period * per_unit, share)[..., None]
        cloth = np.float32(dye) + ink * (np.float32(second) - np.float32(dye))
    else:
        inks = shares_of_ink(pattern, u, v, period, per_unit, tilt)
        colours = (second, shade(dye, 0.55 if luminance(dye) > 55 else 2.4))
        cloth = np.float32(dye)
        for ink, colour in zip(inks, colours, strict=False):
            cloth = cloth + ink[..., None] * (np.float32(colour) - cloth)
    worn = finished(finish, cloth, u, v, per_unit, stream)
    return cv2.resize(np.clip(worn, 0, 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_LINEAR)
