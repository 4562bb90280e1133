"""Lists of tuples of images, ADDE's and CSN's, and the lists of images that they count in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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


def index_row(cells: int) -> Callable[[str], tuple[int, ...]]:
    """Return the parser of a row of so many whole numbers."""

    def row(line: str) -> tuple[int, ...]:
        found = line.split()
        if len(found) != cells:
            raise ValueError(f"the line has {len(found)} numbers instead of {cells}")
        return tuple(whole(cell) for cell in found)

    return row


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


def check_listed_images(listing: Listing, around: Around) -> Iterator[Finding]:
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
