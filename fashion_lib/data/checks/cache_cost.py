"""What a data set costs before training starts: the pixel cache on the disk, and the minutes to fill it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.photographs import decode_photograph

TRIED = 24  # pictures that are decoded to measure the time


@dataclass(frozen=True)
class Cost:
    """The cost of decoding every picture once into the pixel cache.

    Attributes:
        pictures: how many.
        size: side of the square pixels.
        gib: size of the cache, GiB.
        minutes: to decode them with all processors; None where no picture could be decoded.
        processors: of this process.
        free_gib: free space at the place of the cache, GiB.
    """

    pictures: int
    size: int
    gib: float
    minutes: float | None
    processors: int
    free_gib: float

    def as_dict(self) -> dict:
        """Return the numbers for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        time_ = (
            ""
            if self.minutes is None
            else f", about {max(self.minutes, 0.1):.1f} minutes (processors: {self.processors})"
        )
        room = (
            ""
            if self.gib < self.free_gib
            else f"; only {self.free_gib:.1f} GiB are free: set FASHION_CACHE to a larger disk"
        )
        return f"{self.pictures:,} pictures at {self.size} px: {self.gib:.2f} GiB{time_}{room}"


def cache_cost(root: Path, files: Sequence[str], pictures: int, size: int) -> Cost:
    """Measure the cost on a few pictures, spread over the whole.

    Args:
        root: the folder that `files` are relative to.
        files: readable pictures.
        pictures: how many there will be.
        size: side of the square pixels.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    tried, start = 0, time.perf_counter()
    for file in files[:: max(1, len(files) // TRIED)][:TRIED]:
        with suppress(FashionError):
            decode_photograph(root / file, size)
            tried += 1
    minutes = (time.perf_counter() - start) / tried * pictures / processors / 60 if tried else None
    free = shutil.disk_usage(
        next(place for place in (paths.cache_dir(), *paths.cache_dir().parents) if place.exists())
    ).free
    return Cost(pictures, size, pictures * size * size * 3 / 2**30, minutes, processors, free / 2**30)
