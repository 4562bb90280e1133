"""Fabrics, the pattern and colour attributes, drawn in body coordinates: they turn and scale with the body.
"""

import math

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import SUPERSAMPLING, Frame
from fashion_lib.data.sets.wardrobe.streams import Stream

DYES = {
    "red": (200, 32, 44),
    "yellow": (238, 186, 36),
    "green": (40, 140, 66),
    "blue": (38, 82, 196),
    "purple": (134, 58, 168),
    "black": (36, 36, 42),
    "white": (234, 232, 228),
}
FINEST_PERIOD = 8.0  # output pixels: a finer pattern would turn into plain grey


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
    """Draw a second dye that differs clearly in brightness from the first and equals no colour of DYES."""
    draw = stream.uniform()
    light, dark = (
        ((242, 238, 226), (190, 220, 235), (250, 220, 190)),
        ((26, 26, 34), (60, 40, 30), (30, 44, 70)),
    )
    options = dark if luminance(colour) > 140 else light
    return options[min(int(draw * 3), 2)]


def smooth_noise(generator: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Draw smooth random noise, (size, size) float32, about unit variance.

    Args:
        generator: source of the random numbers.
        size: side of the result, in pixels.
        cells: random numbers per axis, between which the noise is interpolated.
    """
    return cv2.resize(
        generator.standard_normal((cells, cells), dtype=np.float32),
        (size, size),
        interpolation=cv2.INTER_CUBIC,
    )


def _stripes(u, v, period, soft, stream):
    angle = stream.choice((0.0, math.pi / 2, math.pi / 4, -math.pi / 4))
    share = stream.uniform(
        0.3, 0.42
    )  # of the second colour: the dye must remain the colour that a reader would name
    phase = (u * math.cos(angle) + v * math.sin(angle)) / period
    return np.clip((share / 2 - np.abs(phase - np.floor(phase) - 0.5)) * period * soft + 0.5, 0, 1)


def _dots(u, v, period, soft, stream):
    period, radius = 1.25 * period, stream.uniform(0.26, 0.33)
    row = np.floor(v / period)
    du, dv = u / period + 0.5 * (row % 2), v / period - row - 0.5
    du = du - np.floor(du) - 0.5
    return np.clip((radius - np.sqrt(du * du + dv * dv)) * period * soft + 0.5, 0, 1)


def _plaid(u, v, period, soft, stream):
    period, share = 1.5 * period, stream.uniform(0.32, 0.42)
    bands = [
        np.clip((share / 2 - np.abs(w / period - np.floor(w / period) - 0.5)) * period * soft + 0.5, 0, 1)
        for w in (u, v)
    ]
    return 0.5 * (bands[0] + bands[1])


def _petals(size: int, scale: float, cloth, second, stream: Stream) -> np.ndarray:
    """Draw five-petalled flowers on a jittered grid, so that every garment shows some."""
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = np.uint8(cloth)
    pitch = max(0.62 * scale, 13.0)
    third = stream.choice(((236, 96, 140), (246, 206, 70), (120, 206, 130), (244, 244, 244)))
    tilt, counter = stream.uniform(0, 6.28), 0
    offset = (stream.uniform(0, pitch), stream.uniform(0, pitch))
    for row in range(int(size / pitch) + 2):
        for column in range(int(size / pitch) + 2):
            # A hash, not the stream, jitters the flowers: the number of draws must not depend on the
            # picture's size.
            counter += 1
            jx, jy = math.sin(counter * 12.9898 + tilt) * 0.3, math.sin(counter * 78.233 + tilt) * 0.3
            cx = (column - 0.5 + 0.5 * (row % 2) + jx) * pitch + offset[0] - pitch / 2
            cy = (row - 0.5 + jy) * pitch + offset[1] - pitch / 2
            petal, heart = (second, third) if math.sin(counter * 3.7 + tilt) > -0.2 else (third, second)
            radius = 0.17 * pitch
            for k in range(5):
                angle = tilt + counter + k * 2 * math.pi / 5
                centre = (
                    round((cx + 1.35 * radius * math.cos(angle)) * 16),
                    round((cy + 1.35 * radius * math.sin(angle)) * 16),
                )
                cv2.circle(picture, centre, round(radius * 16), petal, -1, cv2.LINE_AA, 4)
            cv2.circle(
                picture, (round(cx * 16), round(cy * 16)), round(0.8 * radius * 16), heart, -1, cv2.LINE_AA, 4
            )
    return picture


def weave(pattern: str, dye, frame: Frame, side: int, stream: Stream) -> np.ndarray:
    """Draw a whole picture of fabric, softly shaded.

    Args:
        pattern: a value of the attribute pattern.
        dye: RGB, 0..255.
        frame: the body's transform, from body units to canvas pixels.
        side: side of the canvas, in pixels.
        stream: the random draws of the fabric.

    Returns:
        uint8 (side, side, 3). The period of stripes, dots and plaid is at least FINEST_PERIOD output pixels.
    """
    size = side // SUPERSAMPLING
    per_unit = frame.scale / SUPERSAMPLING  # output pixels per body unit
    second = contrast_colour(dye, stream)
    period = max(stream.uniform(0.3, 0.46), FINEST_PERIOD / per_unit)
    shading = 1 + 0.06 * smooth_noise(stream.generator, size, 7)
    shift_u, shift_v = stream.uniform(0, 2), stream.uniform(0, 2)
    if pattern == "floral":
        cloth = _petals(size, per_unit, dye, second, stream).astype(np.float32)
    elif pattern == "solid":
        cloth = np.broadcast_to(np.float32(dye), (size, size, 3))
    else:
        u, v = frame.body_grid(size, SUPERSAMPLING)
        draw = {"striped": _stripes, "dotted": _dots, "plaid": _plaid}[pattern]
        ink = draw(u + shift_u, v + shift_v, period, per_unit, stream)[..., None]
        cloth = np.float32(dye) + ink * (np.float32(second) - np.float32(dye))
    shaded = np.clip(cloth * shading[..., None], 0, 255).astype(np.uint8)
    return cv2.resize(shaded, (side, side), interpolation=cv2.INTER_LINEAR)
