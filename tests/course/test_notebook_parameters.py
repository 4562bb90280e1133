import ast
import re

import pytest
import yaml
from hypothesis import given as generated
from hypothesis import strategies
from tiny_notebooks import tiny_notebook

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.parameters import accepts, check, declared, own_profile, yaml_number
from fashion_lib.course.sources import read


def test_names_defaults_and_types_in_order():
    known = declared(tiny_notebook(), "05.ipynb")
    assert [(p.name, p.default, p.type_name) for p in known.values()] == [
        ("seed", 0, "int"),
        ("learning_rate", 0.1, "float | None"),
        ("name", "asen", "str"),
    ]


def test_a_negative_default_and_a_comment_are_constants():
    known = declared(tiny_notebook(parameters="shift: int = -1  # pixels\nseeds: list[int] = [0, 1]"), "x")
    assert known["shift"].default == -1
    assert known["seeds"].default == [0, 1]


@pytest.mark.parametrize("source", ["seed = int(3)", "import os", "a = b = 1", "seed: int", "(seed = 1"])
def test_a_parameters_cell_that_computes_is_refused(source):
    with pytest.raises(FashionError, match=r"parameters cell of 05.ipynb must only assign constants"):
        declared(tiny_notebook(parameters=source), "05.ipynb")


def test_a_notebook_names_the_profile_that_it_is_executed_at():
    assert own_profile(tiny_notebook(parameters='profile: str = "table"\nseed: int = 0'), "20.ipynb") == "table"
    assert own_profile(tiny_notebook(parameters="seed: int = 0"), "20.ipynb") == "laptop"
    named = {path.name[:2]: own_profile(read(path), path.name) for path in paths.numbered_notebooks()}
    assert set(named.values()) == {"laptop", "table"} and named["05"] == "laptop" and named["20"] == "table"


def test_a_notebook_without_parameters_cell_is_named():
    with pytest.raises(FashionError, match="05.ipynb has no code cell tagged 'parameters'"):
        declared(tiny_notebook(parameters=None), "05.ipynb")


@pytest.mark.parametrize(
    ("annotation", "value", "fits"),
    [
        ("int", 1, True),
        ("int", True, False),
        ("int", 1.0, False),
        ("float", 1, True),
        ("float", 1.5, True),
        ("float", True, False),
        ("float", "1e-3", False),
        ("bool", 1, False),
        ("bool", False, True),
        ("str", 2, False),
        ("float | None", None, True),
        ("float | None", "None", False),
        ("int | str", "a", True),
        ("list[int]", [1, 2], True),
        ("list[int]", [1, "2"], False),
        ("list[int]", 1, False),
        ("dict[str, int]", {"a": 1}, True),
        ("dict[str, int]", [], False),
        ("Path", "anything", True),
    ],
)
def test_which_values_fit_which_type(annotation, value, fits):
    assert accepts(ast.parse(annotation, mode="eval").body, value) is fits


def test_good_parameters_pass():
    check(tiny_notebook(), {"seed": 3, "learning_rate": None, "name": "csn"}, "05.ipynb")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sed": 1}, r"05.ipynb has no parameter 'sed': did you mean 'seed'\?"),
        ({"dataset": "darn"}, r"no parameter 'dataset': it explains on drawn pictures, .*; notebook 05 trains on any"),
        ({"zzz": 1}, r"no parameter 'zzz': choose one of seed, learning_rate, name\."),
        (
            {"seed": 1.5},
            r"'seed' of 05.ipynb is declared int, and 1.5 is float: give a whole number such as 0\.",
        ),
        ({"seed": True}, r"'seed' .* is declared int, and True is bool"),
        ({"seed": "3"}, r"give the number 3 without quotation marks"),
        ({"seed": "three"}, r"give a whole number such as 0\."),
        ({"learning_rate": "1e-3"}, r"YAML reads 1e-3 as text, so write 0\.001\."),
        ({"learning_rate": "2E-4"}, r"YAML reads 2E-4 as text, so write 0\.0002\."),
        (
            {"name": 2},
            r"'name' of 05.ipynb is declared str, and 2 is int: put it in quotation marks, as in '2'\.",
        ),
    ],
)
def test_what_does_not_fit_is_explained(given, message):
    with pytest.raises(FashionError, match=message):
        check(tiny_notebook(), given, "05.ipynb")


@pytest.mark.parametrize("name", ["seed", "learning_rate"])
@pytest.mark.parametrize(
    "value", ["1e3", "1E3", "2e+5", "1.5e3", "1e-3", "3E-30", " 7 ", "1e16", "1e22", "5.e2", "'12'"]
)
def test_the_advice_works_when_it_is_followed(name, value):
    read = yaml.safe_load(value)
    with pytest.raises(FashionError) as caught:
        check(tiny_notebook(), {name: read} if isinstance(read, str) else {name: value}, "05.ipynb")
    advised = re.search(r"(?:write|the number) (\S+?)(?: without quotation marks)?\.$", str(caught.value))
    if advised is None:
        assert name == "seed" and "give a whole number such as 0." in str(caught.value)
        assert not float(value.strip("'")).is_integer()
    else:
        followed = yaml.safe_load(advised[1])
        check(tiny_notebook(), {name: followed}, "05.ipynb")
        assert followed == float(value.strip("'"))


@pytest.mark.parametrize("value", ["inf", "nan", "1e999", "-Infinity"])
def test_a_number_that_is_not_finite_is_not_advised(value):
    with pytest.raises(FashionError, match=r"give a number such as 0\.1\."):
        check(tiny_notebook(), {"learning_rate": value}, "05.ipynb")


@generated(strategies.floats(allow_nan=False, allow_infinity=False))
def test_yaml_reads_every_float_back(number):
    read = yaml.safe_load(yaml_number(number))
    assert type(read) is float and read == number
