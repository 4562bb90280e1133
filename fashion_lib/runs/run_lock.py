"""One process per run folder: whoever comes second waits, and then loads what the first one made."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import system_lock
from fashion_lib.runs.record import RECORD_NAME


def lock_file(folder: Path) -> Path:
    """Return the lock file of a run folder.

    It lies beside the folder, so that the folder can be deleted while the lock is held.
    """
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder, and say so once where another process must be waited for.

    The system frees the lock of a process that ends in any way, so a killed run never locks anybody out. A finished
    run below a folder that cannot be written to is only read, and needs no lock.

    Raises:
        FashionError: the lock cannot be made, and there is no finished run to read.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = system_lock(lock_file(folder))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"Waiting for another process that trains {folder.parent.name} {folder.name} ...", flush=True)
            lock.acquire()
    except OSError as error:
        if (folder / RECORD_NAME).is_file() and not os.access(folder.parent, os.W_OK):
            yield
            return
        raise FashionError(
            f"The run folder {folder} cannot be locked ({error.strerror or error}): make {folder.parent} writable, or"
            " point FASHION_RUNS to another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()
