"""What `make reproduce` prints while jobs work: a line per job as it begins and ends, and how long is left."""

import shutil
import time

from tqdm import tqdm

from fashion_lib.core import progress
from fashion_lib.workflow.child import ALREADY_DONE, DONE, ERROR
from fashion_lib.workflow.plan import Job


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
