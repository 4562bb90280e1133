"""The raw label files that come with the pictures: FashionAI's label.csv and question.csv, DARN's list of addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from fashion_lib.data.checks.finding import Finding, of_lines
from fashion_lib.data.checks.listings import Around, Listing, comma_cells, picture_path, released_facts
from fashion_lib.data.sets.fashionai import TOPS

ENDING = "_labels"
HEADING = ("", "", "")  # a public copy has a line of names above its rows


def label_row(line: str) -> tuple[str, str, str]:
    """Parse a row `Images/<attribute>_labels/<name>.jpg,<attribute>_labels,nnyn`; HEADING for names of columns."""
    cells = comma_cells(line)
    if len(cells) == 4 and cells[3].strip() == "0":
        cells.pop()  # a public merge of the two answer files has this column
    if len(cells) != 3:
        raise ValueError(f"the line has {len(cells)} cells instead of 3 (picture,attribute_labels,letters)")
    path, attribute, letters = (cell.strip() for cell in cells)
    if "/" not in path and "." not in path and ENDING not in attribute:
        return HEADING
    known = released_facts()["fashionai"]["attributes"]
    if not attribute.endswith(ENDING) or attribute.removesuffix(ENDING) not in known:
        raise ValueError(f"'{attribute[:60]}' is not an attribute of FashionAI with the ending {ENDING}")
    attribute = attribute.removesuffix(ENDING)
    picture_path(path)
    if letters != "?":
        if set(letters) - set("nmy"):
            raise ValueError(f"'{letters[:60]}' has other letters than n, m and y")
        if len(letters) != known[attribute]:
            raise ValueError(
                f"'{letters}' has {len(letters)} letters, '{attribute}' has {known[attribute]} values"
            )
        if letters.count("y") != 1:
            raise ValueError(f"'{letters}' has {letters.count('y')} y instead of one")
    return path, attribute, letters


def address_row(line: str) -> tuple[str, str]:
    """Parse a row `<name> <address>` of darn_url.txt."""
    name, _, address = line.partition(" ")
    if not address.strip().startswith(("http://", "https://", "//")) or len(address.split()) > 1:
        raise ValueError(f"'{address[:60]}' is no web address: a row is a name, a space and an address")
    if address != address.strip():
        raise ValueError("several spaces stand between name and address")
    return name, address


def check_label_rows(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report pictures listed twice, labels against their folder, `m` and answers that are missing."""
    first: dict[tuple[str, str], int] = {}
    twice, elsewhere, maybe, open_rows = [], [], [], []
    for line, (path, attribute, letters) in listing.numbered():
        if not path:
            if line > 1:
                yield Finding(
                    "error", listing.file, line, "the line names no picture", "take the original file"
                )
            continue
        if (path, attribute) in first:
            twice.append((line, f"'{path}' has a row for {attribute} already, line {first[path, attribute]}"))
        first.setdefault((path, attribute), line)
        folder = PurePosixPath(path).parent.name
        if folder.endswith(ENDING) and folder != attribute + ENDING:
            elsewhere.append((line, f"the row is about '{attribute}', the picture lies in {folder}"))
        if "m" in letters:
            maybe.append((line, f"an 'm' (maybe) stands beside the 'y' in {letters}"))
        if letters == "?":
            open_rows.append((line, "the label is '?'"))
    yield from of_lines("error", listing.file, twice, "keep one of the rows")
    yield from of_lines(
        "warning", listing.file, elsewhere, "columns or files were mixed: take the original file"
    )
    yield from of_lines(
        "note", listing.file, maybe, "nothing: the value is the place of 'y', as in ASEN's lists"
    )
    if open_rows and "question" not in listing.name:
        yield from of_lines("error", listing.file, open_rows, "take the file with the labels")
    elif open_rows:
        advice = "nothing: fashionAI_attributes_answer_*.csv has the answers; without it, the pictures have no label"
        yield from of_lines("note", listing.file, open_rows, advice)


def check_label_total(listing: Listing, around: Around) -> Iterator[Finding]:
    """Compare the label rows of train1 and train2 together with the papers' number of images."""
    parts = [x for x in around.of_kind("FashionAI labels") if {*TOPS} & {*PurePosixPath(x.file).parts}]
    if parts and listing is parts[0]:
        rows = {(x.file, *row[:2]) for x in parts for _, row in x.numbered() if row != HEADING}
        expected = around.facts["total"]["images"]
        if len(rows) != expected:
            what = f"{len(rows):,} labelled pictures in {len(parts)} label files, {expected:,} in the papers"
            advice = "extract both train1 and train2 wholly; another number is not the papers' data"
            yield Finding("warning", listing.file, None, what, advice)
            wanted = around.facts["total"]["rows_per_value"]
            found = Counter((row[1], row[2].find("y")) for x in parts for _, row in x.numbered())
            empty = [
                f"{name} {v}"
                for name, numbers in wanted.items()
                for v in range(len(numbers))
                if not found[name, v]
            ]
            if empty:
                what = f"{len(empty)} of 54 values have no picture: {', '.join(empty[:8])}" + (
                    " ..." if len(empty) > 8 else ""
                )
                yield Finding("warning", listing.file, None, what, advice)


def check_addresses(listing: Listing, around: Around) -> Iterator[Finding]:
    """Report names and addresses that stand twice in DARN's list."""
    for column, word in enumerate(("name", "address")):
        first: dict[str, int] = {}
        faults = []
        for line, row in listing.numbered():
            if row[column] in first:
                faults.append(
                    (line, f"the {word} '{row[column][:80]}' stands already in line {first[row[column]]}")
                )
            first.setdefault(row[column], line)
        advice = ("keep one of the rows", "one picture under two names: equal files may stand in two splits")[
            column
        ]
        yield from of_lines(("error", "note")[column], listing.file, faults, advice)
