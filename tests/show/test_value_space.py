"""IPAD's memory in figures: the numbers drawn are those that were given."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from fashion_lib.core.errors import FashionError
from fashion_lib.show import style, value_space
from fashion_lib.show.check import figure_problems

COUNTS = {"sleeve_length": 3, "price_$": 2}
FILLED = np.minimum(np.arange(12)[:, None] * np.arange(1, 6), 20)  # (steps, values), places of 20
VALUES = {"sleeve_length": [f"value_{k}" for k in range(11)], "collar": ["flat", "high"]}
RUNS = ("without AD", "with AD")
MARGINS = {"region": {"without AD": [0.1, -0.2, 0.3], "with AD": [0.4, 0.2, 0.0]},
           "patch": {"without AD": [0.0, 0.1, 0.2], "with AD": [0.2, 0.1, 0.0]}}  # fmt: skip
NAMES = ["sleeve_length", "collar", "price_$"]


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert plt.get_fignums() == []


def spaces() -> dict:
    """Two pictures per value, on their value's centre."""
    made = {}
    for attribute, names in VALUES.items():
        centres = np.random.default_rng(len(names)).normal(size=(len(names), 4))
        ids = np.arange(2 * len(names)) % len(names)
        made |= {(run, attribute): (centres[ids], ids, centres) for run in RUNS}
    return made


def test_a_queue_is_one_row_and_a_batch_one_column():
    figure = value_space.queue_filling(FILLED, 20, 100, 104, COUNTS)
    axes, bar = figure.axes
    image = axes.images[0]
    assert np.array_equal(image.get_array(), FILLED.T / 20) and image.get_clim() == (0, 1)
    # Batch k is training step 101 + k; counted from 0, step 104 is the fifth batch, and the line stands behind it.
    assert image.get_extent() == [100.5, 112.5, 4.5, -0.5]
    switch, border = axes.lines
    assert list(switch.get_xdata()) == [105.5] * 2 and switch.get_color() == style.AFTER
    assert list(border.get_ydata()) == [2.5] * 2
    assert axes.get_yticks().tolist() == [1, 3.5]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["sleeve length", "price \\$"]
    assert bar.get_ylabel() == "share of places filled" and figure_problems(figure) == []
    (note,) = axes.texts
    assert note.get_window_extent().y0 >= axes.get_window_extent().y1  # above the map, not on it


def test_without_a_full_memory_no_switch_is_drawn():
    axes = value_space.queue_filling(FILLED, 20, 100, None, COUNTS).axes[0]
    assert len(axes.lines) == 1 and not axes.texts


def test_every_feature_and_every_centre_is_drawn_in_the_colour_of_its_value():
    figure = value_space.around_centres(spaces(), VALUES, seed=0)
    grid = np.array(figure.axes).reshape(2, 2)
    for run, line in zip(RUNS, grid, strict=True):
        for axes, (attribute, names) in zip(line, VALUES.items(), strict=True):
            assert axes.get_title() == attribute.replace("_", " ") + f"\n{run}"
            assert [len(dots.get_offsets()) for dots in axes.collections] == [2] * len(names)
            dots = [style.to_hex(dots.get_facecolor()[0]) for dots in axes.collections]
            stars = [style.to_hex(star.get_color()) for star in axes.lines]
            assert dots == stars and len(set(dots)) == min(10, len(names))
    marks = [dots.get_paths()[0].vertices.shape for dots in grid[0, 0].collections]
    assert (
        len(set(marks[:10])) == 1 and marks[10] != marks[0]
    )  # the eleventh value has the first one's colour
    for axes, names in zip(grid[1], VALUES.values(), strict=True):
        assert [text.get_text() for text in axes.get_legend().get_texts()] == [
            name.replace("_", " ") for name in names
        ]
    assert grid[0, 0].get_legend() is None and figure_problems(figure) == []


def test_margins_move_from_the_first_run_to_the_second():
    figure = value_space.margins(MARGINS, NAMES, 0.2)
    for axes, (title, runs) in zip(figure.axes, MARGINS.items(), strict=True):
        moves, *dots = axes.collections
        pairs = [list(pair) for pair in zip(*runs.values(), strict=True)]
        assert [move[:, 0].tolist() for move in moves.get_segments()] == pairs
        for drawn, values, colour in zip(dots, runs.values(), (style.BEFORE, style.AFTER), strict=True):
            assert drawn.get_offsets().tolist() == [[value, k] for k, value in enumerate(values)]
            assert style.to_hex(drawn.get_facecolor()[0]) == colour
        assert [line.get_xdata()[0] for line in axes.lines] == [0, 0.2] and axes.get_title() == title
        assert axes.get_ylim() == (2.5, -0.5)  # the first attribute at the top
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        "sleeve length",
        "collar",
        "price \\$",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(RUNS)
    assert figure_problems(figure) == []


def without(key) -> dict:
    return {name: space for name, space in spaces().items() if name != key}


def changed(part: int, new) -> dict:
    several = spaces()
    space = list(several["with AD", "collar"])
    space[part] = new
    return several | {("with AD", "collar"): tuple(space)}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: value_space.queue_filling(FILLED[:, :4], 20, 0, None, COUNTS), r"\(12, 4\) for 5 values"),
        (
            lambda: value_space.around_centres(without(("with AD", "collar")), VALUES, 0),
            "no features of .with AD",
        ),
        (
            lambda: value_space.around_centres(changed(0, np.ones((3, 4))), VALUES, 0),
            "3 features, 4 value ids",
        ),
        (
            lambda: value_space.around_centres(changed(1, [0, 1, 2, 1]), VALUES, 0),
            "one id from 0 to 1 per feature",
        ),
        (
            lambda: value_space.around_centres(changed(2, np.ones((3, 4))), VALUES, 0),
            "3 centres for 2 values",
        ),
        (lambda: value_space.margins({"region": {"with AD": [0.1] * 3}}, NAMES, 0.2), "give two runs"),
        (lambda: value_space.margins(MARGINS, NAMES[:2], 0.2), "one margin per attribute"),
    ],
)
def test_what_does_not_fit_is_named(draw, message):
    with pytest.raises(FashionError, match=message):
        draw()
