"""Curves, bars and matrices of the course."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.show import style
from fashion_lib.show.pictures import lines_of, two_lines
from fashion_lib.show.style import CHARACTER, DPI, LETTERS, LINE, WIDEST
from fashion_lib.show.title_text import drawable, literal

NAMED = 4  # lines that are named at their ends
PANELS = {"loss": "triplet loss", "active_triplets": "active triplets", "valid_map": "validation MAP (%)"}


def training_curves(histories, labels: Sequence[str]) -> Figure:
    """Draw loss, active-triplet rate and validation MAP over the steps, one line per run.

    Up to `NAMED` runs are named at the ends of the lines of validation MAP, where all have them; more in a legend.

    Args:
        histories: one or several; each a TrainingHistory or its list of entries (dictionaries with step, loss, ...).
        labels: one text per history; a label that begins with a method's name gets its colour.

    Raises:
        FashionError: for another number of labels than of histories, and for none.
    """
    if hasattr(histories, "entries") or (len(histories) and isinstance(histories[0], Mapping)):
        histories = [histories]
    runs = [pd.DataFrame(getattr(history, "entries", history)) for history in histories]
    if len(runs) != len(labels) or not runs:
        raise FashionError(f"training_curves got {len(runs)} histories and {len(labels)} labels: give one label"
                           " per history.")
    figure, grid = plt.subplots(1, len(PANELS), figsize=(8.6, 2.5), dpi=DPI, layout="constrained")
    colours = _distinct_colours(labels)
    for axes, (column, title) in zip(grid, PANELS.items(), strict=True):
        for run, label, colour in zip(runs, labels, colours, strict=True):
            shown = run.dropna(subset=[column]) if column in run else run.iloc[:0]
            if len(shown):
                factor = 100 if column == "valid_map" else 1
                axes.plot(shown["step"], factor * shown[column].astype(float), label=label, color=colour,
                          marker="o" if column == "valid_map" else None, linewidth=1.3, markersize=4)
        axes.set_title(title, fontsize=LETTERS)
        axes.set_xlabel("step", fontsize=LETTERS)
        _from_zero(axes)
        style.tidy(axes)
    if len(labels) <= NAMED and len(grid[-1].lines) == len(labels):
        style.label_ends(grid[-1])
    else:
        style.legend_outside(figure)
    plt.close(figure)
    return figure


def _from_zero(axes: Axes) -> None:
    """Let the y axis begin at 0 and end above the largest value, so that no marker is cut off."""
    axes.set_ylim(0, 1.08 * axes.dataLim.y1 if axes.dataLim.y1 > 0 else 1)


def _distinct_colours(labels: Sequence[str]) -> list[str]:
    """A colour for each label: its method's where the label begins with one, and a shade for a second run of it."""
    seen, colours = set(), []
    for label in labels:
        method = str(label).split(" ")[0].split(",")[0].split(".")[0]
        colours.append(style.colour(method, str(label) if method in seen else ""))
        seen.add(method)
    return colours


def results_bars(
    values: pd.DataFrame, rows: Sequence[tuple[str, str]] | None = None, floor: str | None = "random",
    label: str = "MAP (%)",
) -> Figure:
    """Draw one bar per method for each attribute: the mean over seeds, with each seed as a dot.

    Args:
        values: Ledger rows of one data set, profile and metric.
        rows: The (method, variant) of the bars, from left to right; None takes all, as they come.
        floor: A method that is drawn as a dotted line, not as a bar, if it is there.
        label: Label of the axis of values.
    """
    rows = list(dict.fromkeys(zip(values["method"], values["variant"], strict=True))) if rows is None else list(rows)
    attributes = list(dict.fromkeys(values["attribute"]))
    of_one = [method for method, _ in rows]
    names = [method if of_one.count(method) == 1 else f"{method} {variant}" for method, variant in rows]
    bars = [k for k, name in enumerate(names) if name != floor]
    place, width = np.arange(len(attributes)), 0.82 / max(1, len(bars))
    # Inches per attribute: a bar keeps its width with any number of methods, as long as the page is wide enough.
    each = min(max(0.7, 0.075 * len(bars)), (WIDEST - 0.8) / len(attributes))
    figure, axes = plt.subplots(figsize=(max(5, each * len(attributes) + 0.8), 2.9), dpi=DPI, layout="constrained")
    for k, (method, variant) in enumerate(rows):
        mine = values[(values["method"] == method) & (values["variant"] == variant)]
        means = mine.groupby("attribute")["value"].mean().reindex(attributes)
        if names[k] == floor:
            axes.hlines(means, place - 0.45, place + 0.45, colors="black", linewidth=1.2, linestyles="dotted",
                        label=floor, zorder=3)
            continue
        shift = (bars.index(k) - (len(bars) - 1) / 2) * width
        axes.bar(place + shift, means, width, label=literal(names[k]),
                 color=style.colour(method, "" if names[k] == method else variant))
        axes.scatter(mine["attribute"].map(attributes.index) + shift, mine["value"], s=7, color="black", zorder=4,
                     linewidth=0)
    titles = [lines_of(two_lines(literal(name)), int(each / CHARACTER)) for name in attributes]
    axes.set_xticks(place, titles, fontsize=LETTERS)
    axes.set_ylabel(label, fontsize=LETTERS)
    style.tidy(axes)
    style.legend_outside(axes)
    plt.close(figure)
    return figure


def seed_bars(values: pd.DataFrame, methods: Sequence[str], averages: Mapping[str, str], title: str = "") -> Figure:
    """Draw one panel per average and one bar per method: the mean over seeds, with each seed as a dot.

    The methods stand at the left as rows, so the figure grows with their number and needs no legend.

    Args:
        values: Ledger rows of one data set, profile and metric, one variant per method.
        methods: The rows, from top to bottom. A method without values gets an empty row.
        averages: Attribute or average in the ledger -> its panel's title.
        title: The heading of the whole figure.
    """
    size = (min(1.6 + 2.6 * len(averages), WIDEST), 0.25 * len(methods) + 1)
    figure, panels = plt.subplots(1, len(averages), figsize=size, dpi=DPI, layout="constrained", sharey=True,
                                  squeeze=False)
    for axes, (average, heading) in zip(panels[0], averages.items(), strict=True):
        for k, method in enumerate(methods):
            dots = values[(values["method"] == method) & (values["attribute"] == average)]["value"]
            if dots.empty:
                continue
            axes.barh(k, dots.mean(), 0.72, color=style.colour(method), alpha=0.55)
            axes.scatter(dots, k + np.linspace(-0.14, 0.14, len(dots)), s=12, color="black", zorder=3, linewidth=0)
            axes.annotate(f"{dots.mean():.0f}", (dots.max(), k), (5, 0), textcoords="offset points", va="center",
                          fontsize=LETTERS)
        axes.set_yticks(range(len(methods)), [drawable(method) for method in methods], fontsize=LETTERS)
        axes.set(xlim=(0, 108), ylim=(len(methods) - 0.4, -0.6), xticks=range(0, 101, 20))
        axes.set_xlabel("MAP (%)", fontsize=LETTERS)
        axes.set_title(drawable(heading), fontsize=LETTERS)
        style.tidy(axes)
        axes.tick_params(axis="y", length=0)
    figure.suptitle(drawable(title), fontsize=LETTERS)
    plt.close(figure)
    return figure


def attribute_dots(values: pd.DataFrame, methods: Sequence[str], label: str = "MAP (%)") -> Figure:
    """Draw one band per attribute, and in it one line of dots per method, as high as the number of methods needs.

    Args:
        values: Ledger rows of one data set, profile and metric, one variant per method.
        methods: The methods, from top to bottom in each band and in the legend.
        label: Label of the axis of values.
    """
    attributes = list(dict.fromkeys(values["attribute"]))
    band = max(0.34, 0.085 * len(methods))  # inches
    figure, axes = plt.subplots(figsize=(6.8, band * len(attributes) + 0.8), dpi=DPI, layout="constrained")
    for k, method in enumerate(methods):
        mine, down = values[values["method"] == method], (k - (len(methods) - 1) / 2) * 0.86 / len(methods)
        axes.scatter(mine["value"], mine["attribute"].map(attributes.index) + down, s=16, color=style.colour(method),
                     marker=style.marker(method), label=literal(method), linewidth=0)
        means = mine.groupby("attribute")["value"].mean()
        axes.scatter(means, means.index.map(attributes.index) + down, marker="|", s=90, color=style.colour(method),
                     linewidth=2)
    for edge in range(1, len(attributes)):
        axes.axhline(edge - 0.5, color=style.RULE, linewidth=0.6)
    axes.set_yticks(range(len(attributes)), [literal(name).replace("_", " ") for name in attributes])
    axes.set(xlim=(0, 102), ylim=(len(attributes) - 0.5, -0.5))
    axes.set_xlabel(f"{label}, one dot per seed, the stroke their mean", fontsize=LETTERS)
    style.tidy(axes, hide=("top", "right", "left"))
    style.legend_outside(axes)
    plt.close(figure)
    return figure


def gap_bars(gaps: pd.DataFrame, printed: Sequence[str] = (), label: str = "points of MAP") -> Figure:
    """Draw one group of bars per step of an order, the steps as rows, so that the figure grows with their number.

    Args:
        gaps: Rows are steps such as "csn → asen", columns are sources; nan where a source does not have the step.
        printed: The columns that a paper prints. They are grey and hatched.
        label: Label of the axis of values.
    """
    sources, height = list(gaps), 0.8 / max(1, gaps.shape[1])
    ours = [name for name in sources if name not in printed]
    shades = dict(zip(ours, plt.get_cmap("cividis")(np.linspace(0.15, 0.85, max(1, len(ours)))), strict=True))
    step = max(0.1 * len(sources) + 0.1, 2 * LINE + 0.04)  # inches: a label has two lines where it is long
    figure, axes = plt.subplots(figsize=(7.4, step * len(gaps) + 0.8), dpi=DPI, layout="constrained")
    for k, name in enumerate(sources):
        place = np.arange(len(gaps)) + (k - (len(sources) - 1) / 2) * height
        theirs = name in printed
        axes.barh(place, gaps[name].fillna(0), 0.92 * height, label=name, color="lightgrey" if theirs else shades[name],
                  hatch=("///", "...", "xx")[k % 3] if theirs else None, edgecolor="black", linewidth=0.6)
    for edge in range(1, len(gaps)):
        axes.axhline(edge - 0.5, color=style.RULE, linewidth=0.6)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(gaps)), [lines_of(step, 44) for step in gaps.index], fontsize=LETTERS)
    axes.set_ylim(len(gaps) - 0.5, -0.5)
    axes.set_xlabel(label, fontsize=LETTERS)
    style.tidy(axes, hide=("top", "right", "left"))
    axes.tick_params(axis="y", length=0)
    style.legend_outside(axes)
    plt.close(figure)
    return figure


def loss_panels(
    panels: Mapping[str, Mapping[str, pd.Series]], colours: Mapping[str, str],
    floors: Mapping[str, Mapping[str, float]],
) -> Figure:
    """Draw curves over the training steps, one panel per title, with one legend right of them all.

    Args:
        panels: Title -> (label -> values indexed by step). Two values or fewer are drawn as points, not as a curve:
            nothing is known between them.
        colours: Label -> colour. A label without one is taken for a method.
        floors: Title -> (label -> level), drawn as dotted lines.
    """
    size = (min(3.1 * len(panels), WIDEST), 2.6)
    figure, grid = plt.subplots(1, len(panels), figsize=size, dpi=DPI, layout="constrained", squeeze=False)
    for axes, (title, curves) in zip(grid[0], panels.items(), strict=True):
        for k, (label, curve) in enumerate(curves.items()):
            known = curve.dropna()
            points = {"linestyle": "", "marker": "os^v"[k % 4], "markersize": 6}
            axes.plot(known.index, known, color=colours.get(label) or style.colour(label), label=label,
                      **(points if len(known) <= 2 else {"linewidth": 1.2}))
        for label, level in floors.get(title, {}).items():
            axes.axhline(level, color="black", linestyle=":", label=label)
        axes.set_title(lines_of(title, 34), fontsize=LETTERS)
        axes.set_xlabel("step", fontsize=LETTERS)
        _from_zero(axes)
        style.tidy(axes)
    style.legend_outside(figure)
    plt.close(figure)
    return figure


def similarity_matrix(
    similarities, labels: Sequence[str] | None = None, title: str | None = None, *,
    limits: tuple[float, float] = (-1, 1), numbers: bool | None = None,
) -> Figure:
    """Draw a matrix of cosine similarities, blue below the middle of `limits` and red above.

    Args:
        similarities: float (Q, N).
        labels: the value of each row and column, so Q = N; lines separate runs of equal neighbours.
        title: of the figure.
        limits: the similarities at the two ends of the colour scale.
        numbers: write each value; None does so up to 8 x 8.

    Raises:
        FashionError: if there are labels and the matrix is not square with one per row.
    """
    matrix = np.asarray(similarities.detach().cpu() if torch.is_tensor(similarities) else similarities, dtype=float)
    numbers = max(matrix.shape) <= 8 if numbers is None else numbers
    if labels is not None and matrix.shape != (len(labels),) * 2:
        raise FashionError(f"similarity_matrix got {len(labels)} labels for a matrix {matrix.shape}: give one per row"
                           " of a square matrix.")
    figure, axes = plt.subplots(figsize=(3.6, 3.1), dpi=DPI, layout="constrained")
    shown = axes.imshow(matrix, cmap="RdBu_r", vmin=limits[0], vmax=limits[1], aspect="auto")
    axes.set(xticks=[], yticks=[])
    if labels is not None:
        labels = np.asarray(labels)
        starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]])
        ends = np.r_[starts[1:], len(labels)]
        for edge in starts[1:]:
            axes.axhline(edge - 0.5, color="black", linewidth=0.6)
            axes.axvline(edge - 0.5, color="black", linewidth=0.6)
        names = [literal(labels[start]).replace("_", " ") for start in starts]
        middles = (starts + ends - 1) / 2
        axes.set_yticks(middles, names, fontsize=LETTERS)
        axes.set_xticks(middles, names, fontsize=LETTERS, rotation=40, ha="right", rotation_mode="anchor")
        longest = max(map(len, names)) * CHARACTER  # inches beside the matrix; below it, less
        narrowest = np.diff(middles).min() if len(names) > 1 else len(labels)
        side = max(2.4, 0.24 * len(labels) / narrowest, 0.42 * len(labels) if numbers else 0)  # inches
        figure.set_size_inches(side + 0.7 + longest, side + 0.4 + 0.65 * longest)
    if numbers:
        middle, reach = sum(limits) / 2, (limits[1] - limits[0]) / 2
        for (row, column), value in np.ndenumerate(matrix):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=LETTERS,
                      color="white" if abs(value - middle) > 0.6 * reach else "black")
    axes.tick_params(length=0)
    figure.colorbar(shown, ax=axes, shrink=0.8).ax.tick_params(labelsize=LETTERS)
    if title:
        axes.set_title(drawable(title), fontsize=LETTERS)
    plt.close(figure)
    return figure
