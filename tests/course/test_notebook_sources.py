import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from tiny_notebooks import CLOSING, executed, tiny_notebook

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.sources import MAIN_LINE, outputs_digest, problems, read, source_digest, stamp

NOTEBOOKS = paths.numbered_notebooks()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebook_belongs_to_its_source_and_keeps_the_skeleton(path):
    assert problems(path) == []


def committed(tmp_path, notebook, profile="laptop"):
    path = tmp_path / "01_tiny.ipynb"
    nbformat.write(stamp(executed(notebook), profile, "abc1234", 1.234), path)
    return path


def with_output(output):
    notebook = tiny_notebook("1 + 1")
    notebook.cells[2].outputs = [output]
    return notebook


def test_a_stamped_notebook_has_no_problems(tmp_path):
    path = committed(tmp_path, with_output(new_output("stream", text="the mean is 0.5\n")))
    assert problems(path) == []
    assert read(path).metadata.fashion == {
        "source_sha256": source_digest(tiny_notebook("1 + 1")),
        "ledger_sha256": "",
        "outputs_sha256": outputs_digest(read(path)),
        "profile": "laptop",
        "commit": "abc1234",
        "minutes": 1.23,
    }


def test_the_digest_sees_sources_and_their_order_only():
    notebook = tiny_notebook("a = 1", "b = 2")
    digest = source_digest(notebook)
    other = tiny_notebook("a = 1", "b = 2")
    other.metadata["kernelspec"] = {"name": "other"}
    other.cells[2].outputs = [new_output("stream", text="1")]
    other.cells[2].execution_count = 7
    assert [cell.id for cell in other.cells] != [cell.id for cell in notebook.cells]
    assert source_digest(other) == digest
    assert source_digest(tiny_notebook("b = 2", "a = 1")) != digest
    assert source_digest(tiny_notebook("a = 1", "b = 3")) != digest
    moved = tiny_notebook("a = 1\nb = 2")
    assert source_digest(moved) != digest


def test_a_corrected_sentence_keeps_the_digest_since_no_output_depends_on_it():
    digests = {}
    for text in ("seven", "eight"):
        notebook = tiny_notebook("a = 1")
        notebook.cells.append(new_markdown_cell(text))
        digests[text] = source_digest(notebook), source_digest(notebook, whole=True)
    assert digests["seven"][0] == digests["eight"][0] and digests["seven"][1] != digests["eight"][1]


def test_a_markdown_cell_and_a_code_cell_of_one_text_differ():
    notebook, other = tiny_notebook(), tiny_notebook()
    notebook.cells.append(new_markdown_cell("x"))
    other.cells.append(new_code_cell("x"))
    for whole in (False, True):
        assert source_digest(notebook, whole) != source_digest(other, whole)


def test_an_edit_after_execution_is_found(tmp_path):
    path = committed(tmp_path, tiny_notebook("a = 1"))
    notebook = read(path)
    notebook.cells[2].source = "a = 2"
    nbformat.write(notebook, path)
    (problem,) = problems(path)
    assert problem == (
        "01_tiny.ipynb has a source that changed after its outputs were made: run `make notebooks`"
    )


def test_a_notebook_never_executed_is_found(tmp_path):
    path = tmp_path / "01_tiny.ipynb"
    nbformat.write(tiny_notebook(), path)
    assert problems(path) == ["01_tiny.ipynb was never executed by `make notebooks`: run it"]


def test_stamp_drops_what_changes_without_meaning(tmp_path):
    notebook = tiny_notebook("1")
    notebook.metadata.update({"widgets": {"a": 1}, "papermill": {"duration": 3}, "toc": {}})
    notebook.metadata["kernelspec"] = {"name": "my-env", "display_name": "My env"}
    notebook.cells[1].metadata.update({"papermill": {"status": "completed"}, "execution": {"t": 1}})
    stamped = stamp(notebook, "smoke", "abc", 1.0)
    assert set(stamped.metadata) == {"kernelspec", "language_info", "fashion"}
    assert stamped.metadata.kernelspec.name == "python3"
    assert stamped.cells[1].metadata == {"tags": ["parameters"]}
    nbformat.validate(stamped)


@pytest.mark.parametrize(
    ("notebook", "problem"),
    [
        (tiny_notebook(title="# Title only"), "question"),
        (tiny_notebook(title="No title?"), "question"),
        (tiny_notebook(parameters=None), "parameters"),
        (tiny_notebook(parameters="import os"), "parameters"),
        (tiny_notebook(closing=CLOSING[:2]), "does not end with the sections"),
        (tiny_notebook(closing=CLOSING[::-1]), "does not end with the sections"),
        (tiny_notebook(closing=[*CLOSING, "## One more"]), "does not end with the sections"),
        (with_output(new_output("error", ename="ValueError", evalue="", traceback=[])), "ValueError"),
        (with_output(new_output("stream", text="saved to /home/ada/runs")), "/home/ada"),
        (with_output(new_output("stream", text=f"in {paths.root()}/runs")), str(paths.root())),
        (with_output(new_output("display_data", data={"text/html": "<b>/Users/ada/x</b>"})), "/Users/ada"),
        (with_output(new_output("stream", text="x" * 1_000_000)), "fewer or smaller figures"),
    ],
)
def test_each_departure_is_one_problem(tmp_path, notebook, problem):
    found = problems(committed(tmp_path, notebook))
    assert len(found) == 1
    assert problem in found[0]


def test_missing_fonts_are_found(tmp_path):
    text = "findfont: Font family ['STIXGeneral'] not found. Falling back to DejaVu Sans.\n"
    (problem,) = problems(committed(tmp_path, with_output(new_output("stream", text=text))))
    assert "matplotlib misses fonts" in problem


def test_pictures_and_web_addresses_are_no_machine_paths(tmp_path):
    picture = new_output("display_data", data={"image/png": "aaa/home/bbb", "text/plain": "<Figure>"})
    assert problems(committed(tmp_path, with_output(picture))) == []
    address = new_output("stream", text="see https://example.org/home/page and runs/home/x")
    assert problems(committed(tmp_path, with_output(address))) == []


def test_a_missing_and_a_broken_notebook_are_named(tmp_path):
    with pytest.raises(FashionError, match="no notebook .*absent.ipynb"):
        read(tmp_path / "absent.ipynb")
    (tmp_path / "cut.ipynb").write_text('{"cells": [')
    with pytest.raises(FashionError, match="cut.ipynb cannot be read"):
        read(tmp_path / "cut.ipynb")


def test_an_appendix_may_leave_its_exercises_to_its_notebook(tmp_path):
    path = tmp_path / "01a_tiny.ipynb"
    nbformat.write(
        stamp(executed(tiny_notebook("1", closing=(CLOSING[0], CLOSING[2]))), "laptop", "abc1234", 1.0), path
    )
    assert problems(path) == []
    nbformat.write(stamp(executed(tiny_notebook("1", closing=CLOSING[:1])), "laptop", "abc1234", 1.0), path)
    assert len(problems(path)) == 1 and "'## What to take away', '## References'" in problems(path)[0]


def test_a_main_line_that_is_too_long_is_found(tmp_path):
    path = committed(tmp_path, tiny_notebook(*(f"a = {k}" for k in range(MAIN_LINE))))
    (problem,) = problems(path)
    assert f"cells before the exercises and may have {MAIN_LINE}" in problem
