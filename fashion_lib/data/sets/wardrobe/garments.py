"""Garments below the waist (skirts, pants) and the regions that show where a garment ends."""

import math

import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import Point, box, lerp, limb, mirrored, section

WAIST = 3.02
CROTCH = 4.2
TIERS = 3


def skirt_outline(end: float, shape: str, ease: float) -> list[Point]:
    """Return the outline of a skirt from the waist to y = `end`.

    Args:
        end: height of the hem, in body units.
        shape: a value of the attribute shape that skirts have.
        ease: added to each half width, in body units.
    """
    t = np.linspace(0, 1, 19)
    length = end - WAIST
    slim = 0.66 + 0.12 * np.sin(math.pi * np.minimum(t * 1.6, 1))
    widths = {
        "slim": slim - 0.3 * t,
        "straight": 0.66 + 0.2 * np.minimum(t * 4, 1),
        "flared": 0.5 + (0.8 + 0.08 * length) * t,
        "balloon": 0.5 + 0.95 * np.sin(math.pi * np.minimum(t * 1.04, 1)) ** 0.7,
        "mermaid": slim - 0.3 * np.minimum(t, 0.62) + 1.7 * np.maximum(t - 0.62, 0),
        "tiered": 0.58 + 0.25 * np.floor(np.minimum(t, 0.999) * TIERS) + 0.3 * ((t * TIERS) % 1) * (t < 1),
    }[shape] + ease
    if shape == "tiered":
        widths[-1] = widths[-2] + 0.03
    return mirrored(list(zip(widths.tolist(), (WAIST + length * t).tolist(), strict=True)))


def draw_skirt(canvas: Canvas, end: float, shape: str, ease: float, fabric, pen, garment) -> list[Point]:
    """Draw a skirt with the seams of its tiers, and return its outline in body units.

    Args:
        canvas: the canvas to draw on.
        end: height of the hem, in body units.
        shape: a value of the attribute shape that skirts have.
        ease: added to each half width, in body units.
        fabric: uint8 (S, S, 3).
        pen: RGB of the outlines.
        garment: name of the mask that the skirt is added to, or None.
    """
    outline = skirt_outline(end, shape, ease)
    canvas.cloth(outline, fabric, pen, "lower", garment)
    if shape == "tiered":
        for k in range(1, TIERS):
            y = WAIST + (end - WAIST) * k / TIERS
            half = max(x for x, at in outline if abs(at - y) < 0.12 * (end - WAIST))
            canvas.outline([(-half, y), (half, y)], pen, closed=False)
    return outline


def pant_outlines(figure: Figure, end: float, shape: str, ease: float) -> list[list[Point]]:
    """Return the outlines of the hips and of two legs down to y = `end`.

    Args:
        figure: the posed figure, whose legs the trousers follow.
        end: height of the hem, in body units.
        shape: a value of the attribute shape that pants have.
        ease: added to the half widths, in body units.
    """
    top, knee, hem = {
        "slim": (0.27, 0.2, 0.16),
        "straight": (0.3, 0.27, 0.26),
        "wide": (0.34, 0.4, 0.46),
        "bell": (0.28, 0.2, 0.46),
    }[shape]
    hips = mirrored([(0.6, WAIST), (0.74 + ease, 3.8), (0.72 + ease, CROTCH), (0.0, CROTCH + 0.1)])
    legs = []
    for leg in figure.legs:
        (x0, y0), (x1, y1) = leg[0], leg[-1]
        low = (x0 + (x1 - x0) * (end - y0) / (y1 - y0), end)
        line = [(x0, y0), *section([(x0, y0), low], 0.55, 1.0)]
        legs.append(limb(line, [top + ease, knee + ease, hem + ease]))
    return [hips, *legs]


def hem_region(end: float, half_width: float) -> list[list[Point]]:
    """Return a band of 0.45 body units above and below the hem, a little wider than the garment there."""
    w = half_width + 0.12
    return [box(-w, end - 0.45, w, end + 0.45)]


def pant_hem_region(figure: Figure, end: float) -> list[list[Point]]:
    """Return a band of 0.45 body units above and below the hem of each trouser leg."""
    bands = []
    for hip, _, ankle in figure.legs:
        x, _ = lerp(hip, ankle, (end - hip[1]) / (ankle[1] - hip[1]))
        bands.append(box(x - 0.5, end - 0.45, x + 0.5, end + 0.45))
    return bands
