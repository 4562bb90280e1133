import pytest

from fashion_lib.core.words import joined


@pytest.mark.parametrize(
    ("values", "text"),
    [([2, 0, 1, 0], "0, 1, 2"), ([10, 9], "9, 10"), (("b", "a", "b"), "a, b"), (iter(["x"]), "x"), ([], "")],
)
def test_joined_lists_each_value_once_in_order(values, text):
    assert joined(values) == text
