"""How many minutes a notebook takes: reading and exercises by a stated rule, running as it was measured.

The rule is a convention for planning, not a measurement of readers. It is written out under the table that
`python -m fashion_lib teaching` makes of it, so that an instructor can put other numbers in its place.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from fashion_lib.core import paths
from fashion_lib.course import sources
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.parameters import own_profile

WORDS_PER_MINUTE = 120  # technical prose, read once and with care, in a second language
CODE_MINUTES = 1.0  # per code cell of the main line: about ten lines that are followed one by one
LOOK_MINUTES = 0.5  # per figure, and per formula on a line of its own
THINK_MINUTES = 4  # per exercise, to read and to think
LINE_MINUTES = 1  # per line of an exercise's solution
NOT_READ = {"colab", "parameters", "exercise"}  # tags of cells that are no part of the text
FORMULA = re.compile(r"\$\$.*?\$\$", re.DOTALL)


@dataclass(frozen=True)
class Effort:
    """Hold what was counted in one notebook.

    Attributes:
        name: file name without its ending, such as "04_attribute_aware_attention".
        words: words of Markdown outside the exercises, without displayed formulas.
        code_cells: code cells whose source a reader sees.
        looks: figures and displayed formulas.
        exercises: exercises with a check.
        solving: minutes for these exercises.
        running: minutes that the last execution took at its own profile; None where there is none.
    """

    name: str
    words: int
    code_cells: int
    looks: int
    exercises: int
    solving: float
    running: float | None

    @property
    def reading(self) -> float:
        """Return the minutes to read the notebook once, without its exercises."""
        return self.words / WORDS_PER_MINUTE + self.code_cells * CODE_MINUTES + self.looks * LOOK_MINUTES


def effort_of(path: Path) -> Effort:
    """Count one notebook.

    Args:
        path: of the notebook, executed or not.

    Raises:
        FashionError: there is no notebook, or it cannot be read.
    """
    notebook = sources.read(path)
    text = [cell for cell in notebook.cells if not NOT_READ & set(cell.metadata.get("tags", []))]
    prose = [cell.source for cell in text if cell.cell_type == "markdown"]
    code = [cell for cell in text if cell.cell_type == "code"]
    formulas = sum(len(FORMULA.findall(source)) for source in prose)
    figures = sum(_is_figure(output) for cell in code for output in cell.get("outputs", []))
    solutions = [catalogue.find(identity).solution for identity in _exercise_ids(notebook)]
    stamp = notebook.metadata.get("fashion", {})
    return Effort(
        name=path.stem,
        words=sum(len(FORMULA.sub(" ", source).split()) for source in prose),
        code_cells=sum(not _is_hidden(cell) for cell in code),
        looks=figures + formulas,
        exercises=len(solutions),
        solving=sum(THINK_MINUTES + LINE_MINUTES * _lines(solution) for solution in solutions),
        running=stamp.get("minutes") if stamp.get("profile") == own_profile(notebook, path.name) else None,
    )


def _exercise_ids(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the ids of the exercises that a notebook holds, such as "04.2", from the ids of its answer cells."""
    answers = [cell.id for cell in notebook.cells if "exercise-answer" in cell.metadata.get("tags", [])]
    return [".".join(cell_id.split("-")[1:3]) for cell_id in answers]


def _is_figure(output: nbformat.NotebookNode) -> bool:
    return any(kind.startswith("image/") for kind in output.get("data", {}))


def _is_hidden(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def _lines(source: str) -> int:
    return sum(bool(line.strip()) for line in source.splitlines())


def all_efforts() -> list[Effort]:
    """Count every numbered notebook and every appendix, in order."""
    return [effort_of(path) for path in paths.numbered_notebooks()]
