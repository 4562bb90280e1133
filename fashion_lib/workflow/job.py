"""What a job's process does: execute a notebook, or train a run whose task has no notebook.

Run as a program, it reads one job as a line of JSON on stdin. Its exit status says how the job ended.
"""

import hashlib
import os
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import parameters as notebook_parameters
from fashion_lib.course import sources
from fashion_lib.course.execute import library_digest, run_notebook
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import base_method, check_own_folder, delete_run
from fashion_lib.runs.reranked import load_or_rerank
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.stored import labelled_run
from fashion_lib.training.profiles import PROFILES
from fashion_lib.workflow.child import ALREADY_DONE, DONE, ERROR, FAILED, INTERRUPTED
from fashion_lib.workflow.plan import TRAINING_NOTEBOOKS, Job, PlannedRun, from_json


def perform(job: Job) -> bool:
    """Do one job in this process.

    Returns:
        True if it was done now, False if its output was complete.
    """
    if job.kind == "course":
        return _execute_course_notebook(job)
    (run,) = job.runs
    if job.kind == "run":
        return _finish(run)
    if job.force:
        check_own_folder(run.folder)
        with run_lock(run.folder):  # never under the hands of a process that trains it
            delete_run(run.folder)
    if "+" in run.variant:  # the training notebook takes no label with options
        return _finish(run)
    notebook = TRAINING_NOTEBOOKS.get(METHODS.known(run.method).task)
    if notebook is None:  # of this task no notebook trains a run
        return _finish(run)
    source = paths.notebooks_dir() / notebook
    return run_notebook(
        source,
        Path(job.output) / f"{source.stem}.{run.label}.ipynb",
        asdict(run),
        profile=run.profile,
        inputs=repr(PROFILES[run.profile]),
        force=job.force or not run.finished,
        shown="stderr",
    )


def _finish(run: PlannedRun) -> bool:
    """Train a run, or re-rank one; return False where it is finished already."""
    if run.finished:
        return False
    method = base_method(run.method)
    trained = labelled_run(method, run.variant, dataset=run.dataset, profile=PROFILES[run.profile], seed=run.seed)
    if method != run.method:
        load_or_rerank(trained)
    return True


def _execute_course_notebook(job: Job) -> bool:
    source = Path(job.source)
    known = notebook_parameters.declared(sources.read(source), source.name)
    wanted = {"profile": job.runs[0].profile, "dataset": job.runs[0].dataset}
    parameters = {name: value for name, value in wanted.items() if name in known}
    inputs = library_digest() + _digest_of([run.record for run in job.runs])
    output = Path(job.output) / source.name
    return run_notebook(source, output, parameters, profile=job.runs[0].profile, inputs=inputs, force=job.force)


def _digest_of(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"absent")
    return digest.hexdigest()


def _interrupt_when_parent_ends() -> None:
    """Interrupt this process when stdin closes, which the parent holds open as long as it lives."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Do one job, given as a line of JSON on stdin; return the exit status that says how it ended."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    try:
        (job,) = from_json(sys.stdin.readline())
        _interrupt_when_parent_ends()
        return DONE if perform(job) else ALREADY_DONE
    except FashionError as error:
        print(f"{ERROR}{error}", file=sys.stderr, flush=True)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
