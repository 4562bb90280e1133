"""The checks of ADDE's split files, of DeepFashion and of Shopping100k: rows that belong together, vectors, changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import numpy as np

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing, whole
from fashion_lib.data.checks.tuple_checks import AGAIN, ALIGNED, NAMES

SHIFTED = 0.5  # share of a file's rows that do not fit: more than a fault of single rows


def count_row(line: str) -> int:
    """Parse a number of values, at least 2."""
    if whole(line) < 2:
        raise ValueError(f"an attribute of {line} values cannot be told apart: at least 2")
    return int(line)


def vector_row(allowed: str) -> Callable[[str], bytes]:
    """Return the parser of a row of small whole numbers; it is kept as bytes, int8."""
    cells = set(allowed.split())

    def row(line: str) -> bytes:
        found = line.split()
        if other := set(found) - cells:
            raise ValueError(f"'{min(other)[:20]}' stands in a line of {', '.join(sorted(cells))}")
        return np.fromstring(line, dtype=np.int8, sep=" ").tobytes()

    return row


def check_adde_complete(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report files that are missing beside attr_num.txt or, without it, beside the first file."""
    here = sorted(x.name for x in around.listings.values() if x.folder == listing.folder and x.name in NAMES)
    if listing.name == here[0]:
        there = {file.lower() for file in around.files}
        for name in NAMES:
            file = str(PurePosixPath(listing.folder) / name)
            if name not in here and file.lower() not in there:
                yield Finding("error", file, None, "this file of the split is missing", AGAIN)


def check_adde_rows(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare numbers of rows between files that belong together, and with the released files."""
    other = around.beside(listing, ALIGNED.get(listing.name, ""))
    if other and len(other.rows) != len(listing.rows):
        counts = f"it has {len(listing.rows):,} rows, {other.name} has {len(other.rows):,}"
        what = f"{counts}: row i of one belongs to row i of the other"
        yield Finding("error", listing.file, None, what, AGAIN)
    expected = around.facts.get("rows", {}).get(listing.name)
    if expected and len(listing.rows) != expected:
        what = f"it has {len(listing.rows):,} rows, the released file {expected:,}"
        yield Finding("warning", listing.file, None, what, "numbers will not be comparable with the papers'")
    if listing.name == "attr_num.txt" and listing.rows != around.facts["attr_num"]:
        what = f"its numbers of values are {listing.rows}, the released ones {around.facts['attr_num']}"
        yield Finding("warning", listing.file, None, what, "numbers will not be comparable with the papers'")


def check_vectors(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check the length of label vectors, and that each attribute has at most one value."""
    numbers = around.beside(listing, "attr_num.txt")
    if numbers is None or None in numbers.rows:
        return
    width = sum(numbers.rows)
    rows = list(listing.numbered())
    faults = [
        (line, f"{len(row)} numbers instead of {width}, the sum of attr_num.txt")
        for line, row in rows
        if len(row) != width
    ]
    yield from of_lines("error", listing.file, faults, AGAIN)
    rows = [(line, row) for line, row in rows if len(row) == width]
    if not rows:
        return
    matrix = np.frombuffer(b"".join(row for _, row in rows), dtype=np.int8).reshape(-1, width)
    starts = np.cumsum([0, *numbers.rows[:-1]])
    twice = (np.add.reduceat(matrix == 1, starts, axis=1, dtype=np.int64) > 1).any(axis=1)
    faults = [(rows[i][0], "an attribute has two values") for i in np.flatnonzero(twice)]
    yield from of_lines("error", listing.file, faults, AGAIN)
    if listing.name.startswith("labels"):
        empty = [
            (rows[i][0], "the image has no value of any attribute")
            for i in np.flatnonzero(~matrix.any(axis=1))
        ]
        yield from of_lines("warning", listing.file, empty, "it can be no reference and no target")


def check_indicators(listing: Listing, around: Around) -> Iterator[Finding]:
    """Count tuples whose change (+1 wanted, -1 removed) does not lead from the reference's labels to the target's."""
    split = listing.split or "train"
    labels, tuples = (
        around.beside(listing, f"labels_{split}.txt"),
        around.beside(listing, ALIGNED[listing.name]),
    )
    targets = labels if split == "train" else around.beside(listing, "gt_test.txt")
    if labels is None or tuples is None or targets is None:
        return
    faults = []
    for row, (line, change) in enumerate(zip(listing.lines, listing.rows, strict=True)):
        indices = tuples.rows[row] if row < len(tuples.rows) else None
        if change is None or indices is None:
            continue
        place = indices[1] if split == "train" else row
        vectors = [
            x.rows[i] if 0 <= i < len(x.rows) else None for x, i in ((labels, indices[0]), (targets, place))
        ]
        if None in vectors or {len(vector) for vector in vectors} != {len(change)}:
            continue
        before, after = (np.frombuffer(vector, dtype=np.int8) for vector in vectors)
        if (before + np.frombuffer(change, dtype=np.int8) != after).any():
            faults.append((line, "the change does not lead from the reference's labels to the target's"))
    if len(faults) > SHIFTED * len(listing.rows):
        advice = "rows of two files are shifted against each other, or one is of another split: " + AGAIN
        yield from of_lines("warning", listing.file, faults, advice)
    else:
        advice = "nothing: the authors' Shopping100k file has such rows, too (issue 4)"
        yield from of_lines("note", listing.file, faults, advice)


def check_targets(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report queries that no test picture can answer: none has the labels that are wanted."""
    labels = around.beside(listing, "labels_test.txt")
    if listing.name != "gt_test.txt" or labels is None:
        return
    there = set(labels.rows)
    faults = [
        (line, "no test picture has the labels that are wanted")
        for line, wanted in listing.numbered()
        if wanted not in there
    ]
    yield from of_lines("warning", listing.file, faults, "nothing: scores leave the query out and count it")
