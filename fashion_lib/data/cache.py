"""Pictures drawn or decoded once, kept as one uint8 memory map.

Two files per key in `paths.cache_dir()`: `<key>.pixels` (the raw bytes) and `<key>.json` (the footer, written
last, so a cache without a valid footer is never believed). The footer holds shape, byte count and a CRC-32
over up to 64 evenly spaced pictures including the first and the last: that notices a cut-off, replaced or
resized file in milliseconds, but not a single flipped bit in a picture outside the sample.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import Timeout

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.files import is_alive, system_lock
from fashion_lib.core.progress import bar as progress_bar

FORMAT = 1
SAMPLE = 64


def load_or_build(
    key: str,
    count: int,
    size: int,
    draw: Callable[[range], np.ndarray],
    *,
    workers: int | None = None,
    chunk: int = 250,
    progress: str = "drawing pictures",
) -> np.memmap:
    """Return the pictures of `key` as a read-only memory map; draw them first if they are not there.

    Of two processes that start at once one draws and the other waits.

    Args:
        key: names the files of the cache.
        count: number of pictures.
        size: side of the square pictures, in pixels.
        draw: draw(range) returns uint8 (len(range), size, size, 3). It runs in worker processes that start clean, so it
            must be picklable: a function, or a dataclass instance of an importable module.
        workers: processes that draw; None takes as many as there are processors for this process.
        chunk: pictures per job.
        progress: label of the progress bar.

    Returns:
        uint8 (count, size, size, 3).

    Raises:
        FashionError: for a count or size below 1, and for a full or unwritable disk.
    """
    check_key(key)
    if count < 1 or size < 1:
        raise FashionError(
            f"the cache '{key}' would hold {count} pictures of {size} px: give at least one of each."
        )
    # An unguarded script runs again inside each starting worker; there it must fail, not wait for the lock.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise FashionError(
            "the script that draws pictures starts itself again in every worker process: put its "
            "top-level code under `if __name__ == '__main__':`."
        )
    try:
        folder = paths.cache_dir()
        pixels, footer = folder / f"{key}.pixels", folder / f"{key}.json"
        if _fault(pixels, footer, key, count, size) is None:
            return _open(pixels, count, size)
        with _locked(paths.made(folder) / f"{key}.lock", progress):
            fault = _fault(pixels, footer, key, count, size)  # another process may have drawn it meanwhile
            if fault is not None:
                if fault:
                    print(f"The cached pictures {pixels} are not usable ({fault}); they are drawn again.")
                _build(pixels, footer, key, count, size, draw, workers, chunk, progress)
        return _open(pixels, count, size)
    except OSError as error:
        raise FashionError(
            f"the picture cache '{key}' cannot be written or read ({error}): free some space, or set "
            "FASHION_CACHE to a folder you may write to."
        ) from error


def check_key(key: str) -> None:
    """Raise `FashionError` for a key that could name a file outside the cache folder."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", key):
        raise FashionError(
            f"the cache key {shortened(key)} cannot be a file name: use letters, digits, '.', '_' and '-'."
        )


def discard(key: str) -> None:
    """Make the next `load_or_build` of `key` draw anew. Pictures that are open stay readable."""
    check_key(key)
    for suffix in (".json", ".pixels"):
        with suppress(OSError):  # then the same pictures are read again
            (paths.cache_dir() / f"{key}{suffix}").unlink()


def _locked(path: Path, progress: str):
    """A context manager that holds the lock, and says so once if it has to be waited for."""
    lock = system_lock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for another process that is {progress} ...")
        return lock.acquire()


def _open(pixels: Path, count: int, size: int) -> np.memmap:
    return np.memmap(pixels, dtype=np.uint8, mode="r", shape=(count, size, size, 3))


def _sample_crc(pixels: Path, count: int, size: int) -> int:
    picture, crc = size * size * 3, 0
    with pixels.open("rb") as file:
        for row in np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(int)):
            file.seek(int(row) * picture)
            crc = zlib.crc32(file.read(picture), crc)
    return crc


def _fault(pixels: Path, footer: Path, key: str, count: int, size: int) -> str | None:
    """None if the cache is good, "" if there is none yet, else what is wrong with it."""
    if not pixels.exists():
        return ""
    expected = {"format": FORMAT, "key": key, "count": count, "size": size, "bytes": count * size * size * 3}
    try:
        facts = json.loads(footer.read_text(encoding="utf-8"))
        crc = facts.pop("crc32")
    except (FileNotFoundError, ValueError, AttributeError, KeyError, TypeError):
        return "the footer is missing or damaged"
    if facts != expected:
        return "the footer describes other pictures"
    if (found := pixels.stat().st_size) != expected["bytes"]:
        return f"{found} bytes instead of {expected['bytes']}"
    return None if crc == _sample_crc(pixels, count, size) else "the checksum differs"


def _build(pixels, footer, key, count, size, draw, workers, chunk, progress) -> None:
    folder, needed = pixels.parent, count * size * size * 3
    for leftover in folder.glob(f"{key}~*.part"):  # of a process that was killed
        # The lock keeps others out, but someone who empties the cache folder takes the lock file along.
        if not _is_of_another(leftover.name.split("~")[1].split(".")[0]):
            leftover.unlink(missing_ok=True)
    footer.unlink(missing_ok=True)
    if (free := shutil.disk_usage(folder).free) < needed:
        raise FashionError(
            f"the picture cache needs {needed / 2**20:.0f} MiB but {folder} has {free / 2**20:.0f} MiB "
            "free: free some space, or set FASHION_CACHE to another folder."
        )
    part = folder / f"{key}~{os.getpid()}.part"
    footer_part = folder / f"{key}~{os.getpid()}.footer.part"
    try:
        with part.open("wb") as file:
            file.truncate(needed)
        _draw_all(part, count, size, draw, workers or _processors(), chunk, progress)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        facts = {"format": FORMAT, "key": key, "count": count, "size": size, "bytes": needed}
        footer_part.write_text(
            json.dumps({**facts, "crc32": _sample_crc(part, count, size)}), encoding="utf-8"
        )
        os.replace(part, pixels)
        os.replace(footer_part, footer)
    finally:
        part.unlink(missing_ok=True)
        footer_part.unlink(missing_ok=True)


def _is_of_another(pid: str) -> bool:
    """Return whether another living process of this machine has this number."""
    return pid.isdecimal() and int(pid) != os.getpid() and is_alive(int(pid))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _draw_all(part: Path, count: int, size: int, draw, workers: int, chunk: int, progress: str) -> None:
    jobs = [range(start, min(start + chunk, count)) for start in range(0, count, chunk)]
    with progress_bar(total=count, desc=progress, unit="picture", leave=False) as bar:
        if workers > 1 and len(jobs) > 1:
            try:
                with _pool(min(workers, len(jobs))) as pool:
                    started = _submitted(pool, [(part, job, size, draw) for job in jobs])
                    for done in as_completed(started):
                        bar.update(done.result())
                return
            except BrokenProcessPool:
                reason = "The worker processes ended early"
            except _NoWorkers as error:
                reason = f"Worker processes cannot be started ({error})"
            print(f"{reason}; one process draws instead (slower, same pictures).")
            bar.reset()
        for job in jobs:
            bar.update(_draw_into(part, job, size, draw))


class _NoWorkers(Exception):
    """This machine starts no worker processes: no /dev/shm, no semaphores, no room for a socket."""


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # Not fork: a child may inherit the locks of a notebook kernel's or torch's threads shut.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    try:
        pool = ProcessPoolExecutor(workers, mp_context=context)
    except (OSError, ImportError, NotImplementedError) as error:
        raise _NoWorkers(error) from error
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, jobs: list[tuple]) -> list[Future]:
    """The jobs handed to the pool, which starts its processes now; what they raise comes with their results."""
    try:
        return [pool.submit(_draw_into, *job) for job in jobs]
    except BrokenProcessPool:
        raise
    except (OSError, ImportError, EOFError) as error:
        raise _NoWorkers(error) from error


def _draw_into(part: Path, job: range, size: int, draw) -> int:
    """Draw one job and write it at its place: no pictures travel between processes, memory stays small."""
    try:
        pictures = np.asarray(draw(job))
    except OSError as error:  # not the cache's disk, so it must not be reported as that
        raise FashionError(
            f"pictures {job.start} to {job.stop - 1} could not be drawn ({error}): check the files they "
            "come from."
        ) from error
    if pictures.dtype != np.uint8 or pictures.shape != (len(job), size, size, 3):
        raise FashionError(
            f"pictures {job.start} to {job.stop - 1} were drawn as {pictures.dtype} {pictures.shape} "
            f"instead of uint8 {(len(job), size, size, 3)}: correct the drawing function."
        )
    # Plain writes: a full disk is an OSError here, but kills a process that writes through a memory map.
    with part.open("r+b") as file:
        file.seek(job.start * size * size * 3)
        file.write(np.ascontiguousarray(pictures).tobytes())
    return len(job)
