import io
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from tiny_data import SCHEMA, tiny_data

from fashion_lib import show
from fashion_lib.core.errors import FashionError
from fashion_lib.show import style
from fashion_lib.show.heat import enlarged
from fashion_lib.show.pictures import PER_LINE, RIGHT, WRONG

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert plt.get_fignums() == []


def drawn(figure) -> None:
    """A figure must render, not just exist; constrained layout warns where things do not fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO())


def test_enlarged_repeats_cells():
    heat = np.arange(16, dtype=np.float32).reshape(4, 4)
    np.testing.assert_array_equal(enlarged(heat, 16, 16), np.kron(heat, np.ones((4, 4), np.float32)))
    assert set(np.unique(enlarged(heat, 10, 14))) == set(range(16))


def test_overlay_colours_hot_cells_and_leaves_cold_ones_grey():
    heat = np.zeros((4, 4))
    heat[1, 2] = 1
    result = show.overlay(IMAGES[0], heat)
    hot = np.zeros((16, 16), bool)
    hot[4:8, 8:12] = True
    assert result.dtype == np.uint8 and result.shape == (16, 16, 3)
    cold = result[~hot].astype(int)
    assert (cold.max(1) == cold.min(1)).all()
    assert (result[hot][:, 0].astype(int) > result[hot][:, 2].astype(int)).all()
    assert (show.overlay(IMAGES[0], heat, alpha=0) == show.overlay(IMAGES[0], np.zeros((4, 4)))).all()


@pytest.mark.parametrize("heat", [np.full((4, 4), 1.1), np.full((4, 4), -0.1), np.full((4, 4), np.nan), np.ones(4)])
def test_overlay_refuses_maps_that_were_not_scaled(heat):
    with pytest.raises(FashionError, match="divide by the largest value"):
        show.overlay(IMAGES[0], heat)


def test_outline_draws_the_edge_alone():
    mask = np.zeros((16, 16), bool)
    mask[3:8, 0:6] = True  # touches the left border
    result = show.outline(IMAGES[0], mask, colour=(1, 2, 3))
    edge = mask.copy()
    edge[4:7, 1:5] = False
    assert (result[edge] == (1, 2, 3)).all() and (result[~edge] == IMAGES[0][~edge]).all()
    with pytest.raises(FashionError, match="give bool"):
        show.outline(IMAGES[0], mask.astype(int))


def test_heat_map_rows_share_one_scale_within_a_picture():
    strong, weak = np.zeros((3, 4, 4)), np.full((3, 4, 4), 0.1)
    strong[:, 0, 0] = [0.5, 0.25, 1.0]
    masks = np.zeros((3, 16, 16), bool)
    masks[:, 2:5, 2:5] = True
    figure = show.heat_map_rows(IMAGES, [torch.tensor(strong), weak], ["sleeve_length", "colour"], [masks, None])
    labels = [[tick.get_text() for tick in axes.get_yticklabels()] for axes in figure.axes if axes.get_yticklabels()]
    assert [label[-1] for label in labels] == ["0.5", "0.25", "1"]
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images and axes.images[0].get_array().ndim == 3]
    assert len(shown) == 9
    for row, top in enumerate([0.5, 0.25, 1.0]):
        np.testing.assert_array_equal(shown[3 * row], IMAGES[row])
        np.testing.assert_array_equal(shown[3 * row + 2], show.overlay(IMAGES[row], weak[row] / top, alpha=0.85))
    own = show.heat_map_rows(IMAGES, [strong, weak], ["a", "b"], shared_scale=False)
    shown = [axes.images[0].get_array() for axes in own.axes if axes.images and axes.images[0].get_array().ndim == 3]
    np.testing.assert_array_equal(shown[2], show.overlay(IMAGES[0], np.ones((4, 4)), alpha=0.85))
    drawn(figure)
    drawn(show.heat_map_rows(IMAGES, [0 * strong], ["nothing"]))


def test_heat_map_rows_refuse_what_does_not_fit():
    with pytest.raises(FashionError, match="2 titles and 3 pictures"):
        show.heat_map_rows(IMAGES, [np.ones((3, 4, 4))], ["a", "b"])
    with pytest.raises(FashionError, match=r"one of shape \(2, 4, 4\)"):
        show.heat_map_rows(IMAGES, [np.ones((2, 4, 4))], ["a"])


def test_contact_sheets():
    figure = show.show_images(IMAGES, titles=["a", "b\nc", "d"], columns=2, frame=["red", None, "blue"])
    assert len(figure.axes) == 4 and [axes.get_title() for axes in figure.axes] == ["a", "b\nc", "d", ""]
    drawn(figure)
    with pytest.raises(FashionError, match="2 titles for 3 pictures"):
        show.show_images(IMAGES, titles=["a", "b"])
    with pytest.raises(FashionError, match="give uint8"):
        show.show_images(IMAGES / 255)


def test_boards_say_which_answers_are_right():
    data = tiny_data()
    rows = data.encoded("test", "candidate").of(2)
    query = data.encoded("test", "query").of(2)
    correct = rows.value[:3] == query.value[0]
    board = {"query_row": query.image[0], "ranked_rows": rows.image, "attribute": "colour", "correct": correct}
    with pytest.raises(FashionError, match="board 0 has 8 candidates but 3"):
        show.retrieval_boards(data, [board])
    board["correct"] = rows.value == query.value[0]
    figure = show.retrieval_boards(data, [board, board | {"attribute": 2, "title": "asen"}], top=3)
    pictures = [axes for axes in figure.axes if axes.images]
    values = SCHEMA.attributes[2].values
    assert pictures[0].get_title() == f"query: {values[query.value[0]]}"
    for k, axes in enumerate(pictures[1:4]):
        assert axes.get_title() == f"{'✓' if correct[k] else '✗'} {values[rows.value[k]]}"
        assert axes.spines["left"].get_edgecolor() == plt.matplotlib.colors.to_rgba(RIGHT if correct[k] else WRONG)
    assert [axes.texts[0].get_text() for axes in figure.axes if axes.texts] == ["colour", "asen"]
    drawn(figure)
    drawn(show.retrieval_board(data, query.image[0], rows.image, "colour", board["correct"]))


@pytest.mark.parametrize("top", [1, 10, 11, 25])
def test_a_board_with_many_answers_has_several_lines_and_stays_as_wide_as_a_page(top):
    data = tiny_data()
    rows = np.resize(data.encoded("test", "candidate").of(2).image, top)
    figure = show.retrieval_board(data, rows[0], rows, "colour", [True] * top, top=top)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 1 + top and figure.get_figwidth() <= style.WIDEST + 1e-6
    tops = {axes.get_subplotspec().rowspan.start for axes in pictures[1:]}
    assert len(tops) == -(-top // PER_LINE)
    drawn(figure)


def test_training_curves_take_one_run_or_several():
    entries = [{"step": k, "loss": 0.2, "active_triplets": 0.5, "valid_map": 0.4 if k == 20 else None}
               for k in (0, 10, 20)]
    figure = show.training_curves([entries, entries[:2]], ["asen", "csn"])
    loss, _, score = figure.axes
    assert [len(line.get_xdata()) for line in loss.lines] == [3, 2]
    assert [list(line.get_ydata()) for line in score.lines] == [[40.0]]  # in percent, where it was taken
    assert len(show.training_curves(entries, ["asen"]).axes[0].lines) == 1
    with pytest.raises(FashionError, match="1 histories and 2 labels"):
        show.training_curves([entries], ["a", "b"])
    drawn(figure)


def test_results_bars_show_means_and_seeds():
    table = pd.DataFrame([
        {"dataset": "w", "method": method, "variant": variant, "profile": "p", "seed": seed, "metric": "map",
         "attribute": name, "value": base + seed}
        for method, variant, base in (("random", "default", 20), ("asen", "v1", 50), ("asen", "v2", 60))
        for seed in (0, 1, 2) for name in ("collar", "overall")])
    axes = show.results_bars(table).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [51, 51, 61, 61]
    dots = [dots.get_offsets().data for dots in axes.collections if len(dots.get_offsets()) == 6]  # one per seed
    assert [sorted(set(one[:, 1])) for one in dots] == [[50, 51, 52], [60, 61, 62]]
    assert not axes.containers[0].errorbar  # a spread drawn above 100 would be no MAP
    chosen = show.results_bars(table, [("asen", "v2"), ("asen", "v1")]).axes[0]
    assert [bar.get_height() for bar in chosen.patches] == [61, 61, 51, 51]
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["random", "asen v1", "asen v2"]
    drawn(axes.figure)


def test_similarity_matrix_separates_values():
    matrix = torch.eye(4)
    figure = show.similarity_matrix(matrix, labels=["long", "long", "short", "knee"], title="skirts")
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["long", "short", "knee"]
    np.testing.assert_allclose(axes.get_yticks(), [0.5, 2, 3])
    assert len(axes.lines) == 4 and len(axes.texts) == 16
    drawn(figure)
    drawn(show.similarity_matrix(np.zeros((20, 30))))
    with pytest.raises(FashionError, match="3 labels"):
        show.similarity_matrix(matrix, labels=["a", "b", "c"])
