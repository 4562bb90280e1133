"""Curves, bars and matrices of the course."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.show.pictures import DPI, two_lines

PANELS = {"loss": "triplet loss", "active_triplets": "active triplets", "valid_map": "validation MAP (%)"}


def training_curves(histories, labels: Sequence[str]) -> Figure:
    """Loss, active-triplet rate and validation MAP over the steps, one line a run.

    histories: one or several; each a TrainingHistory or its list of entries (dictionaries with step, loss, ...).
    """
    if hasattr(histories, "entries") or (len(histories) and isinstance(histories[0], Mapping)):
        histories = [histories]
    runs = [pd.DataFrame(getattr(history, "entries", history)) for history in histories]
    if len(runs) != len(labels) or not runs:
        raise FashionError(f"training_curves got {len(runs)} histories and {len(labels)} labels: give one label"
                           " a history.")
    figure, grid = plt.subplots(1, len(PANELS), figsize=(9, 2.5), dpi=DPI, layout="constrained")
    for axes, (column, title) in zip(grid, PANELS.items(), strict=True):
        for run, label in zip(runs, labels, strict=True):
            shown = run.dropna(subset=[column]) if column in run else run.iloc[:0]
            if len(shown):
                factor = 100 if column == "valid_map" else 1
                axes.plot(shown["step"], factor * shown[column].astype(float), label=label,
                          marker="o" if column == "valid_map" else None, linewidth=1.3, markersize=4)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.set_ylim(bottom=0)
        tidy(axes)
    grid[0].legend(fontsize=8, frameon=False)
    plt.close(figure)
    return figure


def results_bars(summary: pd.DataFrame, floor: str | None = "random", label: str = "MAP (%)") -> Figure:
    """Bars with spread over seeds for each attribute, one colour a method.

    summary: tables.summarise's, rows (method, variant), columns (attribute, mean | std | n), in the measure's unit.
    floor: a method that is drawn as a line to rise above, not as a bar, if the summary has it.
    """
    attributes = list(dict.fromkeys(summary.columns.get_level_values(0)))
    names = [method if list(summary.index.get_level_values(0)).count(method) == 1 else f"{method} {variant}"
             for method, variant in summary.index]
    bars = [k for k, name in enumerate(names) if name != floor]
    place, width = np.arange(len(attributes)), 0.82 / max(1, len(bars))
    figure, axes = plt.subplots(figsize=(max(5, 0.62 * len(attributes) + 1.5), 2.9), dpi=DPI, layout="constrained")
    for k, row in enumerate(bars):
        means = [summary.iloc[row][name, "mean"] for name in attributes]
        spreads = np.nan_to_num([summary.iloc[row][name, "std"] for name in attributes])
        axes.bar(place + (k - (len(bars) - 1) / 2) * width, means, width, label=names[row], color=f"C{k}",
                 yerr=spreads if spreads.any() else None, error_kw={"linewidth": 0.8, "capsize": 1.5})
    if floor in names:
        means = [summary.iloc[names.index(floor)][name, "mean"] for name in attributes]
        axes.hlines(means, place - 0.45, place + 0.45, colors="black", linewidth=1.2, linestyles="dotted", label=floor)
    axes.set_xticks(place, [two_lines(name) for name in attributes], fontsize=7)
    axes.set_ylabel(label, fontsize=8)
    axes.legend(fontsize=8, frameon=False, ncols=len(names), loc="lower left", bbox_to_anchor=(0, 1))
    tidy(axes)
    plt.close(figure)
    return figure


def similarity_matrix(
    similarities, labels: Sequence[str] | None = None, title: str | None = None, *,
    limits: tuple[float, float] = (-1, 1), numbers: bool | None = None,
) -> Figure:
    """A matrix of cosine similarities, (Q, N), blue below the middle of `limits` and red above.

    labels: the value of each row (and column, so Q = N); runs of equal neighbours are set apart by lines. numbers:
    write each value (default: up to 8 x 8).
    """
    matrix = np.asarray(similarities.detach().cpu() if torch.is_tensor(similarities) else similarities, dtype=float)
    numbers = max(matrix.shape) <= 8 if numbers is None else numbers
    if labels is not None and matrix.shape != (len(labels),) * 2:
        raise FashionError(f"similarity_matrix got {len(labels)} labels for a matrix {matrix.shape}: give one a row of"
                           " a square matrix.")
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
        names = [str(labels[start]).replace("_", " ") for start in starts]
        axes.set_yticks((starts + ends - 1) / 2, names, fontsize=7)
        axes.set_xticks((starts + ends - 1) / 2, names, fontsize=7, rotation=40, ha="right")
    if numbers:
        middle, reach = sum(limits) / 2, (limits[1] - limits[0]) / 2
        for (row, column), value in np.ndenumerate(matrix):
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7,
                      color="white" if abs(value - middle) > 0.6 * reach else "black")
    axes.tick_params(length=0)
    figure.colorbar(shown, ax=axes, shrink=0.8).ax.tick_params(labelsize=7)
    if title:
        axes.set_title(title, fontsize=9)
    plt.close(figure)
    return figure


def tidy(axes) -> None:
    """No box, small figures."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
