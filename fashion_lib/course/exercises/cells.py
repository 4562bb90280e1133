"""Write the exercises into a notebook: three cells each, between what to take away and the references.

The cells carry tags, which execution keeps, so a second writing finds and replaces them. A code cell whose source stays
the same keeps its outputs.
"""

from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from fashion_lib.core.errors import FashionError
from fashion_lib.course.exercises.exercise import Exercise

TAG = "exercise"  # on every cell that is written here
QUESTION, ANSWER, CHECK = "question", "answer", "check"  # the three cells of an exercise
START, END = "## Exercises", "## References"


def write_exercises(
    notebook: NotebookNode, exercises: Sequence[Exercise], explorations: Sequence[str] = ()
) -> None:
    """Replace the section of exercises, in place.

    Other cells keep their source, id, metadata and outputs. A Markdown cell that holds the section among others is cut
    into what stands before and what stands behind it.

    Args:
        notebook: changed in place.
        exercises: in order.
        explorations: Markdown of what to try without a check.

    Raises:
        FashionError: the notebook has no section of exercises before one of references.
    """
    old = {cell.id: cell for cell in notebook.cells if _written_here(cell)}
    place = next((k for k, cell in enumerate(notebook.cells) if _starts(cell)), None)
    if place is None:
        raise FashionError(f"a notebook has no Markdown line '{START}': write it before '{END}'.")
    before, behind = _around(notebook.cells, place)
    kept = [cell for cell in notebook.cells[place + 1 :] if not _written_here(cell)]
    new = [_merged(cell, old.get(cell.id)) for cell in section(exercises, explorations)]
    notebook.cells = [*notebook.cells[:place], *before, *new, *behind, *kept]


def section(exercises: Sequence[Exercise], explorations: Sequence[str] = ()) -> list[NotebookNode]:
    """Return the cells of the section: a heading, three per exercise, and the explorations."""
    first = exercises[0].id
    opening = (
        f"{START}\n\nEach exercise has a cell to write in and a cell that checks. The check says whether the answer is"
        " right, or what is wrong and why; it never gives the answer. In any cell,"
        f' `fl.hint("{first}")` gives a hint, and the next one each time you run it again.'
    )
    cells = [_cell(new_markdown_cell, opening, "exercises", [TAG])]
    for one in exercises:
        cells += exercise_cells(one)
    if explorations:
        text = "### To explore\n\nWithout a check: train, look, and say what you see.\n\n"
        cells.append(
            _cell(new_markdown_cell, text + "\n".join(f"- {one}" for one in explorations), "explore", [TAG])
        )
    return cells


def exercise_cells(exercise: Exercise) -> list[NotebookNode]:
    """Return the cells of one exercise: the question, the cell to write in, and the check."""
    question = f"### {exercise.id} · {exercise.title}\n\n{exercise.question}"
    check = (
        f'fl.check("{exercise.id}", {exercise.answer_name})\n'
        f'# fl.hint("{exercise.id}")  # without the first "#": a hint'
    )
    made = {QUESTION: (new_markdown_cell, question), ANSWER: (new_code_cell, exercise.start.strip("\n")),
            CHECK: (new_code_cell, check)}  # fmt: skip
    return [
        _cell(build, source, cell_id(exercise, part), [TAG, f"{TAG}-{part}"])
        for part, (build, source) in made.items()
    ]


def cell_id(exercise: Exercise, part: str) -> str:
    """Return the id of one cell of an exercise, such as "exercise-04-2-answer"; nbgrader takes it too."""
    return f"{TAG}-{exercise.id.replace('.', '-')}-{part}"


def _cell(build, source: str, identity: str, tags: list[str]) -> NotebookNode:
    cell = build(source, metadata={"tags": tags})
    cell.id = identity
    return cell


def _written_here(cell: NotebookNode) -> bool:
    return TAG in cell.metadata.get("tags", [])


def _starts(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and START in cell.source.splitlines()


def _around(cells: list[NotebookNode], place: int) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """Return the Markdown cells for what stands before and behind the section in the cell where it starts."""
    cell = cells[place]
    if _written_here(cell):
        return [], []
    head, _, tail = f"\n{cell.source}".partition(f"\n{START}\n")
    behind = tail.partition(f"\n{END}\n")[2].strip()
    before = []
    if head.strip():
        cell.source = head.strip()
        before = [cell]
    return before, [_cell(new_markdown_cell, f"{END}\n\n{behind}", "references", [])] if behind else []


def _merged(cell: NotebookNode, old: NotebookNode | None) -> NotebookNode:
    """Return the new cell, or the old one where only its tags could differ: that keeps its outputs."""
    if old is None or old.source != cell.source or old.cell_type != cell.cell_type:
        return cell
    old.metadata["tags"] = cell.metadata["tags"]
    return old
