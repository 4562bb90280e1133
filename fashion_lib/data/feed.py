"""Batches that threads make ahead, while the model computes; a bounded number, in a fixed order.

A batch is a pure function of its key: the number of a training step, or the place of a chunk of pictures. So it does
not matter when or by which thread it is made, and a look-ahead never changes what a step computes. Threads are enough,
because decoding a picture and copying rows release Python's lock.

Memory: `held` batches are made or in the making, and one more is in use. `how_far` chooses `held` so that they take at
most `MOST_BYTES`, or two batches where one is larger than half of that.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from fashion_lib.core import threads

if TYPE_CHECKING:  # torch takes seconds to import, and reading a data set does not need it
    import torch

MOST_BYTES = 1 << 29  # 512 MiB of pixels, all batches of a feed together
MOST_THREADS = 16

Key, Made = TypeVar("Key"), TypeVar("Made")


class Reach(NamedTuple):
    """How far a feed looks ahead: `count` threads hold at most `held` batches; no thread means no look-ahead."""

    count: int = 0
    held: int = 0


def how_far(pixels, rows: int, *, cuda: bool = False) -> Reach:
    """Choose the look-ahead for batches of some rows.

    Pictures in memory or in a memory map that a CPU computes with need none: a thread would only take time from the
    model. For CUDA, two threads copy their rows. Pictures that are decoded when they are read take all cores but one.
    A CPU with one core decodes them between the steps, as a thread there gains nothing.

    Args:
        pixels: uint8 (N, S, S, 3), or `LazyPixels`.
        rows: pictures per batch.
        cuda: whether the model computes on CUDA.
    """
    decoded = bool(getattr(pixels, "decoded_when_read", False))
    others = min(MOST_THREADS, threads.cores() - 1)
    if not cuda and not (decoded and others):
        return Reach()
    count = max(1, others) if decoded else 2
    size = rows * pixels.shape[1] * pixels.shape[2] * 3
    held = max(1, min(count + 1, MOST_BYTES // max(1, size) - 1))  # one more batch is in use
    return Reach(min(count, held), held)


class Feed(Generic[Key, Made]):
    """The results of `make` for each key, in the order of the keys; use it in a `with` block, which ends its threads.

    Args:
        make: a pure function of a key. With a look-ahead it runs in other threads.
        keys: read one by one, as the feed proceeds.
        reach: threads and number of results held.

    Attributes:
        waited: seconds that the user of the feed has waited for results, in total.
    """

    def __init__(self, make: Callable[[Key], Made], keys: Iterable[Key], reach: Reach):
        self._make, self._keys, self._held = make, iter(keys), reach.held
        self._pool = ThreadPoolExecutor(reach.count, thread_name_prefix="feed") if reach.count else None
        self._coming: deque[Future[Made]] = deque()
        self.waited = 0.0

    def __enter__(self) -> Feed[Key, Made]:
        self._fill()
        return self

    def __exit__(self, *_) -> None:
        """Drop what was made ahead, and wait until no thread is left."""
        self._coming.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Made]:
        return self

    def __next__(self) -> Made:
        """Return the next result. What `make` raised for its key is raised here."""
        start = time.perf_counter()
        try:
            if self._pool is None:
                return self._make(next(self._keys))
            self._fill()
            if not self._coming:
                raise StopIteration
            made = self._coming.popleft().result()
        finally:
            self.waited += time.perf_counter() - start
        self._fill()
        return made

    def _fill(self) -> None:
        while self._pool is not None and len(self._coming) < self._held:
            try:
                key = next(self._keys)
            except StopIteration:
                return
            self._coming.append(self._pool.submit(self._make, key))


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor to the device; to CUDA without waiting for the copy. On its own device it comes back itself."""
    return tensor.to(device, non_blocking=device.type == "cuda")


def for_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Move a new CPU tensor into pinned memory if the device is CUDA, so that `to_device` need not wait."""
    return tensor.pin_memory() if device.type == "cuda" else tensor
