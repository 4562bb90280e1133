"""A finding: what a check saw in one file, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace

SEVERITIES = ("error", "warning", "note")  # worst first
LONGEST = 400  # characters of a text in a finding


@dataclass(frozen=True)
class Finding:
    """One finding of a check.

    Attributes:
        severity: "error" (the data cannot be used as they are), "warning" (numbers may not be comparable), or "note".
        file: path relative to the folder that was checked; "." for the folder itself.
        line: number of the line, from 1; None where the finding is about the whole file.
        what: what is there, one phrase.
        advice: what to do, one phrase.
        also: further places with the same fault, each "line 7" or the name of a file.
    """

    severity: str
    file: str
    line: int | None
    what: str
    advice: str
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (
            "file",
            "what",
        ):  # a cell or a file's name may hold a line break, or thousands of characters
            object.__setattr__(self, name, _one_line(getattr(self, name)))
        object.__setattr__(self, "also", tuple(_one_line(place) for place in self.also))

    @property
    def place(self) -> str:
        """The file, with the line if there is one."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def as_dict(self) -> dict:
        """Return the finding for JSON; `also` is complete there."""
        return asdict(self)


def _one_line(text: str) -> str:
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings by severity; within one severity their order stays."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def one_per_fault(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that say the same of several whole files, and leave out repetitions; the order stays."""
    joined: dict[object, list[Finding]] = {}
    for finding in findings:
        whole = finding.line is None and not finding.also
        key = (finding.severity, finding.what, finding.advice) if whole else finding
        joined.setdefault(key, []).append(finding)
    files = [
        (group[0], tuple(dict.fromkeys(f.file for f in group[1:] if f.file != group[0].file)))
        for group in joined.values()
    ]
    return [replace(first, also=first.also or others) for first, others in files]


def of_lines(severity: str, file: str, faults: Iterable[tuple[int, str]], advice: str) -> Iterator[Finding]:
    """Yield one finding for all lines of a file with the same fault, none if there is no such line.

    Args:
        severity: one of SEVERITIES.
        file: as in `Finding`.
        faults: (line, what is wrong there); the first is shown in full.
        advice: as in `Finding`.
    """
    faults = list(faults)
    if faults:
        (line, what), *others = faults
        yield Finding(severity, file, line, what, advice, tuple(f"line {other}" for other, _ in others))


def of_files(severity: str, faults: Iterable[tuple[str, str]], advice: str) -> Iterator[Finding]:
    """Yield one finding for all files with the same fault, none if there is no such file.

    Args:
        severity: one of SEVERITIES.
        faults: (file, what is wrong with it); the first is shown in full.
        advice: as in `Finding`.
    """
    faults = list(faults)
    if faults:
        (file, what), *others = faults
        yield Finding(severity, file, None, what, advice, tuple(other for other, _ in others))
