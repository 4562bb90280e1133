"""The exercises written into notebooks: once, again, for students, and solved."""

import ast
import json

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_output
from tiny_notebooks import tiny_notebook

import fashion_lib as fl
from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.cells import ANSWER, CHECK, QUESTION, TAG, cell_id, write_exercises
from fashion_lib.course.exercises.checking import GRADING
from fashion_lib.course.exercises.editions import BEGIN, END, marked, write_edition
from fashion_lib.course.exercises.exercise import OPEN
from fashion_lib.course.exercises.notebook_files import write_copy, write_in_place
from fashion_lib.course.sources import CLOSING_HEADINGS, stamp

EXERCISES = catalogue.exercises("02")[:2]
NOTEBOOKS = paths.numbered_notebooks()


def joined_notebook():
    """A notebook whose last cell holds all three closing sections, as the course's notebooks had them."""
    notebook = tiny_notebook("1 + 1", closing=())
    closing = "## What to take away\n\nIt runs.\n\n## Exercises\n\n1. Run it.\n\n## References\n\n- None."
    notebook.cells.append(new_markdown_cell(closing, metadata={"tags": ["closing"]}))
    return notebook


def written(notebook):
    return [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]


def test_a_joined_cell_is_cut_and_the_rest_stays():
    notebook = joined_notebook()
    last, others = notebook.cells[-1].id, [dict(cell) for cell in notebook.cells[:-1]]
    write_exercises(notebook, EXERCISES, ("Look around.",))
    assert [dict(cell) for cell in notebook.cells[: len(others)]] == others
    taken, *middle, references = notebook.cells[len(others) :]
    assert (taken.id, taken.source) == (last, "## What to take away\n\nIt runs.")
    assert references.source == "## References\n\n- None."
    assert middle == written(notebook) and len(middle) == 1 + 3 * len(EXERCISES) + 1
    lines = [
        line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
    ]
    assert tuple(line for line in lines if line.startswith("## "))[-3:] == CLOSING_HEADINGS
    nbformat.validate(notebook)


@pytest.mark.parametrize("build", [joined_notebook, tiny_notebook])
def test_a_second_writing_changes_nothing(build):
    notebook = build()
    write_exercises(notebook, EXERCISES)
    before = nbformat.writes(notebook)
    write_exercises(notebook, EXERCISES)
    assert nbformat.writes(notebook) == before


def test_outputs_stay_where_the_source_does_and_survive_a_stamp():
    notebook = joined_notebook()
    write_exercises(notebook, EXERCISES)
    cells = {cell.id: cell for cell in notebook.cells}
    for one in EXERCISES:
        cells[cell_id(one, CHECK)].outputs = [new_output("stream", text="not answered yet")]
    cells[cell_id(EXERCISES[0], ANSWER)].source = "an older question"
    cells[cell_id(EXERCISES[0], ANSWER)].outputs = [new_output("stream", text="old")]
    stamp(notebook, "laptop", "abc1234", 1.0)
    write_exercises(notebook, EXERCISES)
    again = {cell.id: cell for cell in notebook.cells}
    assert again[cell_id(EXERCISES[1], CHECK)].outputs[0].text == "not answered yet"
    assert again[cell_id(EXERCISES[0], ANSWER)].source == EXERCISES[0].start.strip("\n")
    assert again[cell_id(EXERCISES[0], ANSWER)].outputs == []
    assert len(again) == len(notebook.cells)


def test_fewer_exercises_take_their_cells_away():
    notebook = joined_notebook()
    write_exercises(notebook, EXERCISES, ("Look around.",))
    write_exercises(notebook, EXERCISES[:1])
    assert len(written(notebook)) == 1 + 3


def test_a_notebook_without_the_section_is_refused():
    with pytest.raises(FashionError, match="no Markdown line '## Exercises'"):
        write_exercises(tiny_notebook("1", closing=()), EXERCISES)


@pytest.mark.parametrize("edition", ["student", "solutions"])
def test_an_edition_has_what_nbgrader_reads(edition):
    notebook = joined_notebook()
    write_edition(notebook, edition, EXERCISES)
    nbformat.validate(notebook)
    cells = {cell.id: cell for cell in notebook.cells}
    for one in EXERCISES:
        question, answer, check = (cells[cell_id(one, part)] for part in (QUESTION, ANSWER, CHECK))
        assert question.metadata.nbgrader.locked and check.metadata.nbgrader.locked
        assert answer.metadata.nbgrader.solution and not answer.metadata.nbgrader.locked
        assert check.metadata.nbgrader.grade and check.metadata.nbgrader.points == one.points
        lines = [line for line in answer.source.splitlines() if line.strip() not in (BEGIN, END)]
        assert "\n".join(lines) == (one.solution if edition == "solutions" else one.start).strip()
        assert answer.source.count(BEGIN) == answer.source.count(END) == (edition == "solutions")
        # nbgrader hands out whatever stands outside the marks, so no other cell may hold a hint or a solution.
        others = "\n".join(cell.source for cell in notebook.cells if cell is not answer)
        assert one.solution.strip() not in others and one.hints[-1] not in others
    grades = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(grades) == len(set(grades)) == 3 * len(EXERCISES)


def test_the_students_edition_holds_no_solution():
    for number in catalogue.notebooks():
        notebook = joined_notebook()
        write_edition(notebook, "student", catalogue.exercises(number), catalogue.explorations(number))
        text = json.dumps([cell.source for cell in notebook.cells])
        for one in catalogue.exercises(number):
            assert json.dumps(one.solution.strip())[1:-1] not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=paths.notebook_number)
def test_every_notebook_of_the_course_takes_its_exercises(path, tmp_path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert not write_in_place(copy), "other than the library's exercises: run `python -m fashion_lib exercises`"
    number = paths.notebook_number(path)
    notebook = nbformat.read(copy, as_version=4)
    nbformat.validate(notebook)
    names = {cell.id for cell in notebook.cells}
    assert all(cell_id(one, CHECK) in names for one in catalogue.exercises(number))
    solved = nbformat.read(write_copy(path, "solutions", tmp_path / "solutions"), as_version=4)
    assert sum("nbgrader" in cell.metadata for cell in solved.cells) == 3 * len(catalogue.exercises(number))


def names_in(sources):
    """Every name that code binds or reads, and its imports."""
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    aliases = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    return names | {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=paths.notebook_number)
def test_an_answer_takes_no_name_that_the_notebook_uses(path):
    """Otherwise a cell above, run once more after the exercises, would call the student's function or replace it."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    exercises = catalogue.exercises(paths.notebook_number(path))
    own = {cell_id(one, part) for one in exercises for part in (ANSWER, CHECK)}
    used = names_in(cell.source for cell in cells if cell.id not in own)
    for one in exercises:
        bound = {getattr(node, "name", "") for node in ast.parse(one.start).body}
        assert not bound & used - {""}, one.id


def test_the_command_writes_in_place_and_editions(project, capsys):
    assert main(["exercises"]) == 2
    assert "there is no notebook in" in capsys.readouterr().err
    path = project / "notebooks" / "02_tiny.ipynb"
    nbformat.write(joined_notebook(), path)
    other = project / "notebooks" / "99_tiny.ipynb"
    nbformat.write(joined_notebook(), other)
    before = other.read_bytes()
    assert main(["exercises"]) == 0
    assert main(["exercises", str(path)]) == 0
    told = ["02_tiny.ipynb has its exercises", "99_tiny.ipynb is as it was", "02_tiny.ipynb is as it was"]
    assert capsys.readouterr().out.splitlines() == told
    assert other.read_bytes() == before
    assert main(["exercises", "--edition", "student"]) == 0
    assert (project / "build" / "student" / "02_tiny.ipynb").is_file()
    assert main(["exercises", "--edition", "solutions"]) == 0
    told = (project / "build" / "solutions" / "02_tiny.notes.md").read_text(encoding="utf-8")
    assert all(
        text in told for one in catalogue.exercises("02") for text in (*one.hints, one.wrong[2].sentence)
    )
    assert [path.name for path in (project / "build").rglob("*.md")] == ["02_tiny.notes.md"]
    assert main(["exercises", "--edition", "teacher"]) == 2
    assert main(["exercises", str(path), "--edition", "student", "--output", str(path.parent)]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert "there is no edition 'teacher'" in errors[0] and "would replace the notebook" in errors[1]


def cells_of(number, edition):
    """The code cells of an edition's exercises, as pairs of id and source."""
    notebook = joined_notebook()
    write_edition(notebook, edition, catalogue.exercises(number), catalogue.explorations(number))
    return [(cell.id, cell.source) for cell in written(notebook) if cell.cell_type == "code"]


@pytest.mark.parametrize("number", catalogue.notebooks())
def test_solved_cells_earn_every_point_one_after_the_other(number, monkeypatch, capsys):
    monkeypatch.setenv(GRADING, "autograde")
    names = {"fl": fl}
    for _, source in cells_of(number, "solutions"):
        exec(source, names)
    assert capsys.readouterr().out.count(" is right.") == len(catalogue.exercises(number))


@pytest.mark.parametrize("number", catalogue.notebooks())
def test_untouched_cells_run_and_earn_nothing(number, monkeypatch, capsys):
    names = {"fl": fl}
    cells = cells_of(number, "student")
    for _, source in cells:
        exec(source, names)
    assert capsys.readouterr().out.count("is not answered yet.") == len(catalogue.exercises(number))
    monkeypatch.setenv(GRADING, "autograde")
    for _, source in (cell for cell in cells if cell[0].endswith(CHECK)):
        with pytest.raises(FashionError, match="not answered yet"):
            exec(source, names)


def test_nbgrader_leaves_the_head_of_a_function_and_its_own_stub_is_no_answer():
    exercise = catalogue.find("02.1")
    source = marked(exercise)
    kept, _, rest = source.partition(f"    {BEGIN}\n")
    assert kept.startswith("def my_average_precision(relevance):\n") and rest.endswith(f"\n    {END}")
    stub = kept + "    # YOUR CODE HERE\n    raise NotImplementedError()\n"
    assert exercise.judge(exercise.run(stub)).state == OPEN
    assert marked(catalogue.find("02.3")).startswith(f"{BEGIN}\nanswer_3 = ")
