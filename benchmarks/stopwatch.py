"""The library's timing (`seconds`), and its report with the hardware behind the times.

BENCHMARK_TABLES names a CSV file to which every number of a report is added, one per row.
"""

import csv
import os
from pathlib import Path

import torch

from fashion_lib.core.provenance import hardware
from fashion_lib.course.stopwatch import shortest_seconds as seconds

__all__ = ["report", "seconds"]
COLUMNS = ("table", "hardware", "torch", "row", "column", "value")


def report(title: str, lines: list[tuple], header: tuple) -> None:
    """Print the hardware and an aligned table."""
    print(f"{title}\n{hardware()}, {torch.get_num_threads()} torch threads, torch {torch.__version__}")
    texts = [tuple(map(str, line)) for line in [header, *lines]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    if file := os.environ.get("BENCHMARK_TABLES"):
        _keep(Path(file), title, texts)


def _keep(file: Path, title: str, texts: list[tuple[str, ...]]) -> None:
    """Add a table to a CSV file: a row per cell, with the number of its line."""
    header, *lines = texts
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for number, line in enumerate(lines, 1):
            for column, text in zip(header, line, strict=True):
                writer.writerow((title, hardware(), torch.__version__, number, column, text))
