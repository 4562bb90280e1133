"""Photographs that are decoded when their rows are read, behind the indexing of an array of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.file_digests import file_digest
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.picture_geometry import WHOLE


class LazyPixels:
    """What stands for the pixels uint8 (N, S, S, 3) of a data set that is too large to decode before the start.

    `pixels[rows]` decodes the files of those rows, the way the cache does, so both give the same numbers. Only the
    first axis can be indexed: by a whole number, a slice, an array of rows or of truth values.

    Args:
        folder: the folder of the photographs.
        images: N paths relative to `folder`.
        size: S, in pixels.
        digests: SHA-256 of each file (hexadecimal). A file of other content is a `FashionError`, because a run that
            reads it would not be the run that its name says.
        digest: stands for the pixels in the identity of a run; "" if they must be decoded for it.
        geometry: see `picture_geometry`.
    """

    decoded_when_read = True
    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(
        self,
        folder: Path,
        images: Sequence[str],
        size: int,
        digests: Sequence[str],
        digest: str = "",
        geometry: str = WHOLE,
    ):
        self.folder, self.images = Path(folder), tuple(images)
        self.digests, self.digest, self.geometry = tuple(digests), digest, geometry
        self.shape = (len(self.images), size, size, 3)
        self._rows = np.arange(len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def nbytes(self) -> int:
        """Return the bytes that all pictures would take, decoded."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __getitem__(self, key) -> np.ndarray:
        """Decode rows: uint8 (S, S, 3) for a whole number, else (rows, S, S, 3); a new array each time.

        Raises:
            FashionError: a file cannot be read, or its content has changed; it names the file.
            IndexError: there is no such row, or another axis is indexed.
        """
        if isinstance(key, tuple):
            raise IndexError(
                "only the first axis of pictures that are decoded when they are read can be indexed"
            )
        rows = self._rows[key]
        pixels = np.empty((*rows.shape, *self.shape[1:]), dtype=np.uint8)
        flat = pixels.reshape(-1, *self.shape[1:])
        for place, row in enumerate(rows.reshape(-1).tolist()):
            flat[place] = self._decode(row)
        return pixels

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _decode(self, row: int) -> np.ndarray:
        path = self.folder / self.images[row]
        pixels = decode_photograph(path, self.shape[1], self.geometry)
        if file_digest(path) != self.digests[row]:
            raise FashionError(
                f"the image {path} was changed after the data set was loaded: start the command again when its "
                "folder is at rest."
            )
        return pixels
