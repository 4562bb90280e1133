"""The library's timing (`seconds`), and its report with the hardware behind the times."""

import torch

from fashion_lib.core.provenance import hardware
from fashion_lib.course.stopwatch import shortest_seconds as seconds

__all__ = ["report", "seconds"]


def report(title: str, lines: list[tuple], header: tuple) -> None:
    """Print the hardware and an aligned table."""
    print(f"{title}\n{hardware()}, {torch.get_num_threads()} torch threads, torch {torch.__version__}")
    texts = [tuple(map(str, line)) for line in [header, *lines]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
