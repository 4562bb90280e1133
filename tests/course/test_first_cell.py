"""The first cell of every notebook is the template's, and where the course is installed it does nothing."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from nbformat.v4 import new_output
from tiny_notebooks import executed, tiny_notebook, write_tiny

from fashion_lib.core import paths
from fashion_lib.course import first_cell, parameters
from fashion_lib.course.sources import in_order, source_digest

NOTEBOOKS = paths.numbered_notebooks()
CLONE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_begins_with_the_cell(path):
    """A failure here is mended by `python -m fashion_lib.course.first_cell`."""
    notebook = nbformat.read(path, as_version=4)
    assert [cell.source for cell in notebook.cells if first_cell.is_first_cell(cell)] == [first_cell.SOURCE]
    assert not first_cell.put(notebook)
    assert notebook.cells[1].outputs == []
    assert parameters.declared(notebook, path.name)
    assert [cell.id for cell in notebook.cells].count(first_cell.TAG) == 1


def test_the_cell_is_short_and_python():
    assert len([line for line in first_cell.SOURCE.splitlines() if line.strip()]) <= 6
    compile(first_cell.SOURCE, "cell", "exec")


def test_putting_the_cell_leaves_all_others_as_they_are_and_the_digest_too():
    notebook = executed(tiny_notebook("1 + 1"))
    notebook.cells[2].outputs = [new_output("stream", text="2\n")]
    before, digest = [dict(cell) for cell in notebook.cells], source_digest(notebook)
    assert first_cell.put(notebook) and not first_cell.put(notebook)
    nbformat.validate(notebook)
    added = notebook.cells.pop(1)
    assert (added.source, added.metadata, added.id) == (first_cell.SOURCE, {"tags": ["colab"]}, "colab")
    assert [dict(cell) for cell in notebook.cells] == before
    notebook.cells.insert(1, added)
    assert source_digest(notebook) == digest
    assert not in_order(notebook)  # a cell that never ran is still found


def test_papermill_still_injects_after_the_parameters(tmp_path):
    options = {"kernel_name": "python3", "language": "python", "prepare_only": True, "progress_bar": False}
    source = write_tiny(tmp_path / "a.ipynb", "seed")
    notebook = nbformat.read(source, as_version=4)
    first_cell.put(notebook)
    nbformat.write(notebook, source)
    cells = papermill.execute_notebook(str(source), str(tmp_path / "o.ipynb"), {"seed": 3}, **options).cells
    assert [cell.metadata.tags for cell in cells[1:4]] == [["colab"], ["parameters"], ["injected-parameters"]]


@pytest.mark.parametrize("place", [1, 3])
def test_another_text_or_another_place_of_the_cell_is_mended(place):
    notebook = executed(tiny_notebook("1 + 1"))
    wanted = [cell.source for cell in notebook.cells]
    wanted.insert(1, first_cell.SOURCE)
    first_cell.put(notebook)
    old = notebook.cells.pop(1)
    old.source, old.execution_count = "print('an earlier text')", 1
    notebook.cells.insert(place, old)
    assert first_cell.put(notebook)
    assert [cell.source for cell in notebook.cells] == wanted
    assert notebook.cells[1].execution_count == 1


def test_the_module_writes_the_cell_into_numbered_notebooks_and_names_them(project, capsys):
    for name in ("01_tiny", "23_new", "scratch"):
        nbformat.write(tiny_notebook(), project / "notebooks" / f"{name}.ipynb")
    first_cell.main()
    assert capsys.readouterr().out.split() == ["01_tiny.ipynb", "23_new.ipynb"]
    first_cell.main()
    assert capsys.readouterr().out == ""
    assert (
        nbformat.read(project / "notebooks" / "23_new.ipynb", as_version=4).cells[1].source
        == first_cell.SOURCE
    )
    assert len(nbformat.read(project / "notebooks" / "scratch.ipynb", as_version=4).cells) == 5


def python(*options, folder, environment):
    """Run the cell in a process, then print the working directory and what it has imported of the library."""
    code = first_cell.SOURCE + "\nimport os, sys\nprint(os.getcwd(), 'fashion_lib' in sys.modules)"
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=folder, env=os.environ | environment, capture_output=True, text=True)


def test_where_the_library_can_be_imported_the_cell_does_nothing(tmp_path):
    done = python(folder=tmp_path, environment={"PYTHONPATH": str(CLONE), "FASHION_COURSE": "/nowhere"})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path} False\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("course", ["", "/nowhere/course.git"])
def test_without_the_address_of_the_course_the_cell_says_what_to_do(tmp_path, course):
    done = python(
        "-I", "-S", folder=tmp_path, environment={"FASHION_COURSE": course}
    )  # no installed package is seen
    assert done.returncode != 0
    assert (
        done.stderr.splitlines()[-1] == "AssertionError: Set FASHION_COURSE to the git address of the course."
    )
    assert list(tmp_path.iterdir()) == []
