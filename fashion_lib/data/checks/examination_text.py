"""An examination as text for a terminal: findings worst first, then the proof, the pictures and the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pandas as pd

from fashion_lib.core.words import listed
from fashion_lib.data.checks.cache_cost import RULE
from fashion_lib.data.checks.examination import Examination
from fashion_lib.data.checks.finding import SEVERITIES, Finding

INDENT = " " * 9


def as_text(examination: Examination, printed: Sequence[float] = ()) -> str:
    """Return an examination for people.

    Args:
        examination: what was found.
        printed: the papers' own "random" row in percent, attributes in order and the overall number last.
    """
    parts = [_heading(examination)]
    parts += ["\n".join(_finding(finding)) for finding in examination.findings]
    parts += list(_proofs(examination, printed))
    parts += list(_shares(examination))
    if examination.costs:
        lines = [
            "What reading the pictures would cost:",
            *(f"  {cost}" for cost in examination.costs),
            f"  {RULE}",
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _heading(examination: Examination) -> str:
    counts = Counter(finding.severity for finding in examination.findings)
    found = ", ".join(f"{len(files)} {kind}" for kind, files in examination.lists.items()) or "nothing"
    verdict = ", ".join(
        f"{counts[severity]} {severity}{'s' * (counts[severity] != 1)}" for severity in SEVERITIES
    )
    lines = [f"{examination.dataset} in {examination.folder}", f"Files recognised: {found}."]
    lines += [f"Layout: {examination.layout}."] if examination.layout else []
    numbers = (
        f"{examination.named:,} in the lists, {examination.found:,} here, {examination.looked:,} looked at"
    )
    part = examination.looked < examination.found
    lines.append(f"Pictures: {numbers}" + (" (--pictures all looks at each)." if part else "."))
    return "\n".join([*lines, f"{verdict}."])


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.upper():<{len(INDENT)}}{finding.place}"
    yield f"{INDENT}{finding.what}"
    if finding.also:
        yield f"{INDENT}also {listed(finding.also)}"
    yield f"{INDENT}-> {finding.advice}"


def _proofs(examination: Examination, printed: Sequence[float]) -> Iterator[str]:
    for proof in examination.proofs:
        rows = {"here": (*proof.found, proof.overall)}
        if len(proof.released) == len(rows["here"]):
            rows["released lists"] = proof.released
        if proof.split == "test" and len(printed) == len(rows["here"]):
            rows["printed (IPAD)"] = tuple(printed)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=[*proof.attributes, "overall"]).T
        verdict = "equal to the released lists'" if proof.equal else "not those of the released lists"
        yield (
            f"Expected MAP of a random order in percent, {proof.split} split, without one picture: {verdict}.\n"
            + table.to_string(float_format="{:.2f}".format, na_rep="-")
        )
    if examination.released:
        same = sum(examination.released.values())
        yield f"{same} of {len(examination.released)} lists whose checksum the library knows are the released ones."


def _shares(examination: Examination) -> Iterator[str]:
    partial = {
        split: shares
        for split, shares in examination.shares.items()
        if examination.found and any(there < every for there, every in shares.values())
    }
    if partial:
        rows = {
            split: {name: 100 * there / every for name, (there, every) in shares.items()}
            for split, shares in partial.items()
        }
        table = pd.DataFrame(rows).to_string(float_format="{:.1f}".format, na_rep="-")
        yield f"Share of the rows whose picture is here, in percent:\n{table}"
