"""Collars and lapels, laid on a bodice: the shapes of neighbouring values differ in one detail.

Each drawing function draws one value and returns the polygons of the region that shows the attribute.
"""

import math

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import shade
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import Point, ellipse, grown, smooth
from fashion_lib.data.sets.wardrobe.trim import Trim

HALF_TURN = (0.0, math.pi)


def both(points: list[Point]) -> list[list[Point]]:
    """Return a polygon and its mirror image."""
    return [points, [(-x, y) for x, y in points]]


def draw_collar(canvas: Canvas, figure: Figure, value: str, trim: Trim) -> list[list[Point]]:
    """Draw one value of collar_design.

    A shirt collar ends in points, a Peter Pan collar is round, a Puritan collar is wide with square corners,
    and a rib collar is a knitted band.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin colour.
        value: a value of collar_design.
        trim: colours and size jitters.

    Returns:
        The polygons of the region, in body units.
    """
    w, d = 0.05 * trim.wide, 0.05 * trim.deep
    canvas.fill(ellipse(0, 1.32, 0.32, 0.24, *HALF_TURN), shade(figure.skin, 0.86), "skin", trim.edge)
    if value == "rib":
        outer = ellipse(0, 1.28, 0.54 + w, 0.56 + d, *HALF_TURN)
        canvas.fill(outer + ellipse(0, 1.28, 0.3, 0.28, math.pi, 0), trim.dye, "detail", trim.edge)
        for k in range(1, 12):
            c, s = math.cos(math.pi * k / 12), math.sin(math.pi * k / 12)
            rib = [(0.32 * c, 1.28 + 0.3 * s), ((0.52 + w) * c, 1.28 + (0.54 + d) * s)]
            canvas.outline(rib, trim.edge, 0.025, closed=False)
        return [grown(outer, 1.15)]
    neck = [(0.02, 1.56), (0.25, 1.18), (0.42, 1.28)]
    leaf = {
        "shirt": [*neck, (0.56 + w, 1.56), (0.46 + w, 2.06 + d), (0.3, 1.86)],
        "peter_pan": smooth([*neck, (0.8 + w, 1.42), (0.76 + w, 2.06 + d), (-0.02, 2.16 + d)]),
        "puritan": [*neck, (0.8 + w, 1.5), (0.78 + w, 2.02 + d), (0.07, 2.1 + d)],
    }[value]
    for piece in both(leaf):
        canvas.fill(piece, trim.dye, "detail", trim.edge)
    return [grown(piece, 1.15) for piece in both(leaf)]


def draw_lapel(
    canvas: Canvas, figure: Figure, value: str, trim: Trim, pen, end: float
) -> list[list[Point]]:
    """Draw an open coat front: what is worn beneath, the closing edge, then the lapels.

    A notched lapel has a notch cut into its outer edge; a shawl has none; a plus-size shawl is wider; a
    collarless front has a narrow border only.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin colour.
        value: a value of lapel_design.
        trim: colours and size jitters.
        pen: RGB of the outlines.
        end: height of the coat's hem, in body units.

    Returns:
        The polygons of the region, in body units.
    """
    low, w = front_low(trim), 0.05 * trim.wide
    front = [(-0.36, 1.32), (0.36, 1.32), (0.03, low), (0.03, end), (-0.03, end), (-0.03, low)]
    canvas.fill(front, trim.inner, "detail", pen)
    canvas.fill(ellipse(0, 1.32, 0.28, 0.34, *HALF_TURN), shade(figure.skin, 0.86), "skin", pen)
    top, inside = [(0.2, 1.16), (0.43, 1.22)], [(0.05, low), (0.26, 1.7)]
    cut = [(0.72 + w, 1.66), (0.5 + w, 1.73), (0.76 + w, 1.86)]
    piece = {
        "notched": [*top, *cut, *inside],
        "shawl": [*top, (0.6 + w, 1.48), (0.68 + w, 1.72), (0.64 + w, 2.0), (0.46, 2.36), *inside],
        "plus_size_shawl": [*top, (0.78 + w, 1.42), (0.96 + w, 1.74), (0.9 + w, 2.16), (0.56, 2.5), *inside],
        "collarless": [(0.2, 1.16), (0.36, 1.2), (0.4, 1.7), (0.12, low), *inside],
    }[value]
    for side in both(piece):
        canvas.fill(side, trim.dye, "detail", trim.edge)
    return [grown(side, 1.1) for side in both(piece)]


def front_low(trim: Trim) -> float:
    """Return where the open front of a coat closes, in body units."""
    return 2.62 + 0.1 * trim.deep
