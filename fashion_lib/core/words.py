"""Words that error sentences and tables share: the nearest known name, and lists of names."""

import difflib
import html
import re
import unicodedata
from collections.abc import Iterable, Sequence

from fashion_lib.core.errors import LONGEST_WORD, cut


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return the end of an error sentence: the closest known name if there is one, else every known name."""
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else f"choose one of {', '.join(known)}."


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names for an error sentence: "a, b and 3 more" where there are more than `most`; long ones are cut."""
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(cut(name, LONGEST_WORD) for name in names[:most]) + rest


def joined(values: Iterable[object]) -> str:
    """Return the different values of a table's column, sorted: "0, 1, 2"; "" where there are none."""
    return ", ".join(map(str, sorted(set(values))))


def one_line(text: str) -> bool:
    """Return whether a text can stand in one cell of a table: it holds no line break and no control character."""
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def plain_markdown(text: object) -> str:
    """Return text from data so that Markdown shows it unchanged: no HTML, formula, link, emphasis or table cell."""
    escaped = html.escape(str(text), quote=False)
    # An underscore between letters, a bracket or tilde alone mean nothing to Markdown, and stay as they are.
    special = r"[|$`*\\]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[])|~(?=~)|(?<=~)~"
    return re.sub(special, r"\\\g<0>", escaped).replace("\n", " ")
