"""Where a real data set lies, and which of its parts are there, whatever the layout of its folders.

Set FASHION_DATA to a folder: the data set itself, or one that holds several. Without it, `data/<name>` of the project
is looked at. Nothing is downloaded: the licences forbid it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.named_files import fold

VARIABLE = "FASHION_DATA"
DEEPEST = 8  # levels of folders that are searched
PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif")
# Folders of pictures are noted and not searched: they hold hundreds of thousands of files.
PICTURE_FOLDERS = ("img", "Female", "Male", "ut-zap50k-images", "ut-zap50k-images-square")
# Names that people give to other folders, too: what one of the subfolders must be called.
PICTURE_FOLDERS_WITH = {"Images": r".+_labels", "pic": r"\d{8}"}
PAPERS, OWN = "papers", "own"
MACOS = "__MACOSX"  # in archives from macOS: a file without content for each real one, under the same folders


@dataclass(frozen=True)
class Found:
    """A data set on this machine: its layout in words, and its parts.

    Attributes:
        name: of the data set, as in the registry.
        folder: the folder that was searched.
        layout: the layouts that were recognised, for people.
        lists: the folder of the papers' lists; None where they are not there.
        labels: files with raw labels.
        pictures: picture folders; a name in a list begins below the parent of one of them, or below it.
        parts: further files by what they are: "value names", "questions", "url list", "benchmark split", ...
        notes: what was seen and is not used.
    """

    name: str
    folder: Path
    layout: str
    lists: Path | None = None
    labels: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    parts: dict[str, tuple[Path, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def protocol(self) -> str:
        """Return PAPERS where the papers' lists are there, else OWN."""
        return PAPERS if self.lists is not None else OWN


class Tree:
    """The folders and files below a folder, pictures left out; picture folders are noted and not searched.

    Args:
        folder: where to search; links to folders are followed.
        within: names of the folder's own subfolders to search; empty searches all.
    """

    def __init__(self, folder: Path, within: Iterable[str] = ()) -> None:
        self.folder, self.files, self.folders = Path(folder), [], []
        only, seen = set(within), set()
        for place, below, names in os.walk(self.folder, followlinks=True):
            here = Path(place)
            real = os.path.realpath(place)
            if real in seen or len(here.relative_to(self.folder).parts) >= DEEPEST:
                below[:] = []
                continue
            seen.add(real)
            if only and here == self.folder:
                below[:] = [name for name in below if name in only]
            below[:] = sorted(name for name in below if name != MACOS)
            self.folders += [here / name for name in below]
            self.files += [here / name for name in sorted(names) if not name.lower().endswith(PICTURES)]
            below[:] = [name for name in below if not _is_picture_folder(here / name)]

    def named(self, *names: str) -> list[Path]:
        """Return the files with one of these names, the shallowest first; case does not matter."""
        wanted = {name.lower() for name in names}
        return sorted((f for f in self.files if f.name.lower() in wanted), key=_depth)

    def folders_named(self, *names: str) -> list[Path]:
        """Return the folders with one of these names, the shallowest first; the searched folder counts, too."""
        places = [self.folder, *self.folders]
        return sorted((f for f in places if f.name in names), key=_depth)


def _depth(path: Path) -> tuple[int, str]:
    return len(path.parts), str(path)


def _is_picture_folder(folder: Path) -> bool:
    try:
        if pattern := PICTURE_FOLDERS_WITH.get(folder.name):
            return any(re.fullmatch(pattern, name) for name in os.listdir(folder))
    except OSError:
        return False
    if folder.name not in PICTURE_FOLDERS and not folder.name.startswith("img_highres"):
        return False
    return not (folder / folder.name).is_dir()  # an archive may hold its own name again: img/img/<item>


def search(name: str, find: Callable[[Tree], Found | None], aliases: Iterable[str] = ()) -> Found | None:
    """Look for a data set in FASHION_DATA, or in the project's folder data.

    Args:
        name: of the data set.
        find: recognises it in a tree; None where nothing of it is there.
        aliases: further names of its folder in data, compared without case and punctuation.

    Raises:
        FashionError: FASHION_DATA names no folder.
    """
    if chosen := os.environ.get(VARIABLE):
        folder = paths.user_path(chosen, VARIABLE, follow=False)
        if not folder.is_dir():
            raise FashionError(
                f"{VARIABLE} names {folder}, which is not a folder: correct it or unset the variable."
            )
        return find(Tree(folder))
    folder, wanted = paths.root() / "data", {_bare(alias) for alias in (name, *aliases)}
    if not folder.is_dir():
        return None
    within = [entry.name for entry in folder.iterdir() if entry.is_dir() and _bare(entry.name) in wanted]
    return find(Tree(folder, within)) if within else None


def _bare(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


class PictureFiles:
    """Finds pictures by the names that lists give them. Each folder is listed once; no file is opened.

    Args:
        root: the folder that names are relative to. Links are followed: pictures may lie on another disk.
        alike: a part of a path -> a key that is equal for parts that may stand for each other.
    """

    def __init__(self, root: Path, alike: Callable[[str], str] = fold) -> None:
        self.root, self.alike = Path(root), alike
        self._listings: dict[Path, tuple[frozenset[str], dict[str, list[str]]]] = {}

    def find(self, name: str) -> str | None:
        """Return the file's path relative to the root, None where there is none or several fit equally well."""
        place, walked = self.root, []
        for part in name.replace("\\", "/").split("/"):
            if part == ".":
                continue
            if part in ("", ".."):
                return None
            exact, folded = self._listing(place)
            if part not in exact:
                fitting = folded.get(self.alike(part), [])
                if len(fitting) != 1:
                    return None
                part = fitting[0]
            walked.append(part)
            place = place / part
        return "/".join(walked)

    def _listing(self, place: Path) -> tuple[frozenset[str], dict[str, list[str]]]:
        if place not in self._listings:
            try:
                names = os.listdir(place)
            except (OSError, ValueError):  # ValueError: a NUL in the name of a damaged list
                names = []
            folded: dict[str, list[str]] = {}
            for name in names:
                folded.setdefault(self.alike(name), []).append(name)
            self._listings[place] = (frozenset(names), folded)
        return self._listings[place]
