"""Copies of a picture, byte for byte: they belong into one split, or the scores are too high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import listed
from fashion_lib.data.file_digests import file_digests


def digest_of_each(folder: Path, images: Sequence[str]) -> dict[str, str]:
    """Return image -> SHA-256 of its file; images are paths relative to the folder.

    Raises:
        FashionError: a file cannot be read.
    """
    try:
        return dict(zip(images, file_digests(folder, images), strict=True))
    except OSError as error:
        raise FashionError(
            f"the image {error.filename} cannot be opened ({error.strerror}): restore it, or make it readable."
        ) from error


def note_on_copies(split: Mapping[str, str], digests: Mapping[str, str]) -> str:
    """Return a sentence on copies, "" if there are none; copies across splits are a leak.

    Args:
        split: image -> its split.
        digests: image -> digest of its file.
    """
    same: dict[str, list[str]] = {}
    for image in split:
        same.setdefault(digests[image], []).append(image)
    copies = [images for images in same.values() if len(images) > 1]
    leaks = [images for images in copies if len({split[image] for image in images}) > 1]
    if leaks:
        return (
            f"the scores will be too high, because copies of a picture are in two splits "
            f"({listed([' = '.join(images) for images in leaks])}): keep them in one split, or delete them."
        )
    return f"copies of a picture: {listed([' = '.join(images) for images in copies])}." if copies else ""


def together(groups: Mapping[str, str], digests: Mapping[str, str]) -> dict[str, str]:
    """Join the groups that share a picture, byte for byte, so that no copy is in another split.

    Args:
        groups: image -> group; "" is a group of its own.
        digests: image -> digest of its file.

    Returns:
        image -> the name of its joined group, an image of it.
    """
    head = {image: image for image in groups}

    def root(image: str) -> str:
        while head[image] != image:
            head[image] = image = head[head[image]]
        return image

    first: dict[tuple[str, str], str] = {}
    for image, group in groups.items():
        for key in [("group", group)] * bool(group) + [("file", digests[image])]:
            head[root(image)] = root(first.setdefault(key, image))
    return {image: root(image) for image in groups}
