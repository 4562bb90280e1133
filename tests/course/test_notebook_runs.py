import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest
from tiny_notebooks import write_tiny

from fashion_lib.core.errors import FashionError
from fashion_lib.course.execute import execute_committed, library_digest, run_notebook
from fashion_lib.course.sources import outputs_digest, problems, read, source_digest

SHOW = (
    "import os, sys, fashion_lib\n"
    "print(sys.executable, seed, learning_rate, os.environ['FASHION_PROFILE'], fashion_lib.__file__)"
)


class Papermill:
    """Stands in for papermill where a test is about when notebooks run, not about their cells."""

    def __init__(self):
        self.calls = []

    def __call__(self, source, output, parameters, **options):
        self.calls.append((parameters, options))
        notebook = nbformat.read(source, as_version=4)
        nbformat.write(notebook, output)
        return notebook


@pytest.fixture
def executions(monkeypatch):
    fake = Papermill()
    monkeypatch.setattr(papermill, "execute_notebook", fake)
    return fake.calls


@pytest.mark.notebook
def test_a_notebook_runs_with_this_python_and_its_parameters(tmp_path, project):
    source = write_tiny(tmp_path / "a.ipynb", SHOW)
    output = tmp_path / "new" / "folder" / "a.ipynb"
    before = dict(os.environ)
    assert run_notebook(source, output, {"seed": 3, "learning_rate": 1}, profile="smoke") is True
    assert dict(os.environ) == before
    executed = read(output)
    (shown,) = [cell.outputs[0].text.split() for cell in executed.cells if cell.get("outputs")]
    library = os.path.dirname(os.path.dirname(os.path.abspath(shown[4])))
    assert shown[:4] == [sys.executable, "3", "1", "smoke"]
    assert library == str(Path(__file__).resolve().parents[2])
    assert executed.metadata.fashion_run.parameters == {"seed": 3, "learning_rate": 1}
    assert list(output.parent.iterdir()) == [output]
    assert run_notebook(source, output, {"seed": 3, "learning_rate": 1}, profile="smoke") is False


def test_a_complete_output_is_kept_until_something_it_depends_on_changes(tmp_path, executions):
    source, output = write_tiny(tmp_path / "a.ipynb", "1"), tmp_path / "out.ipynb"

    def run(parameters=None, **options):
        return run_notebook(source, output, {"seed": 1} if parameters is None else parameters, **options)

    assert run() is True
    assert run() is False
    assert run({"seed": 2}) is True
    assert run() is True
    assert run(profile="smoke") is True
    assert run(profile="smoke", inputs="records v2") is True
    assert run(profile="smoke", inputs="records v2") is False
    assert run(profile="smoke", inputs="records v2", force=True) is True
    write_tiny(source, "2")
    assert run(profile="smoke", inputs="records v2") is True
    output.write_text("cut off")
    assert run(profile="smoke", inputs="records v2") is True
    assert len(executions) == 8


def test_the_environment_profile_counts_as_the_profile(tmp_path, executions, monkeypatch):
    source, output = write_tiny(tmp_path / "a.ipynb", "1"), tmp_path / "out.ipynb"
    assert run_notebook(source, output, profile="smoke") is True
    monkeypatch.setenv("FASHION_PROFILE", "smoke")
    assert run_notebook(source, output) is False
    monkeypatch.setenv("FASHION_PROFILE", "laptop")
    assert run_notebook(source, output) is True
    assert [options["execution_timeout"] for _, options in executions] == [600, 1800]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sead": 1}, "has no parameter 'sead': did you mean 'seed'"),
        ({"learning_rate": "1e-3"}, "YAML reads 1e-3 as text"),
    ],
)
def test_bad_parameters_are_refused_before_a_kernel_starts(tmp_path, executions, parameters, message):
    source = write_tiny(tmp_path / "a.ipynb", "1")
    with pytest.raises(FashionError, match=message):
        run_notebook(source, tmp_path / "new" / "out.ipynb", parameters)
    assert executions == []
    assert not (tmp_path / "new").exists()


@pytest.mark.notebook
def test_a_failed_cell_keeps_what_ran_and_the_earlier_output(tmp_path):
    source, output = (
        write_tiny(tmp_path / "a.ipynb", "print(seed)", "raise KeyError('collar')"),
        tmp_path / "o.ipynb",
    )
    output.write_text("an earlier result")
    with pytest.raises(
        FashionError, match=r"a\.ipynb stopped with KeyError in cell \[\d\] \('collar'\)"
    ) as caught:
        run_notebook(source, output, {"seed": 8})
    failed = tmp_path / "o.failed.ipynb"
    assert str(failed) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert any(cell.outputs[0].get("text") == "8\n" for cell in read(failed).cells if cell.get("outputs"))
    assert output.read_text() == "an earlier result"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ipynb", "o.failed.ipynb", "o.ipynb"]


@pytest.mark.notebook
def test_a_cell_over_its_time_is_stopped(tmp_path):
    source = write_tiny(tmp_path / "a.ipynb", "import time; time.sleep(60)")
    started = time.monotonic()
    with pytest.raises(FashionError, match=r"CellTimeoutError .*after 1 seconds"):
        run_notebook(source, tmp_path / "o.ipynb", cell_seconds=1)
    assert time.monotonic() - started < 50
    assert not (tmp_path / "o.ipynb").exists()


def test_an_output_folder_in_the_way_of_a_file_is_named(tmp_path, executions):
    (tmp_path / "file").write_text("")
    with pytest.raises(FashionError, match="file.* cannot be written to"):
        run_notebook(write_tiny(tmp_path / "a.ipynb", "1"), tmp_path / "file" / "o.ipynb")
    assert executions == []


@pytest.mark.notebook
def test_a_committed_notebook_is_executed_in_place_and_stamped(project):
    shown = "import os; print(seed + 5, os.environ['FASHION_LEDGER_ALONE'])"
    source = write_tiny(project / "notebooks" / "01_tiny.ipynb", shown)
    digest = source_digest(read(source))
    minutes = execute_committed(source, "laptop", "abc1234")
    notebook = read(source)
    assert 0 < minutes < 2
    assert notebook.cells[2].outputs[0].text == "5 1\n"  # its tables show the ledger, as its stamp says
    assert notebook.metadata.fashion == {
        "source_sha256": digest,
        "ledger_sha256": "",
        "outputs_sha256": outputs_digest(notebook),
        "profile": "laptop",
        "commit": "abc1234",
        "minutes": round(minutes, 2),
    }
    assert [cell.metadata for cell in notebook.cells if cell.metadata] == [{"tags": ["parameters"]}]
    assert problems(source) == []


@pytest.mark.notebook
def test_without_a_profile_a_notebook_is_executed_at_its_own(project):
    source = write_tiny(
        project / "notebooks" / "01_tiny.ipynb",
        "import os\nos.environ['FASHION_PROFILE']",
        parameters='profile: str = "table"\n',
    )
    execute_committed(source, None, "abc1234")
    notebook = read(source)
    assert notebook.cells[2].outputs[0].data["text/plain"] == "'table'" and notebook.metadata.fashion.profile == "table"


@pytest.mark.notebook
def test_a_committed_notebook_that_fails_stays_as_it_was(project):
    source = write_tiny(project / "notebooks" / "01_tiny.ipynb", "1 / 0")
    before = source.read_bytes()
    with pytest.raises(FashionError, match=r"ZeroDivisionError .*build/notebooks/01_tiny.failed.ipynb"):
        execute_committed(source, "smoke", "abc")
    assert source.read_bytes() == before


@pytest.mark.notebook
def test_an_interrupt_ends_the_kernel_and_leaves_nothing_half_done(tmp_path):
    running = tmp_path / "running"
    source = write_tiny(
        tmp_path / "a.ipynb",
        f"import os, pathlib, time\npathlib.Path({str(running)!r}).write_text(str(os.getpid()))\ntime.sleep(300)",
    )
    command = [sys.executable, "-m", "fashion_lib", "notebook", str(source), str(tmp_path / "o.ipynb")]
    # A shell that starts jobs in the background has them ignore Ctrl-C, and children inherit that.
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not (running.exists() and running.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, errors.strip()) == (130, "Stopped.")
    with pytest.raises(ProcessLookupError):
        os.kill(int(running.read_text()), 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ipynb", "running"]


def test_the_library_digest_is_stable_and_whole():
    assert library_digest() == library_digest()
    assert len(library_digest()) == 64


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("folder", "is a folder: name a file that ends in .ipynb"),
        ("folder.ipynb", "is a folder: name a file that ends in .ipynb"),
        ("o.html", "does not end in .ipynb: name a file"),
        ("o", "does not end in .ipynb: name a file"),
        ("", "is a folder"),
        ("a.ipynb", "is the notebook itself, which would be overwritten"),
        ("folder/../a.ipynb", "is the notebook itself"),
        ("link.ipynb", "is the notebook itself"),
        ("x" * 300 + ".ipynb", "cannot be written"),
        ("a\0b.ipynb", "is no path"),
        ("file/o.ipynb", "cannot be written to"),
        ("loop/o.ipynb", "cannot be written to|is no path"),
    ],
)
def test_an_output_that_cannot_be_is_named_before_a_kernel_starts(tmp_path, executions, output, words):
    source = write_tiny(tmp_path / "a.ipynb", "1")
    before = source.read_bytes()
    for folder in ("folder", "folder.ipynb"):
        (tmp_path / folder).mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link.ipynb").symlink_to(source)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FashionError, match=words) as caught:
        run_notebook(source, f"{tmp_path}/{output}")
    assert executions == [] and "\n" not in str(caught.value)
    assert source.read_bytes() == before


def test_a_kernel_is_given_absolute_folders_and_the_number_of_threads(tmp_path, monkeypatch):
    seen = {}

    def execute(source, output, parameters, **options):
        seen.update(os.environ)
        return Papermill()(source, output, parameters, **options)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASHION_RUNS", "some/../runs")
    monkeypatch.setenv("FASHION_CLOTHING", "~/clothes")
    monkeypatch.delenv("FASHION_WEIGHTS", raising=False)
    monkeypatch.setenv("FASHION_THREADS", "3")
    (tmp_path / "deep").mkdir()
    run_notebook(write_tiny(tmp_path / "deep" / "a.ipynb", "1"), "o.ipynb")
    assert os.path.normpath(seen["FASHION_RUNS"]) == str(tmp_path / "runs") and os.path.isabs(seen["FASHION_RUNS"])
    assert seen["FASHION_CLOTHING"] == os.path.expanduser("~/clothes") and "FASHION_WEIGHTS" not in seen
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "3"
    assert os.environ["FASHION_RUNS"] == "some/../runs" and (tmp_path / "o.ipynb").is_file()


def test_commands_make_folders_absolute_once(tmp_path, monkeypatch, capsys):
    from fashion_lib.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASHION_CACHE", "cache")
    main(["plan", "--methods", "csn", "--seeds", "0"])
    monkeypatch.chdir("/")
    assert os.environ["FASHION_CACHE"] == str(tmp_path / "cache")


@pytest.mark.parametrize("link", [False, True])
def test_no_other_notebook_is_overwritten_even_by_force(tmp_path, executions, link):
    """A slip of the keyboard names notebook 04 as the output of 03."""
    source, other = write_tiny(tmp_path / "a.ipynb", "1"), tmp_path / "b.ipynb"
    if link:
        os.link(source, other)
    else:
        write_tiny(other, "2")
    before = other.read_bytes()
    for force in (False, True):
        with pytest.raises(FashionError, match=r"b.ipynb is another notebook, .*: name another file, or remove that"):
            run_notebook(source, other, force=force)
    assert executions == [] and other.read_bytes() == before


@pytest.mark.parametrize(
    "value", [{1, 2}, b"hi", datetime.date(2020, 1, 1), float("nan"), float("inf"), "\ud800", [["\ud800"]], {1: 2},
              {"a": {"b": {3}}}, {"\ud800": 1}, [float("-inf")]],
)  # fmt: skip
def test_a_value_that_no_notebook_can_store_is_refused_before_a_kernel_starts(tmp_path, executions, value):
    source = write_tiny(tmp_path / "a.ipynb", "1", parameters="free = None\n")
    with pytest.raises(FashionError, match="'free' of a.ipynb holds .*, which a notebook cannot store") as caught:
        run_notebook(source, tmp_path / "o.ipynb", {"free": value})
    assert executions == [] and "\n" not in str(caught.value)
    str(caught.value).encode()
    assert run_notebook(source, tmp_path / "o.ipynb", {"free": [{"a": (1, 2.5, True, None, "é")}]})


CELL = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None, "id": "a"}


@pytest.mark.parametrize(
    "wrong",
    [{"metadata": {"tags": 5}}, {"metadata": 5}, {"source": 5}, {"outputs": 5}, {"outputs": [5]}, {"cell_type": "x"}],
)
def test_a_notebook_of_another_shape_is_one_sentence(tmp_path, executions, wrong):
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [CELL | wrong]}
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    with pytest.raises(FashionError, match="a.ipynb (is no valid one|cannot be read)") as caught:
        run_notebook(tmp_path / "a.ipynb", tmp_path / "o.ipynb")
    assert executions == [] and "\n" not in str(caught.value)
