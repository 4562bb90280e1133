"""The plan of runs at profile `paper`, replayed through Snakemake: each step sleeps as long as its run would train.

Steps, their order and the Snakefile are those of `make batch`; only the program of a step is another one. Durations are
GPU hours where all steps of training were measured, else passes through networks (data/paper_costs.md); both are scaled
so that the predicted schedule takes --seconds. It prints our list schedule, Snakemake's time, and what no schedule
beats, all with the durations that the steps really took: starting a process takes time, too.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from stopwatch import report

from fashion_lib.papers.critical_path import longest_chain, makespan
from fashion_lib.papers.paper_costs import REPLAY, durations, measured_steps, replays_file, seconds_per_image
from fashion_lib.papers.paper_runs import grid_runs, table_runs
from fashion_lib.workflow.plan import PlannedRun
from fashion_lib.workflow.steps import batch_steps, write_plan

ROOT = Path(__file__).resolve().parents[1]
# What Snakemake starts in place of Python: -m fashion_lib.workflow.step PLAN STEP --log
SLEEPER = """#!/bin/sh
folder=$(dirname "$3")
begun=$(date +%s.%N)
sleep "$(cat "$folder/seconds/$4" 2>/dev/null || echo 0)"
echo "$4 $begun $(date +%s.%N)" >> "$folder/took"
"""


def replay(
    plan: Path, seconds: Mapping[str, float], machines: int, snakemake: Path
) -> dict[str, tuple[float, float]]:
    """Let Snakemake carry out a plan whose steps sleep.

    Args:
        plan: of `write_plan`; files are written beside it.
        seconds: step's name -> how long it sleeps; the others end at once.
        machines: steps at once.
        snakemake: the program.

    Returns:
        Step's name -> when it began and ended, in seconds.
    """
    folder = plan.parent
    (folder / "seconds").mkdir()
    for name, duration in seconds.items():
        (folder / "seconds" / name).write_text(f"{duration:.3f}")
    sleeper = folder / "sleeper"
    sleeper.write_text(SLEEPER)
    sleeper.chmod(0o755)
    command = [snakemake, "--snakefile", ROOT / "batch" / "Snakefile", "--workflow-profile",
               ROOT / "batch" / "profiles" / "local", "--cores", str(machines), "--quiet", "all",
               "--config", f"plan={plan}", f"python={sleeper}"]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    lines = (line.split() for line in (folder / "took").read_text().splitlines())
    return {name: (float(begun), float(ended)) for name, begun, ended in lines}


def compared(
    took: Mapping[str, tuple[float, float]], before: Mapping[str, Sequence[str]], machines: int
) -> tuple[float, float, float]:
    """Return the list schedule's length, Snakemake's, and what no schedule beats, with the durations that steps had."""
    real = {name: ended - begun for name, (begun, ended) in took.items()}
    real = {name: real[name] for name in before}
    length = max(ended for _, ended in took.values()) - min(begun for begun, _ in took.values())
    best = max(longest_chain(real, before), sum(real.values()) / machines)
    return makespan(real, before, machines), length, best


def append(rows: list[tuple]) -> None:
    """Add rows to data/grid_replay.csv; a row of the same plan and number of GPUs is replaced."""
    table = pd.concat([pd.read_csv(replays_file()), pd.DataFrame(rows, columns=list(REPLAY))])
    table = table.drop_duplicates(["plan", "runs", "GPUs"], keep="last")
    table.to_csv(replays_file(), index=False, lineterminator="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpus", default="8,64")
    parser.add_argument("--seconds", type=float, default=60, help="of the predicted schedule")
    parser.add_argument("--tables", action="store_true", help="the papers' tables alone, not the whole grid")
    parser.add_argument("--append", action="store_true", help="write into data/grid_replay.csv")
    parser.add_argument("--snakemake", type=Path, default=ROOT / ".venv-batch" / "bin" / "snakemake")
    options = parser.parse_args()
    if not options.snakemake.is_file():
        print(f"There is no {options.snakemake}: call `make batch-env`, or name Snakemake with --snakemake.")
        return
    runs = table_runs() if options.tables else grid_runs()
    work = durations(runs, seconds_per_image(measured_steps()))
    planned = [PlannedRun(run.dataset, run.method, run.label, "paper", run.seed) for run in runs]
    name, rows = "the papers' tables" if options.tables else "the whole grid", []
    for machines in map(int, options.gpus.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FASHION_RUNS"] = str(Path(folder) / "runs")  # nothing is finished
            steps = batch_steps(planned, [])
            plan = write_plan(steps, Path(folder) / "plan")
            before = {step.name: step.after for step in steps}
            time = {f"run.{run}": duration for run, duration in work.items()}
            time = {step: time.get(step, 0.0) for step in before}
            scale = options.seconds / makespan(time, before, machines)
            sleeps = {step: scale * duration for step, duration in time.items() if duration}
            took = replay(plan, sleeps, machines, options.snakemake)
        found = [round(number, 1) for number in compared(took, before, machines)]
        rows.append((name, len(runs), machines, *found, datetime.now(UTC).isoformat(timespec="seconds")))
        if options.append:
            append(rows[-1:])
    report(f"profile paper's plan, replayed in {options.seconds:g} s", rows, tuple(REPLAY))


if __name__ == "__main__":
    main()
