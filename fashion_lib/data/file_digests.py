"""SHA-256 of each file of a folder, remembered while the file stays untouched.

A digest is believed again if size, times and inode of the file are those that it was made for. Every change
that keeps them would need a wrong clock; the change time (ctime) cannot be set back as the modification time can.
A file that was written within the last seconds is not remembered: another write in the same tick of the
clock would look the same.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.files import written_whole
from fashion_lib.core.progress import bar as progress_bar

FORMAT = 1
SETTLED = 2.0  # seconds; the coarsest clock of a common file system (FAT) ticks every two


def file_digests(folder: Path, files: Sequence[str]) -> list[str]:
    """Return the SHA-256 (hexadecimal) of each file's bytes; only new or touched files are read.

    Args:
        folder: the folder that `files` are relative to.
        files: paths of existing files.

    Raises:
        OSError: a file cannot be read, or is no plain file.
    """
    memory = paths.cache_dir() / f"digests-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]}.json"
    known = _remembered(memory)
    digests, fresh = [], {}
    for name in progress_bar(files, desc="checking the photographs", unit="file", leave=False, delay=2):
        path = folder / name
        facts = _facts(path)
        entry = known.get(name)
        if entry is None or entry[:-1] != facts:
            entry = [*facts, file_digest(path)]
            if _settled(facts) and _facts(path) == facts:
                fresh[name] = entry
        digests.append(entry[-1])
    if fresh:
        _remember(memory, known | fresh)
    return digests


def file_digest(path: str | os.PathLike) -> str:
    """Return the SHA-256 (hexadecimal) of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(path: Path) -> list[int]:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):  # to open a pipe would wait for its writer
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def _settled(facts: list[int]) -> bool:
    """True if the file was not written in this moment. A date far in the future is a camera's, and settled."""
    now = time.time_ns()
    return all(abs(now - moment) > SETTLED * 1e9 for moment in facts[1:3])


def _remembered(memory: Path) -> dict[str, list]:
    """The stored entries; none from a missing, damaged or foreign file, which only costs reading again."""
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return {}
    files = content.get("files")
    if not isinstance(files, dict):
        return {}
    return {
        name: entry
        for name, entry in files.items()
        if isinstance(entry, list) and len(entry) == 5 and isinstance(entry[-1], str)
    }


def _remember(memory: Path, entries: dict[str, list]) -> None:
    # On a full or read-only disk the digests are right all the same.
    with suppress(OSError), written_whole(memory) as part:
        part.write_text(json.dumps({"format": FORMAT, "files": entries}), encoding="utf-8")
