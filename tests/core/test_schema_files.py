"""A schema file is complete and typed, or refused in one sentence that names the entry."""

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema

GOOD = {"name": "collar", "values": ["round", "pointed"], "scope": "local", "kind": "design"}
DEEP = ["x"]
for _ in range(50_000):
    DEEP = [DEEP]
ENTRIES = [
    None, 3, "collar", [], ["name"], {}, {"name": "a"}, {"values": ["x", "y"]}, GOOD | {"more": 1}, GOOD | {"name": 3},
    GOOD | {"name": None}, GOOD | {"name": ["a"]}, GOOD | {"name": ""}, GOOD | {"name": " a"}, GOOD | {"values": "xy"},
    GOOD | {"values": None}, GOOD | {"values": {}}, GOOD | {"values": {"x": 1, "y": 2}}, GOOD | {"values": []},
    GOOD | {"values": ["x"]}, GOOD | {"values": ["x", "x"]}, GOOD | {"values": ["x", 3]},
    GOOD | {"values": ["x", None]},
    GOOD | {"values": ["x", ["y"]]}, GOOD | {"values": ["x", ""]}, GOOD | {"values": ["x", True]}, GOOD | {"scope": 1},
    GOOD | {"scope": "regional"}, GOOD | {"scope": ["local"]}, GOOD | {"scope": None}, GOOD | {"kind": 3},
    GOOD | {"kind": None}, GOOD | {"kind": ["design"]}, GOOD | {"values": DEEP},
    GOOD | {"name": "x" * 10_000, "values": 1},
    GOOD | {"kind": float("nan")},
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=range(len(ENTRIES)))
def test_a_wrong_entry_is_one_sentence(entry):
    other = {"name": "hem", "values": ["short", "long"]}
    with pytest.raises(FashionError, match="entry 2 of the schema|attribute") as caught:
        Schema.from_json([other, entry])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("schema", [None, {}, GOOD, 3, "collar", True, 1.5])
def test_a_schema_that_is_no_list_is_one_sentence(schema):
    with pytest.raises(FashionError, match="a schema is a JSON list"):
        Schema.from_json(schema)


def test_good_entries_are_read_unchanged():
    assert Schema.from_json([GOOD]).to_json() == [GOOD]
    assert Schema.from_json([{"name": "a", "values": ("x", "y")}]).names == ("a",)
