import json

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema

SLEEVE = Attribute("sleeve_length", ("short", "long", "none"), kind="length")
NECK = Attribute("neck_design", ("round", "v"), kind="design")
COLOUR = Attribute("colour", ("red", "blue"), scope="global", kind="appearance")
SCHEMA = Schema((SLEEVE, NECK, COLOUR))


def test_positions_are_the_ids():
    assert SCHEMA.names == ("sleeve_length", "neck_design", "colour")
    assert SCHEMA.local == ("sleeve_length", "neck_design")
    assert [SCHEMA.index(attribute.name) for attribute in SCHEMA] == list(range(len(SCHEMA))) == [0, 1, 2]
    assert [SCHEMA.value_index("sleeve_length", value) for value in SLEEVE.values] == [0, 1, 2]
    assert SCHEMA.attribute("colour") is COLOUR


def test_json_round_trip_through_text():
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA
    short = Schema.from_json([{"name": "a", "values": ["x", "y"]}])
    assert short.attribute("a") == Attribute("a", ("x", "y"), "local", "")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda: SCHEMA.index("sleeve_lenght"),
            "'sleeve_lenght' is not in the schema: did you mean 'sleeve_length'",
        ),
        (lambda: SCHEMA.index("zzz"), "choose one of sleeve_length, neck_design, colour"),
        (
            lambda: SCHEMA.value_index("neck_design", "rond"),
            "'rond' is not a value of the attribute 'neck_design'",
        ),
        (lambda: SCHEMA.value_index("colours", "red"), "did you mean 'colour'"),
    ],
)
def test_unknown_names_get_a_suggestion(ask, words):
    with pytest.raises(FashionError, match=words):
        ask()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Attribute("a", ("x",)), "at least two"),
        (lambda: Attribute("a", ("x", "y", "x")), "the value 'x' twice"),
        (lambda: Attribute("a", "xy"), "give a list"),
        (lambda: Attribute("a", ("x", " y")), "surrounding spaces"),
        (lambda: Attribute("a", ("x", 3)), "plain, non-empty text"),
        (lambda: Attribute("a", ("x", "y"), scope="regional"), "'local' or 'global'"),
        (lambda: Schema(()), "no attributes"),
        (lambda: Schema((NECK, NECK)), "'neck_design' twice"),
        (lambda: Schema.from_json({"name": "a"}), "JSON list"),
        (lambda: Schema.from_json([{"name": "a", "values": ["x", "y"]}, {"name": "b"}]), "entry 2"),
        (lambda: Schema.from_json([{"name": "a", "values": "xy"}]), "list of texts"),
        (lambda: Schema.from_json([{"name": "a", "values": ["x", "y"], "colour": 1}]), "entry 1"),
    ],
)
def test_impossible_schemas_are_refused(make, words):
    with pytest.raises(FashionError, match=words):
        make()
