"""One list file, read into rows, and what lies around it: other lists, facts of the release, files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from fashion_lib.core.files import parsed_json
from fashion_lib.data.checks.file_bytes import no_text
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.text_lines import TextForm, check_form, numbered_lines
from fashion_lib.data.picture_files import PICTURE_ENDINGS

WHOLE = re.compile(r"-?[0-9]{1,18}")
EMPTY = "the line is empty, so that all numbers of later lines shift"


@cache
def released_facts() -> dict[str, Any]:
    """Return what is known of the released files: counts, checksums, attributes, and where that is known from."""
    return json.loads(Path(__file__).with_name("released_facts.json").read_text(encoding="utf-8"))


@dataclass
class Listing:
    """A list file with its rows. A row that could not be read is None, so that later rows keep their numbers.

    Attributes:
        file: path relative to the folder that is checked, with "/".
        path: where it is.
        kind: its key in the registry KINDS.
        form: what its bytes show.
        rows: parsed rows, in the file's order.
        lines: line of each row.
    """

    file: str
    path: Path
    kind: str
    form: TextForm = field(default_factory=TextForm)
    rows: list[Any] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The file's own name in small letters: checks know a list by it."""
        return PurePosixPath(self.file).name.lower()

    @property
    def folder(self) -> str:
        """The folder that it lies in, relative to the checked folder; "." for that one."""
        return str(PurePosixPath(self.file).parent)

    @property
    def split(self) -> str:
        """The split that its name ends in: train, valid (also val) or test; "" if none."""
        found = re.search(r"(train|valid|val|test)\b", self.name.replace("_", " "))
        return {"val": "valid"}.get(found[1], found[1]) if found else ""

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """Yield (line, row) of the rows that could be read."""
        return ((line, row) for line, row in zip(self.lines, self.rows, strict=True) if row is not None)


@dataclass
class Around:
    """What the checks of one file may look at beside it.

    Attributes:
        dataset: name in the registry of data sets, or "own".
        listings: file -> listing, all of the checked folder.
        files: all plain files of the checked folder, relative paths with "/".
    """

    dataset: str
    listings: dict[str, Listing] = field(default_factory=dict)
    files: frozenset[str] = frozenset()

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the released files of this data set; {} for others."""
        return released_facts().get(self.dataset, {})

    def beside(self, listing: Listing, name: str) -> Listing | None:
        """Return the listing of that name in the same folder."""
        same = (x for x in self.listings.values() if x.name == name and x.folder == listing.folder)
        return next(same, None)

    def of_kind(self, kind: str, folder: str | None = None) -> list[Listing]:
        """Return the listings of a kind, of one folder or of all."""
        return [x for x in self.listings.values() if x.kind == kind and folder in (None, x.folder)]


Check = Callable[[Listing, Around], Iterator[Finding]]


@dataclass(frozen=True)
class Kind:
    """How one kind of file is recognised, read and checked.

    Attributes:
        datasets: names of the data sets that have such files.
        name: regular expression of the file's own name.
        row: text of a line -> row; ValueError says what is wrong. None: the whole file is JSON, one row.
        checks: run once all files are read.
        heading: lines before the rows.
        tabs: whether tabs belong to the format.
        single: whether a row is whole numbers with single spaces between them.
        mark: whether a byte order mark may begin the file.
        pictures: listing -> the name of each row's picture, None for a row that names none; None for a kind without.
        splits: listing -> the split of each row's picture, "" for none.
        folder: what the path of its folder must hold.
        advice: what to do about a line that cannot be read.
    """

    datasets: tuple[str, ...]
    name: str
    row: Callable[[str], Any] | None
    checks: tuple[Check, ...] = ()
    heading: int = 0
    tabs: bool = False
    single: bool = False
    mark: bool = False
    pictures: Callable[[Listing], list[str | None]] | None = None
    splits: Callable[[Listing], list[str]] | None = None
    folder: str = ""
    advice: str = "take the original file, or correct the line"


def read_listing(
    path: Path, file: str, name: str, kind: Kind, facts: dict
) -> tuple[Listing | None, list[Finding]]:
    """Read one list file; return it with the findings of its bytes and its single lines, None if it is no text.

    Args:
        path: where it is.
        file: its name in the findings.
        name: the kind's key in the registry.
        kind: how to read it.
        facts: of the data set.
    """
    fault = no_text(path, file)
    if fault is not None:
        return None, [fault]
    listing = Listing(file, path, name)
    faults: dict[str, list[tuple[int, str]]] = {}
    text, empty = [], []
    try:
        for line, content in numbered_lines(path, listing.form):
            if kind.row is None:
                text.append(content)
            elif line > kind.heading:
                if not content.strip():
                    empty.append(line)
                    continue
                if empty:  # in the middle; at the end of a file, readers leave empty lines out
                    faults.setdefault(EMPTY, []).extend((blank, EMPTY) for blank in empty)
                    listing.rows += [None] * len(empty)
                    listing.lines += empty
                    empty = []
                row = None
                try:
                    if kind.single and not content.isascii():
                        raise ValueError("the line has other characters than digits, signs and spaces")
                    row = kind.row(content)
                except ValueError as error:
                    # One finding per kind of fault: its words without the numbers and the quoted cell.
                    faults.setdefault(re.sub(r"'.*'|\d+", "", str(error)), []).append((line, str(error)))
                listing.rows.append(row)
                listing.lines.append(line)
    except OSError as error:
        reason = error.strerror or str(error)
        return None, [
            Finding("error", file, None, f"it cannot be read ({reason})", "restore it, or make it readable")
        ]
    released = facts.get("lists", {}).get(listing.name, {})
    ends = {key: released.get(key) for key in ("crlf", "final_newline")}
    findings = list(check_form(file, listing.form, **ends, tabs=kind.tabs, single=kind.single, mark=kind.mark))
    if kind.row is None:
        try:
            listing.rows, listing.lines = [parsed_json("\n".join(text))], [1]
        except ValueError as error:
            where = getattr(error, "lineno", None)
            findings.append(
                Finding("error", file, where, f"it is no JSON ({error})", "take the original file")
            )
            return None, findings
    if empty:
        advice = "nothing: it is read without harm here, other programs may differ"
        findings.append(Finding("note", file, empty[0], "the file ends in empty lines", advice))
    for places in faults.values():
        findings += of_lines("error", file, places, kind.advice)
    if kind.row is not None and not listing.rows:
        findings.append(Finding("error", file, None, "it has no row", "take the original file"))
    return listing, findings


def names_by(cell: Callable[[Any], str]) -> Callable[[Listing], list[str | None]]:
    """Return the function that takes the picture's name out of each row, for `Kind.pictures`."""
    return lambda listing: [None if row is None else cell(row) or None for row in listing.rows]


def split_of_file(listing: Listing) -> list[str]:
    """Return the split in the list's own name for each of its rows, for `Kind.splits`."""
    return [listing.split] * len(listing.rows)


def comma_cells(line: str) -> list[str]:
    """Return the cells of one line of a CSV file, as the readers do; ValueError for a quote that is not closed."""
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ValueError(f"the line cannot be read as a row of a CSV file ({error})") from error


def whole(cell: str) -> int:
    """Return a cell as a whole number; ValueError names it otherwise."""
    if not WHOLE.fullmatch(cell):
        raise ValueError(f"'{cell[:60]}' is not a whole number")
    return int(cell)


def picture_path(line: str) -> str:
    """Return a line that is one picture's path; ValueError for what cannot be one."""
    if not line.lower().endswith(PICTURE_ENDINGS):
        raise ValueError(
            f"'{line[:80]}' does not end as the name of a picture does ({', '.join(PICTURE_ENDINGS[:3])}, ...)"
        )
    if line.startswith(("/", "\\")) or ".." in PurePosixPath(line).parts or re.match(r"[A-Za-z]:", line):
        raise ValueError(f"'{line[:80]}' leads out of the folder: paths are relative to it")
    return line
