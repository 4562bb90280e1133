"""The pictures of the README that need no trained run."""

import numpy as np
import pytest
from PIL import Image
from tiny_data import SIZE, TinyModel, tiny_data

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import readme_figures
from fashion_lib.runs import ledger


def everywhere(rows, attribute):
    return np.ones((len(rows), SIZE, SIZE), bool)


def test_rows_are_the_first_pictures_that_carry_all_attributes():
    data = tiny_data()
    found = readme_figures.rows_with(data, ("collar", "colour"), 3)
    table = data.labels[(data.labels["split"] == "test") & (data.labels["attribute"] == "collar")]
    assert found.tolist() == sorted(data.image_names.index(name) for name in table["image"])[:3]  # all have a colour


def test_too_few_pictures_are_an_error():
    with pytest.raises(FashionError, match="test pictures show collar, hem: choose a larger profile"):
        readme_figures.rows_with(tiny_data(), ("collar", "hem"), 1000)


def test_maps_have_a_row_for_each_picture():
    data = tiny_data(regions=everywhere)
    figure = readme_figures.maps(data, TinyModel(), ("collar", "colour"), count=2)
    assert len(figure.axes) == 2 * (1 + 2 + 1)  # the picture, two maps, their scale


def committed_rows():
    table = ledger.read_ledger()
    return readme_figures.bars_rows(table[(table["dataset"] == "wardrobe") & (table["profile"] == "table")])


def test_the_committed_bars_show_the_committed_ledger():
    with Image.open(paths.figures_dir() / "results.png") as picture:
        drawn = picture.text[readme_figures.ROWS]
    assert drawn == readme_figures.rows_digest(committed_rows()), "run `python -m fashion_lib figures`"


def test_a_changed_value_is_another_figure_and_another_order_is_not():
    rows = committed_rows()
    digest = readme_figures.rows_digest(rows)
    assert readme_figures.rows_digest(rows[::-1]) == digest
    assert readme_figures.rows_digest(rows.assign(commit="another")) == digest
    changed = rows.assign(value=rows["value"].where(rows.index != rows.index[3], rows["value"] + 0.01))
    assert readme_figures.rows_digest(changed) != digest
