"""The text files of a data set, byte by byte: is it a text at all, how do its lines end, what is its checksum.

The released loaders split at single spaces and count lines, so a tab, a byte order mark or an empty line changes what
they read, although an editor shows nothing of it.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fashion_lib.data.checks.finding import Finding, of_lines


@dataclass
class TextForm:
    """What reading the bytes of a text shows; `numbered_lines` fills it in.

    Attributes:
        lines: number of lines, a last one without a line end included.
        crlf: lines that end in CR LF.
        mark: whether a byte order mark of UTF-8 begins the file.
        final_newline: whether the last line ends.
        trailing, tabs, carriage: numbers of lines with trailing blanks, with a tab, with a CR inside.
        runs: numbers of lines that begin with a space or hold several in a row.
        foreign: numbers of lines that are not UTF-8.
        text: SHA-256 of the text with each line stripped at its right, LF and a final newline.
    """

    lines: int = 0
    crlf: int = 0
    mark: bool = False
    final_newline: bool = True
    trailing: list[int] = field(default_factory=list)
    tabs: list[int] = field(default_factory=list)
    carriage: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)
    text: str = ""


def numbered_lines(path: Path, form: TextForm) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, text stripped at its right) for each line, and fill in `form` on the way.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if number == 1 and raw.startswith(codecs.BOM_UTF8):
                form.mark, raw = True, raw.removeprefix(codecs.BOM_UTF8)
            form.lines, form.final_newline = number, raw.endswith(b"\n")
            form.crlf += raw.endswith(b"\r\n")
            content = raw.removesuffix(b"\n").removesuffix(b"\r")
            stripped = content.rstrip()
            digest.update(stripped + b"\n")
            if len(content.rstrip(b" ")) != len(content):
                form.trailing.append(number)
            if b"  " in stripped or stripped.startswith(b" "):
                form.runs.append(number)
            if b"\t" in content:
                form.tabs.append(number)
            if b"\r" in content:
                form.carriage.append(number)
            try:
                yield number, stripped.decode("utf-8")
            except UnicodeDecodeError:
                form.foreign.append(number)
                yield number, stripped.decode("utf-8", "replace")
    form.text = digest.hexdigest()


def check_form(
    file: str,
    form: TextForm,
    *,
    crlf: bool | None = None,
    final_newline: bool | None = None,
    tabs: bool = False,
    single: bool = False,
    mark: bool = False,
) -> Iterator[Finding]:
    """Yield what is unusual in the bytes of a text: line ends, byte order mark, tabs, blanks at line ends.

    Args:
        file: its name in the findings.
        form: filled in by `numbered_lines`, read to the end.
        crlf: whether the released file has CR LF; None where that is not known, which means LF.
        final_newline: whether the released file's last line ends; None means yes.
        tabs: whether tabs belong to this format.
        single: whether single spaces stand between cells.
        mark: whether a byte order mark may begin this format.
    """
    harmless = "nothing: it is read without harm here, other programs may differ"
    if form.mark and not mark:
        advice = "save it as UTF-8 without a mark: other loaders read it as a part of the first cell"
        yield Finding("warning", file, 1, "it begins with a byte order mark (BOM)", advice)
    if 0 < form.crlf < form.lines - (not form.final_newline):
        advice = "take the original file: an editor or a merge changed a part of it"
        yield Finding(
            "warning", file, None, f"{form.crlf} of its {form.lines} lines end in CR LF, others in LF", advice
        )
    elif bool(form.crlf) != bool(crlf) and (form.lines > 1 or form.final_newline):
        ends, other = ("CR LF", "LF") if form.crlf else ("LF", "CR LF")
        what = f"its lines end in {ends}" + (
            "" if crlf is None else f", those of the released file in {other}"
        )
        yield Finding("note", file, None, what, harmless)
    if form.final_newline != (final_newline is not False):
        what = (
            "its last line does not end"
            if not form.final_newline
            else "its last line ends, the released file's not"
        )
        yield Finding(
            "note",
            file,
            form.lines,
            f"{what} (no final newline)" if not form.final_newline else what,
            harmless,
        )
    if not tabs:
        faults = [(line, "a tab stands in the line") for line in form.tabs]
        yield from of_lines(
            "warning", file, faults, "write single spaces: the released loaders split at them"
        )
    if single:
        faults = [(line, "several spaces stand in a row, or one at the line's start") for line in form.runs]
        yield from of_lines(
            "warning", file, faults, "write single spaces: the released loaders split at them"
        )
    faults = [(line, "blanks end the line") for line in form.trailing]
    yield from of_lines("note", file, faults, harmless)
    faults = [(line, "a carriage return stands inside the line") for line in form.carriage]
    yield from of_lines("error", file, faults, "save the file with LF or CR LF as line ends")
    faults = [(line, "the line is not UTF-8") for line in form.foreign]
    yield from of_lines("error", file, faults, "take the original file, or save it as UTF-8")
