"""The patterns of fabrics: how much of a second colour ("ink") lies at each point, 0 to 1."""

import math

import cv2
import numpy as np


def _band(phase, soft: float, share: float):
    """Return 1 in the middle of each period of `phase`, 0 outside; `soft` is the period in pixels."""
    return np.clip((share / 2 - np.abs(phase - np.floor(phase) - 0.5)) * soft + 0.5, 0, 1)


def _dots(u, v, soft, share):
    u, v = u / 1.2, v / 1.2
    row = np.floor(v)
    du, dv = u + 0.5 * (row % 2), v - row - 0.5
    du = du - np.floor(du) - 0.5
    return np.clip((0.7 * share - np.sqrt(du * du + dv * dv)) * 1.2 * soft + 0.5, 0, 1)


def _plaid(u, v, soft, share):
    a, b = _band(u / 1.5, 1.5 * soft, share), _band(v / 1.5, 1.5 * soft, share)
    return np.minimum(0.6 * (a + b), 1)


def _checked(u, v, soft, share):
    a, b = _band(u / 1.5, 1.5 * soft, 0.5), _band(v / 1.5, 1.5 * soft, 0.5)
    return a + b - 2 * a * b


def _chevron(u, v, soft, share):
    zigzag = np.abs(u / 1.5 - np.floor(u / 1.5) - 0.5) * 1.5
    return _band(v + zigzag, 0.8 * soft, 0.9 * share)


def _argyle(u, v, soft, share):
    a, b = u / 1.8, v / 2.5
    a, b = a - np.floor(a) - 0.5, b - np.floor(b) - 0.5
    diamond = np.clip((0.5 - np.abs(a) - np.abs(b)) * soft + 0.5, 0, 1)
    line = np.clip((0.04 - np.abs(np.abs(a) + np.abs(b) - 0.25)) * soft + 0.5, 0, 1)
    return np.maximum(diamond * (1 - line), 0)


# pattern -> ink(u, v, soft, share): u and v in periods, soft is the period in pixels, share that of the ink.
INKS = {
    "horizontal": lambda u, v, soft, share: _band(v, soft, share),
    "vertical": lambda u, v, soft, share: _band(u, soft, share),
    "diagonal": lambda u, v, soft, share: _band((u + v) * math.sqrt(0.5), soft, share),
    "dotted": _dots,
    "plaid": _plaid,
    "checked": _checked,
    "chevron": _chevron,
    "argyle": _argyle,
}


def shares_of_ink(pattern: str, u, v, period: float, per_unit: float, tilt: float) -> list[np.ndarray]:
    """Return the inks of a pattern with one or two further colours, float32 arrays of the shape of `u`.

    Args:
        pattern: "camouflage", soft blobs of two colours, or "block", another colour on one half.
        u: body coordinate to the right.
        v: body coordinate downwards.
        period: about the size of the blobs, in body units.
        per_unit: output pixels per body unit.
        tilt: moves the blobs.
    """
    if pattern == "block":
        return [np.clip(u * per_unit + 0.5, 0, 1)]
    k = 2.6 / period
    inks = []
    for i, level in ((0.0, 0.25), (2.1, 0.5)):
        a = np.sin(k * u + 1.3 * np.sin(0.8 * k * v + tilt + i)) + np.sin(0.9 * k * v + 1.5 * np.sin(0.7 * k * u + i))
        inks.append(np.clip((a - level) * 0.35 * period * per_unit, 0, 1))
    return inks


def petals(size: int, pitch: float, cloth, second, pick: float, tilt: float, offset) -> np.ndarray:
    """Draw five-petalled flowers on a jittered grid, so that every garment shows some.

    Args:
        size: side of the picture, in pixels.
        pitch: distance between flowers, in pixels.
        cloth: RGB of the ground.
        second: RGB of petals or hearts.
        pick: chooses the third colour, 0 to 1.
        tilt: turns and jitters the flowers.
        offset: moves the grid, two fractions of the pitch.

    Returns:
        uint8 (size, size, 3).
    """
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = np.uint8(cloth)
    third = ((236, 96, 140), (246, 206, 70), (120, 206, 130), (244, 244, 244))[min(int(4 * pick), 3)]
    radius, counter = 0.17 * pitch, 0
    for row in range(int(size / pitch) + 2):
        for column in range(int(size / pitch) + 2):
            # A hash, not the stream, jitters the flowers: their number may depend on the picture's size.
            counter = 97 * row + column + 1
            jx, jy = math.sin(counter * 12.9898 + tilt) * 0.3, math.sin(counter * 78.233 + tilt) * 0.3
            cx = (column - 1 + 0.5 * (row % 2) + jx + offset[0]) * pitch
            cy = (row - 1 + jy + offset[1]) * pitch
            petal, heart = (second, third) if math.sin(counter * 3.7 + tilt) > -0.2 else (third, second)
            for k in range(5):
                angle = tilt + counter + k * 2 * math.pi / 5
                x, y = cx + 1.35 * radius * math.cos(angle), cy + 1.35 * radius * math.sin(angle)
                cv2.circle(picture, (round(x * 16), round(y * 16)), round(radius * 16), petal, -1, cv2.LINE_AA, 4)
            centre = (round(cx * 16), round(cy * 16))
            cv2.circle(picture, centre, round(0.8 * radius * 16), heart, -1, cv2.LINE_AA, 4)
    return picture
