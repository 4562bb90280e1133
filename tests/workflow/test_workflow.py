"""The plan as data, and the runner with real processes: at once, one line each, and none left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from tiny_notebooks import write_tiny

from fashion_lib.cli import main
from fashion_lib.core.errors import FashionError
from fashion_lib.workflow import local
from fashion_lib.workflow.board import Board
from fashion_lib.workflow.child import DONE, FAILED
from fashion_lib.workflow.plan import (
    Job,
    PlannedRun,
    as_json,
    course_job,
    course_notebooks,
    from_json,
    jobs_at_once,
    planned_runs,
    training_job,
)

RUNS = [PlannedRun("wardrobe", "asen", "v2", "smoke", 0), PlannedRun("wardrobe", "yao2026", "default", "smoke", 3)]
HUGE = "9" * 5000


def test_jobs_are_plain_data(tmp_path):
    jobs = [training_job(RUNS[0], tmp_path, True), course_job(tmp_path / "00_ü.ipynb", RUNS, tmp_path)]
    assert from_json(as_json(jobs)) == jobs
    first = json.loads(as_json(jobs))[0]
    assert first["kind"] == "training" and first["runs"] == [asdict(RUNS[0])] and first["force"] is True


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"kind": "training"}]', "null", "[" * 100_000,
                                  '[{"kind":"a","title":"b","runs":[{"seed":1}],"output":"c"}]',
                                  '[{"kind":"a","title":"b","runs":[],"output":"c","shell":"x"}]'])  # fmt: skip
def test_what_is_no_list_of_jobs_is_one_sentence(text):
    if text == "{}":  # no jobs at all, in another shape
        assert from_json(text) == []
        return
    with pytest.raises(FashionError, match="the list of jobs cannot be read"):
        from_json(text)


def test_the_plan_is_printed_as_json(project, capsys):
    assert main(["plan", "--methods", "csn", "--seeds", "0,1", "--profile", "smoke"]) == 0
    jobs = from_json(capsys.readouterr().out)
    assert [job.runs[0] for job in jobs] == planned_runs("csn", "0,1", "wardrobe", "smoke")
    assert main(["plan", "--methods", "csm"]) == 2


@pytest.mark.parametrize(
    "seeds", [HUGE, f"0,{HUGE}", "4294967296", "1e3", "²", "٣", "0x1", "-1", "1.0", "1_0", "a" * 5000]
)
def test_seeds_that_cannot_be_meant_are_one_short_sentence(seeds):
    with pytest.raises(FashionError, match="^SEEDS holds .*give whole numbers up to 4294967295") as caught:
        planned_runs("asen", seeds, "wardrobe", "smoke")
    assert len(str(caught.value)) < 250


def test_long_names_do_not_fill_the_screen():
    for methods in ("x" * 5000, "csn." + "x" * 5000):
        with pytest.raises(FashionError) as caught:
            planned_runs(methods, "0", "wardrobe", "smoke")
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("chosen", ["0-99999999", "0-999999999999999999", "00-07,0-99999999"])
def test_a_range_of_any_length_is_read_at_once(project, chosen):
    for number in (0, 5, 7):
        write_tiny(project / "notebooks" / f"{number:02d}_x.ipynb", "1")
    started = time.monotonic()
    assert [path.name[:2] for path in course_notebooks(chosen)] == ["00", "05", "07"]
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "chosen", [HUGE, f"0-{HUGE}", f"{HUGE}-0", "7-", "-7", "0-1-2", "²", "٣", "0--7", "seven", "0x1"]
)
def test_notebooks_that_cannot_be_meant_are_one_short_sentence(project, chosen):
    write_tiny(project / "notebooks" / "00_x.ipynb", "1")
    with pytest.raises(FashionError, match="^NOTEBOOKS holds .*: give 'all', or numbers and ranges") as caught:
        course_notebooks(chosen)
    assert len(str(caught.value)) < 250


def test_how_many_jobs_run_at_once():
    assert [jobs_at_once(wish, 4) for wish in ("", " ", "1", " 3 ", "1024")] == [4, 4, 1, 3, 1024]


@pytest.mark.parametrize("wish", ["0", "-1", "two", "1.5", "1025", HUGE, "²", "2;ls", "2 2"])
def test_a_number_of_jobs_that_cannot_be_meant_is_one_sentence(wish):
    with pytest.raises(FashionError, match="^JOBS holds .*: give a whole number from 1 to 1024") as caught:
        jobs_at_once(wish, 2)
    assert len(str(caught.value)) < 200


def tiny_job(project, name, *cells):
    """A course job: the cells of a notebook in a process of its own."""
    source = write_tiny(project / "notebooks" / f"{name}.ipynb", *cells, parameters='profile = "laptop"\n')
    return course_job(source, RUNS[:1], project / "out")


def exists(path):
    return f"__import__('pathlib').Path({str(path)!r}).exists()"


@pytest.mark.notebook
def test_jobs_work_at_once_with_one_thread_each_and_are_kept(project, capsys):
    def meeting(own, other):
        return (
            "import os, pathlib, time",
            f"pathlib.Path({str(project / own)!r}).write_text(os.environ['OMP_NUM_THREADS'])",
            f"while not {exists(project / other)}: time.sleep(0.05)",  # for ever, if the other one only comes after it
        )

    jobs = [tiny_job(project, "00_a", *meeting("a", "b")), tiny_job(project, "01_b", *meeting("b", "a"))]
    local.carry_out([jobs], 2)
    printed = capsys.readouterr().out
    assert [(project / name).read_text() for name in "ab"] == ["1", "1"]
    assert "[1/2] 00_a (0 s so far)" in printed and "[2/2] 01_b: done in " in printed
    local.carry_out([jobs], 2)
    assert capsys.readouterr().out.count("already done") == 2


@pytest.mark.notebook
def test_a_failed_job_stops_neither_its_neighbours_nor_its_sentence(project, capsys):
    cells = {"00_bad": "1 / 0", "01_good": "2", "02_bad": "{}[3]"}
    jobs = [tiny_job(project, name, cell) for name, cell in cells.items()]
    later = [tiny_job(project, "03_later", "4")]
    with pytest.raises(FashionError, match=r"^2 of 3 jobs failed, .*00_bad.ipynb stopped with ZeroDivisionError"):
        local.carry_out([jobs, later], 1)
    assert (project / "out" / "01_good.ipynb").is_file() and not (project / "out" / "03_later.ipynb").exists()
    assert capsys.readouterr().out.count("FAILED") == 2


@pytest.mark.slow
def test_a_job_that_dies_without_a_word_is_named(project):
    with pytest.raises(FashionError, match="its process ended with status"):
        local.carry_out([[Job("training", "nothing to train", (), str(project))]], 1)


def test_children_get_lines_threads_and_absolute_folders(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("FASHION_RUNS", "some/runs")
    monkeypatch.setenv("FASHION_THREADS", "auto")
    several, alone = local._environment(2, 20.0), local._environment(1, 10.0)
    assert several["FASHION_RUNS"] == str(project / "some" / "runs") and several["FASHION_PROGRESS"] == "20.0"
    assert (several["FASHION_THREADS"], alone["FASHION_THREADS"]) == ("", "auto")
    assert several["OMP_NUM_THREADS"] == "1"


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text() if Path("/proc/self").exists() else True


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize(("end", "count"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGKILL, 2)])
def test_however_the_runner_ends_no_process_stays(project, end, count):
    cells = (
        "import os, pathlib, time",
        f"place = pathlib.Path({str(project)!r}) / f'pids{{os.getpid()}}'",
        "place.write_text(f'{os.getpid()} {os.getppid()}'); place.rename(place.with_suffix('.txt'))",
        "time.sleep(300)",
    )
    jobs = [tiny_job(project, name, *cells) for name in ("00_a", "01_b")[:count]]
    code = (
        "import sys\nfrom fashion_lib.workflow import local, plan\n"
        "jobs = plan.from_json(sys.argv[1])\n"
        "try:\n    local.carry_out([jobs], 2)\nexcept KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", code, as_json(jobs)],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while len(list(project.glob("pids*.txt"))) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    processes = [int(number) for path in project.glob("pids*.txt") for number in path.read_text().split()]
    assert len(processes) == 2 * count and all(map(is_alive, processes))
    runner.send_signal(end)
    assert runner.wait(timeout=90) == (130 if end == signal.SIGINT else -end)
    while any(map(is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_alive, processes))
    assert list((project / "out").iterdir()) == []  # nothing half done


def test_on_a_terminal_each_job_has_one_line_in_place(project, monkeypatch, capsys):
    monkeypatch.setenv("FASHION_PROGRESS", "bar")
    monkeypatch.setenv("COLUMNS", "60")
    jobs = [training_job(run, project) for run in RUNS]
    board = Board(jobs, 2)
    for job in jobs:
        board.begins(job, [])
    for step in range(3):
        for job in jobs:
            board.says(job, f"step {step} " + "of many " * 20)
    board.ends(jobs[0], DONE)
    board.ends(jobs[1], FAILED)
    board.close()
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if line.strip()] == [
        "[1/2] training asen (v2) seed 0 (0 s so far)",
        "[2/2] training yao2026 (default) seed 3 (0 s so far)",
        "    [1/2] training asen (v2) seed 0: done in 0 s",
        "    [2/2] training yao2026 (default) seed 3: FAILED",
    ]
    drawn = [part for part in err.replace("\x1b[A", "\r").replace("\n", "\r").split("\r") if "step" in part]
    assert {part[:5] for part in drawn} == {"[1/2]", "[2/2]"} and max(map(len, drawn)) <= 60
    assert any("seed 0: step 2" in part for part in drawn)


def test_in_a_log_a_job_says_each_thing_once_and_its_error_only_at_the_end(project, monkeypatch, capsys):
    monkeypatch.setenv("FASHION_PROGRESS", "10")
    (job,) = [training_job(RUNS[0], project)]
    board = Board([job], 2)
    board.begins(job, [])
    for words in ("", "step 1", "step 1", "error: no space", "step 2"):
        board.says(job, words)
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == [f"    [1/1] training asen (v2) seed 0: step {k}" for k in (1, 2)]
    assert err == ""
