"""The second look: drawn crops, boxes and curves are those that were given."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt

from fashion_lib.core.errors import FashionError
from fashion_lib.show import second_look, style
from fashion_lib.show.check import figure_problems
from fashion_lib.show.heat import outline, overlay

SIDE = 16
PICTURES = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
BOXES = torch.tensor([[0.0, 0.0, 0.5, 0.5], [0.25, 0.5, 0.75, 1.0]])  # left, top, right, bottom
NAMES = ["sleeve_length", "price_$"]
COLOURS = {"ASEN++": "orange", "RPF": "white"}
BETAS = [0.0, 0.5, 1.0]
PANELS = {"overall": ["overall"], "local": ["a", "b"]}
SCORES = {"ASEN++": {"a": [1.0, 2.0, 3.0], "b": [3.0, 4.0, 9.0], "overall": [7.0, 8.0, 5.0]},
          "RPF": {"a": [5.0, 5.0, 5.0], "b": [5.0, 6.0, 7.0], "overall": [1.0, 2.0, 1.5]}}  # fmt: skip
CURVES = {name: pd.DataFrame(columns, index=BETAS) for name, columns in SCORES.items()}
OWN, METHODS = {"ASEN++": 0.6, "RPF": 0.4}, {"ASEN++": "asen_pp", "RPF": "rpf"}


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert plt.get_fignums() == []


def shown(axes) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


def edges(frame) -> list[float]:
    """Left, top, right and bottom of a drawn box, as fractions of SIDE pixels."""
    left, top = (place + 0.5 for place in frame.get_xy())
    return [left / SIDE, top / SIDE, (left + frame.get_width()) / SIDE, (top + frame.get_height()) / SIDE]


def attended(k: int, peak: float, patch_attends: bool) -> SimpleNamespace:
    heat = torch.zeros(1, 4, 4)
    heat[0, k, k] = peak
    return SimpleNamespace(boxes={"patch": BOXES[k : k + 1]}, maps={"spatial": heat},
                           crop_maps={"patch": heat} if patch_attends else {})  # fmt: skip


FOUND = [{"ASEN++": attended(k, 0.2, False), "RPF": attended(1 - k, 0.8, True)} for k in range(2)]


def test_a_box_is_drawn_around_its_pixels():
    figure, axes = plt.subplots()
    second_look.draw_box(axes, BOXES[1], SIDE, "teal")
    assert edges(axes.patches[0]) == BOXES[1].tolist()
    assert (
        style.to_hex(axes.patches[0].get_edgecolor()) == style.to_hex("teal")
        and not axes.patches[0].get_fill()
    )
    plt.close(figure)


def test_cuts_show_the_box_at_half_and_at_full_resolution():
    figure = second_look.cuts(PICTURES, BOXES, NAMES)
    small, coarse, fine = np.array(figure.axes).reshape(3, 2)
    for k, (left, top, right, bottom) in enumerate((BOXES * SIDE).int().tolist()):
        halved = PICTURES[k].reshape(8, 2, 8, 2, 3).mean((1, 3))
        assert np.abs(shown(small[k]) - halved).max() <= 0.5
        assert np.array_equal(shown(fine[k]), PICTURES[k][top:bottom, left:right])  # 8 x 8 pixels as they are
        assert shown(coarse[k]).shape == (8, 8, 3)
        frame = small[k].patches[0]
        assert [2 * edge for edge in edges(frame)] == BOXES[k].tolist()  # these axes show SIDE / 2 pixels
    assert [axes.get_title() for axes in small] == ["sleeve length", "price \\$"]
    named = ["input of the region branch", "cut from that", "cut from the large one"]
    assert [line[0].get_ylabel() for line in (small, coarse, fine)] == named
    assert figure_problems(figure) == []


def test_the_maps_of_a_row_share_one_scale_and_a_crop_has_its_own():
    mask = np.zeros((SIDE, SIDE), bool)
    mask[2:9, 3:8] = True
    figure = second_look.cut_rows(PICTURES, [mask, None], FOUND, NAMES, COLOURS, 8)
    grid = np.array(figure.axes).reshape(2, 6)
    titles = ["picture", "ASEN++:\nmap", "its crop", "RPF:\nmap", "its crop", "RPF:\npatch attention"]
    assert [axes.get_title() for axes in grid[0]] == titles
    assert [line[0].get_ylabel() for line in grid] == ["sleeve\nlength", "price\n\\$"]
    for k, line in enumerate(grid):
        asen, rpf = (FOUND[k][name].maps["spatial"][0] for name in COLOURS)
        assert np.array_equal(shown(line[0]), PICTURES[k] if k else outline(PICTURES[k], mask))
        assert np.array_equal(shown(line[1]), overlay(PICTURES[k], asen / 0.8, alpha=0.85))
        assert np.array_equal(shown(line[3]), overlay(PICTURES[k], rpf / 0.8, alpha=0.85))
        assert np.array_equal(shown(line[5]), overlay(shown(line[4]), rpf / rpf.max(), alpha=0.85))
        for axes, own in ((line[2], k), (line[4], 1 - k)):
            left, top, right, bottom = (BOXES[own] * SIDE).int().tolist()
            assert np.array_equal(shown(axes), PICTURES[k][top:bottom, left:right])
        drawn = [[(edges(box), style.to_hex(box.get_edgecolor())) for box in axes.patches] for axes in line]
        both = [(BOXES[k].tolist(), style.to_hex("orange")), (BOXES[1 - k].tolist(), style.to_hex("white"))]
        assert drawn == [both, both[:1], [], both[1:], [], []]
    assert figure_problems(figure) == []


def test_a_model_whose_maps_are_all_zero_is_drawn_cold():
    found = [{"RPF": attended(0, 0.0, True)}]
    figure = second_look.cut_rows(PICTURES[:1], [None], found, ["collar"], {"RPF": "white"}, 8)
    assert np.array_equal(shown(figure.axes[1]), overlay(PICTURES[0], np.zeros((4, 4))))


def test_beta_curves_are_the_means_of_their_columns():
    figure = second_look.beta_curves(CURVES, PANELS, OWN, METHODS)
    for axes, means in zip(figure.axes, ([[7, 8, 5], [1, 2, 1.5]], [[2, 3, 6], [5, 5.5, 6]]), strict=True):
        curves, marks = axes.lines[::2], axes.lines[1::2]
        assert [line.get_xdata().tolist() for line in curves] == [BETAS] * 2
        assert [line.get_ydata().tolist() for line in curves] == means
        assert [line.get_xdata()[0] for line in marks] == [0.6, 0.4]
        assert [line.get_color() for line in curves] == [style.colour("asen_pp"), style.colour("rpf")]
        assert [line.get_color() for line in marks] == [line.get_color() for line in curves]
    assert [axes.get_title() for axes in figure.axes] == list(PANELS)
    assert figure.legends == []
    assert all({text.get_text() for text in axes.texts} == set(CURVES) for axes in figure.axes)
    assert figure_problems(figure) == []


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: second_look.cuts(PICTURES / 255, BOXES, NAMES), "give uint8"),
        (lambda: second_look.cuts(PICTURES, BOXES[:1], NAMES), "cuts got 1 boxes for 2 pictures"),
        (lambda: second_look.cuts(PICTURES, BOXES, ["a"] * 3), "cuts got 3 titles for 2 pictures"),
        (lambda: second_look.cut_rows(PICTURES, [None], FOUND, NAMES, COLOURS, 8), "cut_rows got 1 regions"),
        (
            lambda: second_look.cut_rows(PICTURES, [None] * 2, FOUND[:1], NAMES, COLOURS, 8),
            "cut_rows got 1 found",
        ),
        (
            lambda: second_look.cut_rows(PICTURES, [None] * 2, FOUND, NAMES, {"IPAD": "red"}, 8),
            "the box of 'IPAD'",
        ),
        (lambda: second_look.beta_curves(CURVES, {"all": ["c"]}, OWN, METHODS), "lacks c of 'ASEN\\+\\+'"),
        (lambda: second_look.beta_curves(CURVES, PANELS, {"ASEN++": 0.6}, METHODS), "lacks beta of 'RPF'"),
    ],
)
def test_what_does_not_fit_is_named(draw, message):
    with pytest.raises(FashionError, match=message):
        draw()
