"""Files that exist whole or not at all, one writer at a time, and JSON that is read with care."""

import json
import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fashion_lib.core.errors import FashionError

PATIENCE = 600  # seconds to wait for another process's write, which takes one or two
_HOST = re.sub(r"[^A-Za-z0-9-]", "-", platform.node())[:40] or "host"  # a folder may be shared by several machines
_parts = count()  # threads of one process may write the same file


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a new file to write to; at the end of the block it replaces `path`, after an exception it is deleted.

    This is the only place where such files are made. The name of the unfinished file ends in the machine, the
    process and ".part", so that `remove_leftovers` never deletes what a living process writes.

    Args:
        path: the file. Its folder is created if need be.

    Raises:
        OSError: the folder cannot be written to or the disk is full; what was at `path` is untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{next(_parts)}@{_HOST}.{os.getpid()}.part")
    try:
        yield part
        with open(part, "r+b") as file:
            os.fsync(file.fileno())  # else a power cut can leave the new name with no content
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that either exists whole or keeps its old content.

    Raises:
        OSError: as `written_whole` does.
    """
    with written_whole(path) as part:
        part.write_bytes(content)


def write_atomically(path: Path, text: str) -> Path:
    """Write text as UTF-8 to a file that either exists whole or keeps its old content.

    Returns:
        The path.

    Raises:
        FashionError: the disk refuses.
    """
    path = Path(path)
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise FashionError(f"{path} cannot be written ({error.strerror}): free some space or choose a writable"
                           " folder with FASHION_RUNS.") from error
    return path


def remove_leftovers(folder: Path) -> None:
    """Delete the unfinished files of processes that were killed while they wrote into a folder.

    What a living process writes stays, as does what another machine writes into a shared folder.
    """
    for part in Path(folder).glob("*.part"):
        *_, made, process = ["", "", *part.name.removesuffix(".part").split(".")]
        elsewhere = "@" in made and made.rpartition("@")[2] != _HOST
        alive = process.isascii() and process.isdigit() and is_alive(int(process))
        if not (elsewhere or alive):
            part.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Return whether a process of this machine has this number."""
    if os.name == "nt":
        return True  # there, a signal is no question: it ends the process
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it belongs to another user
    return True


def system_lock(path: Path) -> FileLock:
    """Return a lock that the system frees when its process ends in any way; nothing is locked yet.

    Where a disk has no such locks, acquiring it raises OSError. Without this setting, filelock would take the file's
    existence as the lock there, and a killed process would leave it locked.
    """
    return FileLock(path, fallback_to_soft=False)


@contextmanager
def one_writer(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder, so that reading, changing and writing it is one act.

    The lock is the hidden file `.<name>.lock` beside it. The system frees it when its process ends in any way, so
    it never stays locked. Nobody may delete it while others wait for it.

    Raises:
        FashionError: the lock cannot be made, or another process holds it for ten minutes.
    """
    path = Path(path)
    file = path.with_name(f".{path.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = system_lock(file)
        lock.acquire(timeout=PATIENCE)
    except Timeout as error:
        raise FashionError(
            f"another process has held {file} for {PATIENCE} seconds: end that process and start again."
        ) from error
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FashionError(
            f"{path} cannot be written ({reason}): make {file.parent} writable, or choose another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


def parsed_json(text: str | bytes) -> Any:
    """Parse JSON text whose numbers are all finite.

    Raises:
        ValueError: the text is no JSON, is nested too deeply, or holds NaN or an infinite number.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _finite(text: str) -> float:
    value = float(text)
    if value - value != 0:  # NaN or infinite
        raise ValueError(f"{text[:20]} is not a finite number")
    return value


def _whole(text: str) -> int:
    if len(text) > 40:  # no count is that long, and a float could not hold a longer one
        raise ValueError(f"{text[:20]}... is a number of {len(text)} digits")
    return int(text)
