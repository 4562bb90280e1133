"""The checks of Zappos50k: CSN's twelve lists of triplets, and the table of the shoes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing
from fashion_lib.data.checks.tuple_checks import LOST

DRAWN = {
    "train": 200_000,
    "val": 80_000,
    "test": 160_000,
}  # CSN's command and AG-MAN's, of all conditions together

CONDITIONS, PARTS = ("class", "closure", "gender", "heel"), ("train", "val", "test")


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
    if cells[0] != cells[0].strip():
        raise ValueError(f"'{cells[0]}' has blanks around it")
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
