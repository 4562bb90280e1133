"""Rows of pictures: contact sheets, and retrieval boards with right and wrong answers framed."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.show.style import CHARACTER, DPI, LETTERS, LINE, WIDEST
from fashion_lib.show.title_text import DOLLAR, drawable, literal

# Okabe and Ito's colours, which colour-blind readers can distinguish too; the boards also add a tick or a cross.
RIGHT, WRONG, QUERY = "#009E73", "#D55E00", "#0072B2"
HIDDEN = "\ue000"  # stands for a literal dollar sign while lines are broken
PER_LINE = 10  # answers of a board beside one another
LABEL = 1.3  # inches left of a board's query


def checked_images(images) -> np.ndarray:
    """Return the pictures as one array, uint8 (N, H, W, 3).

    Args:
        images: uint8 (N, H, W, 3), or a list of uint8 (H, W, 3).

    Raises:
        FashionError: for another shape or type, and for no picture at all.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or len(images) == 0:
        raise FashionError(f"the pictures to show are {images.dtype} {images.shape}: give uint8 (N, H, W, 3), at least"
                           " one.")
    return images


def check_one_each(drawn_by: str, images: np.ndarray, **several: Sequence | None) -> None:
    """Check that there is one entry per picture.

    Args:
        drawn_by: name of the function, for the error.
        images: uint8 (N, H, W, 3).
        several: name -> its entries, or None where there are none.

    Raises:
        FashionError: for another number of entries than of pictures.
    """
    for name, entries in several.items():
        if entries is not None and len(entries) != len(images):
            raise FashionError(
                f"{drawn_by} got {len(entries)} {name} for {len(images)} pictures: give one per picture."
            )


def draw_picture(axes: Axes, image: np.ndarray, frame: str | None = None) -> None:
    """Draw one picture, uint8 (H, W, 3), without ticks; `frame` is the colour of its frame, or None."""
    axes.imshow(image, interpolation="nearest" if len(image) > 32 else "none")
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set(visible=frame is not None, color=frame or "none", linewidth=2.5)


def show_images(images, titles=None, columns: int = 8, frame=None, size: float = 1.1) -> Figure:
    """Draw a contact sheet: pictures in rows, each with its title above it.

    Args:
        images: uint8 (N, H, W, 3).
        titles: one text per picture, or None.
        columns: pictures per row.
        frame: one colour per picture, None where it has no frame; or None for no frames.
        size: inches per picture; less where a row of that many would be wider than a page.

    Raises:
        FashionError: for what is no pictures, and for another number of titles or frames than of pictures.
    """
    images = checked_images(images)
    check_one_each("show_images", images, titles=titles, frame=frame)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    size = min(size, WIDEST / columns)
    if titles is not None:
        titles = [lines_of(str(title), int(size / CHARACTER)) for title in titles]
    lines = max((title.count("\n") + 1 for title in titles), default=0) if titles is not None else 0
    figure, grid = plt.subplots(rows, columns, figsize=(columns * size, rows * (size + LINE * lines + 0.02)), dpi=DPI,
                                squeeze=False, layout="constrained")
    for axes in grid.flat[len(images):]:
        axes.axis("off")
    for k, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        draw_picture(axes, image, frame[k] if frame is not None else None)
        if titles is not None:
            axes.set_title(titles[k], fontsize=LETTERS, pad=3)
    plt.close(figure)
    return figure


def retrieval_board(
    data, query_row: int, ranked_rows: Sequence[int], attribute: str | int, correct: Sequence[bool],
    title: str | None = None, top: int = 8,
) -> Figure:
    """Draw a query and its first `top` candidates: right ones green with a tick, wrong ones orange-red with a cross.

    Args:
        data: RetrievalData.
        query_row: the query, a row of data.pixels.
        ranked_rows: the candidates, rows of data.pixels, best first.
        attribute: its name or its id.
        correct: whether each candidate is relevant.
        title: stands left of the query; None takes the attribute's name.
        top: number of candidates.
    """
    return retrieval_boards(data, [{"query_row": query_row, "ranked_rows": ranked_rows, "attribute": attribute,
                                    "correct": correct, "title": title}], top=top)


def retrieval_boards(data, boards: Sequence[dict], top: int = 8) -> Figure:
    """Draw several boards below one another, such as one query under several attributes or methods.

    Args:
        data: RetrievalData.
        boards: dictionaries with query_row, ranked_rows, attribute, correct and perhaps title, see `retrieval_board`.
        top: number of candidates per board. More than PER_LINE stand on several lines.

    Raises:
        FashionError: for no board, and for one with fewer entries in `correct` than candidates.
    """
    if not boards:
        raise FashionError("there is no retrieval board to draw: give at least one query.")
    for k, board in enumerate(boards):
        shown, marked = (min(len(board[name]), top) for name in ("ranked_rows", "correct"))
        if shown != marked:
            raise FashionError(f"board {k} has {shown} candidates but {marked} entries in 'correct': give one each.")
    lines = -(-top // PER_LINE)
    columns = -(-top // lines)
    size = min(1.05, (WIDEST - LABEL) / (columns + 1.12))  # inches per picture
    answers = [_answers(data, board, top, int(size / CHARACTER)) for board in boards]
    height = [size + LINE * max(title.count("\n") + 1 for _, title, _ in shown) for shown in answers]
    height = [high for high in height for _ in range(lines)]
    figure = plt.figure(figsize=(LABEL + size * (columns + 1.12), sum(height)), dpi=DPI, layout="constrained")
    # The third column is the gap between the query and its answers; the first says what the row is about.
    grid = figure.add_gridspec(len(height), columns + 3, width_ratios=[LABEL / size, 1, 0.12, *[1] * columns],
                               height_ratios=height)
    for k, (board, (query, *found)) in enumerate(zip(boards, answers, strict=True)):
        label = figure.add_subplot(grid[k * lines, 0])
        label.axis("off")
        title = board.get("title") or literal(_name(data, board["attribute"]))
        label.text(1, 0.5, lines_of(two_lines(title), 14), ha="right", va="center", fontsize=LETTERS, fontweight="bold")
        _draw_titled(figure.add_subplot(grid[k * lines, 1]), data.pixels[query[0]], *query[1:])
        for place, (row, verdict, colour) in enumerate(found):
            axes = figure.add_subplot(grid[k * lines + place // columns, 3 + place % columns])
            _draw_titled(axes, data.pixels[row], verdict, colour)
    plt.close(figure)
    return figure


def _answers(data, board: dict, top: int, characters: int) -> list[tuple[int, str, str]]:
    """Return the query and the first `top` candidates of a board: row, title of at most `characters`, colour."""
    query, name = board["query_row"], _name(data, board["attribute"])
    found = [(query, "query: " + literal(shown_value(data, query, name)), QUERY)]
    for row, right in zip(list(board["ranked_rows"])[:top], list(board["correct"])[:top], strict=True):
        verdict = f"{'✓' if right else '✗'} {literal(shown_value(data, row, name))}"
        found.append((row, verdict, RIGHT if right else WRONG))
    return [(row, lines_of(title, characters), colour) for row, title, colour in found]


def _name(data, attribute: str | int) -> str:
    return attribute if isinstance(attribute, str) else data.schema.names[attribute]


def _draw_titled(axes: Axes, image: np.ndarray, title: str, colour: str) -> None:
    draw_picture(axes, image, colour)
    axes.set_title(title, fontsize=LETTERS, pad=3, color=colour)


def two_lines(name: str) -> str:
    """Break a name such as "sleeve_length" into two lines; a name that has its line breaks keeps them."""
    name = name.replace("_", " ")
    return name if "\n" in name else name.replace(" ", "\n", 1)


def lines_of(text: str, width: int) -> str:
    """Return a text with its lines broken to at most `width` characters; formulas stay whole.

    A name of one long word is broken within the word: a label that runs into the next one says nothing.
    """
    text = drawable(text)
    shown = text.replace(DOLLAR, HIDDEN)  # one character wide, and never broken in two
    if "$" in shown:
        return text
    lines = [textwrap.fill(line, max(1, width)) for line in shown.split("\n")]
    return "\n".join(lines).replace(HIDDEN, DOLLAR)


def shown_value(data, row: int, attribute: str) -> str:
    """Return the value of an attribute that a picture shows, as far as labels or data set know; else ""."""
    if data.shown is not None:
        return data.shown(int(row)).get(attribute, "").replace("_", " ")
    table = data.labels
    found = table.loc[(table["image"] == data.image_names[row]) & (table["attribute"] == attribute), "value"]
    return "" if found.empty else str(found.iloc[0]).replace("_", " ")
