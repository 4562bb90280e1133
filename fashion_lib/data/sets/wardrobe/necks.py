"""Collars, lapels, necklines and neck designs: shapes cut into or laid on a bodice around the neck.

Each drawing function draws one value and returns the polygons of the region that shows the attribute.
"""

import math
from dataclasses import dataclass

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import edge_colour, luminance, shade
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import Point, box, ellipse, limb
from fashion_lib.data.sets.wardrobe.streams import Stream

HALF_TURN = (0.0, math.pi)


@dataclass(frozen=True)
class Trim:
    """Colours and size jitters of a neck, drawn at random before the value is known (see `Wardrobe.twin`)."""

    dye: tuple[float, float, float]
    edge: tuple[float, float, float]
    wide: float
    deep: float
    inner: tuple[float, float, float]


def trim_of(dye, stream: Stream) -> Trim:
    """Draw a trim: half of all trims contrast with the garment, the other half are a shade of it."""
    contrasts, wide, deep = stream.chance(0.5), stream.uniform(-1, 1), stream.uniform(-1, 1)
    inner, pick = stream.colour(150, 250), stream.uniform()
    light = luminance(dye)
    if contrasts:
        colour = (
            (242, 240, 234)
            if light < 150
            else ((40, 40, 48), (170, 40, 50), (40, 60, 140))[min(int(pick * 3), 2)]
        )
    else:
        colour = shade(dye, 1.3) if 45 < light < 160 else ((204, 200, 196) if light >= 160 else (92, 92, 100))
    return Trim(colour, edge_colour(colour), wide, deep, inner)


def grown(points: list[Point], factor: float = 1.25) -> list[Point]:
    """Return a polygon enlarged about the middle of its bounding box.

    An edge is visible from both of its sides, so the region of an attribute includes both.
    """
    xs, ys = [x for x, _ in points], [y for _, y in points]
    cx, cy = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
    return [(cx + factor * (x - cx), cy + factor * (y - cy)) for x, y in points]


def both(points: list[Point]) -> list[list[Point]]:
    """Return a polygon and its mirror image."""
    return [points, [(-x, y) for x, y in points]]


def neckline(canvas: Canvas, figure: Figure, value: str, trim: Trim, pen) -> list[list[Point]]:
    """Draw an opening that shows the skin.

    Off-shoulder and one-shoulder bodices are already cut by `garments.bodice_outline`, so only their region
    is returned.

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
    opening = {
        "round": ellipse(0, 1.34, 0.48 + 0.05 * w, 0.6 + 0.08 * d, *HALF_TURN),
        "v": [(-0.42 - 0.05 * w, 1.36), (0.42 + 0.05 * w, 1.36), (0, 2.45 + 0.15 * d)],
        "square": box(-0.6 - 0.05 * w, 1.36, 0.6 + 0.05 * w, 2.1 + 0.1 * d),
        "straight": [
            (-0.84, 1.5),
            (-0.2, 1.3),
            (0.2, 1.3),
            (0.84, 1.5),
            (0.78, 1.62 + 0.04 * d),
            (-0.78, 1.62 + 0.04 * d),
        ],
    }.get(value)
    if opening is not None:
        canvas.fill(opening, figure.skin, "skin", pen)
    edges = {  # these two have no opening: the region is the edge itself
        "off_shoulder": [box(-0.9, 1.75, 0.9, 2.2)],
        "one_shoulder": [limb([(0.45, 1.3), (-0.3, 1.9), (-0.8, 2.14)], [0.22, 0.22, 0.22])],
    }
    return edges.get(value) or [grown(opening)]


def neck_design(canvas: Canvas, figure: Figure, value: str, trim: Trim, dye, pen) -> list[list[Point]]:
    """Draw one value of neck_design.

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
    w, d = trim.wide, trim.deep
    if value in ("turtle", "low_turtle"):
        top = 0.86 + 0.04 * d if value == "turtle" else 1.2 + 0.03 * d
        tube = [(-0.29, top), (0.29, top), (0.37, 1.5), (-0.37, 1.5)]
        canvas.fill(tube, dye, "detail", pen)
        if value == "turtle":  # the fold
            canvas.outline([(-0.31, top + 0.3), (0, top + 0.37), (0.31, top + 0.3)], pen, closed=False)
        return [grown(tube)]
    if value == "ruffle":
        zigzag = []
        for i in range(13):
            x = (-0.62 + 1.24 * i / 12) * (1 + 0.06 * w)
            zigzag.append((x, 1.84 - 0.25 * abs(x) + (0.16 if i % 2 else -0.08)))
        crown = [(-0.36, 1.14), (-0.18, 1.0), (0, 1.14), (0.18, 1.0), (0.36, 1.14)]
        ruff = [*crown, *reversed(zigzag)]
        canvas.fill(ruff, trim.dye, "detail", trim.edge)
        for x in (-0.3, 0.0, 0.3):
            canvas.outline([(x * 0.8, 1.25), (x * 1.2, 1.7)], trim.edge, closed=False)
        return [grown(ruff, 1.1)]
    folds = ((0.78, 1.2), (0.64, 0.92), (0.5, 0.62))  # draped: the folds of a scarf, outermost first
    for i, (rx, ry) in enumerate(folds):
        tone = (
            shade(dye, 0.8 if i % 2 else 1.08) if luminance(dye) > 55 else shade(dye, 2.0 if i % 2 else 1.2)
        )
        canvas.fill(ellipse(0, 1.32, rx + 0.04 * w, ry + 0.06 * d, *HALF_TURN), tone, "detail", pen)
    canvas.fill(ellipse(0, 1.3, 0.36, 0.3, *HALF_TURN), shade(figure.skin, 0.86), "skin", pen)
    return [grown(ellipse(0, 1.32, *folds[0], *HALF_TURN), 1.1)]


def collar(canvas: Canvas, figure: Figure, value: str, trim: Trim, pen) -> list[list[Point]]:
    """Draw one value of collar_design.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin colour.
        value: a value of collar_design.
        trim: colours and size jitters.
        pen: RGB of the outlines.

    Returns:
        The polygons of the region, in body units.
    """
    w, d = 0.04 * trim.wide, 0.05 * trim.deep
    canvas.fill(ellipse(0, 1.32, 0.32, 0.24, *HALF_TURN), shade(figure.skin, 0.86), "skin", pen)
    if value == "rib":
        outer = ellipse(0, 1.3, 0.52 + w, 0.56 + d, *HALF_TURN)
        canvas.fill(outer + ellipse(0, 1.3, 0.3, 0.28, math.pi, 0), trim.dye, "detail", trim.edge)
        for angle in (0.5, 1.05, 1.57, 2.1, 2.64):
            c, s = math.cos(angle), math.sin(angle)
            canvas.outline([(0.3 * c, 1.3 + 0.28 * s), (0.52 * c, 1.3 + 0.56 * s)], trim.edge, closed=False)
        return [grown(outer, 1.15)]
    shapes = {
        "shirt": [(0.02, 1.6), (0.26, 1.14), (0.42, 1.28), (0.56 + w, 1.72), (0.34, 2.02 + d)],
        "peter_pan": ellipse(0.38, 1.62, 0.38 + w, 0.27, corners=14),
        "puritan": [(0.0, 2.28 + d), (0.24, 1.3), (0.5, 1.26), (0.98 + w, 1.5), (0.94 + w, 2.16), (0.5, 2.3)],
    }
    for piece in both(shapes[value]):
        canvas.fill(piece, trim.dye, "detail", trim.edge)
    if value == "shirt":
        canvas.outline([(0, 1.6), (0, 2.5)], pen, closed=False)
        for y in (1.95, 2.3):
            canvas.fill(ellipse(0.1, y, 0.05, 0.05, corners=8), trim.dye, "detail", pen)
        placket = [box(-0.1, 1.6, 0.22, 2.55)]
    else:
        placket = []
    return [grown(piece, 1.15) for piece in both(shapes[value])] + placket


def lapel(canvas: Canvas, figure: Figure, value: str, trim: Trim, pen, end: float) -> list[list[Point]]:
    """Draw an open coat front.

    The order is: what is worn beneath, the closing edge, the lapels, the buttons.

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
    low = 2.72 + 0.1 * trim.deep
    w = 0.04 * trim.wide
    front = [(-0.36, 1.32), (0.36, 1.32), (0.04, low), (0.04, end), (-0.04, end), (-0.04, low)]
    canvas.fill(front, trim.inner, "detail", pen)
    canvas.fill(ellipse(0, 1.32, 0.28, 0.34, *HALF_TURN), shade(figure.skin, 0.86), "skin", pen)
    shapes = {
        # the notch is cut into the outer edge; the peak points up past the shoulder line
        "notched": [
            (0.2, 1.16),
            (0.44, 1.24),
            (0.74 + w, 1.66),
            (0.46, 1.86),
            (0.84 + w, 2.02),
            (0.05, low),
            (0.28, 1.7),
        ],
        "peaked": [
            (0.2, 1.16),
            (0.42, 1.24),
            (0.52, 1.74),
            (1.02 + w, 1.44),
            (0.86 + w, 2.14),
            (0.05, low),
            (0.28, 1.7),
        ],
        "shawl": [
            (0.2, 1.16),
            (0.44, 1.22),
            (0.7 + w, 1.6),
            (0.76 + w, 2.0),
            (0.6, 2.4),
            (0.05, low),
            (0.28, 1.7),
        ],
    }
    if value in shapes:
        for piece in both(shapes[value]):
            canvas.fill(piece, trim.dye, "detail", trim.edge)
    for y in (low + 0.2, low + 0.6):
        if y < end - 0.1:
            canvas.fill(ellipse(0.16, y, 0.06, 0.06, corners=8), trim.dye, "detail", trim.edge)
    opening = [
        (0.2, 1.16),
        (0.5, 1.24),
        (0.56, 1.9),
        (0.12, low),
        (0.02, low),
        (0.28, 1.7),
    ]  # a collarless edge
    return [grown(piece, 1.1) for piece in both(shapes.get(value, opening))]
