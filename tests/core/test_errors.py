"""Error sentences stay one line that fits a screen, whatever a file name or a cell brings along."""

import pickle

import pytest

from fashion_lib.core.errors import LONGEST_SENTENCE, LONGEST_WORD, FashionError, cut, shortened
from fashion_lib.core.words import listed


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\nb", "a\tb", "a\x1b[31mb", "a\u2028b", "a\u202eb", "a\ud800b", "a\0b"]
)
def test_a_name_with_control_characters_is_escaped(text):
    said = str(FashionError(f"the image {text} is not there: add it."))
    assert said.isprintable() and said.startswith("the image a") and said.endswith("b is not there: add it.")
    assert shortened(text).isprintable() and cut(text).isprintable()


def test_what_is_too_long_loses_its_middle():
    said = str(FashionError(f"the image /mine/{'x' * 5000}.jpg is not there: add it."))
    assert said.startswith("the image /mine/xxx") and said.endswith("xxx.jpg is not there: add it.")
    assert len(said) < LONGEST_WORD + 50
    said = str(FashionError(f"{'many words ' * 5000}: add them."))
    assert said.startswith("many words") and said.endswith(": add them.") and len(said) == LONGEST_SENTENCE


@pytest.mark.parametrize("sentence", [
    "the image 'Bluse Größe 1, rot.jpg' of /tmp/mine/labels.csv is not there: add it.",
    "日本語 \N{COMBINING ACUTE ACCENT} 👗\u200d: two  spaces stay.", "x" * LONGEST_WORD, "",
])  # fmt: skip
def test_an_ordinary_sentence_is_said_as_it_is(sentence):
    assert str(FashionError(sentence)) == sentence


def test_an_error_travels_between_processes_unchanged():
    error = FashionError("a\nb " + "x" * 999)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_values_and_lists_are_cut():
    assert shortened("it's") == '"it\'s"' and shortened("a") == "'a'" and shortened(3) == "3"
    assert len(shortened("x" * 999)) == 60 and shortened("x" * 999).endswith("...")
    assert shortened(10**5000) == "something too deep or too long to show"
    assert cut("abcdefghij", 9) == "abc...hij" and cut("abc") == "abc"
    assert listed(["a\nb", "c", "d"], most=2) == "a\\nb, c and 1 more"
    assert len(listed(["x" * 9999] * 9)) < 1300
