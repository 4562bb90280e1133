"""The minutes of the instructor's guide follow their rule, and its tables are those of the present notebooks."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.effort import Effort, effort_of
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.cells import exercise_cells
from fashion_lib.course.syllabus_plans import Session
from fashion_lib.course.teaching_pages import minutes_table, pages, plan_table, with_blocks

FIGURE = new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"})


@pytest.fixture
def written(tmp_path):
    def write(*cells, **stamp):
        path = tmp_path / "04_tiny.ipynb"
        notebook = new_notebook(cells=list(cells), metadata={"fashion": stamp} if stamp else {})
        nbformat.write(notebook, path)
        return path

    return write


def test_what_is_read_is_counted_once(written):
    prose = "# A title\n\nThree more words $x$.\n\n$$a + b$$"  # "#", a title of two words, and four more
    path = written(
        new_markdown_cell(prose),
        new_code_cell("1", metadata={"tags": ["colab"]}),
        new_code_cell("seed = 0", metadata={"tags": ["parameters"]}),
        new_code_cell("plot()", outputs=[FIGURE]),
        new_code_cell("hidden()", outputs=[FIGURE], metadata={"jupyter": {"source_hidden": True}}),
        minutes=1.5, profile="laptop",
    )  # fmt: skip
    found = effort_of(path)
    assert (found.words, found.code_cells, found.looks, found.exercises) == (7, 1, 3, 0)
    assert found.reading == pytest.approx(7 / 120 + 1 + 3 * 0.5)
    assert found.running == 1.5


def test_exercises_are_counted_by_the_lines_of_their_solutions(written):
    exercise = catalogue.find("04.4")
    found = effort_of(written(new_markdown_cell("word"), *exercise_cells(exercise)))
    assert found.words == 1 and found.code_cells == 0  # question, answer and check are no part of the text
    assert found.exercises == 1 and found.solving == 4 + len(exercise.solution.strip().splitlines())


def test_the_minutes_of_a_smoke_execution_are_not_reported(written):
    assert effort_of(written(new_markdown_cell("word"), minutes=1.5, profile="smoke")).running is None


def test_tables_add_up():
    efforts = [Effort("01_first_one", 1200, 10, 4, 2, 30.0, 0.5), Effort("02a_more", 0, 3, 0, 0, 0.0, None)]
    lines = minutes_table(efforts).splitlines()
    assert (
        lines[2] == "| [01 first one](../notebooks/01_first_one.ipynb) | 1,200 | 10 | 4 | 22 | 2 | 30 | 0.5 |"
    )
    assert lines[3] == "| [02a more](../notebooks/02a_more.ipynb) | 0 | 3 | 0 | 3 | 0 | 0 | – |"
    assert lines[4] == "| all, in hours |  |  |  | 0.4 | 2 | 0.5 | 0.0 |"
    plan = plan_table((Session("Week 1", "both", ("01", "02a")),), efforts)
    assert plan.splitlines()[2] == "| Week 1: both | 01, 02a | 25 | 30 | 0 |"
    with pytest.raises(FashionError, match="names notebook 07"):
        plan_table((Session("Week 1", "none", ("07",)),), efforts)


def test_a_block_without_its_end_is_an_error():
    with pytest.raises(FashionError, match="has lost the line"):
        with_blocks(
            "<!-- minutes: written by `python -m fashion_lib teaching` -->\n", {"minutes": ""}, "teaching.md"
        )


def test_the_command_writes_the_tables(tmp_path, monkeypatch):
    pages_now = pages()
    (tmp_path / "docs").mkdir()
    (tmp_path / "notebooks").symlink_to(paths.notebooks_dir())
    for file, text in pages_now.items():
        (tmp_path / "docs" / file.name).write_text(
            text.replace("| 02, 03 |", "| 02 |").replace("| 01 ", "| 1 ")
        )
    monkeypatch.setenv("FASHION_ROOT", str(tmp_path))
    assert main(["teaching"]) == 0
    assert [(tmp_path / "docs" / file.name).read_text() for file in pages_now] == list(pages_now.values())


def test_the_tables_of_the_guide_are_current():
    for file, text in pages().items():
        assert file.read_text(encoding="utf-8") == text, "run `python -m fashion_lib teaching`"
        assert text.count("<!-- end of ") >= 1
