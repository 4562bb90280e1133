"""What is sewn on: buttons and zips, pockets, belts, bows and frills, a hood, ribbed hems, a bib.

Functions that draw an attribute's value return the polygons of the region that shows it.
"""

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import shade
from fashion_lib.data.sets.wardrobe.garments import WAIST
from fashion_lib.data.sets.wardrobe.geometry import Point, box, ellipse, grown, mirrored, waved
from fashion_lib.data.sets.wardrobe.trim import Trim


def draw_buttons(
    canvas: Canvas, value: str, start: float, end: float, trim: Trim, dye, pen
) -> list[list[Point]]:
    """Draw what closes the front of a garment between two heights, on a plain placket.

    Args:
        canvas: the canvas to draw on.
        value: a value of button.
        start: upper end of the front, in body units.
        end: lower end, in body units.
        trim: colours of the buttons.
        dye: RGB of the garment.
        pen: RGB of the outlines.

    Returns:
        The polygons of the region, in body units.
    """
    front, colour = end - start, trim.accent
    if value != "none":
        half = 0.36 if value == "double" else 0.2
        canvas.fill(box(-half, start, half, end), shade(dye, 0.92), "detail", pen)
    if value in ("three", "row", "double"):
        count = {"three": 3, "row": 7, "double": 3}[value]
        step = min(front / count, 0.38 if value != "row" else 0.2)
        for x in (-0.2, 0.2) if value == "double" else (0.0,):
            for k in range(count):
                canvas.fill(ellipse(x, start + (k + 0.5) * step, 0.09, 0.09, corners=10), colour, "detail", pen)
    elif value == "zip":
        canvas.fill(box(-0.08, start, 0.08, end), (176, 178, 184), "detail", (70, 70, 76))
        teeth = [(0.055 if k % 2 else -0.055, start + front * k / 24) for k in range(25)]
        canvas.outline(teeth, (70, 70, 76), 0.02, closed=False)
    elif value == "toggle":
        step = min(front / 3, 0.36)
        for k in range(3):
            y = start + (k + 0.5) * step
            canvas.outline([(-0.34, y), (0.34, y)], pen, 0.05, closed=False)
            canvas.fill(box(-0.15, y - 0.07, 0.15, y + 0.07), colour, "detail", pen)
    return [box(-0.42, start - 0.1, 0.42, end)]


def draw_part(canvas: Canvas, value: str, end: float, trim: Trim, pen) -> list[list[Point]]:
    """Draw a part that is sewn on a bodice.

    Args:
        canvas: the canvas to draw on.
        value: a value of part.
        end: height of the bodice's hem, in body units.
        trim: colours.
        pen: RGB of the outlines.

    Returns:
        The polygons of the region, in body units; for "plain" the whole front.
    """
    tone, waist = trim.dye, min(end - 0.12, WAIST)
    if value == "chest_pocket":
        pocket = [(0.14, 1.98), (0.6, 1.98), (0.6, 2.4), (0.37, 2.54), (0.14, 2.4)]
        canvas.fill(pocket, tone, "detail", pen)
        canvas.outline([(0.14, 2.09), (0.6, 2.09)], pen, closed=False)
        return [grown(pocket)]
    if value == "hip_pockets":
        pockets = [[(s * x, y) for x, y in box(0.16, waist - 0.42, 0.52, waist - 0.06)] for s in (1, -1)]
        for pocket in pockets:
            canvas.fill(pocket, tone, "detail", pen)
            canvas.outline([pocket[0], pocket[1]], pen, 0.08, closed=False)
        return [grown(pocket) for pocket in pockets]
    if value == "belt":
        belt = box(-0.7, waist - 0.24, 0.7, waist - 0.1)
        canvas.fill(belt, trim.accent, "detail", pen)
        canvas.fill(box(-0.1, waist - 0.27, 0.1, waist - 0.07), (214, 178, 80), "detail", (90, 70, 20))
        return [grown(belt, 1.2)]
    if value == "bow":
        y = 2.2
        loops = [[(0, y), (s * 0.42, y - 0.22), (s * 0.42, y + 0.18)] for s in (1, -1)]
        tails = [[(0, y), (s * 0.24, y + 0.46), (s * 0.08, y + 0.48)] for s in (1, -1)]
        for piece in (*tails, *loops, ellipse(0, y, 0.07, 0.08, corners=10)):
            canvas.fill(piece, trim.accent, "detail", pen)
        return [box(-0.5, y - 0.3, 0.5, y + 0.55)]
    if value == "frill":
        for y in (2.2, 2.42):
            low = waved((0.62, y + 0.2), (-0.62, y + 0.2), 7, 0.08)
            canvas.fill([(-0.62, y), (0.62, y), *low], tone, "detail", pen)
        return [box(-0.7, 2.1, 0.7, 2.72)]
    return [box(-0.62, 1.7, 0.62, waist)]


def draw_hood(canvas: Canvas, dye, pen, skin) -> None:
    """Draw the lowered hood of a hoodie around the neck, with its two strings."""
    hood = mirrored([(0.0, 1.0), (0.5, 1.08), (0.62, 1.4), (0.4, 1.66), (0.0, 1.8)])
    canvas.fill(hood, shade(dye, 0.86), "detail", pen)
    canvas.fill(ellipse(0, 1.3, 0.27, 0.28, corners=16), shade(skin, 0.86), "skin", pen)
    for side in (1, -1):
        canvas.outline([(side * 0.14, 1.56), (side * 0.17, 2.1)], (236, 236, 232), 0.045, closed=False)


def draw_pouch(canvas: Canvas, end: float, dye, pen) -> None:
    """Draw the front pocket of a hoodie above its hem at y = `end`."""
    low = min(end - 0.18, 3.3)
    pouch = mirrored([(0.0, low - 0.5), (0.28, low - 0.5), (0.46, low - 0.16), (0.46, low), (0.0, low)])
    canvas.fill(pouch, shade(dye, 0.86), "detail", pen)


def draw_rib_hem(canvas: Canvas, half_width: float, end: float, dye, pen) -> None:
    """Draw the ribbed band at the hem of a sweater."""
    canvas.fill(box(-half_width, end - 0.2, half_width, end), shade(dye, 0.82), "detail", pen)
    for k in range(1, 14):
        x = half_width * (2 * k / 14 - 1)
        canvas.outline([(x, end - 0.18), (x, end - 0.02)], pen, 0.02, closed=False)


def draw_open_front(canvas: Canvas, inner, end: float, dye, pen, skin) -> None:
    """Draw the V-shaped front of a cardigan with its ribbed border."""
    canvas.fill([(-0.34, 1.32), (0.34, 1.32), (0.0, 2.3)], inner, "detail", pen)
    canvas.fill(ellipse(0, 1.32, 0.28, 0.26, 0.0, 3.1416), shade(skin, 0.86), "skin", pen)
    for s in (1, -1):
        border = [(s * 0.22, 1.2), (s * 0.38, 1.28), (s * 0.09, 2.3), (s * 0.09, end), (0.0, end), (0.0, 2.24)]
        canvas.fill(border, shade(dye, 0.82), "detail", pen)


def draw_bib(canvas: Canvas, fabric, pen, accent) -> None:
    """Draw the bib and the straps of dungarees over a top."""
    bib = [(-0.42, 2.05), (0.42, 2.05), (0.6, 3.1), (-0.6, 3.1)]
    for s in (1, -1):
        strap = [(s * 0.38, 1.36), (s * 0.52, 1.4), (s * 0.42, 2.14), (s * 0.28, 2.14)]
        canvas.cloth(strap, fabric, pen, "lower", "lower")
    canvas.cloth(bib, fabric, pen, "lower", "lower")
    for s in (1, -1):
        canvas.fill(ellipse(s * 0.34, 2.15, 0.06, 0.06, corners=10), accent, "detail", pen)
    canvas.fill(box(-0.2, 2.4, 0.2, 2.75), shade(accent, 0.9), "detail", pen)
