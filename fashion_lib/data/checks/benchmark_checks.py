"""The files of DeepFashion's Category and Attribute Prediction Benchmark: a count, a header, rows padded with spaces.

ASEN's label_valid.txt and label_test.txt belong here, too: they hold attribute ids of the benchmark, with tabs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing, picture_path, whole

AGAIN = "take the original file of the benchmark again"
PARTS = ("train", "val", "test")
NEEDED = ("list_attr_cloth.txt", "list_attr_img.txt")  # without them there is no label
FURTHER = ("list_eval_partition.txt", "list_category_cloth.txt", "list_category_img.txt", "list_bbox.txt")
FURTHER += ("list_landmarks.txt",)
LARGEST, CATEGORIES = 9999, 50  # pixels; categories of the benchmark


def named_type(types: int) -> Callable[[str], tuple[str, int]]:
    """Return the parser of `name  type`: names hold spaces, so the line is split once, from the right."""

    def row(line: str) -> tuple[str, int]:
        cells = line.rsplit(None, 1)
        if len(cells) != 2 or not 1 <= whole(cells[1]) <= types:
            raise ValueError(f"'{line[:60]}' is no name with a type from 1 to {types}")
        if "  " in cells[0].strip():
            raise ValueError(f"'{line[:60]}' has more than a name and a type")
        return cells[0].strip(), int(cells[1])

    return row


def numbers_row(least: int, most: int, cells: int | None = None) -> Callable[[str], tuple[str, int]]:
    """Return the parser of `path number number ...`; a row is kept as its path and its count of numbers.

    Args:
        least, most: the range of each number.
        cells: how many numbers a row has; None: any, as long as all rows have as many.
    """

    def row(line: str) -> tuple[str, int]:
        path, rest = _path_first(line)
        if not rest or (cells is not None and len(rest) != cells):
            raise ValueError(
                f"the line has {len(rest)} numbers after the path" + (f" instead of {cells}" if cells else "")
            )
        for cell in set(rest):
            if not least <= whole(cell) <= most:
                raise ValueError(f"{cell} is not a number from {least} to {most}")
        return path, len(rest)

    return row


def _path_first(line: str) -> tuple[str, list[str]]:
    """Split `path cell cell ...`; only the path may hold a space, and it ends in .jpg."""
    found = re.match(r"(.+?\.jpg)\s+(.*)", line, re.IGNORECASE)
    if found is None:
        raise ValueError(f"'{line[:80]}' does not begin with the path of a .jpg picture and a space")
    return picture_path(found[1]), found[2].split()


def partition_row(line: str) -> tuple[str, str]:
    """Parse `path status`."""
    path, cells = _path_first(line)
    if len(cells) != 1 or cells[0] not in PARTS:
        raise ValueError(f"'{line[-40:]}' is no path with one of {', '.join(PARTS)}")
    return path, cells[0]


def splits(listing: Listing) -> list[str]:
    """Return the benchmark's own split of each row of the partition."""
    return [{"val": "valid"}.get(row[1], row[1]) if row else "" for row in listing.rows]


def box_row(line: str) -> tuple[str, tuple[int, ...]]:
    """Parse `path x_1 y_1 x_2 y_2`, in pixels."""
    path, rest = _path_first(line)
    if len(rest) != 4:
        raise ValueError(f"the line has {len(rest)} numbers after the path instead of 4")
    return path, _box(rest)


def _box(cells: list[str]) -> tuple[int, ...]:
    box = tuple(whole(cell) for cell in cells)
    if min(box) < 0 or max(box) > LARGEST or box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError(f"{box} is no box with x_1 < x_2 and y_1 < y_2, in pixels up to {LARGEST}")
    return box


def landmarks_row(line: str) -> tuple[str, int]:
    """Parse `path type visibility x y visibility x y ...`; it is kept as its path and its count of numbers."""
    row = numbers_row(0, LARGEST)(line)
    if row[1] % 3 != 1 or row[1] == 1:
        raise ValueError(f"the line has {row[1]} numbers after the path: a type and threes (visibility x y)")
    return row


def flags_row(line: str) -> int:
    """Parse a row of 0 and 1; it is kept as its length."""
    cells = line.split()
    if set(cells) - {"0", "1"}:
        raise ValueError("the line has other cells than 0 and 1")
    return len(cells)


def fine_row(line: str) -> int:
    """Parse a row of Anno_fine without a name: a category, a box or landmarks; it is kept as its length."""
    cells = line.split()
    if len(cells) == 1 and not 1 <= whole(cells[0]) <= CATEGORIES:
        raise ValueError(f"there is no category {cells[0]}: numbers go from 1 to {CATEGORIES}")
    if len(cells) == 4:
        _box(cells)
    for cell in cells:
        if not 0 <= whole(cell) <= LARGEST:
            raise ValueError(f"{cell} is not a number from 0 to {LARGEST}")
    return len(cells)


def type_row(line: str) -> tuple[int, ...]:
    """Parse `image type id [type id ...]` of ASEN's label_valid and label_test, padded with tabs."""
    cells = line.split("\t")
    if len(cells) < 3 or len(cells) % 2 == 0 or "" in cells:
        raise ValueError("the line is not an image and pairs (type id) with tabs between")
    row = tuple(whole(cell) for cell in cells)
    for kind, number in zip(row[1::2], row[2::2], strict=True):
        if not 1 <= kind <= 5:
            raise ValueError(f"there is no type {kind}: types go from 1 to 5")
        if not 0 <= number <= 999:
            raise ValueError(f"there is no attribute id {number}: ids go from 0 to 999")
    return row


def check_heading(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare the count in line 1 with the rows, and look for the header in line 2."""
    with listing.path.open(encoding="utf-8-sig", errors="replace") as file:
        count, header = file.readline().strip(), file.readline().strip()
    if not re.fullmatch("[0-9]{1,9}", count):
        yield Finding(
            "error", listing.file, 1, f"'{count[:60]}' is not the count of rows that line 1 holds", AGAIN
        )
    elif int(count) != len(listing.rows):
        what = f"line 1 says {int(count):,} rows, there are {len(listing.rows):,}"
        yield Finding("error", listing.file, 1, what, "the file is cut or was changed: " + AGAIN)
    if not re.match("(image|attribute|category)_name", header):
        yield Finding("error", listing.file, 2, f"'{header[:60]}' is not the header that line 2 holds", AGAIN)


def check_benchmark_complete(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report files of the benchmark that are missing; the first of those that are there reports."""
    kinds = (
        "DeepFashion attributes",
        "DeepFashion attribute labels",
        "DeepFashion category labels",
        "DeepFashion boxes",
    )
    kinds += ("DeepFashion categories", "DeepFashion landmarks", "DeepFashion partition")
    here = sorted(x.file for kind in kinds for x in around.of_kind(kind) if "Anno_fine" not in x.file)
    if listing.file != here[0]:
        return
    there = {PurePosixPath(file).name for file in around.files if "Anno_fine" not in file}
    for name in (*NEEDED, *FURTHER):
        if name not in there and not (
            name == "list_landmarks.txt" and any(x.startswith("list_landmarks") for x in there)
        ):
            severity, advice = ("error", AGAIN) if name in NEEDED else ("note", "nothing, unless you need it")
            yield Finding(severity, name, None, "this file of the benchmark is missing", advice)


def check_rows(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report names that stand twice and rows of another length than most."""
    first: dict[str, int] = {}
    faults = []
    for line, (name, *_) in listing.numbered():
        if name in first:
            faults.append((line, f"'{name}' stands already in line {first[name]}"))
        first.setdefault(name, line)
    yield from of_lines("error", listing.file, faults, "keep one of the rows")
    if listing.name == "list_attr_img.txt":
        lengths = Counter(row[1] for _, row in listing.numbered())
        names = around.beside(listing, "list_attr_cloth.txt")
        wanted = len(names.rows) if names else max(lengths, key=lengths.get, default=0)
        faults = [
            (line, f"{row[1]} labels, there are {wanted} attributes")
            for line, row in listing.numbered()
            if row[1] != wanted
        ]
        yield from of_lines("error", listing.file, faults, AGAIN)


def check_same_images(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare the images of a list with those of the partition, else of list_attr_img.txt."""
    others = around.of_kind("DeepFashion partition") or around.of_kind("DeepFashion attribute labels")
    if not others or others[0] is listing:
        return
    mine, theirs = ({row[0] for _, row in x.numbered()} for x in (listing, others[0]))
    if mine != theirs:
        example = min(mine ^ theirs)
        what = (
            f"{len(theirs - mine):,} images of {others[0].file} are missing here and {len(mine - theirs):,}"
        )
        yield Finding("warning", listing.file, None, f"{what} are only here (such as {example})", AGAIN)


def check_benchmark_counts(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare counts with the benchmark's read-me: images, attributes of each type, partition."""
    facts = around.facts.get("benchmark", {})
    fine = "Anno_fine" in listing.file
    found = expected = None
    if listing.kind == "DeepFashion attributes" and not fine:
        types = Counter(row[1] for _, row in listing.numbered())
        if types[6]:  # Anno_fine has a sixth group
            yield Finding(
                "error", listing.file, None, "it has attributes of type 6: types go from 1 to 5", AGAIN
            )
        found, expected = [types[kind] for kind in range(1, 6)], facts["attributes_of_type"]
    elif listing.kind == "DeepFashion categories":
        found, expected = len(listing.rows), facts["categories"]
    elif listing.kind == "DeepFashion partition":
        parts = Counter(row[1] for _, row in listing.numbered())
        found, expected = {part: parts[part] for part in PARTS}, facts["partition"]
    elif not fine and listing.kind != "DeepFashion attributes":
        found, expected = len(listing.rows), facts["images"]
    if found != expected:
        what = f"it has {found} rows, the benchmark {expected}"
        yield Finding(
            "warning", listing.file, None, what, "a part of the benchmark: numbers are not comparable"
        )


def check_aligned(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check that the files of Anno_fine without names have one row per line of train.txt, val.txt or test.txt."""
    part = listing.name.removesuffix(".txt").partition("_")[0]
    names = around.beside(listing, f"{part}.txt")
    if names is None:
        yield Finding(
            "error", listing.file, None, f"{part}.txt, which names its images, is missing beside it", AGAIN
        )
    elif names is not listing and len(names.rows) != len(listing.rows):
        what = f"it has {len(listing.rows):,} rows for the {len(names.rows):,} images of {names.name}"
        yield Finding("error", listing.file, None, what, AGAIN)
    if names is listing:
        for kind in ("attr", "cate", "bbox"):
            file = str(PurePosixPath(listing.folder) / f"{part}_{kind}.txt")
            if file not in around.files:
                yield Finding(
                    "note",
                    file,
                    None,
                    f"this file beside {listing.name} is missing",
                    "nothing, unless you need it",
                )
        expected = around.facts["benchmark"]["fine"][part]
        if len(listing.rows) != expected:
            what = f"it has {len(listing.rows):,} images, the benchmark {expected:,}"
            yield Finding(
                "warning", listing.file, None, what, "a part of the benchmark: numbers are not comparable"
            )
    else:
        cells = {"attr": 26, "cate": 1, "bbox": 4}.get(listing.name.removesuffix(".txt").partition("_")[2])
        faults = [
            (line, f"{count} numbers instead of {cells}")
            for line, count in listing.numbered()
            if cells not in (None, count)
        ]
        yield from of_lines("error", listing.file, faults, AGAIN)


def check_type_rows(listing: Listing, around: Around) -> Iterator[Finding]:
    """Check ASEN's label_valid and label_test: one row per image, in order, each id of the type before it."""
    faults = [
        (line, f"row {n} is about image {row[0]}")
        for n, (line, row) in enumerate(zip(listing.lines, listing.rows, strict=True))
        if row is not None and row[0] != n
    ]
    yield from of_lines(
        "error", listing.file, faults, "rows are missing, doubled or in another order: take the released file"
    )
    names = around.beside(listing, f"filenames_{listing.split}.txt")
    if names and len(names.rows) != len(listing.rows):
        what = f"it has {len(listing.rows):,} rows for the {len(names.rows):,} images of {names.name}"
        yield Finding("error", listing.file, None, what, "take the released file")
    attributes = [x for x in around.of_kind("DeepFashion attributes") if "Anno_fine" not in x.file]
    if attributes:
        types = [row[1] if row else 0 for row in attributes[0].rows]
        faults = [
            (line, f"attribute {number} has type {types[number]} in {attributes[0].name}, here {kind}")
            for line, row in listing.numbered()
            for kind, number in zip(row[1::2], row[2::2], strict=True)
            if number < len(types) and types[number] != kind
        ]
        yield from of_lines("error", listing.file, faults, "the two files are not of one release")
