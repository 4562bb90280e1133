"""A batch as plain data: the steps of one submission, and which steps each of them needs.

The Snakefile and the SLURM array script read the file that `write_plan` writes, and start one process per step
(fashion_lib.workflow.step). So an engine needs neither this library nor torch. What is finished is read from the
records of the runs, never from the engine's own files: a new submission goes on where any earlier one stopped.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.data.sets import geometry_of
from fashion_lib.runs.labels import profile_of_label
from fashion_lib.runs.record import RERANKED, base_method
from fashion_lib.training.profiles import PROFILES, Profile
from fashion_lib.workflow.plan import Job, PlannedRun, course_job, folder_name, from_json, run_job

PLAN_NAME = "plan.json"


@dataclass(frozen=True)
class Step:
    """Hold one step of a batch.

    Attributes:
        name: unique in the batch, and a plain file name: "run.wardrobe.asen.v2.seed0".
        job: what it does.
        after: names of the steps that must be complete before.
        done: whether it was complete when the plan was written.
    """

    name: str
    job: Job
    after: tuple[str, ...] = ()
    done: bool = False


def batch_folder(profile: str, dataset: str) -> Path:
    """Return the folder of a profile's batches on a data set: logs, notebooks, report, and a folder per submission."""
    return paths.build_dir() / "batch" / folder_name(profile, dataset)


def log_file(step: Step) -> Path:
    """Return the file that a step's process writes its lines to; all submissions share it."""
    return _folder(step.job.runs) / "logs" / f"{step.name}.log"


def _folder(runs: Sequence[PlannedRun]) -> Path:
    return batch_folder(runs[0].profile, runs[0].dataset)


def step_lock(step: Step) -> Path | None:
    """Return the lock file that a step holds while it works; None for a run, which holds its run folder's."""
    if step.job.kind == "run":
        return None
    return _folder(step.job.runs) / "locks" / f"{step.name}.lock"


def batch_steps(runs: Sequence[PlannedRun], notebooks: Sequence[Path]) -> list[Step]:
    """Return the steps of a batch: data, runs, the notebooks that read their records, and the report.

    The first part of a step's name says its kind: "data.", "run.", "notebook.", or "report" alone.

    Args:
        runs: all of one profile, at least one.
        notebooks: files of the course to execute.
    """
    output = _folder(runs) / "notebooks"
    datasets: dict[str, list[PlannedRun]] = {}
    for run in runs:
        datasets.setdefault(run.dataset, []).append(run)
    drawn = {
        name: Step(f"data.{name}", Job("data", f"pixels of {name}", _one_per_size(own), str(output)),
                   done=all(run.finished for run in own))
        for name, own in datasets.items()
    }  # fmt: skip
    names = {(run.dataset, run.method, run.variant, run.seed): f"run.{run.label}" for run in runs}
    trained = []
    for run in runs:
        base = names.get((run.dataset, base_method(run.method), run.variant, run.seed))
        after = [drawn[run.dataset].name, *([base] if base and run.method.endswith(RERANKED) else [])]
        trained.append(Step(f"run.{run.label}", run_job(run, output), tuple(after), run.finished))
    every = tuple(step.name for step in trained)
    leaves = [
        Step(f"notebook.{path.stem}", course_job(path, list(runs), output), every) for path in notebooks
    ]
    report = Job("report", "report", tuple(runs), str(output))
    last = Step("report", report, (*every, *(step.name for step in leaves)))
    return [*drawn.values(), *trained, *leaves, last]


def settings_of(run: PlannedRun) -> Profile:
    """Return the profile of a planned run with the settings that its label changes, at `paper` those of its system."""
    return profile_of_label(run.method, run.variant, run.dataset, PROFILES[run.profile])


def _one_per_size(runs: Sequence[PlannedRun]) -> tuple[PlannedRun, ...]:
    """Return a run for each pixel cache that these runs read: ablations may change size and number of pictures."""
    found: dict[tuple, PlannedRun] = {}
    for run in runs:
        profile = settings_of(run)
        drawn = profile.wardrobe_images, profile.wardrobe_seed
        found.setdefault((profile.image_size, geometry_of(run.dataset, profile), *drawn), run)
    return tuple(found.values())


def write_plan(steps: Sequence[Step], folder: Path | None = None) -> Path:
    """Write the plan of one submission.

    Args:
        steps: of `batch_steps`.
        folder: of the submission; None makes one below `batch_folder`, named by the time in UTC.

    Returns:
        The file.

    Raises:
        FashionError: the folder cannot be written to.
    """
    runs = steps[0].job.runs
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    folder = paths.made(folder or _folder(runs) / now)
    entries = [
        {"name": step.name, "after": list(step.after), "done": step.done, "log": str(log_file(step)),
         "job": asdict(step.job)}
        for step in steps
    ]  # fmt: skip
    return write_atomically(
        folder / PLAN_NAME, json.dumps({"profile": runs[0].profile, "steps": entries}, indent=1) + "\n"
    )


def read_plan(file: Path) -> dict[str, Step]:
    """Read a plan back: name -> step, in order.

    Raises:
        FashionError: the file is not there or has another form.
    """
    try:
        entries = json.loads(Path(file).read_text(encoding="utf-8"))["steps"]
        jobs = from_json(json.dumps([entry["job"] for entry in entries]))
        steps = [
            Step(entry["name"], job, tuple(entry["after"]), entry["done"])
            for entry, job in zip(entries, jobs, strict=True)
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FashionError(
            f"the plan {file} cannot be read ({error}): write one with `python -m fashion_lib batch-plan`."
        ) from error
    return {step.name: step for step in steps}


def latest_plan(profile: str, dataset: str) -> Path | None:
    """Return the plan of the newest submission of a profile on a data set, None where there is none."""
    plans = batch_folder(profile, dataset).glob(f"*/{PLAN_NAME}")
    return max(plans, key=lambda file: file.stat().st_mtime, default=None)
