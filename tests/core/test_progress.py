"""A log gets a line every some seconds, a terminal a bar."""

import io
import os
import subprocess
import sys
import time

import pytest

from fashion_lib.core import progress

WORK = """
import time
from fashion_lib.core.progress import bar
with bar(total={total}, desc="training", unit="step", leave={leave}) as shown:
    for step in range(60):
        time.sleep(0.02)
        shown.set_postfix_str(f"loss {{step}}")
        shown.update()
"""


def logged(seconds, total=60, leave=True):
    environment = os.environ | {progress.SETTING: seconds}
    code = WORK.format(total=total, leave=leave)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert run.stdout == b""
    return run.stderr.decode()  # not text=True, which would turn a bar's \r into \n


@pytest.mark.parametrize("total", [60, None])
@pytest.mark.parametrize("leave", [True, False])
def test_a_log_has_some_whole_lines_and_no_bar(total, leave):
    text = logged("0.3", total, leave)
    assert "\r" not in text and "|" not in text and text.endswith("\n")
    lines = text.splitlines()
    assert 2 <= len(lines) <= 5
    for line in lines:
        assert line.startswith("training: ") and " steps, " in line and ", loss " in line
        assert (" of 60 steps" in line and " to go" in line) == (total is not None)


def test_short_work_says_nothing_in_a_log():
    assert logged("") == ""  # a pipe is no terminal: a line every ten seconds


def test_a_bar_is_drawn_where_it_is_wanted():
    assert logged("bar").count("\r") > 5


@pytest.mark.parametrize(
    ("setting", "terminal", "seconds"),
    [
        ("", False, 10.0),
        ("", True, None),
        ("bar", False, None),
        ("2.5", True, 2.5),
        ("0", False, 0.0),
        ("often", False, 10.0),
        ("nan", True, None),
        ("-3", False, 10.0),
    ],
)
def test_what_fits_here(setting, terminal, seconds, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv(progress.SETTING, setting)
    assert progress.seconds_between_lines() == seconds


def test_lines_come_no_faster_than_wanted(monkeypatch, capsys):
    now = iter([0.0, 1.0, 9.9, 10.0, 10.0, 11.0, 20.0, 20.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    lines = progress.Lines(10)
    for text in ("\rone", "\rtwo", "\rthree", "\n", "\rfour", "\rfive"):
        lines.write(text)
    assert capsys.readouterr().err.splitlines() == ["three", "five"]


def test_every_bar_of_the_library_is_of_this_kind():
    from pathlib import Path

    folder = Path(progress.__file__).parents[1]
    direct = [path.name for path in folder.rglob("*.py") if "from tqdm import" in path.read_text()]
    assert sorted(direct) == ["board.py", "progress.py"]  # board draws its own lines, one per job
