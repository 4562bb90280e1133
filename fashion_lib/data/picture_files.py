"""The pictures below a folder: which files count as pictures, in one order for every command."""

from __future__ import annotations

import os
import re

from fashion_lib.core.errors import FashionError

# HEIC is among them whether it can be read or not, so that a folder from a phone is not read in part without a word.
PICTURE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff"),
    *(".jp2", ".ppm", ".pgm", ".tga", ".heic", ".heif", ".hif"),
)


def picture_files(folder: str | os.PathLike) -> list[str]:
    """Return the paths of all pictures below a folder, relative to it with "/", numbers in their order.

    What counts is the suffix. Hidden files and folders are passed over: macOS and file servers keep their own there.
    Links to files are followed, links to folders are not.

    Raises:
        FashionError: the folder, or one below it, cannot be listed.
    """

    def refuse(error: OSError) -> None:
        raise FashionError(
            f"the folder {error.filename} cannot be listed ({error.strerror}): make it readable, or move it away."
        ) from error

    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "@"))]
        below = os.path.relpath(place, folder).replace(os.sep, "/")
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_ENDINGS:
                found.append(name if below == os.curdir else f"{below}/{name}")
    return sorted(found, key=_in_order)


def _in_order(name: str) -> list[tuple[int, int, str]]:
    """A key that sorts IMG_2 before IMG_10."""
    parts = re.split(r"([0-9]{1,15})", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in parts]
