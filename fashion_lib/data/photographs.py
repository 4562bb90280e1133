"""Photograph files to square uint8 pixels, cached; unreadable files are found, named and survived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fashion_lib.core.errors import FashionError
from fashion_lib.data.cache import load_or_build

VERSION = 1  # of the decoding below: part of every cache key


def decode_photograph(path: str | Path, size: int) -> np.ndarray:
    """One photograph as uint8 (size, size, 3) RGB: turned upright (EXIF), the whole garment kept.

    The long side is scaled to `size` and the short side padded with the mean colour of the picture's border.
    A centre crop, as the papers use on FashionAI, would cut hems and collars of portrait photographs, which
    are just what the attributes ask for; padding in the border's colour adds no edge for an attention map to
    look at. An unreadable or cut-off file is a `FashionError` that names it.
    """
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * size, 2 * size))  # large JPEGs are decoded at a half, quarter or eighth
            image = ImageOps.exif_transpose(image)
            if image.has_transparency_data:  # garments cut out for a shop: their empty pixels are not black
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
            return square_pixels(image.convert("RGB"), size)
    except FileNotFoundError:
        raise FashionError(f"the image {path} does not exist: restore it or remove its rows.") from None
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise FashionError(
            f"the image {path} cannot be read ({error}): replace it or remove its rows."
        ) from error


def square_pixels(image: Image.Image, size: int) -> np.ndarray:
    """An RGB image fitted into uint8 (size, size, 3), centred on the mean colour of its border."""
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (2 width + 2 height, 3)
    square = np.empty((size, size, 3), dtype=np.uint8)
    square[:] = np.round(border.mean(axis=0)).astype(np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square


@dataclass(frozen=True)
class PhotographReader:
    """Draws a range of photographs for the cache; picklable. An unreadable one stays black (all zeros)."""

    files: tuple[str, ...]
    size: int

    def __call__(self, rows: range) -> np.ndarray:
        pixels = np.zeros((len(rows), self.size, self.size, 3), dtype=np.uint8)
        for place, row in enumerate(rows):
            try:
                pixels[place] = decode_photograph(self.files[row], self.size)
            except FashionError:
                continue  # `cached_photographs` finds the black rows again and asks each file for its reason
        return pixels


def cached_photographs(
    name: str, folder: Path, images: Sequence[str], size: int, *, workers: int | None = None
) -> tuple[np.memmap, dict[str, str], str]:
    """Decode `images` (paths relative to `folder`, all existing) once; later calls read the cache.

    Returns the pixels uint8 (N, size, size, 3), the unreadable images (name -> reason; their pixels are
    zeros) and a digest of the file list. The digest covers names and file sizes, so an added, removed or
    replaced photograph makes a new cache; an edit that keeps the size to the byte does not.
    """
    digest = hashlib.sha256()
    for image in images:
        digest.update(f"{image}\t{(folder / image).stat().st_size}\n".encode())
    mark = digest.hexdigest()[:12]
    reader = PhotographReader(tuple(str(folder / image) for image in images), size)
    pixels = load_or_build(
        f"{name}-photographs{VERSION}-{size}px-{mark}",
        len(images),
        size,
        reader,
        workers=workers,
        progress=f"decoding {name} photographs",
    )
    # One row of pixels rules out nearly every photograph without reading the rest.
    dark = np.flatnonzero(~pixels[:, size // 2].any(axis=(1, 2)))
    unreadable = {}
    for row in dark:
        if not pixels[row].any():
            try:
                decode_photograph(folder / images[row], size)  # a photograph that really is black stays in
            except FashionError as error:
                unreadable[images[row]] = str(error.__cause__ or error)
    return pixels, unreadable, mark
