"""Two more versions of a notebook, with nbgrader's metadata: for students, and for those who teach.

The student's is the notebook with empty answers. The teacher's has the solutions between nbgrader's marks, so that
`nbgrader generate_assignment` makes a student's of it. Hints and typical mistakes stand in a text of their own, because
nbgrader would hand out a cell with them.
"""

from collections.abc import Sequence

from nbformat import NotebookNode

from fashion_lib.course.exercises.cells import ANSWER, CHECK, QUESTION, cell_id, write_exercises
from fashion_lib.course.exercises.exercise import Exercise

EDITIONS = ("student", "solutions")
SCHEMA_VERSION = 3  # of nbgrader's metadata
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def write_edition(
    notebook: NotebookNode, edition: str, exercises: Sequence[Exercise], explorations: Sequence[str] = ()
) -> None:
    """Write the exercises into a notebook as an edition has them, in place.

    Args:
        notebook: the notebook of the course; its other cells keep their outputs.
        edition: one of EDITIONS.
        exercises: in order.
        explorations: Markdown of what to try without a check.
    """
    write_exercises(notebook, exercises, explorations)
    cells = {cell.id: cell for cell in notebook.cells}
    for one in exercises:
        for part in (QUESTION, ANSWER, CHECK):
            cell = cells[cell_id(one, part)]
            cell.metadata["nbgrader"] = grading(one, part)
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        if edition == "solutions":
            cells[cell_id(one, ANSWER)].source = marked(one)


def marked(exercise: Exercise) -> str:
    """Return the solution with nbgrader's marks around what the start cell does not hold.

    nbgrader then leaves a student the first lines, such as the head of a function.
    """
    start, solved = exercise.start.strip().splitlines(), exercise.solution.strip().splitlines()
    same = next((k for k, (one, other) in enumerate(zip(start, solved, strict=False)) if one != other), 0)
    indent = " " * (len(solved[same]) - len(solved[same].lstrip()))
    return "\n".join([*solved[:same], indent + BEGIN, *solved[same:], indent + END])


def grading(exercise: Exercise, part: str) -> dict[str, object]:
    """Return nbgrader's metadata of a cell: students write in the answer, and the check gives the points."""
    fields: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "grade_id": cell_id(exercise, part),
        "grade": part == CHECK,
        "solution": part == ANSWER,
        "locked": part != ANSWER,
        "task": False,
    }
    return fields | ({"points": exercise.points} if part == CHECK else {})


def notes(exercises: Sequence[Exercise]) -> str:
    """Return the hints of each exercise, and its typical mistakes with what the check says, as Markdown.

    Args:
        exercises: of one notebook, in order.
    """
    return "\n\n".join(_note(one) for one in exercises) + "\n"


def _note(exercise: Exercise) -> str:
    hints = "\n".join(f"{number}. {hint}" for number, hint in enumerate(exercise.hints, start=1))
    mistakes = [f"```python\n{wrong.code.strip()}\n```\n\n{wrong.sentence}" for wrong in exercise.wrong]
    heading = f"## {exercise.id} · {exercise.title} (points: {exercise.points})"
    return "\n\n".join([heading, exercise.question, "Hints:", hints, "What students get wrong:", *mistakes])
