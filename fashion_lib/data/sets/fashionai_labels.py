"""FashionAI's raw labels: rows of label.csv, of answers, and which archive a picture of them lies in.

A row is `Images/<attribute>_labels/<hash>.jpg,<attribute>_labels,<string over n, m, y>`. The position of `y` is the
value; `m` ("maybe") marks further values that an annotator thought possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.data.published_schemas import FASHIONAI as SCHEMA
from fashion_lib.data.sets.list_file import Fault, ListFile, comma_cells, first_fault, read_list
from fashion_lib.data.sets.set_layout import Found, PictureFiles

QUESTIONS = "questions"
PLACES = ("Annotations", "Tests")  # folders of an archive beside Images


@dataclass(frozen=True)
class RawLabel:
    """One row of a label.csv: the picture's path as written, its attribute, the string, and the file's line."""

    picture: str
    attribute: str
    answer: str
    line: int

    @property
    def value(self) -> int:
        """Return the value id: the position of the one "y"."""
        return self.answer.index("y")


def annotates(file: Path) -> bool:
    """Return whether a file lies in an archive's folder Annotations."""
    return file.parent.name == "Annotations"


def has_rows(file: Path) -> bool:
    """Return whether a file begins with rows of labels, or a header and such rows."""
    try:
        with file.open("rb") as content:
            return b"_labels" in content.read(4096)
    except OSError:
        return False


def raw_rows(file: ListFile) -> tuple[list[RawLabel], list[Fault]]:
    """Return the rows of a label.csv, and the lines at fault; a header line and further columns are accepted."""
    found, faults = comma_cells(file)
    rows, faults = [], faults or ([] if found else [Fault(0, "is empty")])
    for line, cells in found:
        if line == 1 and len(cells) >= 3 and "/" not in cells[0]:
            continue  # a header
        rows.append(RawLabel(*(cell.strip() for cell in [*cells, "", ""][:3]), line))
        if wrong := _wrong(rows[-1]):
            faults.append(Fault(line, f"is {shortened(','.join(cells))}: {wrong}"))
            rows.pop()
    return rows, faults


def _wrong(row: RawLabel) -> str:
    attribute = row.attribute.removesuffix("_labels")
    if attribute not in SCHEMA.names:
        return f"{shortened(row.attribute)} is no attribute of FashionAI"
    if not row.picture:
        return "it names no picture"
    count = len(SCHEMA.attribute(attribute).values)
    if len(row.answer) != count or set(row.answer) - set("nmy") or row.answer.count("y") != 1:
        return f"the labels of {attribute} are {count} letters n, m, y with one y"
    return ""


def read_raw(found: Found) -> pd.DataFrame:
    """Read every label file: the columns image, attribute, value, maybe (number of m), picture (path of the file).

    An image is named by its folder and the path in the file, because train1 and train2 share paths. A picture of an
    answers file may lie in another test folder. Two rows of one picture and attribute are one row.

    Raises:
        FashionError: for the first line at fault.
    """
    cells, tests = [], [file.parent.parent for file in found.parts.get(QUESTIONS, ())]
    finders: dict[Path, PictureFiles] = {}
    for path in found.labels:
        file = read_list(path)
        rows, faults = raw_rows(file)
        first_fault(file, faults)
        home = path.parent.parent if annotates(path) else path.parent
        answers = home in tests or not annotates(path)
        places = [home, *(t for t in tests if t != home)] if answers else [home]
        for row in rows:
            place = next((p for p in places if finder_of(finders, p).find(row.picture)), home)
            attribute = row.attribute.removesuffix("_labels")
            name = f"{_name(place, found.folder)}/{row.picture}"
            value = SCHEMA.attribute(attribute).values[row.value]
            cells.append((name, attribute, value, row.answer.count("m"), str(place / row.picture),
                          row.picture.replace("\\", "/")))  # fmt: skip
    table = pd.DataFrame(cells, columns=["image", "attribute", "value", "maybe", "picture", "listed"])
    table = table.drop_duplicates(["image", "attribute", "value"])
    other = table.duplicated(["image", "attribute"], keep=False)
    if other.any():
        row = table[other].iloc[0]
        raise FashionError(
            f"the label files give {row['image']} two values of {row['attribute']}: keep one of its rows."
        )
    return _one_copy(table).drop(columns="listed").reset_index(drop=True)


def finder_of(finders: dict[Path, PictureFiles], place: Path) -> PictureFiles:
    """Return the finder of a folder, the same one for all of its pictures."""
    return finders.setdefault(place, PictureFiles(place))


def _name(place: Path, folder: Path) -> str:
    return place.relative_to(folder).as_posix() if place != folder else place.name


def _one_copy(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out a picture that another archive holds too, with the same path in its label file and the same bytes."""
    lost = []
    for _, rows in table[table.duplicated("listed", keep=False)].groupby("listed"):
        seen: set[bytes] = set()
        for index, picture in rows["picture"].items():
            content = Path(picture).read_bytes() if Path(picture).is_file() else b""
            if content and content in seen:
                lost.append(index)
            seen.add(content)
    return table.drop(index=lost)
