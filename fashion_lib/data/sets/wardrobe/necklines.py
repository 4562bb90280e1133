"""Necklines, openings cut into a bodice that show the skin, and neck designs, which close around the neck.

Each drawing function draws one value and returns the polygons of the region that shows the attribute.
"""

import math

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import luminance, shade
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import Point, box, ellipse, grown, limb, waved
from fashion_lib.data.sets.wardrobe.trim import Trim

HALF_TURN = (0.0, math.pi)


def heart(half: float, edge: float, dip: float) -> list[Point]:
    """Return the edge of a sweetheart neckline from right to left: two bumps and a dip between them.

    Args:
        half: half of its width.
        edge: height of the bumps, in body units.
        dip: how far the middle lies below the bumps.
    """
    right = [(half, edge + 0.1), (0.85 * half, edge + 0.02), (0.6 * half, edge), (0.3 * half, edge + 0.04)]
    return [*right, (0.0, edge + dip), *[(-x, y) for x, y in reversed(right)]]


def draw_neckline(canvas: Canvas, figure: Figure, value: str, trim: Trim, pen) -> list[list[Point]]:
    """Draw an opening that shows the skin.

    Strapless, off-shoulder and one-shoulder bodices, and every second sweetheart, are already cut by
    `bodice.bodice_outline`, so only their region is returned.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin colour.
        value: a value of neckline_design.
        trim: colours and size jitters.
        pen: RGB of the outlines.

    Returns:
        The polygons of the region, in body units.
    """
    w, d = trim.wide, trim.deep
    side = 0.54 + 0.05 * w
    opening = {
        "round": ellipse(0, 1.34, 0.46 + 0.05 * w, 0.56 + 0.08 * d, *HALF_TURN),
        "v": [(-0.42 - 0.05 * w, 1.36), (0.42 + 0.05 * w, 1.36), (0, 2.02 + 0.1 * d)],
        "deep_v": [(-0.42 - 0.05 * w, 1.36), (0.42 + 0.05 * w, 1.36), (0, 2.55 + 0.12 * d)],
        "square": box(-side, 1.36, side, 1.9 + 0.09 * d),
        "straight": [
            (-0.84, 1.5),
            (-0.2, 1.3),
            (0.2, 1.3),
            (0.84, 1.5),
            (0.78, 1.64 + 0.04 * d),
            (-0.78, 1.64 + 0.04 * d),
        ],
    }.get(value)
    if value == "sweetheart" and not trim.bare:
        opening = [(-side, 1.36), (side, 1.36), *heart(side, 1.76 + 0.06 * d, 0.3)]
    if opening is not None:
        canvas.fill(opening, figure.skin, "skin", pen)
        return [grown(opening)]
    edges = {  # these have no opening: the region is the edge itself
        "off_shoulder": box(-0.9, 1.75, 0.9, 2.2),
        "one_shoulder": limb([(0.45, 1.3), (-0.3, 1.9), (-0.8, 2.14)], [0.22, 0.22, 0.22]),
    }
    return [edges.get(value) or box(-0.85, 1.65, 0.85, 2.3)]


def draw_neck_design(canvas: Canvas, figure: Figure, value: str, trim: Trim, dye, pen) -> list[list[Point]]:
    """Draw one value of neck_design: high or low turtle, a semi-high ruffle, or a draped collar.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin colour.
        value: a value of neck_design.
        trim: colours and size jitters.
        dye: RGB of the garment.
        pen: RGB of the outlines.

    Returns:
        The polygons of the region, in body units.
    """
    w, d = 0.03 * trim.wide, 0.03 * trim.deep
    tone = shade(dye, 0.9) if luminance(dye) > 55 else shade(dye, 1.5)
    if value in ("turtle", "low_turtle"):
        top = 0.94 + d if value == "turtle" else 1.24 + d
        tube = [(-0.3 - w, top), (0.3 + w, top), (0.4, 1.52), (-0.4, 1.52)]
        canvas.fill(tube, tone, "detail", pen)
        if trim.bare:  # a fold that both heights may have
            fold = 1.52 - 0.42 * (1.52 - top)
            canvas.outline([(-0.34, fold), (0, fold + 0.04), (0.34, fold)], pen, closed=False)
        return [grown(box(-0.4, 0.9, 0.4, 1.55))]
    if value == "ruffle_semi_high":
        crown = waved((-0.42 - w, 1.2 + d), (0.42 + w, 1.2 + d), 5, 0.13)
        band = [*crown, (0.4, 1.52), (-0.4, 1.52)]
        canvas.fill(band, tone, "detail", pen)
        for k in range(1, 5):  # the gathers
            x = -0.42 + 0.84 * k / 5
            canvas.outline([(x, 1.2), (0.9 * x, 1.48)], pen, closed=False)
        return [grown(band, 1.2)]
    folds = ((0.74, 1.0), (0.6, 0.76), (0.47, 0.52))  # the folds of a draped collar, outermost first
    for i, (rx, ry) in enumerate(folds):
        fold = shade(dye, 0.8 if i % 2 else 1.08) if luminance(dye) > 55 else shade(dye, 2.0 if i % 2 else 1.2)
        canvas.fill(ellipse(0, 1.32, rx + w, ry + 2 * d, *HALF_TURN), fold, "detail", pen)
    canvas.fill(ellipse(0, 1.3, 0.36, 0.28, *HALF_TURN), shade(figure.skin, 0.86), "skin", pen)
    return [grown(ellipse(0, 1.32, *folds[0], *HALF_TURN), 1.1)]
