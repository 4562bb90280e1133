"""One exercise, and the verdict on an answer.

The solution defines what is right, and the typical wrong answers define their own recognition: an answer is compared
with each of them in turn. So no expected number is written twice.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fashion_lib.course.exercises.forms import Choice, Function, Malformed, Number, Unanswered

RIGHT, WRONG, OPEN = "right", "wrong", "open"


@dataclass(frozen=True)
class Wrong:
    """Hold a typical wrong answer.

    Attributes:
        code: what a reader writes in the cell.
        sentence: what the check says then: what is wrong and why, never the answer.
    """

    code: str
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """Hold what a check found.

    Attributes:
        state: RIGHT, WRONG or OPEN (not answered yet).
        text: what the reader is told.
    """

    state: str
    text: str


@dataclass(frozen=True)
class Exercise:
    """Hold one exercise of a notebook.

    Attributes:
        id: notebook and number, such as "04.2".
        title: a few words.
        question: Markdown.
        start: source of the cell that the reader writes in. The last name that it defines is the answer's.
        solution: the same cell, solved.
        form: how an answer is read and compared.
        wrong: three or four typical wrong answers.
        hints: two or three, each says more than the one before.
        because: what a right answer is told in addition.
        otherwise: what a wrong answer is told that none of `wrong` is like.
        oracle: the library's own piece, where the solution must give the same numbers; None takes the solution.
        points: for graded editions.
    """

    id: str
    title: str
    question: str
    start: str
    solution: str
    form: Number | Choice | Function
    wrong: tuple[Wrong, ...]
    hints: tuple[str, ...]
    because: str
    otherwise: str
    oracle: Callable | None = None
    points: int = 1

    @property
    def notebook(self) -> str:
        """Return the number of the notebook, such as "04"."""
        return self.id.partition(".")[0]

    @property
    def answer_name(self) -> str:
        """Return the name that holds the answer: the last one that the start cell defines at its top level."""
        names = [name for node in ast.parse(self.start).body for name in _defined(node)]
        return names[-1]

    def judge(self, answer: Any) -> Verdict:
        """Compare an answer with the solution, then with the typical wrong answers.

        Args:
            answer: whatever the reader's cell left in `answer_name`.

        Returns:
            The verdict. Its text never holds the answer.
        """
        try:
            given = self.form.read(answer)
        except Unanswered:
            return Verdict(OPEN, f"{self.id} is not answered yet.")
        except Malformed as reason:
            return self._wrong(str(reason))
        expected = self.form.read(self.oracle or self.run(self.solution))
        if self.form.same(given, expected):
            return Verdict(RIGHT, f"{self.id} is right. {self.because}")
        for one in self.wrong:
            if self.form.same(given, self.form.read(self.run(one.code))):
                return self._wrong(one.sentence)
        return self._wrong(f"{self.form.difference(given, expected)} {self.otherwise}".strip())

    def run(self, code: str) -> Any:
        """Run the source of an answer cell by itself, and return the answer."""
        names: dict[str, Any] = {"__name__": f"exercise_{self.id}"}
        exec(compile(code, f"<exercise {self.id}>", "exec"), names)
        return names[self.answer_name]

    def _wrong(self, sentence: str) -> Verdict:
        return Verdict(WRONG, f"{self.id} is not right yet. {sentence}")


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that one statement assigns or defines; imports do not count."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
