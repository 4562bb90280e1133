"""Photograph files to square uint8 pixels, cached; unreadable files are found, named and survived."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.cache import check_key, discard, load_or_build
from fashion_lib.data.decoding import read_rgb
from fashion_lib.data.file_digests import file_digest, file_digests
from fashion_lib.data.picture_geometry import WHOLE, check_geometry, fit

VERSION = 2  # of the decoding below: part of every cache key
UNREDUCED = 1 << 15  # a side for which `read_rgb` decodes no photograph at a fraction of its size


def decode_photograph(path: str | Path, size: int, geometry: str = WHOLE) -> np.ndarray:
    """Read one photograph, turned upright (EXIF), as a square, by default one that keeps the whole garment.

    The long side is scaled to `size` and the short side padded with the mean colour of the picture's border. The
    papers' centre crop on FashionAI would cut off hems and collars of portrait photographs, and the attributes are
    read there. Padding in the border's colour adds no edge for an attention map to look at.

    Args:
        path: the file.
        size: side of the square, in pixels.
        geometry: see `picture_geometry`. Those of the papers are computed from the picture at its full size.

    Returns:
        uint8 (size, size, 3), RGB.

    Raises:
        FashionError: for a file that is missing, unreadable or cut off; it names the file.
    """
    try:
        return fit(read_rgb(path, size if geometry == WHOLE else UNREDUCED), size, geometry)
    except FileNotFoundError:
        raise FashionError(f"the image {path} does not exist: restore it or remove its rows.") from None
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        reason = str(error) or type(error).__name__
        raise FashionError(
            f"the image {path} cannot be read ({reason}): replace it or remove its rows."
        ) from error


@dataclass(frozen=True)
class PhotographReader:
    """Draws a range of photographs for the cache; picklable. An unreadable one stays black (all zeros).

    Args:
        files: paths of the photographs.
        size: side of the square pictures, in pixels.
        digests: SHA-256 of each file, where a file of other content is a `FashionError`; empty: not compared.
        geometry: see `picture_geometry`.
    """

    files: tuple[str, ...]
    size: int
    digests: tuple[str, ...] = ()
    geometry: str = WHOLE

    def __call__(self, rows: range) -> np.ndarray:
        pixels = np.zeros((len(rows), self.size, self.size, 3), dtype=np.uint8)
        for place, row in enumerate(rows):
            if self.digests and file_digest(self.files[row]) != self.digests[row]:
                raise FashionError(
                    f"the image {self.files[row]} was changed while the photographs were decoded: run the "
                    "command again when its folder is at rest."
                )
            try:
                pixels[place] = decode_photograph(self.files[row], self.size, self.geometry)
            except FashionError:
                continue  # `cached_photographs` finds the black rows again and reads each file for its reason
        return pixels


def cached_photographs(
    name: str,
    folder: Path,
    images: Sequence[str],
    size: int,
    *,
    geometry: str = WHOLE,
    workers: int | None = None,
) -> tuple[np.memmap, dict[str, str], str]:
    """Decode photographs once; later calls read the cache.

    The cache follows the content of the files: any changed byte makes a new one, a new date alone does not.

    Args:
        name: of the data set, for the cache's file name and the progress bar.
        folder: the folder of the photographs.
        images: paths relative to `folder`, all existing.
        size: side of the square pictures, in pixels.
        geometry: see `picture_geometry`; each has a cache of its own.
        workers: processes that decode; None takes as many as there are processors.

    Returns:
        The pixels uint8 (N, size, size, 3), the unreadable images (name -> reason; their pixels are zeros)
        and a digest of the names and the files' content.

    Raises:
        FashionError: a file vanished or changed meanwhile, or the cache cannot be written.
    """
    check_key(name)  # before anything is read for it
    folder = Path(folder)
    digests, mark = digests_of(folder, images)
    key = f"{name}-{decoder(size, geometry)}-{mark}"
    reader = PhotographReader(tuple(str(folder / image) for image in images), size, tuple(digests), geometry)

    def load() -> np.memmap:
        return load_or_build(
            key, len(images), size, reader, workers=workers, progress=f"decoding {name} photographs"
        )

    pixels = load()
    unreadable = _unreadable(pixels, folder, images, size, geometry)
    if unreadable is None:  # a file that decodes now did not then: too little memory, a network disk away
        discard(key)
        pixels = load()
        unreadable = _unreadable(pixels, folder, images, size, geometry)
    if unreadable is None:
        raise FashionError(
            f"photographs in {folder} can be read at one moment and not at the next: check the disk and the "
            "free memory, then run the command again."
        )
    return pixels, unreadable, mark


def decoder(size: int, geometry: str = WHOLE) -> str:
    """Return the decoder's version, the size in pixels and the geometry as a part of names: what decides the pixels."""
    return f"photographs{VERSION}-{size}px" + ("" if check_geometry(geometry) == WHOLE else f"-{geometry}")


def digests_of(folder: Path, images: Sequence[str]) -> tuple[list[str], str]:
    """Return the SHA-256 of each photograph (hexadecimal), and a digest of all names and contents.

    Args:
        folder: the folder of the photographs.
        images: paths relative to `folder`, all existing.

    Raises:
        FashionError: a file cannot be opened.
    """
    try:
        digests = file_digests(folder, images)
    except OSError as error:
        raise FashionError(
            f"the image {error.filename} cannot be opened ({error.strerror}): restore it, or make it readable."
        ) from error
    digest = hashlib.sha256()
    for image, content in zip(images, digests, strict=True):
        # Names as bytes: one that is no UTF-8 has a lone surrogate, which has no encoding.
        digest.update(os.fsencode(image) + f"\t{content}\n".encode())
    return digests, digest.hexdigest()[:12]


def _unreadable(
    pixels: np.ndarray, folder: Path, images: Sequence[str], size: int, geometry: str
) -> dict[str, str] | None:
    """Image -> why it cannot be read, for the black rows; None if the cache has black where the file has not."""
    # One row of pixels rules out nearly every photograph without reading the rest.
    dark = np.flatnonzero(~pixels[:, size // 2].any(axis=(1, 2)))
    unreadable = {}
    for row in dark:
        if not pixels[row].any():
            try:
                if decode_photograph(folder / images[row], size, geometry).any():
                    return None
                # a photograph that really is black stays in
            except FashionError as error:
                unreadable[images[row]] = str(error.__cause__ or error)
    return unreadable
