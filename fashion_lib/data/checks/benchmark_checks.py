"""The checks of DeepFashion's benchmark: heading, counts, the same images everywhere, types."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.data.checks.benchmark_rows import PARTS
from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing

AGAIN = "take the original file of the benchmark again"
NEEDED = ("list_attr_cloth.txt", "list_attr_img.txt")  # without them there is no label
FURTHER = ("list_eval_partition.txt", "list_category_cloth.txt", "list_category_img.txt", "list_bbox.txt")
FURTHER += ("list_landmarks.txt",)


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
    if not here or listing.file != here[0]:
        return
    there = {PurePosixPath(file).name.lower() for file in around.files if "Anno_fine" not in file}
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
        yield from _without_attribute(listing)


def _without_attribute(listing: Listing) -> Iterator[Finding]:
    """Report images that have none of the attributes: they give no label."""
    every = [(line, held) for line, (_, _, held) in listing.numbered()]
    faults = [(line, "the image has no attribute") for line, held in every if not held]
    if every and len(faults) == len(every):
        yield Finding("error", listing.file, None, "no image has an attribute: no 1 is in any row", AGAIN)
    else:
        advice = "nothing: an image without a label is left out, as in the papers' lists"
        yield from of_lines("note", listing.file, faults, advice)


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
    types = [row[1] if row else 0 for row in attributes[0].rows] if attributes else []
    faults = [
        (line, f"attribute {number} has type {types[number]} in {attributes[0].name}, here {kind}")
        for line, row in listing.numbered()
        for kind, number in zip(row[1::2], row[2::2], strict=True)
        if number < len(types) and types[number] != kind
    ]
    yield from of_lines("error", listing.file, faults, "the two files are not of one release")
    for role in ("query", "candidate"):
        rows = around.beside(listing, f"{role}_{listing.split}.txt")
        if rows is not None:
            yield from _unlabelled(listing, rows, types)


def _unlabelled(listing: Listing, rows: Listing, types: list[int]) -> Iterator[Finding]:
    """Report evaluated rows whose value the image does not have; a value is an id's rank among those of its type."""
    rank = [types[:number].count(kind) for number, kind in enumerate(types)]
    faults = []
    for line, (image, attribute, value) in rows.numbered():
        labels = listing.rows[image] if 0 <= image < len(listing.rows) else None
        if labels is None:
            continue
        pairs = zip(labels[1::2], labels[2::2], strict=True)
        fitting = [number for kind, number in pairs if kind == attribute + 1]
        if not fitting or (all(n < len(rank) for n in fitting) and value not in [rank[n] for n in fitting]):
            faults.append(
                (line, f"image {image} has no value {value} of attribute {attribute} in {listing.name}")
            )
    yield from of_lines(
        "error", rows.file, faults, "the two lists are not of one release, or columns are exchanged"
    )
