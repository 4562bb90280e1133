"""Whatever a user types: one sentence and exit code 2, never a traceback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_notebooks import write_tiny

from fashion_lib import cli
from fashion_lib.cli import main
from fashion_lib.core.errors import FashionError

pytestmark = pytest.mark.slow  # `make quick` leaves it out

FILTERED = ("results", "keep", "retrieval-scores", "manipulation-scores")


def refused(capsys, *arguments):
    """The one sentence with which a command is refused."""
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1, said.err
    return said.err


@pytest.mark.parametrize("command", FILTERED)
@pytest.mark.parametrize("name", ["wardrob", "ward*", "../..", "/", "?", "[a-z]*", "", "..", "x\0y", "é", "**"])
def test_a_filter_that_names_no_data_set(command, name, project, capsys):
    assert "no data set" in refused(capsys, command, "--dataset", name)


@pytest.mark.parametrize("value", ["010", "007", "-010", "0_7", "12:30", "1:30.5", "+1:00", "190:20:30"])
def test_a_number_that_yaml_reads_with_another_base_is_refused(value, project, capsys):
    source = write_tiny(project / "a.ipynb", "1")
    said = refused(capsys, "notebook", str(source), str(project / "o.ipynb"), "-p", "seed", value)
    assert "base 8 or 60" in said


@pytest.mark.parametrize("command", [*FILTERED, "execute-notebooks"])
@pytest.mark.parametrize("name", ["lapto", "*", "../x", ""])
def test_a_filter_that_names_no_profile(command, name, project, capsys):
    assert "no profile" in refused(capsys, command, "--profile", name)


def test_a_filter_suggests_the_nearest_name(project, capsys):
    assert "did you mean 'wardrobe'" in refused(capsys, "results", "--dataset", "wardrob")
    assert "did you mean 'laptop'" in refused(capsys, "results", "--profile", "lapto")


def test_a_data_set_that_is_only_in_old_runs_can_still_be_named(project, capsys):
    (project / "runs" / "gone").mkdir(parents=True)
    assert main(["results", "--dataset", "gone"]) == 0


@pytest.mark.parametrize("value", [
    "[1", "{a: 1", "'open", '"open', "&a", "*a", "!!python/object:os.system x", "\t- a", "%", "@x", "`x`", "a: b: c",
    "2024-13-45", "9" * 5000, "[" * 5000, "!!int x", "!!timestamp x", "\x01",
    # What a notebook would receive as something else, or never.
    "&a [*a]", "[&a [1, 1], &b [*a, *a], [*b, *b]]", "2024-01-01", "!!binary aGk=", "!!set {a}", "!!omap [a: 1]",
    "{1: 2}", "{[1]: 2}", "[{x: {2: 3}}]", "0x" + "f" * 5000, "9" * 1000, "[" * 60 + "]" * 60,
], ids=range(30))  # fmt: skip
def test_a_value_that_is_no_yaml(value, project, capsys):
    source = write_tiny(project / "a.ipynb", "1")
    said = refused(capsys, "notebook", str(source), str(project / "o.ipynb"), "-p", "seed", value)
    assert "parameter 'seed'" in said and len(said) < 500


@pytest.mark.parametrize("arguments", [["-p"], ["-p", "seed"], ["-p", "=3"], ["-p", "seed", "1", "-p", "seed"]])
def test_a_parameter_without_its_value(arguments, project, capsys):
    source = write_tiny(project / "a.ipynb", "1")
    assert refused(capsys, "notebook", str(source), str(project / "o.ipynb"), *arguments)


@pytest.mark.parametrize("arguments", [
    [], ["reslts"], ["results", "--cvs"], ["results", "x"], ["notebook"], ["notebook", "a"], ["protocol"], ["trace"],
    ["reproduce", "--profile"], ["download", "clothin"], ["download"], ["--nothing"], ["reproduce", "--force=3"],
    ["é\udcff"],
], ids=range(14))  # fmt: skip
def test_usage_is_explained_in_one_sentence(arguments, project, capsys):
    refused(capsys, *arguments)


@pytest.mark.parametrize("seed", ["-1", "1.5", "x", "", "9" * 5000, "4294967296", "\u0663", "1e3", "1_0"])
def test_seeds_that_are_none(seed, project, capsys):
    assert len(refused(capsys, "train", "asen", f"--seed={seed}")) < 200


@pytest.mark.parametrize("arguments", [
    ["train", "asne"], ["train", "asen", "--dataset", "../x"], ["train", "asen", "--profile", "lapto"],
    ["train", "asen", "--variant", "v3"], ["train", "asen", "--precision", "fp8"],
    ["protocol", "ward*"], ["protocol", "../x"], ["trace", "../x"],
])  # fmt: skip
def test_names_that_are_none(arguments, project, monkeypatch, capsys):
    monkeypatch.setattr("fashion_lib.tasks.retrieval.retrieval_task.load_dataset", _known_only)
    refused(capsys, *arguments)


def _known_only(name, profile):
    from tiny_data import tiny_data

    from fashion_lib.data.sets import load_dataset

    return tiny_data() if name == "wardrobe" else load_dataset(name, profile)


@pytest.mark.parametrize("text", [
    "[" * 100_000, "{", "", "[]", "3", json.dumps({"cells": [{"cell_type": "code"}]}), '{"nbformat": 4}', "9" * 5000,
], ids=range(8))  # fmt: skip
def test_a_notebook_that_is_none(text, project, capsys):
    (project / "a.ipynb").write_text(text)
    refused(capsys, "notebook", str(project / "a.ipynb"), str(project / "o.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["&-", "/dev/full"])
@pytest.mark.parametrize("command", ["methods", "reslts"])
def test_an_output_that_takes_nothing(command, stream, tmp_path):
    shell = f'"{sys.executable}" -m fashion_lib {command} >{stream}'
    result = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    said = "no command" if command == "reslts" else "the output cannot be written (No space" * (stream != "&-")
    assert result.returncode == (2 if said else 0)
    assert said in result.stderr and result.stderr.count("\n") == bool(said)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
def test_a_terminal_of_another_encoding(encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "fashion_lib", "trace", "asen"]
    result = subprocess.run(command, capture_output=True, env=environment)
    assert result.returncode == 0, result.stderr
    assert re.match(r"asen \(v2\), .*: 74.11 (\?|\xb1|±) 0.53", result.stdout.decode(encoding, "replace"))


@pytest.mark.parametrize(
    "error", [RuntimeError("broken\nin two"), KeyError("x"), ZeroDivisionError(), RecursionError("deep")]
)
def test_a_fault_of_the_library_leaves_a_log_and_one_line(error, project, monkeypatch, capsys):
    def fails(**options):
        raise error

    monkeypatch.setattr("fashion_lib.runs.ledger.collect", fails)
    assert main(["results"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Traceback" not in said
    log = re.search(r"the traceback is in (.*)\.$", said.strip()).group(1)
    text = Path(log).read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text and type(error).__name__ in text and "'results'" in text
    assert os.path.dirname(log) == str(project / "build")


def test_a_log_goes_to_the_temporary_folder_where_build_cannot_be_written(project, monkeypatch, tmp_path, capsys):
    (project / "build").write_text("in the way")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("fashion_lib.runs.ledger.collect", lambda **options: 1 / 0)
    assert main(["results"]) == 1
    assert f"the traceback is in {tmp_path}/error-" in capsys.readouterr().err


def test_ctrl_c_and_what_a_command_returns(project, monkeypatch, capsys):
    def interrupted(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fashion_lib.runs.ledger.collect", interrupted)
    assert main(["results"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"
    assert main(["--version"]) == 0
    assert main(["results", "--help"]) == 0


def test_a_findings_exit_code_is_one(monkeypatch, project, capsys):
    from fashion_lib.course import doctor

    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Finding("x", "is", "mend it")])
    assert main(["doctor"]) == 1


def test_an_installed_package_refuses_what_needs_a_clone(monkeypatch, tmp_path, capsys):
    from fashion_lib.core import paths

    monkeypatch.setattr(paths, "SHIPPED", tmp_path)
    assert "run it in a clone" in refused(capsys, "keep")


def test_every_command_says_what_it_does(capsys):
    for name in ("methods", "results", "trace", "train", "reproduce", "notebook", "keep", "protocol", "doctor"):
        assert main([name, "--help"]) == 0
        assert f"python -m fashion_lib {name}" in capsys.readouterr().out


def test_a_fashion_error_is_printed_once(monkeypatch, capsys):
    def refuses():
        raise FashionError("the sentence.")

    monkeypatch.setattr("fashion_lib.course.doctor.examine", refuses)
    assert cli.main(["doctor"]) == 2
    assert capsys.readouterr().err == "error: the sentence.\n"
