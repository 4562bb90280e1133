"""Figures show names and values with dollar signs as they are, and formulas of a caller as formulas."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.show import boards, charts, heat, pictures, seeds
from fashion_lib.show.title_text import drawable, literal

PIXELS = np.zeros((4, 8, 8, 3), np.uint8)
NAMES = ["$x", "a$b$", "$\\frac{$", "$\\nope$", "a$ $b", "\\$x", "\\$a\\$", "{x}^$_$", "$a$ $", "$" * 30]


def _data(name):
    return SimpleNamespace(
        pixels=PIXELS,
        schema=Schema((Attribute(name, (name, name + "2")), Attribute("other", ("a", "b")))),
        labels=pd.DataFrame({"image": list("abcd"), "attribute": name, "value": name}),
        shown=None,
        image_names=tuple("abcd"),
    )


def _ledger(name):
    run = {"dataset": "d", "method": "asen", "variant": name, "profile": "p", "metric": "map", "attribute": name}
    return pd.DataFrame([run | {"seed": seed, "value": 1.0 + seed} for seed in (0, 1)])


FROM_DATA = {
    "board": lambda name: pictures.retrieval_board(_data(name), 0, [1, 2], name, [True, False]),
    "bars": lambda name: charts.results_bars(_ledger(name)),
    "matrix": lambda name: charts.similarity_matrix(np.eye(2), [name, name + "2"]),
}
FROM_CALLER = {
    "pictures": lambda name: pictures.show_images(PIXELS, [name] * 4),
    "board": lambda name: pictures.retrieval_board(_data(name), 0, [1, 2], name, [True, False], title=name),
    "heat": lambda name: heat.heat_map_rows(PIXELS, [np.ones((4, 2, 2))], [name], row_titles=[name] * 4),
    "matrix": lambda name: charts.similarity_matrix(np.eye(2), title=name),
    "curves": lambda name: charts.training_curves([[{"step": 1, "loss": 1.0}]], [name]),
    "losses": lambda name: charts.loss_panels({name: {name: pd.Series([1.0, 2.0, 3.0])}}, {name: "red"}, {}),
    "gaps": lambda name: charts.gap_bars(pd.DataFrame({name: [1.0]}, index=[name])),
    "two sided": lambda name: seeds.two_sided(
        _ledger(name), {name: ("asen", name)}, [1.0], [name], dataset=name, printed=name
    ),
    "seed bars": lambda name: charts.seed_bars(_ledger(name), ["asen"], {name: name}, title=name),
}


def _drawn(figure) -> list[Text]:
    figure.savefig(io.BytesIO(), format="png")
    return [text for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", FROM_DATA)
def test_names_from_data_are_no_formulas(kind, name):
    for text in _drawn(FROM_DATA[kind](name)):
        for line in text.get_text().split("\n"):
            assert text._preprocess_math(line)[1] is not True, line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", FROM_CALLER)
def test_a_title_that_is_no_formula_is_drawn_all_the_same(kind, name):
    assert _drawn(FROM_CALLER[kind](name))


@pytest.mark.parametrize("name", NAMES)
def test_a_literal_text_is_shown_as_it_is(name):
    assert Text(0, 0)._preprocess_math(literal(name)) == (name, False) or "$" not in name


@pytest.mark.parametrize("formula", ["$x^{2}$", "map $x^{i-1}$", "triplets\n$L_{warm}$", "no formula"])
def test_a_formula_of_a_caller_stays_one(formula):
    assert drawable(formula) == formula
    assert pictures.lines_of(formula, 80) == formula


def test_values_of_a_manipulation_are_no_formulas():
    schema = Schema((Attribute("$a$", ("$p$", "$q$")),))
    vector = np.array([-1, 1], np.int8)
    assert boards.operation_in_words(schema, vector) == "\\$a\\$:\n\\$p\\$ → \\$q\\$"
    assert "\\$q\\$" in boards.said(schema, np.array([0, 1], np.int8), ["$a$"])
