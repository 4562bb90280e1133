"""Seed dots: one row per method, one dot per seed, a stroke for their mean, and the paper's number beside them."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox, BboxBase

from fashion_lib.core.errors import FashionError
from fashion_lib.show import style
from fashion_lib.show.tables import NOT_RUN
from fashion_lib.show.title_text import drawable, literal

NOT_PRINTED = "not printed"


def values_of(ledger: pd.DataFrame, row: tuple[str, str], attribute: str, metric: str = "map") -> pd.Series:
    """Return the numbers of one (method, variant), indexed by seed; empty where it was not run.

    Args:
        ledger: Rows in the ledger's columns, of one data set and profile.
        row: (method, variant) as the ledger names them.
        attribute: An attribute or an average, such as "overall".
        metric: The ledger's metric.

    Raises:
        FashionError: a seed has several numbers, because the rows are of several data sets or profiles.
    """
    mine = ledger[(ledger["method"] == row[0]) & (ledger["variant"] == row[1])]
    mine = mine[(mine["attribute"] == attribute) & (mine["metric"] == metric)]
    if mine["seed"].duplicated().any():
        raise FashionError(
            f"{row[0]} ({row[1]}) has several numbers for one seed: choose the rows of one data set and profile first."
        )
    return mine.set_index("seed")["value"]


def plain(axes: Axes, labels: Sequence[str]) -> None:
    """Name the rows of a dot plot, the first at the top, and keep only thin lines along them."""
    axes.set_yticks(range(len(labels)), [drawable(label) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(labelsize=style.LETTERS)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#eeeeee")
    axes.spines[["top", "right", "left"]].set_visible(False)


def seed_dots(
    axes: Axes, values: pd.DataFrame, wanted: Mapping[str, tuple[str, str]],
    colours: str | Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Draw one row per method: a dot per seed and a stroke for the mean; "not run" where there is none.

    Without any dot the axis has no ticks: there is nothing to read off.

    Args:
        axes: Where to draw.
        values: Ledger rows of one metric and one attribute.
        wanted: Name to show -> (method, variant) as the ledger names them.
        colours: One colour for all rows, or name -> colour. None takes each method's own.
    """
    drawn = 0
    for k, (name, (method, variant)) in enumerate(wanted.items()):
        mine = values[(values["method"] == method) & (values["variant"] == variant)]["value"]
        shown = style.colour(method) if colours is None else colours if isinstance(colours, str) else colours[name]
        drawn += len(mine)
        axes.scatter(mine, [k] * len(mine), s=22, color=shown, zorder=3, linewidth=0)
        if len(mine):
            axes.scatter(mine.mean(), k, marker="|", s=170, color=shown, linewidth=2.2, zorder=2.5)
        else:
            _grey(axes, k, NOT_RUN)
    plain(axes, list(wanted))
    if not drawn:
        axes.set_xticks([])


def printed_dots(axes: Axes, levels: Sequence[float], labels: Sequence[str]) -> None:
    """Draw a paper's numbers as grey diamonds, one per row; "not printed" where a level is nan."""
    axes.scatter(levels, range(len(levels)), marker="D", color=style.PRINTED, s=24, zorder=3)
    for k, level in enumerate(levels):
        if math.isnan(level):
            _grey(axes, k, NOT_PRINTED)
    plain(axes, labels)
    if all(map(math.isnan, levels)):
        axes.set_xticks([])


def cost_dots(
    points: Mapping[str, tuple[float, float]], colours: Mapping[str, str], xlabel: str,
    budgets: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> Figure:  # fmt: skip
    """Draw one dot per method, its cost to the right and its score upwards.

    Labels stand beside the dots; where two would overlap, a little above or below.

    Args:
        points: Name to show -> (cost, score in percent).
        colours: Name -> colour.
        xlabel: What the cost is, with its unit.
        budgets: Name -> (cost, score) of one run after several numbers of steps; a thin line joins them.
    """
    budgets = budgets or {}
    figure, axes = plt.subplots(figsize=(6.4, 4.2) if budgets else (5.6, 2.8), dpi=style.DPI, layout="constrained")
    for name, path in budgets.items():
        axes.plot(*zip(*path, strict=True), color=colours[name], linewidth=0.8, marker="x", markersize=4, alpha=0.7)
    for name, (cost, score) in points.items():
        axes.scatter(cost, score, s=30, color=colours[name])
    axes.set(xlabel=literal(xlabel), ylabel="overall MAP (%)")
    axes.margins(x=0.15, y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.draw_without_rendering()  # from here on, the places of the dots are known in pixels
    taken = [Bbox.from_bounds(*(axes.transData.transform(point) - 4), 8, 8) for point in points.values()]
    for name, point in sorted(points.items(), key=lambda point: point[1][1]):
        beside = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "fontsize": style.LETTERS}
        label = axes.annotate(drawable(name), point, color=colours[name], **beside)
        label.set_in_layout(False)  # so that no name moves the dots
        taken.append(_free_place(label, figure.bbox, taken))
    plt.close(figure)
    return figure


def _free_place(label: Annotation, page: BboxBase, taken: Sequence[BboxBase]) -> Bbox:
    """Move a label beside its dot, or as little up or down as needed; return the place that it takes, in pixels."""
    for distance in range(int(page.height)):
        for up in (distance, -distance):
            for right, align in ((7, "left"), (-7, "right")):
                label.set(position=(right, up), ha=align)
                place = label.get_window_extent()
                inside = page.x0 <= place.x0 and place.x1 <= page.x1 and page.y0 <= place.y0 and place.y1 <= page.y1
                if inside and not any(place.overlaps(other) for other in taken):
                    return place
    return place  # no room anywhere: then it stands where it came last


def two_sided(
    ledger: pd.DataFrame, wanted: Mapping[str, tuple[str, str]], levels: Sequence[float], averages: Sequence[str], *,
    dataset: str, printed: str = "printed: FashionAI, overall", metric: str = "map",
    colours: str | Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Draw the paper's numbers at the left and our seeds at the right, one panel per average.

    The axes of the panels differ, because the levels do not compare.

    Args:
        ledger: Ledger rows of one data set and profile.
        wanted: Name to show -> (method, variant) as the ledger names them.
        levels: The printed number of each row, nan where the paper prints none.
        averages: The averages that get a panel, such as ["overall", "local"].
        dataset: Name of our data set, for the titles.
        printed: Title of the left panel.
        metric: The ledger's metric, in percent.
        colours: See `seed_dots`.
    """
    size = (min(3.15 * (1 + len(averages)), style.WIDEST), 0.25 * len(wanted) + 0.9)
    figure, panels = plt.subplots(
        1, 1 + len(averages), figsize=size, dpi=style.DPI, layout="constrained", sharey=True
    )
    printed_dots(panels[0], list(levels), list(wanted))
    panels[0].set_title(drawable(printed), fontsize=style.LETTERS)
    for axes, average in zip(panels[1:], averages, strict=True):
        seed_dots(axes, ledger[(ledger["metric"] == metric) & (ledger["attribute"] == average)], wanted, colours)
        axes.set_title(literal(f"ours: {dataset}, {average}"), fontsize=style.LETTERS)
    for axes in panels:
        axes.set_xlabel("MAP (%)", fontsize=style.LETTERS)
        if axes.get_xticks().size:
            axes.locator_params(axis="x", nbins=5)
    plt.close(figure)
    return figure


def _grey(axes: Axes, row: int, text: str) -> None:
    axes.text(0.03, row, text, transform=axes.get_yaxis_transform(), fontsize=style.LETTERS, color="grey", va="center")
