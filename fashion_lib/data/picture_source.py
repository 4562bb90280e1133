"""Where the pixels of a folder of photographs come from: a cache that is made once, or decoding while they are read.

Both give the same pixels. The cache reads faster, but decodes everything before the first step and takes
N * S * S * 3 bytes of disk: 27 GB for FashionAI's 180,000 photographs at 224 pixels.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.lazy_pixels import LazyPixels
from fashion_lib.data.photographs import cached_photographs, decoder, digests_of
from fashion_lib.data.picture_geometry import WHOLE

SETTING = "FASHION_PIXELS"
WAYS = ("cache", "decode")
LIMIT_GIB = 4.0  # a larger cache is not made unless someone asks for it


def chosen_way(count: int, size: int, way: str = "") -> str:
    """Choose how photographs are read: "cache" or "decode".

    Args:
        count: number of photographs.
        size: side of the square pictures, in pixels.
        way: "cache", "decode", or the largest cache in GiB as text. "" takes the same from $FASHION_PIXELS, and without
            that variable, `LIMIT_GIB`.

    Raises:
        FashionError: for another text.
    """
    wish = (way or os.environ.get(SETTING, "")).strip()
    if wish in WAYS:
        return wish
    try:
        limit = float(wish or LIMIT_GIB)
    except ValueError:
        limit = -1.0
    if not 0 <= limit < float("inf"):
        named = "the argument way" if way else SETTING
        raise FashionError(
            f"{named} is {wish[:20]!r}: give 'cache', 'decode', or the largest cache of pictures in GiB, such as 20."
        )
    return "cache" if count * size * size * 3 <= limit * 2**30 else "decode"


def pictures(
    name: str,
    folder: Path,
    images: Sequence[str],
    size: int,
    *,
    geometry: str = WHOLE,
    way: str = "",
    workers: int | None = None,
) -> tuple[np.ndarray | LazyPixels, dict[str, str], str]:
    """Return the pixels of a folder of photographs, decoded once into the cache or whenever they are read.

    A run's identity holds a digest of its pixels. Above `LIMIT_GIB` that is a digest of the files and the settings of
    the decoder, whatever the way. Below, it is one of the pixels themselves. So a run can go on with the other way,
    if every file can be read. A digest of files does not notice that another version of Pillow decodes a file to other
    pixels.

    Only "cache" finds unreadable files at the start, because it decodes all of them. A data set then leaves out their
    labels, so its version differs from that with "decode". With "decode" such a file stops the run when it is read.
    Pillow's quick check (`Image.verify`) is no way out: it accepts photographs that are cut off.

    Args:
        name: of the data set, for the cache's file name and the progress bar.
        folder: the folder of the photographs.
        images: paths relative to `folder`, all existing.
        size: side of the square pictures, in pixels.
        geometry: see `picture_geometry`.
        way: see `chosen_way`.
        workers: processes that fill the cache; None takes as many as there are processors.

    Returns:
        The pixels, uint8 (N, size, size, 3) or what stands for them, the unreadable images (name -> reason) and a
        digest of the names and the files' content. With "decode" the unreadable images are always {}: reading one of
        them is a `FashionError` that names the file.

    Raises:
        FashionError: a file vanished or changed meanwhile, or the cache cannot be written.
    """
    large = chosen_way(len(images), size, str(LIMIT_GIB)) == "decode"
    if chosen_way(len(images), size, way) == "cache":
        pixels, unreadable, mark = cached_photographs(
            name, folder, images, size, geometry=geometry, workers=workers
        )
        if large:
            pixels.digest = decoding_digest(mark, size, geometry)
        return pixels, unreadable, mark
    digests, mark = digests_of(Path(folder), images)
    digest = decoding_digest(mark, size, geometry) if large else ""
    return LazyPixels(folder, images, size, digests, digest, geometry), {}, mark


def decoding_digest(mark: str, size: int, geometry: str = WHOLE) -> str:
    """Return what stands for the pixels in a run's identity: the files' digest, and what decides their decoding.

    Args:
        mark: digest of the names and the files' content.
        size: side of the pictures, in pixels; it also decides the draft mode of JPEG files.
        geometry: see `picture_geometry`.
    """
    return f"{mark}-{decoder(size, geometry)}"
