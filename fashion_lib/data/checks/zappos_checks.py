"""The checks of Zappos50k: CSN's twelve lists of triplets, and the table of the shoes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import PurePosixPath

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing, comma_cells
from fashion_lib.data.checks.tuple_checks import LOST
from fashion_lib.data.sets.zappos_lists import CONDITIONS, cid_of

DRAWN = {
    "train": 200_000,
    "val": 80_000,
    "test": 160_000,
}  # CSN's command and AG-MAN's, of all conditions together

PARTS = ("train", "val", "test")
COLUMN_OF = {"class": 1, "heel": 3, "closure": 5, "gender": 6}  # of meta-data.csv
AGAINST = 1 / 3  # share of triplets; lists that do not belong to the table have about a half


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
    other = [x.file for x in lists if x.name.partition("_")[0] not in CONDITIONS]
    if other:
        what = f"its condition is not one of {', '.join(CONDITIONS)}"
        yield Finding("note", other[0], None, what, "nothing: the list is not read", tuple(other[1:]))
    yield from _shared(listing, lists)
    if not any(PurePosixPath(file).name.lower() == "meta-data.csv" for file in around.files):
        advice = "nothing for the triplets; without it, the values have no names"
        yield Finding("note", "meta-data.csv", None, "the table of the shoes is missing", advice)


def _shared(listing: Listing, lists: list[Listing]) -> Iterator[Finding]:
    """Report images that stand in the triplets of two parts; CSN splits the images (section 4.1)."""
    used = {
        part: {
            image
            for x in lists
            if x.name.endswith(f"_{part}.txt")
            for _, row in x.numbered()
            for image in row
        }
        for part in PARTS
    }
    for first, second in combinations(PARTS, 2):
        if both := used[first] & used[second]:
            what = f"{len(both):,} images stand in triplets of both {first} and {second}, such as image {min(both)}"
            advice = (
                "CSN keeps the images of its parts apart: take the lists of one drawing, or draw them anew"
            )
            yield Finding("warning", listing.folder, None, what, advice)


def check_against_table(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare triplets with the table: the close picture should share the anchor's value rather than the far one.

    Only triplets that the table decides are counted: exactly one of both pictures has the anchor's value.
    """
    column = COLUMN_OF.get(listing.name.partition("_")[0])
    names, tables = around.of_kind("Zappos paths"), around.of_kind("Zappos table")
    if column is None or not names or not tables:
        return
    cells = {row[0]: row[column].strip() for _, row in tables[0].numbered()}
    values = [cells.get(cid_of(name), "") if name else "" for name in names[0].rows]
    values = ["" if ";" in value else value for value in values]
    right, wrong = 0, []
    for line, row in listing.numbered():
        if not all(0 <= image < len(values) for image in row):
            continue
        anchor, far, close = (values[image] for image in row)
        if anchor and far and close and (anchor == far) != (anchor == close):
            right += anchor == close
            wrong += [line] if anchor == far else []
    if len(wrong) > AGAINST * (right + len(wrong)):
        what = (
            f"in {len(wrong):,} of {right + len(wrong):,} triplets the far picture has the anchor's value in "
        )
        what += f"{tables[0].name}, and the close one has not"
        advice = "columns or lists are exchanged, or the numbers are those of another filenames.json: " + LOST
        yield from of_lines("warning", listing.file, ((line, what) for line in wrong), advice)


def check_shoes(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report pictures whose shoe has no row in the table."""
    tables = around.of_kind("Zappos table")
    if not tables:
        return
    known = {row[0] for _, row in tables[0].numbered()}
    faults = [
        (line, f"the shoe {cid_of(name)} has no row in {tables[0].file}")
        for line, name in listing.numbered()
        if cid_of(name) not in known
    ]
    advice = "the picture's folder gives its class, and nothing else is labelled: take the whole table"
    yield from of_lines("warning", listing.file, faults, advice)


def metadata_row(line: str) -> tuple[str, ...]:
    """Parse a row of Zappos50k's meta-data.csv; the first three cells are always filled."""
    cells = comma_cells(line)
    if len(cells) != 9:
        raise ValueError(f"the line has {len(cells)} cells instead of 9 (CID,Category,SubCategory,...)")
    if not all(cell.strip() for cell in cells[:3]):
        raise ValueError("CID, Category or SubCategory is empty")
    if cells[0] != cells[0].strip():
        raise ValueError(f"'{cells[0]}' has blanks around it")
    if not re.fullmatch("[0-9]+-[0-9]+", cells[0]):
        raise ValueError(f"'{cells[0][:60]}' is no number of a shoe, such as 100627-72")
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
