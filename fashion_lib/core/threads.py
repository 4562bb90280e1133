"""How many threads a process computes with: one, unless FASHION_THREADS says otherwise.

One, for two reasons. The number of threads decides how sums are cut into parts, so weights trained with one, two and
three threads differ in their last bits: only a fixed number gives the same run whatever the number of cores. And with
two threads each step waits for the slower one: on two cores with other busy processes, a step with two threads took
about ten times as long as a step with one. Several cores are used by several runs at once (fashion_lib.workflow), which
also does more steps per second than one run with several threads.

FASHION_THREADS=4 fixes another number. FASHION_THREADS=auto lets a run measure whether more threads pay, at its start
and again with its checkpoints. Either way each checkpoint says which number the next steps use, and a resumed run goes
on with that number, so that it computes the same bits.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from fashion_lib.core.errors import FashionError

SETTING = "FASHION_THREADS"
AUTO = "auto"
# Each library that numpy, torch and scikit-learn may compute with reads its own name when it is loaded.
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PAYS = 1.25  # with less gain the cores do more in another run
LARGEST = 1024


class Choice(NamedTuple):
    """A number of threads, and the reason as `doctor` prints it."""

    threads: int
    why: str


def choose_threads(setting: str, cores: int, seconds: Mapping[int, float] | None = None) -> Choice:
    """Decide the number of threads of one run.

    Args:
        setting: "" for the default, "auto", or a whole number as text.
        cores: processors that this process may use, at least 1.
        seconds: number of threads -> measured seconds per training step; None before anything was measured.

    Returns:
        The number and the reason.

    Raises:
        FashionError: `setting` is none of the three.
    """
    wish = setting.strip()
    if not wish:
        return Choice(1, "the same bits whatever the number of cores, and no waiting beside a busy process")
    if wish == AUTO:
        if not seconds or 1 not in seconds:
            return Choice(1, f"{SETTING}=auto measures more threads when a run starts")
        fastest = min(seconds, key=lambda number: (seconds[number], number))
        gain = seconds[1] / seconds[fastest]
        if fastest > 1 and gain >= PAYS:
            return Choice(fastest, f"{gain:.1f} times as fast as one thread")
        return Choice(1, f"more threads gain less than {PAYS} times the speed now")
    if not (wish.isascii() and wish.isdigit() and len(wish) <= 4 and 1 <= int(wish) <= LARGEST):
        raise FashionError(
            f"{SETTING} holds {wish[:20]!r}: give 'auto' or a whole number from 1 to {LARGEST}, or unset it for one"
            " thread."
        )
    more = f", more than the {cores} cores, which is slow" if int(wish) > cores else ""
    return Choice(int(wish), f"{SETTING} asks for it{more}")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chosen(seconds: Mapping[int, float] | None = None) -> Choice:
    """`choose_threads` for this process: its environment and its cores."""
    return choose_threads(os.environ.get(SETTING, ""), cores(), seconds)


def measures() -> bool:
    """Whether runs of this process measure how many threads pay."""
    return os.environ.get(SETTING, "").strip() == AUTO and cores() > 1


def environment(threads: int) -> dict[str, str]:
    """The variables that make a new process compute with so many threads."""
    return dict.fromkeys(VARIABLES, str(threads))


def set_threads(threads: int) -> None:
    """Set the number for torch in this process, and for libraries and processes that start later."""
    os.environ.update(environment(threads))
    set_torch_threads(threads)


def set_torch_threads(threads: int) -> None:
    """Set the number for torch alone, if torch is loaded: importing it takes seconds that `--help` does not have."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


def set_default() -> None:
    """Set what FASHION_THREADS says, when fashion_lib is imported. A wrong value is told by the first run or `doctor`,
    since an import is no place for a sentence to a user.
    """
    try:
        set_threads(chosen().threads)
    except FashionError:
        set_threads(1)


@contextmanager
def restored() -> Iterator[None]:
    """Give torch its number of threads back at the end, whatever happened inside; also a decorator."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
