"""One step of a batch in this process: python -m fashion_lib.workflow.step PLAN NAME [--log].

With --log, all that the process prints is appended to the step's log, which `status` reads. The last line says how the
step ended.
"""

import os
import platform
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import system_lock
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.sets import load_dataset
from fashion_lib.workflow.board import spoken
from fashion_lib.workflow.child import ERROR, FAILED, INTERRUPTED
from fashion_lib.workflow.job import perform
from fashion_lib.workflow.steps import Step, log_file, read_plan, settings_of, step_lock

STOPPED = "stopped; the next submission goes on from the last checkpoint"


def do_step(step: Step) -> bool:
    """Do a step in this process; of two processes with the same step, the second waits and then finds it done.

    Returns:
        True if it was done now, False if it was complete.

    Raises:
        FashionError: it failed.
    """
    lock, run = step_lock(step), step.job.runs[0]
    if lock is not None:
        paths.made(lock.parent)
    with nullcontext() if lock is None else _waited_for(lock):
        if step.job.kind == "data":
            for one in step.job.runs:
                load_dataset(one.dataset, settings_of(one))
            return True
        if step.job.kind == "report":
            from fashion_lib.workflow.batch_report import write_report  # it brings nbconvert and all figures

            print(write_report(run.profile, step.job.runs))
            return True
        done = perform(step.job)
        if step.job.kind == "run" and not run.finished:
            raise FashionError(
                f"the run {run.label} was trained, but there is no record {run.record}: name it as `results` does."
            )
        return done


@contextmanager
def _waited_for(lock: Path) -> Iterator[None]:
    held = system_lock(lock)
    try:
        held.acquire()
    except OSError as error:
        raise FashionError(
            f"{lock} cannot be locked ({error.strerror or error}): keep runs/ and build/ on a disk with file locks."
        ) from error
    try:
        yield
    finally:
        held.release()


def main(arguments: list[str]) -> int:
    """Do the step of a plan that the arguments name.

    Args:
        arguments: the plan's file; a step's name, or the number of a run step counted from 0; perhaps --log.

    Returns:
        0 if the step is complete; 2 after a FashionError, whose sentence is the last line; 130 after a signal.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as SLURM preempts
    started = time.monotonic()
    try:
        words = [word for word in arguments if word != "--log"]
        if len(words) != 2:
            raise FashionError("a step takes two words: python -m fashion_lib.workflow.step PLAN NAME.")
        step = chosen_step(read_plan(Path(words[0])), words[1])
        if "--log" in arguments:
            _print_into(log_file(step))
        print(f"== {step.name} on {platform.node()}, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", flush=True)
        how = f"done in {spoken(time.monotonic() - started)}" if do_step(step) else "done before"
        print(how, flush=True)
        return 0
    except FashionError as error:
        print(f"{ERROR}{error}", file=sys.stderr, flush=True)
        return FAILED
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr, flush=True)
        return INTERRUPTED


def _print_into(log: Path) -> None:
    """Append to a file whatever this process and its kernels print from now on."""
    paths.made(log.parent)
    sys.stdout.flush()
    with open(log, "ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)


def chosen_step(steps: dict[str, Step], wish: str) -> Step:
    """Return the step of a name, or run step number N, counted from 0 as SLURM_ARRAY_TASK_ID counts.

    Raises:
        FashionError: there is none.
    """
    if wish in steps:
        return steps[wish]
    runs = [step for step in steps.values() if step.job.kind == "run"]
    if wish.isascii() and wish.isdigit() and len(wish) < 9 and int(wish) < len(runs):
        return runs[int(wish)]
    raise FashionError(f"the plan has no step {shortened(wish)}: {suggestion(wish, tuple(steps))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
