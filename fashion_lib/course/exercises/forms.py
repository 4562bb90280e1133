"""The forms that an answer can have: a number or several, letters of given choices, a function or class.

Each form reads an answer into something that can be compared, compares two of them, and says where they differ without
telling the expected one.
"""

import copy
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Unanswered(Exception):
    """The cell is as it was given."""


class Malformed(Exception):
    """The answer has another form; the message says what is wrong, in sentences."""


@dataclass(frozen=True)
class Number:
    """Read a number, or a list or array of numbers.

    Attributes:
        tolerance: absolute, between an answer and the right one.
    """

    tolerance: float = 0.005

    def read(self, answer: Any) -> np.ndarray:
        """Return the answer as float64 of its own shape; () for a single number."""
        if answer is None or answer is Ellipsis:
            raise Unanswered
        return _array(answer, "Your answer")

    def same(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Return whether two answers have one shape, and differ by the tolerance at most."""
        return one.shape == other.shape and np.allclose(
            one, other, rtol=0, atol=self.tolerance, equal_nan=True
        )

    def difference(self, given: np.ndarray, expected: np.ndarray) -> str:
        """Say what of a wrong answer is wrong: its shape, or which of its numbers."""
        if given.shape != expected.shape:
            return f"You gave {_shape(given)}; the question asks for {_shape(expected)}."
        off = np.flatnonzero(
            ~np.isclose(given, expected, rtol=0, atol=self.tolerance, equal_nan=True).ravel()
        )
        if given.size == 1 or len(off) == given.size:
            return ""
        return f"Not all numbers are right; look again at number {off[0] + 1} of {given.size}."


@dataclass(frozen=True)
class Choice:
    """Read one letter of several, or a set of them.

    Attributes:
        letters: what there is to choose from, such as "abc".
        several: whether more than one letter may be right; the answer is then a text such as "ac".
    """

    letters: str
    several: bool = False

    def read(self, answer: Any) -> frozenset[str]:
        """Return the chosen letters."""
        if answer is None or answer is Ellipsis:
            raise Unanswered
        chosen = answer.lower().replace(",", "").replace(" ", "") if isinstance(answer, str) else ""
        unknown = not chosen or not set(chosen) <= set(self.letters)
        if unknown or (len(chosen) > 1 and not self.several):
            what = "one or more letters in one text" if self.several else "one letter, as text"
            raise Malformed(f"Answer with {what}: the choices are {', '.join(self.letters)}.")
        return frozenset(chosen)

    def same(self, one: frozenset[str], other: frozenset[str]) -> bool:
        """Return whether the same letters were chosen."""
        return one == other

    def difference(self, given: frozenset[str], expected: frozenset[str]) -> str:
        """Say whether something false was chosen, or something is missing."""
        if not self.several:
            return ""
        return (
            "At least one chosen sentence is false."
            if given - expected
            else "You have not chosen all that are true."
        )


def call_it(answer: Callable, *arguments: Any) -> Any:
    """Call a function; the default of `Function.call`."""
    return answer(*arguments)


@dataclass(frozen=True)
class Function:
    """Read a function or a class by what it returns on fixed cases.

    Attributes:
        cases: name of a case -> arguments. The arguments are copied for each call.
        call: how the answer is used: `call(answer, *arguments)` returns a number or an array.
        tolerance: absolute and relative, between two results.
    """

    cases: Mapping[str, tuple]
    call: Callable = field(default=call_it)
    tolerance: float = 1e-4

    def read(self, answer: Any) -> dict[str, np.ndarray]:
        """Return the result of each case."""
        if answer is None or answer is Ellipsis:
            raise Unanswered
        if not callable(answer):
            raise Malformed(
                f"Give the function or class itself, not {type(answer).__name__}: without parentheses."
            )
        return {name: self._result(answer, name, arguments) for name, arguments in self.cases.items()}

    def _result(self, answer: Callable, name: str, arguments: tuple) -> np.ndarray:
        try:
            result = self.call(answer, *copy.deepcopy(arguments))
        except (Malformed, Unanswered):
            raise
        except NotImplementedError:  # what nbgrader puts in place of a solution
            raise Unanswered from None
        except Exception as error:  # whatever the reader's code raises is told as it is
            text = f"{type(error).__name__}: {error}".split("\n")[0]
            raise Malformed(f"Your code stops for {name} with {text}") from error
        if result is None or result is Ellipsis:
            raise Unanswered
        return _array(result, f"The result for {name}")

    def same(self, one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
        """Return whether all cases have the same results."""
        return all(self._alike(one[name], other[name]) for name in self.cases)

    def _alike(self, one: np.ndarray, other: np.ndarray) -> bool:
        near = {"rtol": self.tolerance, "atol": self.tolerance, "equal_nan": True}
        return one.shape == other.shape and np.allclose(one, other, **near)

    def difference(self, given: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> str:
        """Name the first case with a wrong result, and the result."""
        name = next(name for name in self.cases if not self._alike(given[name], expected[name]))
        mine, right = given[name], expected[name]
        if mine.shape != right.shape:
            return f"For {name} you return {_shape(mine)}; it should be {_shape(right)}."
        if np.isnan(mine).any() and not np.isnan(right).any():
            return f"For {name} your result holds NaN, the result of 0/0 or of the logarithm of a negative number."
        return f"For {name} you return {_shown(mine)}, which is not right."


def _array(value: Any, what: str) -> np.ndarray:
    """Return a value as a float64 array.

    Raises:
        Malformed: it holds something else than numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif isinstance(value, list | tuple) and any(hasattr(part, "detach") for part in value):
        value = [part.detach().cpu().numpy() if hasattr(part, "detach") else part for part in value]
    elif isinstance(value, numbers.Number) and not isinstance(value, complex):
        value = float(value)
    try:
        if isinstance(value, str):
            raise ValueError
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise Malformed(f"{what} is {type(value).__name__}; give a number, or a list of numbers.") from None


def _shape(array: np.ndarray) -> str:
    if array.ndim == 0:
        return "one number"
    return f"{len(array)} numbers" if array.ndim == 1 else f"an array of shape {array.shape}"


def _shown(array: np.ndarray) -> str:
    flat = [f"{number:.4g}" for number in array.ravel()[:4]]
    return flat[0] if array.ndim == 0 else f"[{', '.join(flat)}{', ...' if array.size > 4 else ''}]"
