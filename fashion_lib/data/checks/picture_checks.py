"""The picture files: what each one is by its bytes, whether it decodes, and which are equal or nearly equal.

A dead link leaves a web page, an empty file or a "not available" picture behind; a full disk leaves a cut-off file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from fashion_lib.core.progress import bar
from fashion_lib.data.checks.file_bytes import head_of, kind_of_bytes
from fashion_lib.data.checks.finding import Finding, of_files
from fashion_lib.data.checks.near_duplicates import Mark, mark_of
from fashion_lib.data.decoding import read_rgb
from fashion_lib.data.file_digests import file_digests

NAMED = {".jpg": "JPEG", ".jpeg": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WebP"}
TAIL = 4096  # bytes at the end of a JPEG, in which its end marker stands
LEAST = 8  # pixels: the shorter side of a picture that can show a garment
REPLACE = "extract or download it again, or delete it and count it as missing"


@dataclass(frozen=True)
class Look:
    """What one picture file showed. `fault` is "" for a picture that decodes; its other facts are set then."""

    fault: str = ""
    kind: str = ""
    mode: str = ""
    ended: bool = True
    mark: Mark = Mark()
    side: int = LEAST  # the shorter one, in pixels


def look_at(path: Path) -> Look:
    """Read one picture file wholly, at a small size.

    Args:
        path: the file.

    Returns:
        Its format, mode, mark (`mark_of`) and shorter side, or what is wrong with it.
    """
    try:
        head = head_of(path)
        kind = kind_of_bytes(head)
        if kind in ("empty", "pointer", "HTML"):
            words = {"empty": "it has zero bytes", "pointer": "it is a Git LFS pointer instead of a picture"}
            return Look(words.get(kind, "it is a web page saved under a picture's name"), kind)
        ended = kind != "JPEG" or _has_end(path)
        image = read_rgb(path, 64)
        with Image.open(path) as stored:
            mode, side = stored.mode, min(stored.size)
        return Look("", kind, mode, ended, mark_of(image), side)
    except OSError as error:
        if error.errno is not None:
            return Look(f"it cannot be read ({error.strerror})", "unreadable")
        return Look(*_undecodable(kind, str(error)))
    except Exception as error:  # Pillow's decoders raise SyntaxError, ValueError, struct.error, ...
        return Look(*_undecodable(kind, str(error) or type(error).__name__))


def _undecodable(kind: str, reason: str) -> tuple[str, str]:
    reason = reason.split(" (")[0] if "truncated" in reason else reason.split(" '")[0]
    if "truncated" in reason:
        return f"it is cut off ({reason})", "cut"
    return f"it is no picture that can be read ({reason[:120]})" + (
        f", {kind} by its first bytes" if kind else ""
    ), "broken"


def _has_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, os.path.getsize(path) - TAIL))
        return b"\xff\xd9" in file.read()


def look_at_all(root: Path, files: Sequence[str]) -> list[Look]:
    """Look at picture files in threads, with a progress bar.

    Args:
        root: the folder that `files` are relative to.
        files: paths of the pictures.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        looks = pool.map(look_at, [root / file for file in files])
        return list(
            bar(looks, total=len(files), desc="looking at pictures", unit="picture", leave=False, delay=1)
        )


def check_pictures(files: Sequence[str], looks: Sequence[Look]) -> Iterator[Finding]:
    """Yield what is wrong with pictures, one finding for each kind of fault.

    Args:
        files: paths, relative to the checked folder.
        looks: what each showed.
    """
    faults = defaultdict(list)
    for file, look in zip(files, looks, strict=True):
        named = NAMED.get(PurePosixPath(file).suffix.lower())
        if look.fault:
            faults["error", look.kind].append((file, look.fault))
            continue
        if named and look.kind and look.kind != named:
            faults["warning", "named"].append(
                (file, f"it is a {look.kind} picture under the name of a {named}")
            )
        if not look.ended:
            faults["warning", "end"].append(
                (file, "it decodes, but has no end marker: its end may be cut off")
            )
        if look.side < LEAST:
            faults["warning", "tiny"].append((file, f"its shorter side has {look.side} pixels"))
        if look.mode != "RGB":
            faults["note", f"mode {look.mode}"].append((file, f"its mode is {look.mode} instead of RGB"))
    advice = {
        "pointer": "run `git lfs pull` in the clone that it comes from",
        "unreadable": "restore it, or make it readable",
        "named": "nothing here, where bytes decide; look at one: servers send placeholders of another format",
        "end": REPLACE,
        "tiny": "look at it: a placeholder of a server shows nothing; delete it and count it as missing",
    }
    for (severity, kind), places in faults.items():
        other = "nothing: it is converted to RGB" if kind.startswith("mode") else REPLACE
        yield from of_files(severity, places, advice.get(kind, other))


def check_equal(root: Path, split_of: dict[str, str]) -> Iterator[Finding]:
    """Report files with the same bytes: across splits, and within one.

    Args:
        root: the folder that the files are relative to.
        split_of: readable files -> split, "" where there is none.
    """
    files = sorted(split_of)
    try:
        digests = file_digests(root, files)
    except OSError as error:
        yield Finding(
            "error", ".", None, f"a picture changed while it was read ({error})", "run the check again"
        )
        return
    groups = defaultdict(list)
    for file, digest in zip(files, digests, strict=True):
        groups[digest].append(file)
    across, within = [], []
    for group in groups.values():
        if len(group) > 1:
            splits = {split_of[file] for file in group}
            what = f"it has the same bytes as {group[1]}" + (
                f" and {len(group) - 2} more" if len(group) > 2 else ""
            )
            (across if len(splits) > 1 else within).append((group[0], what))
    yield from of_files(
        "warning", across, "one picture is in two splits: remove its copies, or say so beside each number"
    )
    yield from of_files(
        "note", within, "look at it: a placeholder of a server, or a picture that counts several times"
    )
