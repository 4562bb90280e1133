"""The main job, `make reproduce`, on this machine: train every method and seed, execute the course, write a report.

Each job is done by a process of its own that computes with one thread. As many of them work at once as there are
cores. A finished job is kept, so an interrupted call goes on where it stopped. The processes do what `perform` does:
each job is an executed notebook, but for runs of attribute manipulation, which are trained directly.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from fashion_lib.core import paths, progress, threads
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.course import parameters as notebook_parameters
from fashion_lib.course import report, sources
from fashion_lib.course.execute import library_digest, run_notebook
from fashion_lib.methods.registry import MANIPULATION_METHODS
from fashion_lib.runs.record import check_own_folder, delete_run
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.stored import labelled_run
from fashion_lib.training.profiles import PROFILES
from fashion_lib.workflow.plan import (
    METHODS,
    NOTEBOOKS,
    SEEDS,
    TRAINING_NOTEBOOK,
    Job,
    as_json,
    course_job,
    course_notebooks,
    from_json,
    jobs_at_once,
    planned_runs,
    training_job,
)

# How a job's process ends.
DONE, FAILED, ALREADY_DONE, INTERRUPTED = 0, 2, 3, 130
ERROR = "error: "
MODULE = "fashion_lib.workflow.local"  # __name__ is "__main__" in a job's process
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
        output: folder for executed notebooks; None is build/reproduce/<profile>.
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
    output = paths.made(Path(output or paths.build_dir() / "reproduce" / profile).resolve())
    load_dataset(dataset, PROFILES[profile])  # draws the pixel cache once, with its own progress
    phases = [[training_job(run, output, force) for run in runs]]
    if not training_only:
        phases.append([course_job(notebook, runs, output, force) for notebook in chosen])
    carry_out(phases, at_once)
    minutes = (time.monotonic() - started) / 60
    table = report.final_table(runs)
    print(f"\nProfile {profile}\n\n{table}\n")
    if training_only:
        return None
    page = report.write(output, table, f"{dataset}, profile {profile}", minutes)
    print(f"The report is {page}, after {minutes:.1f} minutes.")
    return page


def perform(job: Job) -> bool:
    """Do one job in this process.

    Returns:
        True if it was done now, False if its output was complete.
    """
    if job.kind == "course":
        return _execute_course_notebook(job)
    (run,) = job.runs
    if job.force:
        check_own_folder(run.folder)
        with run_lock(run.folder):  # never under the hands of a process that trains it
            delete_run(run.folder)
    if run.method in MANIPULATION_METHODS:
        if run.record.is_file():
            return False
        labelled_run(run.method, run.variant, dataset=run.dataset, profile=PROFILES[run.profile], seed=run.seed)
        return True
    source = paths.notebooks_dir() / TRAINING_NOTEBOOK
    return run_notebook(
        source,
        Path(job.output) / f"{source.stem}.{run.label}.ipynb",
        asdict(run),
        profile=run.profile,
        inputs=repr(PROFILES[run.profile]),
        force=job.force or not run.record.is_file(),
        shown="stderr",
    )


def _execute_course_notebook(job: Job) -> bool:
    source = Path(job.source)
    known = notebook_parameters.declared(sources.read(source), source.name)
    wanted = {"profile": job.runs[0].profile, "dataset": job.runs[0].dataset}
    parameters = {name: value for name, value in wanted.items() if name in known}
    inputs = library_digest() + _digest_of([run.record for run in job.runs])
    output = Path(job.output) / source.name
    return run_notebook(source, output, parameters, profile=job.runs[0].profile, inputs=inputs, force=job.force)


class Child:
    """Run one job in a process of its own; `said` is the last line that it printed.

    The process holds the other end of a pipe to this one, and interrupts itself when the pipe closes. However this
    process ends, no training goes on unseen.
    """

    def __init__(self, job: Job, environment: dict[str, str]):
        self.said, self.lines = "", deque(maxlen=40)
        self.process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | environment,
            start_new_session=True,  # a Ctrl-C on the terminal is passed on by this process, once
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        with suppress(BrokenPipeError):  # it ended already, which `ended` will report
            self.process.stdin.write(as_json([job]).replace("\n", " ") + "\n")
            self.process.stdin.flush()

    def _read(self) -> None:
        for line in self.process.stdout:
            if line := line.strip():
                self.lines.append(line)
                self.said = line

    def ended(self) -> int | None:
        """Return the exit status, None while it works."""
        if self.process.poll() is None:
            return None
        self.reader.join(timeout=1)
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.returncode

    def error(self) -> str:
        """Return the sentence that a failed process left, or its status and last line if it left none."""
        told = [line.removeprefix(ERROR) for line in self.lines if line.startswith(ERROR)]
        return told[-1] if told else f"its process ended with status {self.process.returncode} ({self.said})"

    def interrupt(self) -> None:
        """Send Ctrl-C to the process if it still works."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def wait(self, seconds: float) -> None:
        """Wait for the end; after `seconds`, kill the process with all that it started."""
        try:
            self.process.wait(timeout=max(0.1, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


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


def _carry_out(waiting: list[Job], at_once: int, board: "Board") -> None:
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


class Board:
    """Print a line per job as it begins and ends, and the last line that each working job printed.

    On a terminal these last lines stay in place below. Elsewhere each is printed as it comes, after the job's title.
    """

    def __init__(self, jobs: list[Job], at_once: int):
        self.numbers = {job: number for number, job in enumerate(jobs, start=1)}
        self.at_once, self.started = at_once, time.monotonic()
        self.begun, self.spent, self.told, self.places = {}, {}, {}, {}
        self.terminal = progress.seconds_between_lines() is None
        # Other processes' lines come through this one, so that a log grows no faster with more jobs.
        self.seconds = 1.0 if self.terminal else progress.seconds_between_lines() * max(1, min(at_once, len(jobs)))

    def begins(self, job: Job, waiting: list[Job]) -> None:
        """Print that a job begins, with the time used and the time left for it and the waiting ones."""
        self.begun[job] = time.monotonic()
        ends = clock(time.monotonic() - self.started, [job, *waiting], self.spent, self.at_once)
        self._print(f"[{self.numbers[job]}/{len(self.numbers)}] {job.title} ({ends})")

    def says(self, job: Job, words: str) -> None:
        """Show the last line of a working job, if it is new and no error."""
        if not words or self.told.get(job) == words or words.startswith(ERROR):
            return
        self.told[job] = words
        line = f"[{self.numbers[job]}/{len(self.numbers)}] {job.title}: {words}"
        if not self.terminal:
            self._print(f"    {line}")
            return
        if job not in self.places:
            columns, lines = shutil.get_terminal_size()  # has a fallback for a terminal without a size
            self.places[job] = tqdm(bar_format="{desc}", leave=False, ncols=columns - 1, nrows=lines)
        self.places[job].set_description_str(line)  # on a free line that tqdm found

    def ends(self, job: Job, status: int) -> None:
        """Print how a job ended, and remember its seconds for the time left."""
        seconds = time.monotonic() - self.begun[job]
        if job in self.places:
            self.places.pop(job).close()
        how = {DONE: f"done in {spoken(seconds)}", ALREADY_DONE: "already done"}.get(status, "FAILED")
        if status == DONE:
            self.spent.setdefault(job.kind, []).append(seconds)
        self._print(f"    [{self.numbers[job]}/{len(self.numbers)}] {job.title}: {how}")

    def close(self) -> None:
        """Remove the lines that stay in place on a terminal."""
        for bar in self.places.values():
            bar.close()

    def _print(self, line: str) -> None:
        if self.terminal:
            tqdm.write(line)
        else:
            print(line, flush=True)


def clock(elapsed: float, left: list[Job], spent: dict[str, list[float]], at_once: int = 1) -> str:
    """Return the time used so far and the time left, in words.

    The remaining jobs are expected to take as long as the finished ones of their kind.

    Args:
        elapsed: seconds so far.
        left: the jobs that remain.
        spent: kind -> seconds of each finished job.
        at_once: number of jobs that work at the same time.
    """
    known = [seconds for times in spent.values() for seconds in times]
    if not known:
        return f"{spoken(elapsed)} so far"
    mean = {kind: sum(times) / len(times) for kind, times in spent.items()}
    expected = sum(mean.get(job.kind, sum(known) / len(known)) for job in left) / at_once
    return f"{spoken(elapsed)} so far, about {spoken(expected)} to go"


def spoken(seconds: float) -> str:
    """Return a duration in seconds as text: 40 s, 12 min, 1 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


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
