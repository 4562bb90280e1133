"""The files below a folder; folders of other data sets beside it are left out."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from fashion_lib.data.checks.file_kinds import OWN, kind_of
from fashion_lib.data.checks.finding import Finding
from fashion_lib.data.sets.set_layout import MACOS

# Folders of one data set are not searched for another: data/ often holds several.
FOLDERS = {
    "fashionai": "fashionai",
    "darn": "darn",
    "deepfashion": "deepfashion",
    "deepfashion_adde": "deepfashion",
}

FOLDERS |= {"shopping100k": "shopping100k", "zappos50k": "zappos50k"}


def walk(root: Path, kind: str, findings: list[Finding]) -> tuple[list[str], list[str]]:
    """Return the files below a folder, and the folders that have a list's name.

    Links are followed, and each folder is visited once.

    Args:
        root: the folder.
        kind: name of the data set, or OWN.
        findings: a folder that cannot be read is added to them.

    Returns:
        Both as paths relative to the folder, with "/".
    """
    files, folders, seen = [], [], set()
    others = {name for name in FOLDERS.values() if name != FOLDERS.get(kind)} if kind != OWN else set()

    def unreadable(error: OSError) -> None:
        place = PurePosixPath(os.path.relpath(error.filename or root, root)).as_posix()
        advice = "make it readable, or move it away"
        findings.append(
            Finding("error", place, None, f"the folder cannot be read ({error.strerror})", advice)
        )

    for place, below, names in os.walk(root, followlinks=True, onerror=unreadable):
        real = os.path.realpath(place)
        if real in seen:
            below[:] = []
            continue
        seen.add(real)
        here = Path(place).relative_to(root).as_posix()
        joined = (lambda name: name) if here == "." else (lambda name, here=here: f"{here}/{name}")
        folders += [joined(name) for name in below if kind_of(kind, joined(name))]
        below[:] = sorted(
            name
            for name in below
            if not (
                name.startswith(".") or name == MACOS or name.lower() in others or kind_of(kind, joined(name))
            )
        )
        files += [joined(name) for name in sorted(names) if not name.startswith(".")]
    return files, folders
