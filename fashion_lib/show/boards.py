"""Boards of attribute manipulation: a query, the wanted change, the pictures found (Yao et al. 2026, figure 8)."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import described
from fashion_lib.show.pictures import QUERY, RIGHT, WRONG, draw_picture, lines_of
from fashion_lib.show.style import CHARACTER, DPI, LETTERS, LINE, WIDEST
from fashion_lib.show.title_text import literal
from fashion_lib.tasks.manipulation.manipulation_metrics import agreement
from fashion_lib.tasks.manipulation.operations import operations_of, target_labels

TICK = "✓"
LABEL = 1.9  # inches left of the query


def manipulation_boards(data, boards: Sequence[dict], top: int = 5) -> Figure:
    """Draw one row per board: the operation in words, the query, and its `top` nearest pictures.

    A picture with every label of the target is framed green with a tick. Any other one is orange-red and lists the
    values that it has wrong (Yao et al. 2026, figure 8).

    Args:
        data: ManipulationData.
        boards: dictionaries with query (a row of data), vector int8 (V,), ranked (rows of data, best first) and perhaps
            title. The title, such as a method, is printed instead of the operation.
        top: number of pictures per board.

    Raises:
        FashionError: for no board.
    """
    if not boards:
        raise FashionError("there is no board to draw: give at least one query.")
    size = min(1.38, (WIDEST - LABEL) / (top + 1.12))  # inches per picture
    answers = [verdicts(data, board, top, int(size / CHARACTER)) for board in boards]
    height = [size + LINE * max((text.count("\n") + 1 for _, text in shown), default=1) for shown in answers]
    figure = plt.figure(figsize=(LABEL + size * (top + 1.12), sum(height)), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(boards), top + 3, width_ratios=[LABEL / size, 1, 0.12, *[1] * top],
                               height_ratios=height)
    for k, board in enumerate(boards):
        vector = np.asarray(board["vector"])
        text = figure.add_subplot(grid[k, 0])
        text.axis("off")
        text.text(1, 0.5, lines_of(board.get("title") or operation_in_words(data.schema, vector), 22),
                  ha="right", va="center", fontsize=LETTERS, fontweight="bold")
        axes = figure.add_subplot(grid[k, 1])
        draw_picture(axes, data.pixels[board["query"]], QUERY)
        axes.set_title("query", fontsize=LETTERS, pad=3, color=QUERY)
        for place, (row, title) in enumerate(answers[k]):
            axes = figure.add_subplot(grid[k, place + 3])
            frame = RIGHT if title == TICK else WRONG
            draw_picture(axes, data.pixels[row], frame)
            axes.set_title(title, fontsize=LETTERS, pad=3, color=frame)
    plt.close(figure)
    return figure


def operation_in_words(schema, vector: np.ndarray) -> str:
    """Return the operations of a manipulation vector, int8 (V,), in two lines each."""
    lines = [f"{one.attribute}:\n{one.remove} → {one.add}" for one in operations_of(schema, vector)]
    return literal("\n".join(lines).replace("_", " "))


def verdicts(data, board: dict, top: int, characters: int = 19) -> list[tuple[int, str]]:
    """Return the first `top` pictures of a board: row, and `said` of the values that it has wrong."""
    ranked = np.asarray(board["ranked"])[:top]
    target = target_labels(data.labels.matrix[board["query"]], np.asarray(board["vector"]))
    right, wanted = agreement(target[None], data.labels.matrix[ranked], data.labels.blocks)
    wrong = [[name for a, name in enumerate(data.schema.names) if wanted[0, a] and not one[a]] for one in right[0]]
    said_of = [
        said(data.schema, data.labels.matrix[row], names, characters) for row, names in zip(ranked, wrong, strict=True)
    ]
    return list(zip(ranked.tolist(), said_of, strict=True))


def said(schema, labels: np.ndarray, wrong: Sequence[str], characters: int = 19) -> str:
    """Return a tick, or a cross and the wrong values, in lines of `characters`; "no ..." for a lacking attribute."""
    if not wrong:
        return TICK
    held = described(schema, labels)
    values = ["/".join(held.get(name, (f"no {name}",))).replace("_", " ") for name in wrong]
    return lines_of(literal("✗ " + "\n".join(values)), characters)
