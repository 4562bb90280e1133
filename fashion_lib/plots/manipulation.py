"""Boards of attribute manipulation: a query, what was asked, what came back (Yao et al. 2026, figure 8)."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.label_vectors import described
from fashion_lib.manipulation.metrics import agreement
from fashion_lib.manipulation.operations import operations_of, target_labels
from fashion_lib.plots.pictures import DPI, QUERY, RIGHT, WRONG, draw_picture


def manipulation_boards(data, boards: Sequence[dict], top: int = 5) -> Figure:
    """One row a board: the operation in words, the query, its `top` nearest pictures.

    boards: dictionaries with query (a row of data), vector int8 (V,), ranked (rows of data, best first) and perhaps
    title (such as a method), which is printed instead of the operation. A picture with every label of the target is
    framed green with a tick; another one orange-red with the values that it has wrong.
    """
    if not boards:
        raise FashionError("there is no board to draw: give at least one query.")
    figure = plt.figure(figsize=(1.12 * (top + 1) + 1.9, 1.42 * len(boards)), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(boards), top + 3, width_ratios=[1.7, 1, 0.12, *[1] * top])
    for k, board in enumerate(boards):
        held, vector = data.labels.matrix[board["query"]], np.asarray(board["vector"])
        text = figure.add_subplot(grid[k, 0])
        text.axis("off")
        text.text(1, 0.5, board.get("title") or asked(data.schema, vector), ha="right", va="center", fontsize=8.5,
                  fontweight="bold")
        axes = figure.add_subplot(grid[k, 1])
        draw_picture(axes, data.pixels[board["query"]], QUERY)
        axes.set_title("query", fontsize=7, pad=3, color=QUERY)
        target, ranked = target_labels(held, vector), np.asarray(board["ranked"])[:top]
        right, wanted = agreement(target[None], data.labels.matrix[ranked], data.labels.blocks)
        for place, row in enumerate(ranked.tolist()):
            wrong = [name for a, name in enumerate(data.schema.names) if wanted[0, a] and not right[0, place, a]]
            axes = figure.add_subplot(grid[k, place + 3])
            draw_picture(axes, data.pixels[row], WRONG if wrong else RIGHT)
            axes.set_title(said(data.schema, data.labels.matrix[row], wrong), fontsize=6.5, pad=3,
                           color=WRONG if wrong else RIGHT)
    plt.close(figure)
    return figure


def asked(schema, vector: np.ndarray) -> str:
    """The operations of a manipulation vector, two lines each."""
    lines = [f"{one.attribute}:\n{one.remove} → {one.add}" for one in operations_of(schema, vector)]
    return "\n".join(lines).replace("_", " ")


def said(schema, labels: np.ndarray, wrong: Sequence[str]) -> str:
    """A tick, or a cross and the values that are wrong; "no ..." where the picture is missing the attribute."""
    if not wrong:
        return "✓"
    held = described(schema, labels)
    return "✗ " + ", ".join("/".join(held.get(name, (f"no {name}",))) for name in wrong).replace("_", " ")
