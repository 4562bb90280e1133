"""Can a figure be read? Finds small letters, labels on one another, axes squeezed away, and legends on the data."""

import itertools
import math
import warnings
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from fashion_lib.show import style

SMALLEST_SHARE = 1 / 3  # of the figure's width and of its height that all its axes together must cover
ROUNDING = 0.01  # points
TOUCHING = 0.5  # pixels that two labels may share: their boxes are a little larger than their ink


def figure_problems(figure: Figure) -> list[str]:
    """Name everything that makes a figure hard to read; [] where all is well.

    Found are warnings while drawing, such as constrained layout's, and texts and legends that overlap. Found are
    also axes that cover less than a third of the figure's width or height, legends that cover data, and letters that
    are too small on a page (`fashion_lib.show.style`).

    Args:
        figure: Any matplotlib figure. It is drawn once and not changed.

    Returns:
        One phrase per problem, each with the texts concerned.
    """
    shown_by = figure.canvas
    canvas = FigureCanvasAgg(figure)  # a figure that pyplot closed has a canvas that cannot draw
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            canvas.draw()
        found = [f"warns: {one.message}" for one in caught]
        return found + _small(figure) + _overlaps(figure) + _squeezed(figure) + _covered(figure)
    finally:
        figure.set_canvas(shown_by)


def letters(figure: Figure) -> dict[str, float]:
    """Return the size of every text of a drawn figure on a page that is 1366 pixels wide, in points.

    Args:
        figure: a figure that was drawn, so that its layout is known.

    Returns:
        Text -> its size; of the same text at several places, the smallest one.
    """
    box = figure.get_tightbbox()  # in inches, as a notebook cuts the figure out
    width = (box.width + 2 * plt.rcParams["savefig.pad_inches"]) * figure.dpi
    scale = figure.dpi / style.DPI * min(1, style.COLUMN / width)
    found = {}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            found[text.get_text()] = min(scale * text.get_fontsize(), found.get(text.get_text(), math.inf))
    return found


def _small(figure: Figure) -> list[str]:
    small = {text: size for text, size in letters(figure).items() if size < style.LETTERS - ROUNDING}
    if not small:
        return []
    text = min(small, key=small.get)
    return [f"has letters of {small[text]:.1f} points ({_short(text)}) on a page: {style.LETTERS} is the least"]


def _overlaps(figure: Figure) -> list[str]:
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), _corners(text, renderer)) for text in _texts(figure)]
    boxes += [("the legend", _of(one.get_window_extent(renderer))) for one in _legends(figure)]
    found = {}
    for (one, a), (other, b) in itertools.combinations(boxes, 2):
        if _meet(a, b):
            found[f"{_short(one)} overlaps {_short(other)}"] = None
    return list(found)


def _texts(figure: Figure) -> Iterator[Text]:
    """Every text with a place of its own: tick labels in view, titles, axis labels. Notes inside axes may touch."""
    others = [getattr(figure, name, None) for name in ("_suptitle", "_supxlabel", "_supylabel")]
    for axes in _axes(figure):
        others += [axes.title, axes._left_title, axes._right_title]
        if not axes.axison:
            continue
        for axis in (axes.xaxis, axes.yaxis):
            others += [axis.label, axis.offsetText]
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            # Ticks outside the view exist as objects but are not drawn.
            for tick in axis.get_major_ticks():
                if low - slack <= tick.get_loc() <= high + slack:
                    others += [tick.label1, tick.label2]
    for text in others:
        if text is not None and text.get_visible() and text.get_text().strip():
            yield text


def _corners(text: Text, renderer) -> np.ndarray:
    """The corners of a text's own rectangle, turned as the text is; float (4, 2), in pixels."""
    turned, angle = text.get_window_extent(renderer), text.get_rotation()
    if angle % 90 == 0:
        return _of(turned)
    text.set_rotation(0)
    flat = text.get_window_extent(renderer)
    text.set_rotation(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [flat.width / 2, flat.height / 2]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # The box around a turned rectangle has the rectangle's own middle.
    return half @ np.array([[cos, sin], [-sin, cos]]) + [turned.x0 + turned.width / 2, turned.y0 + turned.height / 2]


def _of(box: Bbox) -> np.ndarray:
    return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])


def _meet(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two rectangles, turned or not, share more than TOUCHING pixels: no side of either separates them."""
    for rectangle in (a, b):
        for side in (rectangle[1] - rectangle[0], rectangle[2] - rectangle[1]):
            length = np.hypot(*side)
            if length == 0:
                return False
            along, other = a @ side / length, b @ side / length
            if min(along.max(), other.max()) - max(along.min(), other.min()) <= TOUCHING:
                return False
    return True


def _squeezed(figure: Figure) -> list[str]:
    drawn = [axes.get_window_extent() for axes in _axes(figure)]
    if not drawn:
        return ["has no axes"]
    # What stands outside the figure is shown as well, since notebooks save with bbox_inches="tight".
    inches = figure.get_tightbbox(figure.canvas.get_renderer())
    whole = Bbox.union([figure.bbox, Bbox(inches.get_points() * figure.dpi)])
    found = []
    for name, start, end, size in (("width", "x0", "x1", whole.width), ("height", "y0", "y1", whole.height)):
        share = _length([(getattr(box, start), getattr(box, end)) for box in drawn]) / size
        if share < SMALLEST_SHARE:
            found.append(f"has axes over {share:.0%} of its {name} only")
    return found


def _length(intervals: list[tuple[float, float]]) -> float:
    """The length that intervals cover together."""
    total, reached = 0.0, -np.inf
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _covered(figure: Figure) -> list[str]:
    renderer, found = figure.canvas.get_renderer(), []
    for legend in _legends(figure):
        box = legend.get_window_extent(renderer)
        hidden = [label for axes in _axes(figure) for label in _data_under(axes, box)]
        if hidden:
            found.append(f"the legend covers data ({_short(hidden[0])})")
    return found


def _data_under(axes: Axes, box: Bbox) -> Iterator[str]:
    """Names of the lines, points and bars of the axes that run through a box, in pixels."""
    for line in axes.lines:
        path = line.get_transform().transform_path(line.get_path())
        if line.get_visible() and len(path.vertices) and path.intersects_bbox(box, filled=False):
            yield str(line.get_label())
    for points in axes.collections:
        if isinstance(points, PathCollection) and points.get_visible():
            places = points.get_offset_transform().transform(points.get_offsets())
            if len(places) and box.count_contains(places):
                yield str(points.get_label())
    for bar in axes.patches:
        if bar.get_visible() and bar.get_window_extent().overlaps(box) and bar.get_window_extent().width > 0:
            yield str(bar.get_label())


def _legends(figure: Figure) -> list:
    return [*figure.legends, *(axes.get_legend() for axes in _axes(figure) if axes.get_legend() is not None)]


def _axes(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_visible()]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if text == "the legend" else repr(text if len(text) <= 40 else text[:37] + "...")
