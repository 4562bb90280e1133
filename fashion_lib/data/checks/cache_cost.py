"""What a data set costs before training starts: the pixel cache and the minutes to fill it, or decoding on the fly."""

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
from fashion_lib.data.file_digests import file_digest
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.picture_source import LIMIT_GIB, SETTING, chosen_way

TRIED = 24  # pictures that are decoded to measure the time


@dataclass(frozen=True)
class Cost:
    """The cost of both ways to read the pictures: decoded once into the pixel cache, or whenever they are read.

    Attributes:
        pictures: how many.
        size: side of the square pixels.
        gib: size of the cache, GiB.
        minutes: to decode them with all processors; None where no picture could be decoded.
        processors: of this process.
        free_gib: free space at the place of the cache, GiB.
        way: "cache" or "decode", what loading the data set would take now.
        per_second: pictures that are decoded on the fly, by all processors but one beside the model; None as above.
    """

    pictures: int
    size: int
    gib: float
    minutes: float | None
    processors: int
    free_gib: float
    way: str
    per_second: float | None

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
        taken = {way: " (taken)" if way == self.way else "" for way in ("cache", "decode")}
        speed = "" if self.per_second is None else f", about {self.per_second:,.0f} pictures per second"
        return (
            f"{self.pictures:,} pictures at {self.size} px: cache{taken['cache']} {self.gib:.2f} GiB{time_}{room}; or "
            f"decoded on the fly{taken['decode']}, no disk{speed} in every pass"
        )


RULE = f"A cache above {LIMIT_GIB:g} GiB is not made unless {SETTING} asks for it."


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
        with suppress(FashionError, OSError):
            decode_photograph(root / file, size)
            file_digest(root / file)  # both ways compare it
            tried += 1
    seconds = (time.perf_counter() - start) / tried if tried else None  # per picture, by one processor
    free = shutil.disk_usage(
        next(place for place in (paths.cache_dir(), *paths.cache_dir().parents) if place.exists())
    ).free
    return Cost(
        pictures,
        size,
        pictures * size * size * 3 / 2**30,
        seconds and seconds * pictures / processors / 60,
        processors,
        free / 2**30,
        chosen_way(pictures, size),
        seconds and max(1, processors - 1) / seconds,
    )
