"""IPAD's memory and the space of values: queues that fill, features around their centres, margins between centres."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from fashion_lib.core.errors import FashionError
from fashion_lib.show import style
from fashion_lib.show.title_text import drawable, literal

FEWEST = 4  # points that t-SNE can place: its perplexity, a number of neighbours, must be 1 or more


def queue_filling(filled: np.ndarray, length: int, begins: int, full: int | None, counts: Mapping[str, int]) -> Figure:
    """Draw how the queues fill over the steps, one row per value, with white lines between the attributes.

    Args:
        filled: features per value after each batch, int (steps, values).
        length: places per queue.
        begins: number of training steps before the first batch of `filled`.
        full: the training step, counted from 0, whose batch filled the last queue; None if none did. A line stands
            behind it, since the next step's loss is L_total (IPAD, eq. 20).
        counts: attribute -> its number of values.

    Raises:
        FashionError: if the numbers of values do not add up to the columns of `filled`.
    """
    if filled.ndim != 2 or filled.shape[1] != sum(counts.values()):
        raise FashionError(f"the numbers of features are {filled.shape} for {sum(counts.values())} values: give one row"
                           " per batch and one column per value.")
    figure, axes = plt.subplots(figsize=(9, 4.6), dpi=style.DPI, layout="constrained")
    shown = axes.imshow(filled.T / length, aspect="auto", cmap="YlGnBu", vmin=0, vmax=1, interpolation="nearest",
                        extent=(begins + 0.5, begins + len(filled) + 0.5, filled.shape[1] - 0.5, -0.5))  # fmt: skip
    if full is not None:
        axes.axvline(full + 1.5, color=style.AFTER, linewidth=2)
        axes.text(full + 1.5, 1.01, "$L_{total}$", ha="center", va="bottom", color=style.AFTER, fontsize=10,
                  transform=axes.get_xaxis_transform())  # fmt: skip
    ends = np.cumsum([*counts.values()])
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color="white", linewidth=1.5)
    middles = [end - count / 2 - 0.5 for end, count in zip(ends, counts.values(), strict=True)]
    axes.set_yticks(middles, [literal(name).replace("_", " ") for name in counts], fontsize=style.LETTERS)
    axes.set_xlabel("step of training (one row per value's queue)", fontsize=style.LETTERS)
    figure.colorbar(shown, ax=axes, label="share of places filled", shrink=0.8)
    plt.close(figure)
    return figure


def around_centres(spaces: Mapping[tuple[str, str], tuple], values: Mapping[str, Sequence[str]], seed: int) -> Figure:
    """Draw features and centres in the plane by t-SNE: one row per run, one column per attribute.

    Args:
        spaces: (run, attribute) -> (features, float (B, C); their value ids, int (B,), from 0 to V - 1; the centres of
            all V values, float (V, C)).
        values: attribute -> the names of its V values.
        seed: of t-SNE.

    Raises:
        FashionError: for a run without features of an attribute, for numbers that do not fit together, and for fewer
            than four points.
    """
    runs = list(dict.fromkeys(run for run, _ in spaces))
    for run in runs:
        for attribute, names in values.items():
            _check_space(spaces.get((run, attribute)), f"{run}, {attribute}", len(names))
    size = (min(3.1 * len(values), style.WIDEST), 2.9 * len(runs))
    figure, grid = plt.subplots(len(runs), len(values), figsize=size, dpi=style.DPI, layout="constrained",
                                squeeze=False)  # fmt: skip
    for line, run in zip(grid, runs, strict=True):
        for axes, (attribute, names) in zip(line, values.items(), strict=True):
            vectors, labels, centres = (np.asarray(part) for part in spaces[run, attribute])
            both = np.concatenate([vectors, centres])
            layout = TSNE(perplexity=min(30, len(both) // FEWEST), metric="cosine", init="pca", random_state=seed)
            flat = layout.fit_transform(both)
            for k, name in enumerate(names):
                # The eleventh value has the first one's colour again, and another mark.
                colour, mark, own = f"C{k % 10}", style.MARKERS[k // 10], flat[: len(vectors)][labels == k]
                axes.scatter(*own.T, s=8, color=colour, marker=mark, label=literal(name).replace("_", " "))
                axes.plot(*flat[len(vectors) + k], marker="*", markersize=15, color=colour, markeredgecolor="black")
            axes.set(xticks=[], yticks=[])
            axes.set_title(literal(attribute).replace("_", " ") + f"\n{drawable(run)}", fontsize=style.LETTERS)
    for axes in grid[-1]:
        axes.legend(fontsize=style.LETTERS, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, 0.0),
                    handletextpad=0.1, columnspacing=0.8)  # fmt: skip
    plt.close(figure)
    return figure


def margins(panels: Mapping[str, Mapping[str, Sequence[float]]], names: Sequence[str], wanted: float) -> Figure:
    """Draw per attribute how the margin to the nearest wrong centre moves from one run to another.

    Args:
        panels: title -> (run -> one margin per attribute); two runs, the earlier one first.
        names: of the attributes, from top to bottom.
        wanted: the margin of the loss, dotted.

    Raises:
        FashionError: for another number of runs than two, and for another number of margins than of attributes.
    """
    for title, runs in panels.items():
        if [len(values) for values in runs.values()] != [len(names)] * 2:
            held = {run: len(values) for run, values in runs.items()}
            raise FashionError(f"the panel {title!r} has margins {held}: give two runs, each with one margin per"
                               f" attribute ({len(names)}).")
    size = (min(4.2 * len(panels), style.WIDEST), 3.2)
    figure, grid = plt.subplots(1, len(panels), figsize=size, dpi=style.DPI, layout="constrained", sharey=True,
                                squeeze=False)  # fmt: skip
    place = np.arange(len(names))
    for axes, (title, runs) in zip(grid[0], panels.items(), strict=True):
        axes.hlines(place, *runs.values(), color=style.RULE, linewidth=2, zorder=0)
        for (run, values), colour, sign in zip(runs.items(), (style.BEFORE, style.AFTER), "oD", strict=True):
            axes.scatter(values, place, color=colour, marker=sign, s=24, label=run)
        axes.axvline(0, color="black", linewidth=0.7)
        axes.axvline(wanted, color="black", linewidth=0.7, linestyle="dotted")
        axes.set_title(drawable(title), fontsize=style.LETTERS)
        axes.set_xlabel(f"cosine (dotted: the loss's margin {wanted})", fontsize=style.LETTERS)
        style.tidy(axes)
    grid[0][0].set_yticks(place, [literal(name).replace("_", " ") for name in names], fontsize=style.LETTERS)
    grid[0][0].set_ylim(len(names) - 0.5, -0.5)
    style.legend_outside(figure)
    plt.close(figure)
    return figure


def _check_space(space: tuple | None, name: str, values: int) -> None:
    """Raise FashionError if features, value ids and centres are missing or do not fit the number of values."""
    if space is None:
        raise FashionError(f"there are no features of ({name}): give each run the features of every attribute.")
    vectors, labels, centres = (np.asarray(part) for part in space)
    known = len(labels) == 0 or (labels.min() >= 0 and labels.max() < values)
    if len(vectors) != len(labels) or len(centres) != values or not known or len(vectors) + values < FEWEST:
        raise FashionError(f"({name}) has {len(vectors)} features, {len(labels)} value ids and {len(centres)} centres"
                           f" for {values} values: give one id from 0 to {values - 1} per feature, one centre per"
                           f" value, and {FEWEST} points or more.")
