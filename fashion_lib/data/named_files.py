"""From the names in a table to the files of a folder: one file, one name, and none outside the folder.

`./a.jpg`, `a.jpg`, an absolute path and a link to the file are spellings of one image. A name that is not there
is looked for in another normal form (macOS decomposes accents), case or separator (tables from Windows).
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fashion_lib.core.errors import FashionError, cut
from fashion_lib.core.words import listed


@dataclass(frozen=True)
class Found:
    """A file that a name means.

    file: its path relative to the folder, with "/".
    difference: what the name has that the file has not, in words; "" for its own name, and for other
        spellings of one path such as `./a.jpg`, absolute paths and links.
    """

    file: str
    difference: str = ""


class NamedFiles:
    """Finds files of one folder by name. It reads each folder's listing once.

    Args:
        folder: the folder that names are relative to.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self.root = self.folder.resolve()
        self._folders: dict[str, Path] = {}
        self._listings: dict[Path, tuple[set[str], dict[str, list[str]]]] = {}

    def find(self, name: str) -> Found | None:
        """Return the file that `name` means; None if there is none, or several that fit equally well.

        Raises:
            FashionError: the name leads out of the folder, itself or through a link.
        """
        if not name.strip():
            return None
        # A file's own name may hold a backslash, or begin with a space.
        spellings = {name.strip(): "without the spaces around it", name.replace("\\", "/"): "another separator"}
        for spelling in dict.fromkeys((name, *reversed(spellings))):
            parts = self._inside(name, spelling)
            walked = self._walk(parts) if parts else None
            if walked is None:
                continue
            listed, differences = walked
            if listed != list(parts):  # what is found now may be a link: its target is the image
                parts = self._inside(name, "/".join(listed))
            if parts and self.root.joinpath(*parts).is_file():
                if spelling != name:
                    differences = [spellings[spelling], *differences]
                return Found("/".join(parts), " and ".join(dict.fromkeys(differences)))
        return None

    def _inside(self, name: str, spelling: str) -> tuple[str, ...] | None:
        """The parts of a path below the folder, links followed; None for what no file can be called."""
        try:
            path = self._resolved(spelling)
        except (OSError, ValueError, RuntimeError):  # a NUL, a lone surrogate, links in a circle
            return None
        if not path.is_relative_to(self.root):
            raise FashionError(
                f"the image '{cut(name)}' leads out of the folder {self.folder} (to {path}): put the file "
                "into the folder, or give the folder that holds all images."
            )
        return path.relative_to(self.root).parts

    def _resolved(self, spelling: str) -> Path:
        """The path without links; a folder is followed once for all of its files."""
        place, last = os.path.split(spelling)
        if last in ("", ".", ".."):
            return (self.root / spelling).resolve()
        if place not in self._folders:
            self._folders[place] = (self.root / place).resolve()
        path = self._folders[place] / last
        return path.resolve() if path.is_symlink() else path

    def _walk(self, parts: tuple[str, ...]) -> tuple[list[str], list[str]] | None:
        """The parts as the folders list them, and how they differ; None where one is not there."""
        listed, differences, place = [], [], self.root
        for part in parts:
            exact, folded = self._listing(place)
            if part not in exact:
                alike = folded.get(fold(part), [])
                if len(alike) != 1:
                    return None
                same = unicodedata.normalize("NFC", part) == unicodedata.normalize("NFC", alike[0])
                differences.append("another Unicode normal form" if same else "another case")
                part = alike[0]
            listed.append(part)
            place = place / part
        return listed, differences

    def _listing(self, place: Path) -> tuple[set[str], dict[str, list[str]]]:
        """The names in a folder, and the names by what they fold to; none where it cannot be listed."""
        if place not in self._listings:
            try:
                names = os.listdir(place)
            except OSError:
                names = []
            folded: dict[str, list[str]] = {}
            for name in names:
                folded.setdefault(fold(name), []).append(name)
            self._listings[place] = (set(names), folded)
        return self._listings[place]


def fold(name: str) -> str:
    """Return a key that is equal for names that differ only in case or Unicode normal form."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def find_files(
    names: Sequence[str], folder: str | os.PathLike, *, source: str, lines: Sequence[int]
) -> tuple[dict[str, str], str]:
    """Find the file of each name of a table.

    Args:
        names: paths relative to the folder, or absolute, as the table has them.
        folder: the folder of the files.
        source: what to call the table in sentences.
        lines: the table's line of each name.

    Returns:
        name -> path of its file relative to `folder`, without the names that have no file; and a sentence on
        the names that their folder spells otherwise, "" if there are none.

    Raises:
        FashionError: a name leads out of the folder.
    """
    search, found, other = NamedFiles(folder), {}, {}
    for name, line in zip(names, lines, strict=True):
        if name in found:
            continue
        try:
            file = search.find(name)
        except FashionError as error:
            raise FashionError(f"line {line} of {source}: {error}") from None
        if file is None:
            continue
        found[name] = file.file
        if file.difference:
            other[name] = f"'{cut(name, 120)}' is the file '{cut(file.file, 120)}', {file.difference}"
    if not other:
        return found, ""
    return found, (
        f"{len(other)} of the names in {source} are spelled otherwise in {folder}, and these files were taken: "
        f"{listed(list(other.values()))}."
    )
