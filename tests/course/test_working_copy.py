"""lab/ is a reader's: it gets what it lacks, its work is never lost, and from there everything is found."""

import json
import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import nbformat
import pytest
from tiny_notebooks import write_tiny

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import working_copy
from fashion_lib.course.execute import run_notebook

CLONE = Path(__file__).resolve().parents[2]
SECOND, THIRD = "02_second.ipynb", "03_third.ipynb"


@pytest.fixture
def lab(project):
    """The folder of copies of two notebooks, and a third file that is no notebook of the course."""
    for name in (SECOND, THIRD):
        write_tiny(project / "notebooks" / name, f"print('{name}')")
    write_tiny(project / "notebooks" / "scratch.ipynb", "1")
    assert working_copy.bring() == []
    return project / "lab"


def committed(name):
    return paths.notebooks_dir() / name


def notebooks(lab):
    return sorted(path.name for path in lab.glob("*.ipynb"))


def work_in(copy):
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[-1].source = "a reader's answer"
    nbformat.write(notebook, copy)
    return copy.read_bytes()


def test_the_copies_are_whole_and_writable_and_the_notebooks_untouched(lab):
    assert notebooks(lab) == [SECOND, THIRD]
    before = committed(SECOND).read_bytes()
    assert (lab / SECOND).read_bytes() == before
    work_in(lab / SECOND)
    assert committed(SECOND).read_bytes() == before and stat.S_IWUSR & (lab / SECOND).stat().st_mode


def test_work_stays_and_a_missing_copy_comes_back(lab):
    work = work_in(lab / SECOND)
    (lab / THIRD).unlink()
    assert working_copy.bring() == []
    assert (lab / SECOND).read_bytes() == work
    assert (lab / THIRD).read_bytes() == committed(THIRD).read_bytes()


def test_a_notebook_that_changed_renews_an_untouched_copy_and_is_named_beside_work(lab):
    work = work_in(lab / SECOND)
    for name in (SECOND, THIRD):
        write_tiny(committed(name), "a later edition")
    assert working_copy.bring() == [lab / SECOND]
    assert (lab / SECOND).read_bytes() == work
    assert (lab / THIRD).read_bytes() == committed(THIRD).read_bytes()


def test_a_reset_keeps_work_beside_with_the_date_and_says_where(lab, capsys):
    work = work_in(lab / SECOND)
    assert main(["working-copy", "--reset"]) == 0
    assert (lab / SECOND).read_bytes() == committed(SECOND).read_bytes()
    (kept,) = [name for name in notebooks(lab) if name not in (SECOND, THIRD)]
    assert kept.startswith(f"02_second.{time.strftime('%Y-')}") and (lab / kept).read_bytes() == work
    assert capsys.readouterr().out == f"your work is kept in {lab / kept}\n"
    assert main(["working-copy", "--reset"]) == 0  # nothing to keep now
    assert len(notebooks(lab)) == 3 and capsys.readouterr().out == ""


def test_two_resets_in_one_second_keep_both_works(lab, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda _: "2026-11-26_071500")
    works = []
    for text in ("one", "two", "three"):
        write_tiny(lab / SECOND, text)
        works.append((lab / SECOND).read_bytes())
        working_copy.reset([])
    names = [f"02_second.2026-11-26_071500{end}.ipynb" for end in ("", "_1", "_2")]
    assert [(lab / name).read_bytes() for name in names] == works


def test_a_reset_of_one_notebook_leaves_the_others(lab):
    works = {name: work_in(lab / name) for name in (SECOND, THIRD)}
    (kept,) = working_copy.reset(["03"])
    assert kept.read_bytes() == works[THIRD] and (lab / SECOND).read_bytes() == works[SECOND]
    with pytest.raises(FashionError, match="no notebook '3': give numbers"):
        working_copy.reset(["3"])
    assert main(["working-copy", "--only", "03"]) == 2


@pytest.mark.parametrize("record", [None, "", "[1, 2]", "{"])
def test_without_a_sound_record_every_changed_copy_counts_as_work(lab, record):
    work = work_in(lab / SECOND)
    (lab / working_copy.RECORD).unlink() if record is None else (lab / working_copy.RECORD).write_text(record)
    (lab / THIRD).write_text("cut off")
    assert [path.read_bytes() for path in working_copy.reset([])] == [work, b"cut off"]
    assert set(json.loads((lab / working_copy.RECORD).read_text())) == {SECOND, THIRD}


def test_the_command_names_copies_of_an_earlier_notebook(lab, capsys):
    work_in(lab / THIRD)
    write_tiny(committed(THIRD), "a later edition")
    assert main(["working-copy"]) == 0
    said = capsys.readouterr().out
    assert (
        said.startswith(f"{lab / THIRD} is a copy of an earlier notebook: `make lab-reset ONLY=03`")
        and said.count("\n") == 1
    )


@pytest.mark.notebook
def test_a_copy_finds_what_its_notebook_finds(lab):
    show = "import os, fashion_lib\nfrom fashion_lib.core import paths\nprint(fashion_lib.__file__, paths.root(), *[" \
           "os.path.realpath(f'../{name}') for name in ('data', 'figures', 'notebooks')])"  # fmt: skip
    write_tiny(committed(SECOND), show)
    working_copy.bring()
    printed = []
    for source in (committed(SECOND), lab / SECOND):
        run_notebook(source, paths.build_dir() / source.parent.name / SECOND)
        cells = nbformat.read(paths.build_dir() / source.parent.name / SECOND, as_version=4).cells
        printed.append([cell.outputs[0].text for cell in cells if cell.get("outputs")])
    assert printed[0] == printed[1] and str(paths.root() / "data") in printed[0][0]


@pytest.fixture
def make(tmp_path):
    """make in a folder whose .venv holds stand-ins that print how they were called."""
    shutil.copy(CLONE / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "jupyter"):
        program = tmp_path / ".venv" / "bin" / name
        program.write_text(f'#!/bin/sh\nprintf "%s|" {name} "$@"; echo\n')
        program.chmod(0o755)
    (tmp_path / ".venv" / ".installed").write_text("")

    def run(*arguments):
        done = subprocess.run(["make", "-s", *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_make_lab_opens_the_copy_with_the_given_arguments_also_as_root(make):
    copied, opened = make("lab", "LAB_ARGS=--ip=0.0.0.0 --no-browser")
    assert copied == "python|-m|fashion_lib|working-copy|"
    root = ["--allow-root"] if os.getuid() == 0 else []
    assert opened.split("|") == ["jupyter", "lab", *root, "--ip=0.0.0.0", "--no-browser", "lab", ""]


def test_make_lab_reset_passes_the_chosen_notebooks_as_they_were_typed(make, tmp_path):
    assert make("lab-reset") == ["python|-m|fashion_lib|working-copy|--reset|--only=|"]
    (line,) = make("lab-reset", "ONLY=03,$(shell touch made)")
    assert line == "python|-m|fashion_lib|working-copy|--reset|--only=03,$(shell touch made)|"
    assert not (tmp_path / "made").exists()


def test_git_ignores_the_copies():
    asked = ["git", "check-ignore", "-q", "lab/00_tour.ipynb"]
    if subprocess.run(["git", "rev-parse"], cwd=CLONE, capture_output=True).returncode:
        pytest.skip("this is no git repository")
    assert subprocess.run(asked, cwd=CLONE).returncode == 0
