"""The one place for figure style: letters, a fixed colour per method, clean axes, the picture format, legends outside.

A method keeps its colour in every figure of every notebook. A variant is a shade of its method's colour.

Letters: no figure has smaller ones than `LETTERS` points on a page that is 1366 pixels wide. A browser counts `DPI`
pixels per inch and gives a figure `COLUMN` pixels on that page; it shrinks a wider figure, and the letters with it. So
a figure is drawn with `DPI` or more, is at most `WIDEST` inches wide, and sets no text below `LETTERS` points.
`fashion_lib.show.check` measures this.
"""

import colorsys
import zlib
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from fashion_lib.show.title_text import drawable

DPI = 96  # pixels per inch of a browser: a point of the figure is a point of the page
COLUMN = 1000  # pixels that a page of 1366 pixels has for a figure
WIDEST = 10.2  # inches of a figure that fits the column; the margin around a stored figure takes the rest
LETTERS = 9  # points: the smallest letters
CHARACTER = 0.077  # inches that a character of LETTERS points takes, on average
LINE = 0.155  # inches from one line of LETTERS points to the next
RULE = "#dddddd"  # thin lines that lead the eye along a row
PRINTED = "#888888"  # what a paper prints, beside our own coloured marks
ARROW = "#666666"  # arrows of a diagram and the edges of its boxes
SHARED_BOX, OWN_BOX = "#cfe3f3", "#ffc27a"  # boxes of a diagram: the same in all methods, and what one method fills in
BEFORE, AFTER = "#4c86b8", "#d9770a"  # two runs of one method: without a change, and with it
# Chosen by search: any two differ clearly in CIELAB for normal, red-blind and green-blind sight (the test measures
# it). The two tasks share them, since no figure shows methods of both.
COLOURS = {
    "random": "#888888", "triplet": "#33CCCC", "csn": "#CCCC00", "asen": "#D55E00", "attnfashion": "#CC99FF",
    "haen": "#33CC66", "isln": "#663366", "asen_pp": "#660000", "rpf": "#CC33FF", "ag_mlan": "#0072B2",
    "ipad": "#0000FF", "ipad+fr": "#330099",
    "image_only": "#888888", "amnet": "#D55E00", "adde_m": "#33CC66", "yao2026": "#0072B2",
}  # fmt: skip
# Shares of white (+) or black (-) that a variant's shade mixes into its method's colour.
SHADES = (0.5, -0.45, 0.65, -0.65)
MARKERS = "osD^vPX*<>ph"


def colour(method: str, variant: str = "") -> str:
    """Return the fixed colour of a method, as a hex string such as "#0072b2".

    A pure function of the names: no figure, order or registry changes it. A method that has no entry in `COLOURS`
    takes a colour that its name decides.

    Args:
        method: The method's name in the ledger, such as "ag_mlan" or "ipad+fr".
        variant: A variant that stands beside the method's main row in one figure. It takes a shade of the method's
            colour. Leave it out for the main row.
    """
    base = COLOURS.get(method) or _invented(method)
    if not variant:
        return to_hex(base)
    share = SHADES[zlib.crc32(variant.encode()) % len(SHADES)]
    end = 1.0 if share > 0 else 0.0
    return to_hex([(1 - abs(share)) * part + abs(share) * end for part in to_rgb(base)])


def marker(method: str) -> str:
    """Return the fixed marker of a method: a second sign beside the colour, for many methods in one figure."""
    known = list(COLOURS)
    place = known.index(method) if method in known else zlib.crc32(method.encode())
    return MARKERS[place % len(MARKERS)]


def _invented(name: str) -> str:
    """A colour for a name without an entry: hue, lightness and saturation from the name's checksum."""
    number = zlib.crc32(name.encode())
    lightness, saturation = (0.3, 0.42, 0.54)[number // 360 % 3], (0.5, 0.85)[number // 1080 % 2]
    return to_hex(colorsys.hls_to_rgb(number % 360 / 360, lightness, saturation))


def tidy(axes: Axes, *, hide: Sequence[str] = ("top", "right"), labels: float = LETTERS) -> None:
    """Hide the spines named in `hide` and set the size of the tick labels, in points."""
    axes.spines[list(hide)].set_visible(False)
    axes.tick_params(labelsize=labels)


def pictures_as_jpeg(quality: int = 80) -> None:
    """Store the figures of this notebook as JPEG, which takes a tenth of PNG's size for photographs.

    Does nothing outside IPython.

    Args:
        quality: JPEG quality, 1 to 95.
    """
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("jpeg", pil_kwargs={"quality": quality})


def label_ends(axes: Axes) -> None:
    """Write each labelled line's name at its right end, in its colour, and move names apart that would meet.

    For a few lines this is read faster than a legend. Called last, since the places depend on the limits.

    Args:
        axes: With the lines, whose labels are their names.
    """
    low, high = axes.get_ylim()
    apart = 1.2 * LINE / (0.75 * axes.figure.get_figheight())  # as a share of the axes, which fill most of the figure
    named = [line for line in axes.lines if not str(line.get_label()).startswith("_") and len(line.get_ydata())]
    ends = sorted(((line.get_ydata()[-1] - low) / (high - low), k) for k, line in enumerate(named))
    place = -float("inf")
    for share, k in ends:
        place = max(share, place + apart)
        axes.text(1.02, place, drawable(named[k].get_label()), transform=axes.transAxes, color=named[k].get_color(),
                  fontsize=LETTERS, va="center")  # fmt: skip


def unique_handles(several: Iterable[Axes]) -> dict[str, object]:
    """Return label -> handle of everything labelled in the axes, each label once, in the order of drawing."""
    found = {}
    for axes in several:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def legend_outside(drawn: Axes | Figure, *, fontsize: float = LETTERS, title: str | None = None) -> Legend | None:
    """Put one legend right of a figure and widen the figure by the legend's width, so that no axes shrink.

    The legend takes more columns where the figure is too low for all its lines. It stands below the figure, which
    becomes higher, where the figure would be wider than `WIDEST`. Needs a figure with layout="constrained", and is
    called last.

    Args:
        drawn: A figure, for the labels of all its axes, or axes, for their own labels alone.
        fontsize: Size of the labels, in points.
        title: The legend's heading, if any.

    Returns:
        The legend, or None where nothing is labelled.
    """
    figure = drawn if isinstance(drawn, Figure) else drawn.figure
    handles = unique_handles(figure.axes if isinstance(drawn, Figure) else [drawn])
    if not handles:
        return None
    line = 1.5 * fontsize / 72  # inches
    rows = max(1, int(figure.get_figheight() / line) - 1 - (title is not None))
    labels = [drawable(label) for label in handles]

    def placed(place: str, columns: int) -> tuple[Legend, float, float]:
        legend = figure.legend(
            handles.values(), labels, loc=place, ncols=columns, frameon=False, fontsize=fontsize, title=title,
            title_fontsize=fontsize,
        )  # fmt: skip
        box = legend.get_window_extent(RendererAgg(1, 1, figure.dpi))
        return legend, box.width / figure.dpi, box.height / figure.dpi  # inches

    legend, width, _ = placed("outside right center", -(-len(handles) // rows))
    if figure.get_figwidth() + width + 0.1 <= WIDEST:
        figure.set_figwidth(figure.get_figwidth() + width + 0.1)
        return legend
    for columns in range(len(handles), 0, -1):
        legend.remove()
        legend, width, height = placed("outside lower center", columns)
        if width <= figure.get_figwidth():
            break
    figure.set_figheight(figure.get_figheight() + height + 0.1)
    return legend
