"""The one exception class of the course for every failure that a user can correct, and how it shows a user's text."""

import unicodedata
from typing import Any

LONGEST_WORD = 240  # characters; a path of an ordinary disk stays whole
LONGEST_SENTENCE = 2_000


class FashionError(ValueError):
    """An expected failure. Its text is one sentence: what was wrong, where, and what to do next.

    Whatever a file name or a cell brings into the sentence, it is one line, and short enough for a screen.

    Attributes:
        whole: the sentence as it was written, for who can shorten it better.
    """

    def __init__(self, sentence: str = "") -> None:
        self.whole = sentence
        super().__init__(one_screen(sentence))


def shortened(value: Any, most: int = 60) -> str:
    """Return a user's value for a sentence: in quotation marks, control characters escaped, cut off where it is long.

    This is how every error and note shows a name, a cell or an argument. The text is Python's `repr`.

    Args:
        value: a text, a number, or what else the user gave.
        most: characters of the result.
    """
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # Python writes no number of more than 4,300 digits
        return "something too deep or too long to show"
    return text if len(text) <= most else text[: most - 3] + "..."


def cut(text: object, most: int = 160) -> str:
    """Return a user's text for a sentence without quotation marks: one line, both ends of what is too long.

    For paths and lists of names, of which the folder and the suffix should stay; `shortened` is for single values.
    """
    escaped = "".join(repr(c)[1:-1] if _breaks_a_line(c) else c for c in str(text))
    if len(escaped) <= most:
        return escaped
    tail = most // 3
    return f"{escaped[: most - tail - 3]}...{escaped[-tail:]}"


def one_screen(sentence: str) -> str:
    """Return a sentence as one line of at most LONGEST_SENTENCE characters, words of LONGEST_WORD among them.

    A path in it may be that of a file whose name holds a line break, or thousands of characters.
    """
    return cut(" ".join(cut(word, LONGEST_WORD) for word in sentence.split(" ")), LONGEST_SENTENCE)


def _breaks_a_line(character: str) -> bool:
    """Return whether a character moves the cursor, turns the writing, or has no encoding."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in "\u202a\u202b\u202d\u202e"
    )
