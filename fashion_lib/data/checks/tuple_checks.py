"""ADDE's split files (DeepFashion and Shopping100k) and CSN's triplets of Zappos50k."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import numpy as np

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing, whole

AGAIN = "take the original file: `git lfs pull` in the authors' repository"
LOST = "draw the lists anew, and call the result another protocol than the papers'"
ALIGNED = {
    "labels_train.txt": "imgs_train.txt",
    "labels_test.txt": "imgs_test.txt",
    "triplet_train_ind.txt": "triplet_train.txt",
    "gt_test.txt": "ref_test.txt",
    "indfull_test.txt": "ref_test.txt",
}
NAMES = ("attr_num.txt", "imgs_train.txt", "imgs_test.txt", "triplet_train.txt", "ref_test.txt", *ALIGNED)
DRAWN = {
    "train": 200_000,
    "val": 80_000,
    "test": 160_000,
}  # CSN's command and AG-MAN's, of all conditions together
CONDITIONS, PARTS = ("class", "closure", "gender", "heel"), ("train", "val", "test")


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


def index_row(cells: int) -> Callable[[str], tuple[int, ...]]:
    """Return the parser of a row of so many whole numbers."""

    def row(line: str) -> tuple[int, ...]:
        found = line.split()
        if len(found) != cells:
            raise ValueError(f"the line has {len(found)} numbers instead of {cells}")
        return tuple(whole(cell) for cell in found)

    return row


def check_adde_complete(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report files that are missing beside attr_num.txt or, without it, beside the first file."""
    here = sorted(x.name for x in around.listings.values() if x.folder == listing.folder and x.name in NAMES)
    if listing.name == here[0]:
        for name in NAMES:
            file = str(PurePosixPath(listing.folder) / name)
            if name not in here and file not in around.files:
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


def check_indices(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check that tuples name images that exist, and different ones."""
    adde = listing.name in NAMES
    name = f"imgs_{listing.split}.txt" if adde else "filenames.json"
    names = around.beside(listing, name) or next((x for x in around.of_kind("Zappos paths")), None)
    if names is None:
        yield Finding(
            "error",
            listing.file,
            None,
            f"{name}, whose lines its numbers are, is missing",
            "put it beside the list",
        )
    outside, same, first, twice = [], [], {}, []
    for line, row in listing.numbered():
        wrong = [i for i in row if i < 0 or (names is not None and i >= len(names.rows))]
        if wrong:
            last = f" to {len(names.rows) - 1}, the lines of {names.name}" if names else ""
            outside.append((line, f"there is no image {wrong[0]}: numbers go from 0{last}"))
        if len(set(row)) != len(row):
            same.append((line, "an image stands twice in the tuple"))
        if row in first and len(row) > 1:
            twice.append((line, f"the tuple stands already in line {first[row]}"))
        first.setdefault(row, line)
    yield from of_lines("error", listing.file, outside, AGAIN if adde else LOST)
    yield from of_lines(
        "error" if not adde else "warning", listing.file, same, "the distance of an image to itself is 0"
    )
    yield from of_lines(
        "note", listing.file, twice, "nothing: drawn at random, a tuple can come twice; it weighs twice"
    )


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
    yield from of_lines(
        "note", listing.file, faults, "nothing: the authors' Shopping100k file has such rows, too (issue 4)"
    )


def check_adde_images(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report images that stand twice, in one list or in train and test."""
    first: dict[str, int] = {}
    faults = []
    for line, path in listing.numbered():
        if path in first:
            faults.append((line, f"'{path}' stands already in line {first[path]}"))
        first.setdefault(path, line)
    yield from of_lines("warning", listing.file, faults, AGAIN)
    other = around.beside(listing, "imgs_train.txt") if listing.name == "imgs_test.txt" else None
    if other:
        there = {path for _, path in other.numbered()}
        both = [
            (line, f"'{path}' is also in imgs_train.txt")
            for line, path in listing.numbered()
            if path in there
        ]
        yield from of_lines("error", listing.file, both, "one image may be in one split only: " + AGAIN)


def check_triplet_lists(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report conditions and parts of CSN's triplets that are missing; the first list reports."""
    lists = around.of_kind("Zappos triplets")
    if listing is not min(lists, key=lambda x: x.file):
        return
    here = {x.name for x in lists} | {PurePosixPath(file).name for file in around.files}
    for name in [f"{condition}_tripletlist_{part}.txt" for condition in CONDITIONS for part in PARTS]:
        if name not in here:
            file = str(PurePosixPath(listing.folder) / name)
            yield Finding("error", file, None, "this list of triplets is missing", LOST)
    for part, drawn in DRAWN.items():
        rows = sum(len(x.rows) for x in lists if x.name.endswith(f"_{part}.txt"))
        if rows < drawn:
            what = f"the lists of {part} hold {rows:,} triplets together, the authors' loader draws {drawn:,}"
            yield Finding(
                "warning", listing.folder, None, what, "numbers will not be comparable with the papers'"
            )
    if not any(PurePosixPath(file).name == "meta-data.csv" for file in around.files):
        advice = "nothing for the triplets; without it, the values have no names"
        yield Finding("note", "meta-data.csv", None, "the table of the shoes is missing", advice)


def metadata_row(line: str) -> tuple[str, ...]:
    """Parse a row of Zappos50k's meta-data.csv; the first three cells are always filled."""
    cells = line.split(",")
    if len(cells) != 9:
        raise ValueError(f"the line has {len(cells)} cells instead of 9 (CID,Category,SubCategory,...)")
    if not all(cell.strip() for cell in cells[:3]):
        raise ValueError("CID, Category or SubCategory is empty")
    return tuple(cells)


def check_metadata(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check Zappos50k's table: header, known categories, shoes that stand twice, number of rows."""
    with listing.path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline().strip()
    again = "take the original file of ut-zap50k-data.zip"
    if not header.startswith("CID,Category,SubCategory,HeelHeight,"):
        yield Finding("error", listing.file, 1, f"'{header[:60]}' is not the header of this table", again)
    known, first = around.facts["categories"], {}
    other, twice = [], []
    for line, (shoe, category, *_) in listing.numbered():
        if category not in known:
            other.append((line, f"'{category[:40]}' is not one of {', '.join(known)}"))
        if shoe in first:
            twice.append((line, f"the shoe {shoe} stands already in line {first[shoe]}"))
        first.setdefault(shoe, line)
    yield from of_lines("error", listing.file, other, again)
    yield from of_lines("error", listing.file, twice, "keep one of the rows")
    if len(listing.rows) != around.facts["images"]:
        what = f"it has {len(listing.rows):,} rows, the released table {around.facts['images']:,}"
        yield Finding("warning", listing.file, None, what, "a part of the data: numbers are not comparable")
