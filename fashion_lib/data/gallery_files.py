"""The pictures of a gallery: every file below a folder that looks like one, and their pixels, read by threads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.data.file_digests import file_digest
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.picture_files import picture_files
from fashion_lib.data.picture_geometry import WHOLE

DIGITS = 32  # hexadecimal digits that are kept of a file's SHA-256
BYTES_AHEAD = 64 * 2**20  # of pixels that may wait, decoded, while the model computes


class Facts(NamedTuple):
    """Size in bytes and time of the last change in nanoseconds; -1 where the file cannot be reached."""

    size: int
    changed: int


def gallery_pictures(folder: str | os.PathLike) -> dict[str, Facts]:
    """Return the pictures below a folder, in the order of their names.

    Names are paths relative to the folder, with "/"; see `picture_files` for what counts.

    Raises:
        FashionError: the folder is not there, cannot be listed, or holds no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FashionError(f"the gallery {folder} is no folder: give the folder that holds the pictures.")
    found = {name: facts_of(os.path.join(folder, name)) for name in sorted(picture_files(folder))}
    if not found:
        raise FashionError(
            f"there is no picture in {folder}: give a folder with JPEG or PNG files, or others."
        )
    return dict(sorted(found.items()))


def facts_of(path: str | os.PathLike) -> Facts:
    """Return size and time of a file; Facts(-1, -1) where there is none, or a link that leads nowhere."""
    try:
        state = os.stat(path)
    except OSError:
        return Facts(-1, -1)
    return Facts(state.st_size, state.st_mtime_ns)


@dataclass(frozen=True, eq=False)
class ReadPicture:
    """Hold one file of a gallery after it was read.

    Attributes:
        name: path relative to the gallery.
        facts: size and time from before it was read.
        digest: the first DIGITS of its SHA-256; "" where it cannot be opened.
        pixels: uint8 (S, S, 3); None where it is broken, or where its digest was known.
        reason: why it cannot be read; "".
    """

    name: str
    facts: Facts
    digest: str
    pixels: np.ndarray | None
    reason: str = ""


def read_picture(
    folder: str | os.PathLike, name: str, size: int, known, geometry: str = WHOLE
) -> ReadPicture:
    """Read one picture of a gallery; whatever is wrong with it becomes its `reason`.

    Args:
        folder: the gallery.
        name: path relative to it.
        size: side of the square, in pixels.
        known: digests of pictures that need no decoding, as something that has `in`.
        geometry: see `picture_geometry`.
    """
    path = os.path.join(folder, name)
    facts, digest = facts_of(path), ""
    try:
        digest = file_digest(path)[:DIGITS]
        pixels = None if digest in known else decode_photograph(path, size, geometry)
    except FileNotFoundError:
        return ReadPicture(
            name, facts, digest, None, "the file is not there, or is a link that leads nowhere"
        )
    except OSError as error:
        return ReadPicture(name, facts, digest, None, f"it cannot be opened ({error.strerror or error})")
    except FashionError as error:
        return ReadPicture(name, facts, digest, None, str(error.__cause__ or error))
    return ReadPicture(name, facts, digest, pixels)


def read_blocks(
    folder: str | os.PathLike,
    names: Iterable[str],
    size: int,
    known,
    *,
    geometry: str = WHOLE,
    workers: int | None = None,
) -> Iterator[list[ReadPicture]]:
    """Read pictures of a gallery in blocks; the next block is decoded by threads while the caller computes.

    At most two blocks are in memory, of BYTES_AHEAD / 2 of pixels each.

    Args:
        folder: the gallery.
        names: paths relative to it.
        size: side of the squares, in pixels.
        known: digests of pictures that need no decoding, as something that has `in`; it may grow meanwhile.
        geometry: see `picture_geometry`.
        workers: threads that decode; None takes one per processor.

    Yields:
        The pictures of one block, in the order of `names`.
    """
    names = list(names)
    count = max(1, min(512, BYTES_AHEAD // (2 * 3 * size * size)))
    read = partial(read_picture, folder, size=size, known=known, geometry=geometry)
    parts = [names[start : start + count] for start in range(0, len(names), count)]
    with ThreadPoolExecutor(workers or threads.cores()) as pool:
        try:
            ahead: list[Future] = []
            for number in range(len(parts)):
                current = ahead or [pool.submit(read, name) for name in parts[number]]
                following = parts[number + 1] if number + 1 < len(parts) else []
                ahead = [pool.submit(read, name) for name in following]
                yield [future.result() for future in current]
        finally:
            pool.shutdown(cancel_futures=True)
