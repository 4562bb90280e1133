"""The main job, `make reproduce`, on this machine: train every method and seed, execute the course, write a report.

Each job is done by a process of its own that computes with one thread. As many of them work at once as there are
cores. A finished job is kept, so an interrupted call goes on where it stopped. The processes do what `job.perform`
does.
"""

import os
import time
from pathlib import Path

from fashion_lib.core import paths, progress, threads
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.course import parameters as notebook_parameters
from fashion_lib.course import report, report_page, sources
from fashion_lib.training.profiles import PROFILES
from fashion_lib.workflow.board import Board
from fashion_lib.workflow.child import ALREADY_DONE, DONE, INTERRUPTED, Child
from fashion_lib.workflow.plan import (
    METHODS,
    NOTEBOOKS,
    SEEDS,
    Job,
    course_job,
    course_notebooks,
    jobs_at_once,
    planned_runs,
    report_folder,
    training_job,
)

POLL = 0.2  # seconds between two looks at the processes
GRACE = 60  # seconds that an interrupted process has to shut its kernel down


def reproduce(
    profile: str = "laptop",
    methods: str = METHODS,
    seeds: str = SEEDS,
    dataset: str = "wardrobe",
    notebooks: str = NOTEBOOKS,
    *,
    force: bool = False,
    training_only: bool = False,
    output: Path | None = None,
    jobs: str = "",
) -> Path | None:
    """Run the whole job; print its progress, the final table and where the report is.

    Args:
        profile: name of the profile.
        methods, seeds, dataset: see `planned_runs`.
        notebooks: which notebooks of the course are executed, see `course_notebooks`.
        force: whether to delete these runs and train them again.
        training_only: whether to leave out the notebooks of the course and the report.
        output: folder for executed notebooks; None is that of `report_folder`.
        jobs: how many jobs run at once, as text; "" means one per core.

    Returns:
        The report's path; None with `training_only`.

    Raises:
        FashionError: a setting is wrong, or a job failed.
    """
    if profile not in PROFILES:
        raise FashionError(
            f"PROFILE names {shortened(profile)}, which is no profile: {suggestion(profile, list(PROFILES))}"
        )
    from fashion_lib.data.sets import load_dataset

    started = time.monotonic()
    runs, chosen = planned_runs(methods, seeds, dataset, profile), course_notebooks(notebooks)
    at_once = jobs_at_once(jobs, threads.cores())
    threads.chosen()  # a wrong setting shows now and not in every process
    output = paths.made(Path(output or report_folder(profile, dataset)).resolve())
    load_dataset(dataset, PROFILES[profile])  # draws the pixel cache once, with its own progress
    phases = [[training_job(run, output, force) for run in runs]]
    if not training_only:
        if dataset != "wardrobe" and (own := on_own_data(chosen)):
            print(f"No parameter `dataset`, so they read their own data and not {dataset}: {', '.join(own)}.")
        phases.append([course_job(notebook, runs, output, force) for notebook in chosen])
    carry_out(phases, at_once)
    minutes = (time.monotonic() - started) / 60
    table = report.final_table(runs)
    print(f"\nProfile {profile}\n\n{table}\n")
    if training_only:
        return None
    page = report_page.write(output, runs, f"{dataset}, profile {profile}", minutes=minutes)
    print(f"The report is {page}, after {minutes:.1f} minutes.")
    return page


def on_own_data(notebooks: list[Path]) -> list[str]:
    """Return the names of the notebooks without a parameter `dataset`.

    They explain on drawn pictures, whose regions and redrawn twins are known, or on the reader's own photographs.
    """
    return [
        path.stem for path in notebooks if "dataset" not in notebook_parameters.declared(sources.read(path), path.name)
    ]


def carry_out(phases: list[list[Job]], at_once: int) -> None:
    """Do all jobs, up to `at_once` together; a phase begins when the one before it is complete.

    A failed job does not stop those beside it. On Ctrl-C every process is interrupted and waited for.

    Args:
        phases: lists of jobs.
        at_once: largest number of jobs that work at the same time.

    Raises:
        FashionError: jobs of a phase failed; it carries the sentence of the first one.
    """
    board = Board([job for jobs in phases for job in jobs], at_once)
    try:
        for jobs in phases:
            _carry_out(list(jobs), at_once, board)
    finally:
        board.close()


def _carry_out(waiting: list[Job], at_once: int, board: Board) -> None:
    count, working, errors = len(waiting), {}, []
    environment = _environment(at_once, board.seconds)
    try:
        while waiting or working:
            while waiting and len(working) < at_once:
                job = waiting.pop(0)
                board.begins(job, waiting)
                working[job] = Child(job, environment)
            for job, child in list(working.items()):
                board.says(job, child.said)
                if (status := child.ended()) is None:
                    continue
                del working[job]
                if status == INTERRUPTED:
                    raise KeyboardInterrupt
                board.ends(job, status)
                if status not in (DONE, ALREADY_DONE):
                    errors.append(child.error())
            time.sleep(POLL if working else 0)
    except BaseException:
        _stop(list(working.values()))
        raise
    if errors:
        others = f"{len(errors)} of {count} jobs failed, the first one because: " if len(errors) > 1 else ""
        raise FashionError(others + errors[0])


def _stop(children: list[Child]) -> None:
    """Interrupt all and wait; a second Ctrl-C kills them at once."""
    deadline = time.monotonic() + GRACE
    for child in children:
        child.interrupt()
    try:
        for child in children:
            child.wait(deadline - time.monotonic())
    except KeyboardInterrupt:
        for child in children:
            child.wait(0)
        raise


def _environment(at_once: int, seconds: float) -> dict[str, str]:
    """Return the environment of the processes: their threads, and lines instead of bars, since a pipe leads here."""
    setting = os.environ.get(threads.SETTING, "")
    if setting.strip() == threads.AUTO and at_once > 1:
        setting = ""  # the cores are taken by the other jobs
    return {
        threads.SETTING: setting,
        progress.SETTING: str(seconds),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        **threads.environment(threads.choose_threads(setting, threads.cores()).threads),
        **paths.absolute_settings(),
    }
