"""What covers a place so that its attribute is invisible: a held object, a scarf, hair, a shawl over the arms."""

import math

from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import shade
from fashion_lib.data.sets.wardrobe.figure import Figure
from fashion_lib.data.sets.wardrobe.geometry import box, ellipse, limb, mirrored, smooth
from fashion_lib.data.sets.wardrobe.streams import Stream


def _object(canvas: Canvas, figure: Figure, colour, second, turn: float) -> None:
    """Draw a bag or a folder that is held up before the chest, with the hands that hold it."""
    c, s = math.cos(turn), math.sin(turn)
    corners = [(x * c - y * s, 2.02 + x * s + y * c) for x, y in box(-0.88, -0.88, 0.88, 0.86)]
    canvas.fill(corners, colour, "accessory", shade(colour, 0.5))
    inner = [(x * c - y * s, 2.02 + x * s + y * c) for x, y in box(-0.62, -0.5, 0.62, 0.1)]
    canvas.fill(inner, second, "accessory", shade(colour, 0.5))
    for side in (1, -1):
        x, y = side * 0.86 * c, 2.3 + side * 0.86 * s
        canvas.fill(ellipse(x, y, 0.17, 0.22), figure.skin, "skin", shade(figure.skin, 0.7))


def _scarf(canvas: Canvas, colour, second) -> None:
    """Draw a thick scarf wound around the neck with two hanging ends."""
    pen = shade(colour, 0.5)
    for side in (1, -1):
        end = limb([(side * 0.2, 1.7), (side * 0.3, 2.75)], [0.2, 0.22])
        canvas.fill(end, second if side > 0 else colour, "accessory", pen)
    wound = smooth(mirrored([(0.0, 0.98), (0.52, 1.08), (0.9, 1.5), (0.72, 2.1), (0.0, 2.3)]))
    canvas.fill(wound, colour, "accessory", pen)
    for k, y in enumerate((1.3, 1.6, 1.9)):
        fold = [(-0.62 + 0.08 * k, y - 0.08), (0.0, y + 0.14), (0.62 - 0.08 * k, y - 0.12)]
        canvas.outline(fold, second if k == 1 else pen, 0.05, closed=False)


def _hair(canvas: Canvas, figure: Figure) -> None:
    """Draw long hair that falls forward over neck and chest."""
    pen = shade(figure.hair, 0.6)
    for side in (1, -1):
        lock = [(side * 0.3, 0.3), (side * 0.5, 0.7), (side * 0.86, 1.5), (side * 0.62, 2.4), (-side * 0.14, 2.55)]
        lock += [(-side * 0.1, 1.2), (side * 0.12, 1.0), (side * 0.34, 0.8)]
        canvas.fill(lock, figure.hair, "hair", pen)
        for k in range(3):
            x = side * (0.12 + 0.2 * k)
            canvas.outline([(0.6 * x, 1.1), (x, 1.7), (0.9 * x, 2.4)], pen, 0.025, closed=False)


def _shawl(canvas: Canvas, figure: Figure, colour, second) -> None:
    """Draw a wide shawl over both shoulders and arms, hands included; the front stays open."""
    pen = shade(colour, 0.5)
    for arm, side in zip(figure.arms, (1, -1), strict=True):
        reach = max(max(abs(x) for x, _ in arm) + 0.35, 1.2)
        low = max(y for _, y in arm) + 0.45
        cloth = [(side * 0.24, 1.26), (side * 0.92, 1.44), (side * reach, 2.4), (side * reach, low)]
        cloth += [(side * 0.5, low + 0.15), (side * 0.42, 2.2)]
        canvas.fill(cloth, colour, "accessory", pen)
        border = [(side * 0.24, 1.26), (side * 0.42, 2.2), (side * 0.5, low + 0.15)]
        canvas.outline(border, second, 0.09, closed=False)
        for k in (0.45, 0.7):
            fold = [(side * (0.3 + 0.5 * k), 1.5), (side * (0.5 + (reach - 0.5) * k), low)]
            canvas.outline(fold, pen, 0.03, closed=False)


def draw_cover(canvas: Canvas, figure: Figure, kind: str, stream: Stream) -> None:
    """Draw what hides a place.

    Args:
        canvas: the canvas to draw on.
        figure: the figure, for its skin, hair and arms.
        kind: "object", "scarf", "hair" or "shawl"; "frame" draws nothing, the frame alone hides.
        stream: colours and the turn of the object.
    """
    colour, second, turn = stream.colour(20, 235), stream.colour(20, 235), stream.uniform(-0.25, 0.25)
    if kind == "object":
        _object(canvas, figure, colour, second, turn)
    elif kind == "scarf":
        _scarf(canvas, colour, second)
    elif kind == "hair":
        _hair(canvas, figure)
    elif kind == "shawl":
        _shawl(canvas, figure, colour, second)
