"""What a reader calls in a notebook: check an answer, ask for the next hint."""

import os
import textwrap
from typing import Any

from fashion_lib.core.errors import FashionError
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.exercise import RIGHT

WIDTH = 100
# nbgrader sets this in the kernels that grade; a cell that raises an error then gets no points.
GRADING = "NBGRADER_EXECUTION"

_hints_given: dict[str, int] = {}


def check(identity: str, answer: Any) -> None:
    """Say whether an answer is right, or what is wrong and why. The answer itself is never told.

    Args:
        identity: the exercise, such as "04.2".
        answer: the variable, function or class of the cell above.

    Raises:
        FashionError: for an id that no exercise has. While nbgrader grades, also for each answer that is not right.
    """
    verdict = catalogue.find(identity).judge(answer)
    if verdict.state != RIGHT and os.environ.get(GRADING):
        raise FashionError(verdict.text)
    print(textwrap.fill(verdict.text, WIDTH))


def hint(identity: str) -> None:
    """Give the next hint of an exercise; each call says more than the one before.

    Args:
        identity: the exercise, such as "04.2".

    Raises:
        FashionError: for an id that no exercise has.
    """
    hints = catalogue.find(identity).hints
    number = min(_hints_given.get(identity, 0) + 1, len(hints))
    _hints_given[identity] = number
    print(textwrap.fill(f"Hint {number} of {len(hints)}: {hints[number - 1]}", WIDTH))
