"""A batch as plain data, a step in a process, and where a batch stands; no engine starts here."""

import os
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from tiny_notebooks import write_tiny

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.run_lock import lock_file, run_lock
from fashion_lib.training.profiles import SMOKE
from fashion_lib.workflow import step as step_module
from fashion_lib.workflow.plan import planned_runs
from fashion_lib.workflow.status import standing, status_text
from fashion_lib.workflow.step import chosen_step, do_step
from fashion_lib.workflow.steps import batch_steps, latest_plan, log_file, read_plan, step_lock, write_plan

ROOT = Path(__file__).resolve().parents[2]


def finish(run, value=50.0):
    """Write the record that a trained run leaves."""
    metrics = {"map": {"overall": value, "macro": value, "local": value}}
    RunRecord(
        run.method, run.variant, run.recorded_dataset, run.profile, run.seed, metrics, 1.0, commit="abc"
    ).save(run.record)


def logged(step, *lines):
    file = log_file(step)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


@pytest.fixture
def runs(project):
    return planned_runs("random,asen.v2+channel=False", "0-1", "wardrobe", "smoke")


@pytest.mark.parametrize(
    ("seeds", "expected"), [("0-4", [0, 1, 2, 3, 4]), ("7,0-2 1", [7, 0, 1, 2]), ("3-3", [3]), ("4", [4])]
)
def test_seeds_may_be_ranges(seeds, expected):
    assert [run.seed for run in planned_runs("random", seeds, "wardrobe", "smoke")] == expected


@pytest.mark.parametrize("seeds", ["4-0", "0-", "-4", "0-1-2", "0-1000", "0-99999999999", "a-b", "0--1"])
def test_a_range_that_cannot_be_meant_is_one_sentence(seeds):
    with pytest.raises(FashionError, match="^SEEDS holds .*or a range of at most 1000 such as 0-4"):
        planned_runs("asen", seeds, "wardrobe", "smoke")


def test_any_label_of_the_ledger_is_a_run_under_the_name_that_its_record_has():
    methods = (
        "asen.v2+learning_rate=4e-3+channel=False,"
        f"asen.v2+steps={SMOKE.training.steps}+channel=False,yao2026.default+changes=1"
    )
    labels = [run.variant for run in planned_runs(methods, "0", "wardrobe", "smoke")]
    assert labels == [
        "v2+channel=False+learning_rate=0.004",
        "v2+channel=False",
        "default",
    ]  # what is the profile's own stands in no label
    with pytest.raises(FashionError, match="chanel"):
        planned_runs("asen.v2+chanel=False", "0", "wardrobe", "smoke")


def test_the_steps_of_a_batch_and_what_each_needs(runs, project):
    notebook = write_tiny(project / "notebooks" / "00_tour.ipynb", "1")
    finish(runs[0])
    steps = {step.name: step for step in batch_steps(runs, [notebook])}
    names = [f"run.{run.label}" for run in runs]
    assert list(steps) == ["data.wardrobe", *names, "notebook.00_tour", "report"]
    assert [step.done for step in steps.values()] == [False, True, False, False, False, False, False]
    assert all(steps[name].after == ("data.wardrobe",) for name in names)
    assert steps["notebook.00_tour"].after == tuple(names)
    assert steps["report"].after == (*names, "notebook.00_tour")
    for run in runs:
        finish(run)
    assert batch_steps(runs, [])[0].done  # nobody needs the pixels


def test_a_reranked_run_waits_for_its_base(runs):
    base = runs[1]
    step = batch_steps([base, replace(base, method="asen+fr")], [])[2]
    assert step.name == "run.wardrobe.asen+fr.v2+channel=False.seed0"
    assert step.after == ("data.wardrobe", f"run.{base.label}")
    assert batch_steps([replace(base, method="asen+fr")], [])[1].after == (
        "data.wardrobe",
    )  # it trains the base itself


def test_pixels_are_drawn_once_per_size(runs, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        step_module, "load_dataset", lambda *given: drawn.append((given[0], given[1].image_size))
    )
    methods = "csn,asen.v2+image_size=32,asen.v2+channel=False,csn.prein+image_size=32,random"
    step = batch_steps(planned_runs(methods, "0-1", "wardrobe", "smoke"), [])[0]
    assert do_step(step) is True
    assert drawn == [("wardrobe", 64), ("wardrobe", 32)]


def test_a_data_set_has_a_folder_of_its_own():
    runs = [planned_runs("random", "0", name, "smoke")[0] for name in ("wardrobe", "clothing")]
    of_wardrobe, of_clothing = (write_plan(batch_steps([run], [])) for run in runs)
    assert latest_plan("smoke", "wardrobe") == of_wardrobe and latest_plan("smoke", "clothing") == of_clothing
    logs = {log_file(read_plan(plan)["report"]) for plan in (of_wardrobe, of_clothing)}
    assert {log.parents[1].name for log in logs} == {"smoke", "smoke-clothing"}


def test_a_plan_is_read_back_as_it_was_written(runs):
    steps = batch_steps(runs, [])
    file = write_plan(steps)
    assert read_plan(file) == {step.name: step for step in steps}
    assert latest_plan("smoke", "wardrobe") == file
    assert latest_plan("laptop", "wardrobe") is None and latest_plan("smoke", "clothing") is None
    assert file.read_text().count('"kind": "run"') == len(runs)  # as batch/slurm_array.sh counts them
    for text in ("", "[]", '{"steps": [{"name": "x"}]}', '{"steps": 3}'):
        file.write_text(text)
        with pytest.raises(FashionError, match="the plan .* cannot be read"):
            read_plan(file)


def test_a_step_is_chosen_by_name_or_by_the_number_of_its_run(runs):
    steps = {step.name: step for step in batch_steps(runs, [])}
    assert chosen_step(steps, "3").job.runs == (runs[3],)
    assert chosen_step(steps, "report").job.kind == "report"
    for wish in ("4", "-1", "run", "²", "9" * 5000):
        with pytest.raises(FashionError, match="^the plan has no step"):
            chosen_step(steps, wish)


def test_a_finished_run_is_not_touched_again(runs, monkeypatch):
    finish(runs[1])
    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", lambda *a, **k: pytest.fail("it trains"))
    assert do_step(batch_steps(runs, [])[2]) is False


def test_a_record_of_another_edition_is_no_finished_run(runs, monkeypatch):
    finish(runs[1])
    assert runs[1].finished
    monkeypatch.setattr("fashion_lib.workflow.plan.of_this_edition", lambda record: False)
    assert not runs[1].finished and not batch_steps(runs, [])[2].done
    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", lambda *a, **k: raise_stale())
    with pytest.raises(FashionError, match="of another edition"):
        do_step(batch_steps(runs, [])[2])


def raise_stale():
    raise FashionError("the record is of another edition: delete its folder to train anew.")


def test_a_run_is_trained_without_a_notebook(runs, monkeypatch):
    trained = []

    def train(*names, **settings):
        trained.append((*names, settings["seed"]))
        finish(runs[3])

    monkeypatch.setattr(
        "fashion_lib.workflow.job.run_notebook", lambda *a, **k: pytest.fail("a kernel starts")
    )
    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", train)
    assert do_step(batch_steps(runs, [])[4]) is True
    assert trained == [("asen", "v2+channel=False", 1)]


def test_a_run_whose_record_lies_elsewhere_is_not_done(runs, monkeypatch):
    monkeypatch.setattr("fashion_lib.workflow.job.labelled_run", lambda *a, **k: None)
    with pytest.raises(FashionError, match="was trained, but there is no record"):
        do_step(batch_steps(runs, [])[1])


@pytest.mark.parametrize(
    ("outcome", "status", "last"),
    [
        (True, 0, "done in 0 s"),
        (False, 0, "done before"),
        (FashionError("no space: free some."), 2, "error: no space: free some."),
        (KeyboardInterrupt(), 130, "stopped; the next submission goes on from the last checkpoint"),
    ],
)
def test_the_last_line_of_a_step_says_how_it_ended(runs, monkeypatch, capsys, outcome, status, last):
    def perform(job):
        if isinstance(outcome, BaseException):
            raise outcome
        finish(runs[0])
        return outcome

    monkeypatch.setattr(step_module, "perform", perform)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        assert step_module.main([str(write_plan(batch_steps(runs, []))), "0"]) == status
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    out, err = capsys.readouterr()
    assert out.startswith("== run.wardrobe.random.default.seed0 on ")
    assert (out + err).splitlines()[-1] == last


def test_where_each_step_stands(runs):
    data, done, failed, stopped, waiting, report = batch_steps(runs, [])
    finish(done.job.runs[0])
    logged(data, "== data", "done in 3 s")
    logged(failed, "== run", "error: the loss is nan: lower it.")
    logged(stopped, "== run", "training: 5 of 60 steps")
    found = [standing(step) for step in (data, done, failed, stopped, waiting, report)]
    assert [one.state for one in found] == ["done", "done", "failed", "stopped", "waiting", "waiting"]
    assert found[3].last_line == "training: 5 of 60 steps"


def test_a_step_whose_lock_is_held_is_running(runs):
    steps = batch_steps(runs, [])
    logged(steps[2], "error: of an earlier attempt")
    with run_lock(steps[2].job.runs[0].folder):
        assert standing(steps[2]).state == "running"
    assert standing(steps[2]).state == "failed"
    step_lock(steps[0]).parent.mkdir(parents=True)
    with FileLock(step_lock(steps[0])):
        assert standing(steps[0]).state == "running"
    assert lock_file(steps[2].job.runs[0].folder).is_file()  # looking does not remove it


def test_status_shows_the_newest_batch(runs, capsys):
    with pytest.raises(FashionError, match="there is no batch of the profile smoke"):
        status_text("smoke")
    steps = batch_steps(runs, [])
    write_plan(steps)
    finish(runs[0])
    logged(steps[2], "error: the disk is full: free some space. " + "x" * 200)
    logged(steps[3], "training: " + "y" * 200)
    assert main(["status", "--profile", "smoke"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.endswith(": 1 failed, 1 stopped, 3 waiting, 1 done")
    assert lines[0] == "failed   run.wardrobe.asen.v2+channel=False.seed0" and lines[1].endswith("x" * 200)
    assert lines[2].startswith("stopped  run.wardrobe.random.default.seed1") and len(lines[3]) < 140
    assert main(["status", "--profile", "smoke", "--all"]) == 0
    assert "waiting  report" in capsys.readouterr().out


def test_status_shows_the_batch_of_the_data_set_that_is_named(runs, capsys):
    write_plan(batch_steps(runs, []))
    assert main(["status", "--profile", "smoke", "--dataset", "clothing"]) == 2
    assert "there is no batch of the profile smoke on clothing" in capsys.readouterr().err
    write_plan(batch_steps(planned_runs("csn", "0", "clothing", "smoke"), []))
    assert main(["status", "--profile", "smoke", "--dataset", "clothing", "--all"]) == 0
    named = capsys.readouterr().out
    assert "run.clothing.csn.prein.seed0" in named and "wardrobe" not in named
    assert main(["status", "--profile", "smoke", "--all"]) == 0
    assert "clothing" not in capsys.readouterr().out


def test_batch_plan_prints_the_file_alone(project, capsys):
    arguments = ["--profile", "smoke", "--methods", "csn", "--seeds", "0-2", "--notebooks", "none"]
    assert main(["batch-plan", *arguments]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert [step.job.runs[0].seed for step in read_plan(line).values() if step.job.kind == "run"] == [0, 1, 2]
    assert main(["batch-plan", *arguments, "--jobs", "many"]) == 2
    assert "JOBS holds 'many'" in capsys.readouterr().err


def test_the_report_of_a_batch_names_what_is_missing(runs):
    finish(runs[0])
    steps = batch_steps(runs, [])
    logged(steps[2], "error: the loss is <nan>: lower it.")
    assert do_step(steps[-1]) is True
    page = (paths.build_dir() / "batch" / "smoke" / "report.html").read_text()
    assert "3 of 4 planned runs are not finished" in page
    assert "error: the loss is &lt;nan&gt;: lower it." in page


def test_the_array_script_starts_the_run_of_its_number(tmp_path):
    script = ROOT / "batch" / "slurm_array.sh"
    environment = os.environ | {"FASHION_PYTHON": "echo", "SLURM_ARRAY_TASK_ID": "3"}
    run = subprocess.run(["bash", script, "a plan.json"], capture_output=True, text=True, env=environment)
    assert run.returncode == 0 and run.stdout == "-m fashion_lib.workflow.step a plan.json 3 --log\n"
    assert subprocess.run(["bash", script], capture_output=True, env=environment).returncode != 0
    failing = environment | {"FASHION_PYTHON": "false"}
    assert subprocess.run(["bash", script, "plan"], env=failing).returncode == 1


def test_an_array_task_whose_time_is_over_goes_back_into_the_queue(tmp_path):
    """Stand-ins for Python and scontrol, since no cluster is at hand."""
    for name, body in {
        "python": "trap 'echo stopped; exit 130' TERM; echo begun; sleep 60 & wait",
        "scontrol": 'echo "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environment = os.environ | {
        "FASHION_PYTHON": str(tmp_path / "python"), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": "3",
    }  # fmt: skip
    script = subprocess.Popen(["bash", ROOT / "batch" / "slurm_array.sh", "plan"], text=True,
                              stdout=subprocess.PIPE, env=environment, start_new_session=True)  # fmt: skip
    try:
        assert script.stdout.readline() == "begun\n"
        script.send_signal(signal.SIGTERM)
        lines = [script.stdout.readline(), script.stdout.readline()]
        assert script.wait(timeout=30) == 0
    finally:
        with suppress(ProcessLookupError):  # the stand-in's sleep may be over too
            os.killpg(script.pid, signal.SIGKILL)
    assert lines == ["stopped\n", "requeue 77_3\n"]


def test_the_extra_is_what_the_batch_environment_installs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = (ROOT / "batch" / "requirements.in").read_text().split()
    assert project["project"]["optional-dependencies"]["batch"] == wanted
    lock = (ROOT / "batch" / "requirements.lock").read_text()
    assert all(f"{name.partition('>')[0]}==" in lock for name in wanted) and "://" not in lock


def test_a_step_can_be_started_as_a_program(project):
    command = [sys.executable, "-m", "fashion_lib.workflow.step", "nowhere.json"]
    here = os.environ | {"PYTHONPATH": str(Path(step_module.__file__).parents[2])}
    ended = subprocess.run(command, capture_output=True, text=True, cwd=project, timeout=120, env=here)
    sentence = "error: a step takes two words: python -m fashion_lib.workflow.step PLAN NAME.\n"
    assert (ended.returncode, ended.stderr) == (2, sentence)


def test_with_log_a_step_prints_into_its_log_alone(runs):
    plan = write_plan(batch_steps(runs, []))
    finish(runs[0])
    here = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fashion_lib.workflow.step", str(plan), "0", "--log"]
    for _ in range(2):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=here)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    lines = log_file(read_plan(plan)[f"run.{runs[0].label}"]).read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["==", "done"] * 2
