"""Where a batch stands, from what it leaves behind: records, locks that are held, and the last line of each log."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import system_lock
from fashion_lib.runs.run_lock import lock_file
from fashion_lib.workflow.child import ERROR
from fashion_lib.workflow.steps import Step, latest_plan, log_file, read_plan, step_lock

DONE, RUNNING, FAILED, STOPPED, WAITING = "done", "running", "failed", "stopped", "waiting"
STATES = (RUNNING, FAILED, STOPPED, WAITING, DONE)
TAIL = 4096  # bytes of a log that are read for its last line
LONGEST = 120  # characters of a log's line in the table


@dataclass(frozen=True)
class Standing:
    """Hold a step's state and the last line of its log, "" where there is none."""

    step: Step
    state: str
    last_line: str


def standing(step: Step) -> Standing:
    """Return where a step stands.

    "stopped" means: it began, its process ended without an error sentence (killed, preempted), and it goes on from its
    last checkpoint when it is submitted again.
    """
    run = step.job.runs[0]
    line = last_line(log_file(step))
    lock = lock_file(run.folder) if step.job.kind == "run" else step_lock(step)
    complete = run.finished if step.job.kind == "run" else line.startswith("done ")
    if lock.is_file() and _held(lock):
        return Standing(step, RUNNING, line)
    if complete:
        return Standing(step, DONE, line)
    return Standing(step, WAITING if not line else FAILED if line.startswith(ERROR) else STOPPED, line)


def standings(plan: Path) -> list[Standing]:
    """Return where each step of a plan stands, in the plan's order."""
    return [standing(step) for step in read_plan(plan).values()]


def status_text(profile: str, everything: bool = False, dataset: str = "wardrobe") -> str:
    """Return the newest batch of a profile on a data set as text: a count per state, and a table of its steps.

    Args:
        profile: name of the profile.
        everything: whether steps that are done or wait have a line too.
        dataset: name of the data set.

    Raises:
        FashionError: there is no batch of this profile on this data set.
    """
    plan = latest_plan(profile, dataset)
    if plan is None:
        raise FashionError(
            f"there is no batch of the profile {profile} on {dataset}: start one with "
            f"`make batch PROFILE={profile} DATASET={dataset}`."
        )
    found = standings(plan)
    count = Counter(one.state for one in found)
    head = f"{plan.parent}: " + ", ".join(f"{count[state]} {state}" for state in STATES if count[state])
    shown = [one for one in found if everything or one.state in (RUNNING, FAILED, STOPPED)]
    shown.sort(key=lambda one: STATES.index(one.state))
    lines = [f"{one.state:<8} {one.step.name}\n         {cut(one.last_line)}".rstrip() for one in shown]
    return "\n".join([head, *lines])


def cut(line: str) -> str:
    """Return a line of at most LONGEST characters; an error sentence stays whole."""
    return line if line.startswith(ERROR) or len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def last_line(log: Path) -> str:
    """Return the last line of a file that is not empty, "" where there is no file."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _held(lock: Path) -> bool:
    """Return whether a process holds a lock. For the test it is held for a moment, which nobody is refused for."""
    try:
        with system_lock(lock).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # another user's, which cannot be opened
        return False
