"""From the names in lists to the pictures on the disk, whatever folder they were extracted into."""

from __future__ import annotations

import html
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fashion_lib.data.checks.finding import Finding
from fashion_lib.data.checks.listings import Listing
from fashion_lib.data.picture_files import PICTURE_ENDINGS

PROBED = 200  # names of a list that are tried in each folder
EXPECTED_MISSING = ("darn",)  # its addresses die, so that every copy is a part


@dataclass
class Named:
    """The pictures that one list names.

    Attributes:
        listing: the list.
        files: for each of its rows the file, relative to the checked folder; None where there is none or no name.
        names: for each row the name; None where the row could not be read.
        other_spelling: names found in another spelling only -> file.
    """

    listing: Listing
    files: list[str | None] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    other_spelling: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[tuple[int, str]]:
        """(line, name) of the rows whose picture is not there."""
        rows = zip(self.listing.lines, self.names, self.files, strict=True)
        return [(line, name) for line, name, file in rows if name is not None and file is None]


def folded(path: str) -> str:
    """Return a path's key under which spellings of one file meet: case, normal form, HTML entities, `%2E`, end dots."""
    text = html.unescape(unicodedata.normalize("NFC", path)).replace("%2E", ".").replace("\\", "/").casefold()
    return "/".join(part.rstrip(". ") or part for part in text.split("/") if part != ".")


class PicturePlaces:
    """Finds pictures by the names in lists.

    Args:
        files: all files of the checked folder, relative paths with "/".
    """

    def __init__(self, files: Iterable[str]) -> None:
        self.files = {file for file in files if file.lower().endswith(PICTURE_ENDINGS)}
        self._parents: dict[str, list[str]] = defaultdict(
            list
        )  # a folder's or file's name -> folders that hold it
        places = set()
        for file in self.files:
            for place in (PurePosixPath(file), *PurePosixPath(file).parents[:-1]):
                if str(place) in places:
                    break
                places.add(str(place))
                self._parents[folded(place.name)].append(str(place.parent))
        self._folded: dict[str, str | None] = {}  # None where several files fit: none of them is meant
        for file in self.files:
            key = folded(file)
            self._folded[key] = None if key in self._folded else file

    def of(self, listing: Listing, names: Sequence[str | None]) -> Named:
        """Return the files of a list's names.

        Args:
            listing: the list, near whose folder pictures are looked for first.
            names: one per row; DARN's list of addresses may leave out ".jpg".
        """
        if listing.kind == "DARN addresses":
            whole = (name is None or name.lower().endswith(PICTURE_ENDINGS) for name in names)
            names = [name if ends else f"{name}.jpg" for name, ends in zip(names, whole, strict=True)]
        named, bases = (
            Named(listing, names=list(names)),
            self._bases(listing, [n for n in names if n is not None]),
        )
        for name in names:
            file = None if name is None else self._find(name, bases)
            named.files.append(file)
            if file is not None and not any(file == _joined(base, name) for base in bases):
                named.other_spelling[name] = file
        return named

    def _find(self, name: str, bases: list[str]) -> str | None:
        tries = [_joined(base, spelling) for base in bases for spelling in _spellings(name)]
        exact = next((file for file in tries if file in self.files), None)
        return exact or next((file for key in map(folded, tries) if (file := self._folded.get(key))), None)

    def _bases(self, listing: Listing, names: list[str]) -> list[str]:
        """Folders in which at least one of the list's names is there, those above the list first."""
        probes = names[:: max(1, len(names) // PROBED)]
        above = [
            str(place) for place in (PurePosixPath(listing.folder), *PurePosixPath(listing.folder).parents)
        ]
        firsts = {folded(spelling.split("/")[0]) for name in probes for spelling in _spellings(name)}
        below = sorted({parent for first in firsts for parent in self._parents.get(first, ())})
        bases = dict.fromkeys([*above, *below])
        tried = [spelling for name in probes for spelling in _spellings(name)]
        return [base for base in bases if any(folded(_joined(base, name)) in self._folded for name in tried)]


def _spellings(name: str) -> tuple[str, ...]:
    """The name, and where DeepFashion's large pictures have it."""
    return (name, f"img_highres/{name[4:]}") if name.startswith("img/") else (name,)


def _joined(base: str, name: str) -> str:
    return name if base == "." else f"{base}/{name}"


def check_found(dataset: str, named: Sequence[Named], files: set[str]) -> Iterator[Finding]:
    """Compare the names in lists with the pictures that are there.

    Args:
        dataset: name of the data set.
        named: the lists with their pictures.
        files: all pictures of the checked folder.
    """
    every = [name for part in named for name in part.names if name is not None]
    if not every:
        return
    found = {file for part in named for file in part.files if file is not None}
    if not found:
        what = f"none of the {len(every):,} pictures that the lists name is here"
        if dataset == "own":  # its table has no meaning without them
            yield Finding(
                "error", ".", None, what, "write names as they are below this folder, with their endings"
            )
        else:
            advice = "only the lists were checked; put the pictures below this folder"
            yield Finding("warning", ".", None, what, advice)
        return
    for part in named:
        missing = part.missing
        if missing:
            line, name = missing[0]
            count = sum(name is not None for name in part.names)
            share = f"{len(missing):,} of its {count:,} pictures ({len(missing) / count:.1%})"
            what = f"not here: {share}, such as '{name}'"
            rotten = dataset in EXPECTED_MISSING
            advice = (
                "state the share found beside each number"
                if rotten
                else "extract the archives again, or find where they went"
            )
            also = tuple(f"line {other}: {other_name}" for other, other_name in missing[1:])
            yield Finding("warning" if rotten else "error", part.listing.file, line, what, advice, also)
        if part.other_spelling:
            name, file = next(iter(part.other_spelling.items()))
            what = (
                f"here under another spelling only: {len(part.other_spelling):,}, such as '{name}' as {file}"
            )
            advice = "nothing: they are found; other loaders need the names as the list writes them"
            yield Finding("note", part.listing.file, None, what, advice)
    unlisted = sorted(files - found)
    if unlisted:
        what = f"pictures in no list: {len(unlisted):,}"
        yield Finding("note", unlisted[0], None, what, "nothing: they are not used", tuple(unlisted[1:]))


def shares(
    named: Named, rows: Iterable[tuple[int, ...]], attributes: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Count an attribute's rows whose picture is there.

    Args:
        named: the split's filenames with their pictures.
        rows: `image attribute value ...` of the split.
        attributes: names by id.

    Returns:
        attribute -> (rows whose picture is there, all rows).
    """
    there, every = Counter(), Counter()
    for image, *pairs in rows:
        for attribute in pairs[::2]:
            every[attribute] += 1
            there[attribute] += 0 <= image < len(named.files) and named.files[image] is not None
    return {name: (there[a], every[a]) for a, name in enumerate(attributes) if every[a]}
