"""The upper body of a garment and its sleeves, with the region that shows where a sleeve ends."""

import math

import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.garments import WAIST
from fashion_lib.data.sets.wardrobe.geometry import Point, limb, mirrored, section
from fashion_lib.data.sets.wardrobe.necklines import heart

ARM_BAND = (0.2, 0.34)  # of an off-shoulder bodice: the part of each arm that it covers at least


def bodice_outline(
    end: float, ease: float, neckline: str | None = None, bare: bool = False, flare: float = 0.0
) -> list[Point]:
    """Return the outline from the shoulders to y = `end`.

    Args:
        end: height of the hem, in body units.
        ease: added to the half widths, in body units.
        neckline: a value of neckline_design. Those without straps change the outline; others do not.
        bare: whether a "sweetheart" is strapless.
        flare: extra half width at y = 6, reached in proportion below the waist.
    """
    below = [(0.72 + 0.5 * ease, 2.35), (0.6 + ease, WAIST)]
    if end > WAIST:
        hip = min(end, 4.0)
        below.append((0.6 + ease + (0.17 + flare / 3) * (hip - WAIST), hip))
    else:
        below[-1] = (0.6 + ease, end)
    if end > 4.0:
        below.append((0.78 + ease + flare / 3 + (0.1 + flare / 3) * (end - 4.0), end))
    if neckline == "off_shoulder":
        return mirrored([(0.0, 2.02), (0.8, 1.9), (0.78, 2.1), *below])
    if neckline == "strapless":
        return mirrored([(0.0, 1.98), (0.76, 1.98), (0.75, 2.1), *below])
    if neckline == "sweetheart" and bare:
        left = [(-x, y) for x, y in reversed(below)]
        return [*below, *left, *reversed(heart(0.76, 1.86, 0.32))]
    half = [(0.24, 1.34), (0.9, 1.56), (0.84, 1.9), *below]
    if neckline == "one_shoulder":
        right = [(0.3, 1.3), *half[1:]]
        left = [(-x, y) for x, y in reversed(below)]
        return right + left + [(-0.76, 2.12), (-0.3, 1.9)]
    return mirrored(half)


def sleeve_outline(arm: list[Point], span: tuple[float, float], shape: str, ease: float) -> list[Point]:
    """Return the outline of a sleeve over a part of the arm.

    Args:
        arm: shoulder, elbow and wrist, in body units.
        span: first and last fraction of the arm's length.
        shape: a value of sleeve_shape.
        ease: widens the sleeve.
    """
    start, end = span
    t = np.linspace(0, 1, 10)
    along = start + (end - start) * t  # as a fraction of the arm
    plain = 0.27 - 0.06 * along
    widths = {
        "straight": plain,
        "puff": plain + 0.17 * np.sin(math.pi * np.clip(along / 0.36, 0, 1)),
        "bell": plain + 0.34 * np.clip((t - 0.55) / 0.45, 0, 1),
        "bishop": plain + 0.2 * np.clip(t / 0.8, 0, 1) - 0.26 * np.clip((t - 0.85) / 0.15, 0, 1),
        "batwing": plain + 0.34 * np.clip(1 - along / 0.6, 0, 1),
    }[shape] + 0.3 * ease
    if end < 0.15:  # a cup sleeve stands off the arm
        widths = 0.3 + 0.1 * t + 0.2 * ease
    lines = [section(arm, start, at)[-1] for at in along[1:]]
    return limb([section(arm, start, end)[0], *lines], widths.tolist())


def sleeve_span(value: str | None, fraction: float) -> tuple[float, float] | None:
    """Return which part of the arm a sleeve covers; None where there is no sleeve.

    Args:
        value: a value of neckline_design, or None.
        fraction: where the sleeve ends, as a fraction of the arm's length.
    """
    if value == "strapless":
        return None
    if value == "off_shoulder":
        return ARM_BAND[0], max(fraction, ARM_BAND[1])
    return (0.0, fraction) if fraction > 0.02 else None


def draw_sleeves(
    canvas: Canvas, figure: Figure, span, shape: str, ease: float, fabric, pen, garment, bare_side: bool
) -> list[list[Point]]:
    """Draw the sleeves of both arms.

    Args:
        canvas: the canvas to draw on.
        figure: the posed figure.
        span: as `sleeve_span` returns it.
        shape: a value of sleeve_shape.
        ease: widens the sleeves.
        fabric: uint8 (S, S, 3).
        pen: RGB of the outline.
        garment: name of the mask that the sleeves are added to, or None.
        bare_side: whether a one-shoulder bodice leaves one arm bare.

    Returns:
        The outlines of the sleeves, in body units.
    """
    outlines = []
    for side, arm in zip((1, -1), figure.arms, strict=True):
        if span is None or (bare_side and side < 0):
            continue
        outlines.append(sleeve_outline(arm, span, shape, ease))
        canvas.cloth(outlines[-1], fabric, pen, "sleeve", garment)
    return outlines


def cuff_region(figure: Figure, fraction: float) -> list[list[Point]]:
    """Return both arms around the end of the sleeve: 0.22 of an arm's length towards each side."""
    low, high = max(fraction - 0.22, 0.0), max(fraction, 0.12) + 0.18
    return [limb(line, [0.34] * len(line)) for line in (section(arm, low, high) for arm in figure.arms)]
