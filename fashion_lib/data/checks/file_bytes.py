"""What a file is by its first bytes: a text, a picture, a Git LFS pointer, a web page, or nothing that can be read."""

from __future__ import annotations

import codecs
from pathlib import Path

from fashion_lib.data.checks.finding import Finding
from fashion_lib.data.decoding import HEIC_BRANDS

HEAD = 4096  # bytes that show what a file is
POINTER = b"version https://git-lfs"
UNICODE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# Beginnings of files that are no text and are found under a text's or a picture's name.
MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
}


def head_of(path: Path) -> bytes:
    """Return the first HEAD bytes of a file.

    Raises:
        OSError: it cannot be read, or is no plain file (a folder, a pipe).
    """
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder")
    if path.exists() and not path.is_file():  # to open a pipe would wait for its writer
        raise OSError(22, "it is no plain file")
    with path.open("rb") as file:
        return file.read(HEAD)


def kind_of_bytes(head: bytes) -> str:
    """Return what a file is by its first bytes: "empty", "pointer", "HTML", a format's name, or "" if unknown."""
    if not head:
        return "empty"
    if head.startswith(POINTER):
        return "pointer"
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:64].lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")):
        return "HTML"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return (
            "HEIC" if head[8:12] in HEIC_BRANDS else "AVIF" if head[8:12] in (b"avif", b"avis") else "video"
        )
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def no_text(path: Path, file: str) -> Finding | None:
    """Return why a file that should be a text list cannot be read as one; None if it can.

    Args:
        path: where it is.
        file: its name in the finding.
    """
    again = "put the original file in its place"
    try:
        head = head_of(path)
    except OSError as error:
        reason = error.strerror or str(error)
        return Finding(
            "error", file, None, f"it cannot be read ({reason})", "restore it, or make it readable"
        )
    kind = kind_of_bytes(head)
    if kind == "pointer":
        advice = "run `git lfs install` and `git lfs pull` in the clone that it comes from"
        return Finding("error", file, 1, "it is a Git LFS pointer of three lines instead of the list", advice)
    if kind == "HTML":
        return Finding("error", file, 1, "it is a web page saved under a list's name", again)
    if kind == "empty":
        return Finding("error", file, None, "it has zero bytes", again)
    if head.startswith(UNICODE_MARKS):
        return Finding(
            "warning", file, 1, "it is UTF-16 or UTF-32 text: its rows were not checked", "save it as UTF-8"
        )
    if kind not in ("", "BMP") or b"\x00" in head:  # a text may begin with BM
        return Finding("error", file, None, f"it is no text but {kind or 'binary'} data", again)
    return None
