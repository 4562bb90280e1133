"""Texts of figures: matplotlib reads what stands between two dollar signs as a formula, and labels may hold dollars."""

from functools import cache

from matplotlib import cbook
from matplotlib.mathtext import MathTextParser

DOLLAR = "\\$"  # matplotlib's spelling of a dollar sign that begins no formula


def literal(text: object) -> str:
    """Return a text from data, such as a value or an attribute's name, so that a figure shows it as it is."""
    return str(text).replace("$", DOLLAR)


def drawable(text: object) -> str:
    """Return a caller's text with its formulas; a line that matplotlib cannot read as a formula is shown as it is."""
    return "\n".join(line if _is_readable(line) else _whole(line) for line in str(text).split("\n"))


def _whole(line: str) -> str:
    return literal(line.replace(DOLLAR, "$"))


@cache
def _is_readable(line: str) -> bool:
    if not cbook.is_math_text(line):
        return True
    try:
        MathTextParser("agg").parse(line)
    except ValueError:  # whatever is wrong with the formula
        return False
    return True
