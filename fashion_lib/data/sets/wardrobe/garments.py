"""Garments below the neck (bodices, sleeves, skirts, pants, coats) and the regions that show their lengths.
"""

import math

import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import Point, lerp, limb, mirrored, section

WAIST = 3.02
CROTCH = 4.2


def skirt_outline(end: float, silhouette: str, ease: float) -> list[Point]:
    """Return the outline of a skirt from the waist to y = `end`.

    Args:
        end: height of the hem, in body units.
        silhouette: a value of the attribute silhouette, which sets the profile of half widths.
        ease: added to each half width, in body units.
    """
    t = np.linspace(0, 1, 9)
    length = end - WAIST
    widths = {
        "slim": 0.66 + 0.12 * np.sin(math.pi * np.minimum(t * 1.6, 1)) - 0.36 * t,
        "straight": 0.66 + 0.2 * np.minimum(t * 4, 1),
        "flared": 0.5 + (0.95 + 0.08 * length) * t,
        "balloon": 0.5 + 0.95 * np.sin(math.pi * np.minimum(t * 1.04, 1)) ** 0.7,
    }[silhouette] + ease
    return mirrored(list(zip(widths.tolist(), (WAIST + length * t).tolist(), strict=True)))


def pant_outlines(figure: Figure, end: float, ease: float) -> list[list[Point]]:
    """Return the outlines of the hips and of two legs down to y = `end`.

    Args:
        figure: the posed figure, whose legs the trousers follow.
        end: height of the hem, in body units.
        ease: added to the half widths, in body units.
    """
    width = 0.3 + ease
    hips = mirrored([(0.6, WAIST), (0.74 + ease, 3.8), (0.72 + ease, CROTCH), (0.0, CROTCH + 0.1)])
    legs = []
    for leg in figure.legs:
        (x0, y0), (x1, y1) = leg[0], leg[-1]
        low = (x0 + (x1 - x0) * (end - y0) / (y1 - y0), end)
        legs.append(limb([(x0, y0), low], [width, 0.85 * width]))
    return [hips, *legs]


def bodice_outline(end: float, ease: float, neckline: str | None = None) -> list[Point]:
    """Return the outline from the shoulders to y = `end`.

    Args:
        end: height of the hem, in body units.
        ease: added to the half widths, in body units.
        neckline: "off_shoulder" and "one_shoulder" change the outline itself; all other values do not.
    """
    below = [(0.7 + 0.5 * ease, 2.35), (0.6 + ease, WAIST)]
    if end > WAIST:
        hip = min(end, 4.0)
        below.append((0.6 + ease + 0.17 * (hip - WAIST), hip))
    else:
        below[-1] = (0.6 + ease, end)
    if end > 4.0:
        below.append((0.78 + ease + 0.1 * (end - 4.0), end))
    if neckline == "off_shoulder":
        return mirrored([(0.0, 2.02), (0.8, 1.9), (0.78, 2.1), *below])
    half = [(0.24, 1.34), (0.9, 1.56), (0.84, 1.9), *below]
    if neckline == "one_shoulder":
        right = [(0.3, 1.3), *half[1:]]
        left = [(-x, y) for x, y in reversed(below)]
        return right + left + [(-0.76, 2.12), (-0.3, 1.9)]
    return mirrored(half)


def sleeve_outline(
    arm: list[Point], fraction: float, ease: float, neckline: str | None
) -> list[Point] | None:
    """Return the outline of a sleeve; None where there is no sleeve.

    Args:
        arm: shoulder, elbow and wrist, in body units.
        fraction: where the sleeve ends, as a fraction of the arm's length.
        ease: widens the sleeve.
        neckline: an "off_shoulder" sleeve begins below the shoulder.
    """
    start = 0.2 if neckline == "off_shoulder" else 0.0
    if fraction <= start + 0.02:
        return None
    line = section(arm, start, fraction)
    t = np.linspace(0, 1, len(line))
    widths = (0.27 + 0.1 * ease) * (1 - t) + (0.21 + 0.35 * ease) * t
    return limb(line, widths.tolist())


def dress_sleeves(
    canvas: Canvas, figure: Figure, fraction, ease, fabric, edge, garment, neckline=None
) -> None:
    """Draw the sleeves of both arms; a "one_shoulder" neckline leaves one arm bare.

    Args:
        canvas: the canvas to draw on.
        figure: the posed figure.
        fraction: where the sleeve ends, as a fraction of the arm's length.
        ease: widens the sleeves.
        fabric: uint8 (S, S, 3).
        edge: RGB of the outline.
        garment: name of the mask that the sleeves are added to, or None.
        neckline: a value of neckline_design, or None.
    """
    for side, arm in zip((1, -1), figure.arms, strict=True):
        bare = neckline == "one_shoulder" and side < 0
        outline = None if bare else sleeve_outline(arm, fraction, ease, neckline)
        if outline:
            canvas.cloth(outline, fabric, edge, "sleeve", garment)


# --- the regions that show each local attribute, as polygons in body units


def cuff_region(figure: Figure, fraction: float) -> list[list[Point]]:
    """Return both arms around the end of the sleeve: 0.22 of an arm's length towards each side."""
    low, high = max(fraction - 0.22, 0.0), min(max(fraction, 0.12) + 0.22, 1.08)
    return [limb(line, [0.34] * len(line)) for line in (section(arm, low, high) for arm in figure.arms)]


def hem_region(end: float, half_width: float) -> list[list[Point]]:
    """Return a band of 0.45 body units above and below the hem, a little wider than the garment there."""
    w = half_width + 0.12
    return [[(-w, end - 0.45), (w, end - 0.45), (w, end + 0.45), (-w, end + 0.45)]]


def pant_hem_region(figure: Figure, end: float) -> list[list[Point]]:
    """Return a band of 0.45 body units above and below the hem of each trouser leg."""
    bands = []
    for hip, _, ankle in figure.legs:
        x, _ = lerp(hip, ankle, (end - hip[1]) / (ankle[1] - hip[1]))
        bands.append(
            [(x - 0.5, end - 0.45), (x + 0.5, end - 0.45), (x + 0.5, end + 0.45), (x - 0.5, end + 0.45)]
        )
    return bands
