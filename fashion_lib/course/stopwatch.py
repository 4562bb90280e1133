"""Timing of rival ways to do one thing, in one run, so that their ratio survives a busy or slow machine."""

import time
from collections.abc import Callable, Mapping

import torch

from fashion_lib.core.errors import FashionError


def shortest_seconds(tasks: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Measure the shortest time of each task, where the tasks take turns.

    One round comes first to warm up and is not counted. Turns put a passing load on all tasks alike. The shortest
    time is the one least disturbed.

    Args:
        tasks: name -> a call without arguments.
        repeats: number of counted rounds, at least 1.

    Returns:
        Name -> seconds of one call, in the order of `tasks`.

    Raises:
        FashionError: `repeats` is below 1.
    """
    if repeats < 1:
        raise FashionError(f"repeats={repeats} measures nothing: use 1 or more.")
    best = dict.fromkeys(tasks, float("inf"))
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                best[name] = min(best[name], time.perf_counter() - start)
    return best
