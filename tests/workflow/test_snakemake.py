"""The workflow in Snakemake itself: on this machine with a killed step, and on SLURM against a stand-in of sbatch."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tiny_notebooks import write_tiny

from fashion_lib.runs.record import RunRecord
from fashion_lib.workflow.plan import planned_runs
from fashion_lib.workflow.steps import batch_steps, log_file, read_plan, write_plan

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(os.environ.get("FASHION_SNAKEMAKE") or ROOT / ".venv-batch" / "bin" / "snakemake")
AT_ONCE = ("--slurm-init-seconds-before-status-checks", "1")
STEPS = 150  # a checkpoint is written after every fifteenth
TINY = f"image_size=32+start=random+steps={STEPS}+wardrobe_images=1200"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SNAKEMAKE.is_file(), reason="there is no Snakemake: make batch-env"),
]


def planned(methods="triplet.default+" + TINY, seeds="0-1", notebooks=()):
    """The runs, and the file of a new plan of them."""
    runs = planned_runs(methods, seeds, "wardrobe", "smoke")
    return runs, write_plan(batch_steps(runs, notebooks))


def begin(project, plan, profile, *arguments, **environment):
    """Start Snakemake in the project's folder, on this checkout."""
    command = [SNAKEMAKE, "--snakefile", ROOT / "batch" / "Snakefile", *arguments,
               "--workflow-profile", ROOT / "batch" / "profiles" / profile,
               "--config", f"plan={plan}", f"python={sys.executable}"]  # fmt: skip
    settings = os.environ | {"PYTHONPATH": str(ROOT), "FASHION_PROGRESS": "0"} | environment
    return subprocess.Popen(
        command, cwd=project, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def steps_of(log):
    """The numbers of the training steps that a log names, in order, each once per attempt."""
    lines = log.read_text().splitlines() if log.is_file() else []
    numbers = [int(line.split()[1]) for line in lines if line.startswith("training: ")]
    return [number for place, number in enumerate(numbers) if numbers[place - 1 : place] != [number]]


def process_of(engine, name):
    """The Python process of a step below Snakemake, None where there is none."""
    for process in psutil.Process(engine.pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if words[-2:] == [name, "--log"] and words[1:3] == ["-m", "fashion_lib.workflow.step"]:
            return process
    return None


@pytest.mark.notebook
def test_two_jobs_at_once_of_which_one_is_killed_and_goes_on_from_its_checkpoint(project):
    leaf = write_tiny(
        project / "notebooks" / "00_leaf.ipynb", "print(6 * 7)", parameters='profile = "laptop"\n'
    )
    runs, plan = planned(notebooks=[leaf])
    logs = [log_file(read_plan(plan)[f"run.{run.label}"]) for run in runs]
    engine = begin(project, plan, "local", "--cores", "2")
    try:
        deadline = time.monotonic() + 240
        while (
            max(steps_of(logs[0]), default=0) < 40 and time.monotonic() < deadline and engine.poll() is None
        ):
            time.sleep(0.05)
        assert engine.poll() is None, engine.communicate()[0]
        killed = process_of(engine, f"run.{runs[0].label}")
        killed.kill()
        said = engine.communicate(timeout=240)[0]
    finally:
        engine.kill()
    assert engine.returncode == 0, said
    records = [RunRecord.load(run.record) for run in runs]
    assert [record.config["threads"] for record in records] == [1, 1]
    first, second = (steps_of(log) for log in logs)
    assert first.count(1) == 1 and STEPS in first  # the second attempt did not begin anew
    assert logs[0].read_text().count("== run.") == 2 and logs[1].read_text().count("== run.") == 1
    assert second == list(range(STEPS + 1))
    page = plan.parents[1] / "report.html"
    assert "triplet" in page.read_text() and 'href="notebooks/00_leaf.html"' in page.read_text()
    assert "42" in (page.parent / "notebooks" / "00_leaf.html").read_text()

    again, plan = planned()
    assert again == runs
    dry = begin(project, plan, "local", "--cores", "2", "--dry-run")
    said = dry.communicate(timeout=120)[0]
    assert dry.returncode == 0 and ": report" in said and ": run " not in said  # all runs are finished


def test_two_submissions_at_once_train_each_run_once(project):
    runs, first = planned("triplet.default+" + TINY, "0")
    second = write_plan(batch_steps(runs, []), first.parents[1] / "second")
    engines = [begin(project, plan, "local", "--cores", "1") for plan in (first, second)]
    said = [engine.communicate(timeout=240)[0] for engine in engines]
    assert [engine.returncode for engine in engines] == [0, 0], said
    log = log_file(read_plan(first)[f"run.{runs[0].label}"])
    assert steps_of(log) == list(range(STEPS + 1))
    assert log.read_text().count("== run.") == 2


def test_a_dry_run_shows_the_grid_and_starts_nothing(project):
    runs, plan = planned("asen.v2+channel=False,random", "0-4")
    engine = begin(project, plan, "local", "--cores", "2", "--dry-run")
    said = engine.communicate(timeout=120)[0]
    assert engine.returncode == 0, said
    assert all(f"run {run.label}" in said for run in runs)
    assert {tuple(line.split()) for line in said.splitlines() if line.startswith("run ")} == {("run", "10")}
    assert not log_file(read_plan(plan)["data.wardrobe"]).exists()


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder on PATH whose sbatch writes down how it was called and refuses; returns the file of calls."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    calls = folder / "calls"
    for name, body in {"sbatch": f'printf "%s\\n" "$*" >> {calls}\nexit 1', "sacct": "exit 0", "squeue": "exit 0",
                       "sinfo": "echo cpu; echo gpu", "scontrol": "exit 0", "sacctmgr": "exit 0",
                       "sshare": "exit 0", "scancel": "exit 0"}.items():  # fmt: skip
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}")
    return calls


def test_a_dry_run_with_the_slurm_profile_shows_the_grid_and_submits_nothing(project, cluster):
    runs, plan = planned("random", "0-1")
    engine = begin(project, plan, "slurm", "--jobs", "8", "--dry-run")
    said = engine.communicate(timeout=120)[0]
    assert engine.returncode == 0 and not cluster.exists(), said
    assert all(f"run {run.label}" in said for run in runs)


def test_sbatch_is_called_with_partition_gpu_time_and_requeue(project, cluster):
    runs, plan = planned("random", "0-1")
    (plan.parent / "done").mkdir()
    (plan.parent / "done" / "data.wardrobe").touch()  # so that the runs come first
    engine = begin(project, plan, "slurm", "--jobs", "8", "--retries", "0", *AT_ONCE)
    said = engine.communicate(timeout=240)[0]
    assert engine.returncode != 0, said
    calls = cluster.read_text().splitlines()
    assert len(calls) == 2 and all(f"run:what={run.label}" in "".join(calls) for run in runs)
    for call in calls:
        words = call.split()
        assert {"--requeue", "--gres=gpu:1", "--cpus-per-task=4"} <= set(words)
        assert words[words.index("-p") + 1] == "gpu" and words[words.index("-t") + 1] == "720"
        assert words[words.index("--mem") + 1] == "32000"
    report = json.loads(plan.read_text())["steps"][-1]["log"]
    assert (Path(report).parents[1] / "report.html").is_file(), said  # with both runs as missing
