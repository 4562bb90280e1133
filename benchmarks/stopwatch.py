"""Timing of rival ways to do one thing, in one run, so that their ratio survives a busy or slow machine."""

import time
from collections.abc import Callable, Mapping

import torch

from fashion_lib.core.provenance import hardware


def seconds(tasks: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Shortest time of each task, the tasks taking turns `repeats` times after one round to warm up.

    Turns put a passing load on all of them alike; the shortest time is the one least disturbed.
    """
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


def report(title: str, lines: list[tuple], header: tuple) -> None:
    """Print the hardware and an aligned table."""
    print(f"{title}\n{hardware()}, {torch.get_num_threads()} torch threads, torch {torch.__version__}")
    texts = [tuple(map(str, line)) for line in [header, *lines]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
