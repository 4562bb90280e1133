"""Curves over training steps, labelled at their right ends."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fashion_lib.show import style

# Vermilion for what is broken, blue for what is mended, then others: distinct for red-blind and green-blind sight.
ORDER = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")


def step_curves(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    levels: Mapping[str, tuple[float, str]] | None = None,
) -> Figure:
    """Draw one panel per quantity and one curve per run, with the run's name at the curve's end.

    Args:
        panels: title of a panel -> name of a curve -> (steps, values). A name has one colour in all panels.
        levels: title of a panel -> (value, what it is), drawn as a dotted line.

    Returns:
        The figure, not held by pyplot.
    """
    figure = Figure(figsize=(min(4.6 * len(panels), style.WIDEST), 2.9), dpi=style.DPI, layout="constrained")
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    colours = {name: ORDER[place % len(ORDER)] for place, name in enumerate(names)}
    for axes, (title, curves) in zip(
        np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True
    ):
        for name, (steps, values) in curves.items():
            axes.plot(steps, values, color=colours[name], linewidth=2, label=name)
        if level := (levels or {}).get(title):
            axes.axhline(level[0], color="black", linestyle="dotted", linewidth=1, label=level[1])
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("step", fontsize=style.LETTERS)
        style.tidy(axes)
        style.label_ends(axes)
    return figure
