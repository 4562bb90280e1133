"""A query to an index of a million pictures: exact similarities, half precision on disk, bounded memory.

Random unit vectors are written in chunks to a temporary folder (2 GB by default), searched, and deleted. The time is
that of the similarities to every vector and the choice of the nearest, with the file in the system's cache, as it is
from the second query on. Ways that take turns: the library with one thread per core and with one; numpy, chunk by
chunk over a memory map. The peak memory is that of the process, with what it had before the first search beside it.
"""

import argparse
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from stopwatch import report, seconds

from fashion_lib.core import threads
from fashion_lib.tasks.retrieval.vector_scan import append_halves, nearest, scan

AIM = 1.0  # seconds
CHUNK = 10_000  # vectors that are made at once
TOP = 20


def write_vectors(file: Path, rows: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    with open(file, "wb") as stream:
        for start in range(0, rows, CHUNK):
            drawn = torch.randn(min(CHUNK, rows - start), width, generator=generator)
            append_halves(stream, torch.nn.functional.normalize(drawn, dim=1), "a random vector")


def by_numpy(file: Path, query: np.ndarray, rows: int, chunk: int = 8192) -> np.ndarray:
    vectors = np.memmap(file, np.float16, "r", shape=(rows, len(query)))
    parts = (vectors[start : start + chunk].astype(np.float32) @ query for start in range(0, rows, chunk))
    return nearest(np.concatenate(list(parts)), TOP)


def memory(name: str) -> float:
    """Return VmRSS (memory now) or VmHWM (its peak) of this process in MiB; nan on other systems than Linux."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def forget_peak() -> None:
    """Set the peak of memory back to the memory that the process has now; see proc(5), clear_refs."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="where the vectors are written for a while (default: temporary)"
    )
    options = parser.parse_args()
    rows, width = options.rows, options.dim
    query = torch.nn.functional.normalize(
        torch.randn(1, width, generator=torch.Generator().manual_seed(1)), dim=1
    )
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        file = Path(folder) / "00.f16"
        start = time.perf_counter()
        write_vectors(file, rows, width)
        gib, spent = file.stat().st_size / 2**30, time.perf_counter() - start
        print(f"{rows:,} x {width} vectors, {gib:.2f} GiB, written in {spent:.0f} s")
        forget_peak()
        before = memory("VmRSS")

        def library(workers: int) -> np.ndarray:
            return nearest(scan(file, query, rows, workers=workers)[0].numpy(), TOP)

        cores = threads.cores()
        first = time.perf_counter()
        found = library(cores)
        first = time.perf_counter() - first
        seconds({"library": lambda: library(cores)}, options.repeats)
        after = memory("VmHWM")
        assert found.tolist() == by_numpy(file, query[0].numpy(), rows).tolist()
        ways = {f"library, {cores} threads": lambda: library(cores), "library, 1 thread": lambda: library(1)}
        ways["numpy over a memory map"] = lambda: by_numpy(file, query[0].numpy(), rows)
        taken = seconds(ways, options.repeats)
    best = taken[f"library, {cores} threads"]
    lines = [(way, f"{time:.2f}", f"{time / best:.1f}") for way, time in taken.items()]
    report(f"one query to {rows:,} x {width} vectors", lines, ("way", "seconds", "times the library"))
    print(
        f"first query {first:.2f} s; memory {after:.0f} MiB at its peak, {before:.0f} MiB before the first query"
    )
    print(f"seconds per query: {best:.2f} (aim < {AIM})")


if __name__ == "__main__":
    main()
