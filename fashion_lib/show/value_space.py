"""IPAD's memory and the space of values: queues that fill, features around their centres, margins between centres."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from fashion_lib.show import style
from fashion_lib.show.pictures import DPI

BEFORE, AFTER = "#4c86b8", "#d9770a"  # a run without the memory, and with it


def queue_filling(filled: np.ndarray, length: int, begins: int, full: int | None, counts: Mapping[str, int]) -> Figure:
    """Draw how the queues fill over the steps, one line per value, with white lines between the attributes.

    Args:
        filled: features per value after each batch, int (steps, values).
        length: places per queue.
        begins: number of steps before the first batch of `filled`.
        full: the batch, counted from 0, that filled the last queue; None if none did.
        counts: attribute -> its number of values.
    """
    figure, axes = plt.subplots(figsize=(9, 4.6), dpi=DPI, layout="constrained")
    shown = axes.imshow(filled.T / length, aspect="auto", cmap="YlGnBu", vmin=0, vmax=1, interpolation="nearest",
                        extent=(begins + 0.5, begins + len(filled) + 0.5, filled.shape[1] - 0.5, -0.5))  # fmt: skip
    if full is not None:
        axes.axvline(full + 1.5, color=AFTER, linewidth=2)
        axes.text(full + 1.5, -1.2, "$L_{total}$", ha="center", va="bottom", color=AFTER, fontsize=10)
    ends = np.cumsum([*counts.values()])
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="white", linewidth=1.5)
    middles = [end - count / 2 - 0.5 for end, count in zip(ends, counts.values(), strict=True)]
    axes.set_yticks(middles, [name.replace("_", " ") for name in counts], fontsize=9)
    axes.set_xlabel("step of training (one line per value's queue)", fontsize=9)
    figure.colorbar(shown, ax=axes, label="share of places filled", shrink=0.8)
    plt.close(figure)
    return figure


def around_centres(spaces: Mapping[tuple[str, str], tuple], values: Mapping[str, Sequence[str]], seed: int) -> Figure:
    """Draw features and centres in the plane by t-SNE: one row per run, one column per attribute.

    Args:
        spaces: (run, attribute) -> (features (B, C), values (B,), centres (V, C)).
        values: attribute -> the names of its values.
        seed: of t-SNE.
    """
    runs = list(dict.fromkeys(run for run, _ in spaces))
    figure, grid = plt.subplots(len(runs), len(values), figsize=(3.1 * len(values), 2.9 * len(runs)), dpi=DPI,
                                layout="constrained", squeeze=False)  # fmt: skip
    for line, run in zip(grid, runs, strict=True):
        for axes, (attribute, names) in zip(line, values.items(), strict=True):
            vectors, labels, centres = (np.asarray(part) for part in spaces[run, attribute])
            both = np.concatenate([vectors, centres])
            layout = TSNE(perplexity=min(30, len(both) // 4), metric="cosine", init="pca", random_state=seed)
            flat = layout.fit_transform(both)
            for k, name in enumerate(names):
                colour, own = f"C{k % 10}", flat[: len(vectors)][labels == k]
                axes.scatter(*own.T, s=8, color=colour, label=name.replace("_", " "))
                axes.plot(*flat[len(vectors) + k], marker="*", markersize=15, color=colour, markeredgecolor="black")
            axes.set(xticks=[], yticks=[])
            axes.set_title(attribute.replace("_", " ") + f"\n{run}", fontsize=9)
    for axes in grid[-1]:
        axes.legend(fontsize=9, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, 0.0),
                    handletextpad=0.1, columnspacing=0.8)  # fmt: skip
    plt.close(figure)
    return figure


def margins(panels: Mapping[str, Mapping[str, Sequence[float]]], names: Sequence[str], wanted: float) -> Figure:
    """Draw per attribute how the margin to the nearest wrong centre moves from one run to another.

    Args:
        panels: title -> (run -> one margin per attribute); two runs, the earlier one first.
        names: of the attributes.
        wanted: the margin of the loss, dotted.
    """
    figure, grid = plt.subplots(1, len(panels), figsize=(4.6 * len(panels), 3.2), dpi=DPI, layout="constrained",
                                sharey=True, squeeze=False)  # fmt: skip
    place = np.arange(len(names))
    for axes, (title, runs) in zip(grid[0], panels.items(), strict=True):
        axes.hlines(place, *runs.values(), color="#bbbbbb", zorder=0)
        for (run, values), colour, sign in zip(runs.items(), (BEFORE, AFTER), "oD", strict=True):
            axes.scatter(values, place, color=colour, marker=sign, s=24, label=run)
        axes.axvline(0, color="black", linewidth=0.7)
        axes.axvline(wanted, color="black", linewidth=0.7, linestyle="dotted")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(f"cosine (dotted: the loss's margin {wanted})", fontsize=9)
        style.tidy(axes, labels=9)
    grid[0][0].set_yticks(place, [name.replace("_", " ") for name in names], fontsize=9)
    style.legend_outside(figure, fontsize=9)
    plt.close(figure)
    return figure
