"""FashionAI's attributes (Alibaba, Tianchi 2018): the papers' split through ASEN's lists, or raw labels.

Raw labels are rows `Images/<attribute>_labels/<hash>.jpg,<attribute>_labels,<string over n, m, y>` in
Annotations/label.csv. The position of `y` is the value; `m` ("maybe") marks further values that an annotator thought
possible. ASEN's released lists keep the rows with an `m`, and so does this reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets.asen_lists import find_lists, read_asen_lists
from fashion_lib.data.sets.labelled_photographs import own_split, photographed, placed, protocol_notes
from fashion_lib.data.sets.list_file import Fault, ListFile, comma_cells, first_fault, read_list
from fashion_lib.data.sets.set_layout import OWN, PAPERS, Found, PictureFiles, Tree, located

NAME = "fashionai"
ALIASES = ("FashionAI",)
SCHEMA = published_schemas.FASHIONAI
HOW_TO_GET = (
    "sign up at Tianchi, accept the terms of competition 231671 (FashionAI attributes), unpack "
    "fashionAI_attributes_train1.zip and _train2.zip, and put ASEN's lists (meta_data.tar.gz or data.zip of its "
    "README) beside them"
)
CARD = {
    "source": "FashionAI attribute recognition, Alibaba, tianchi.aliyun.com, competitions 231649 and 231671",
    "licence": "non-commercial research, signed terms, no re-distribution",
    "how to get it": HOW_TO_GET,
    "in the papers": "ASEN, ASEN++, AG-MLAN, RPF and IPAD: 180,335 pictures, one labelled attribute each",
}
TOPS = ("fashionAI_attributes_train1", "fashionAI_attributes_train2")
# A folder with Annotations or Tests -> what the challenge calls it. Other names are taken as they are.
ARCHIVES = {
    TOPS[0]: "long-term train 1",
    TOPS[1]: "long-term train 2",
    "base": "2018 round 1",
    "web": "2018 warm-up",
    "rank": "2018 test A",
    "z_rank": "2018 test B",
    "train": "2018 round 2",
    "week-rank": "2018 round 2 test",
}
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


def find(tree: Tree) -> Found | None:
    """Recognise FashionAI in a tree: ASEN's lists, label files and answers, questions, and picture folders."""
    lists = find_lists(tree, TOPS)
    labels = [
        f for f in tree.files if f.suffix == ".csv" and (_annotates(f) or "answer" in f.name) and _has_rows(f)
    ]
    questions = [f for f in tree.named("question.csv") if f.parent.name == "Tests"]
    pictures = [f for f in tree.folders_named("Images") if any(_attribute_folders(f))]
    if not (lists or labels or questions or pictures):
        return None
    parts = ["ASEN's lists"] if lists else []
    parts += [f"answers in {file.name}" for file in labels if not _annotates(file)]
    for place in dict.fromkeys(
        file.parent.parent for file in (*labels, *questions) if file.parent.name in PLACES
    ):
        name = ARCHIVES.get(place.name, place.name)
        parts.append(f"{name} ({place.name})" if name != place.name else name)
    if lists:
        parts += [f"pictures in {name}" for name in dict.fromkeys(folder.parent.name for folder in pictures)]
    notes = tuple(
        f"{file.parent.parent.name} has questions without answers: its pictures are not used."
        for file in questions
        if file.parent.parent not in {label.parent.parent for label in labels}
        and all(map(_annotates, labels))
    )
    return Found(
        NAME,
        tree.folder,
        "; ".join(parts) or "pictures without labels",
        lists,
        tuple(labels),
        tuple(pictures),
        {QUESTIONS: tuple(questions)},
        notes,
    )


def _annotates(file: Path) -> bool:
    return file.parent.name == "Annotations"


def _attribute_folders(images: Path) -> list[str]:
    return [
        name for name in (f"{attribute}_labels" for attribute in SCHEMA.names) if (images / name).is_dir()
    ]


def _has_rows(file: Path) -> bool:
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
        home = path.parent.parent if _annotates(path) else path.parent
        answers = home in tests or not _annotates(path)
        places = [home, *(t for t in tests if t != home)] if answers else [home]
        for row in rows:
            place = next((p for p in places if _finder(finders, p).find(row.picture)), home)
            attribute = row.attribute.removesuffix("_labels")
            name = f"{_name(place, found.folder)}/{row.picture}"
            value = SCHEMA.attribute(attribute).values[row.value]
            cells.append((name, attribute, value, row.answer.count("m"), str(place / row.picture)))
    table = pd.DataFrame(cells, columns=["image", "attribute", "value", "maybe", "picture"])
    table = table.drop_duplicates(["image", "attribute", "value"])
    other = table.duplicated(["image", "attribute"], keep=False)
    if other.any():
        row = table[other].iloc[0]
        raise FashionError(
            f"the label files give {row['image']} two values of {row['attribute']}: keep one of its rows."
        )
    return _one_copy(table).reset_index(drop=True)


def _finder(finders: dict[Path, PictureFiles], place: Path) -> PictureFiles:
    return finders.setdefault(place, PictureFiles(place))


def _name(place: Path, folder: Path) -> str:
    return place.relative_to(folder).as_posix() if place != folder else place.name


def _one_copy(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out a picture that another archive holds too, with the same path and the same bytes."""
    inner = table["picture"].str.extract(r"(Images/.*)$", expand=False)
    lost = []
    for _, rows in table[inner.duplicated(keep=False)].groupby(inner):
        seen: set[bytes] = set()
        for index, picture in rows["picture"].items():
            content = Path(picture).read_bytes() if Path(picture).is_file() else b""
            if content and content in seen:
                lost.append(index)
            seen.add(content)
    return table.drop(index=lost)


def locate() -> Found:
    """Return where FashionAI is. Raises FashionError where it is not; the sentence says how people get it."""
    return located(NAME, find, ALIASES, HOW_TO_GET)


def load(size: int) -> RetrievalData:
    """Load FashionAI: the papers' split where ASEN's lists are there, else our own split of the raw labels.

    Args:
        size: side of the square pictures, in pixels.
    """
    return load_found(locate(), size)


def load_found(found: Found, size: int) -> RetrievalData:
    """Load FashionAI from where `find` found it."""
    if found.lists is not None:
        lists = read_asen_lists(found.lists, "FashionAI", SCHEMA)
        tops = {folder.parent.name: folder.parent for folder in reversed(found.pictures)}
        table, twice = lists.table(SCHEMA), lists.repeated
        pictures = placed(lists.images, _listed_files(found, tops), found.folder)
        protocol = PAPERS
    elif found.labels:
        raw, twice, protocol = read_raw(found), (), OWN
        images = tuple(dict.fromkeys(raw["image"]))
        where = {row.image: Path(row.picture) for row in raw.itertuples()}
        pictures = placed(images, _existing(where), found.folder)
        table = own_split(raw[["image", "attribute", "value"]], tuple(pictures.files) or images, one=False)
    else:
        raise FashionError(f"{found.folder} has FashionAI's pictures but no labels: {HOW_TO_GET}.")
    return photographed(
        found,
        SCHEMA,
        table,
        pictures,
        size,
        at_size=load,
        protocol=protocol,
        card=CARD,
        notes=("'Invisible' is value 0 of every attribute and is evaluated like any other.",
               "Rows with an 'm' are kept, as in ASEN's lists.", *protocol_notes(protocol, twice)),
    )  # fmt: skip


def _listed_files(found: Found, tops: dict[str, Path]) -> Callable[[str], Path | None]:
    finders: dict[Path, PictureFiles] = {}

    def file_of(name: str) -> Path | None:
        top, _, rest = name.partition("/")
        place = tops.get(top, found.folder / top)
        file = _finder(finders, place).find(rest)
        return place / file if file else None

    return file_of


def _existing(where: dict[str, Path]) -> Callable[[str], Path | None]:
    finders: dict[Path, PictureFiles] = {}

    def file_of(name: str) -> Path | None:
        file = _finder(finders, where[name].parent).find(where[name].name)
        return where[name].parent / file if file else None

    return file_of
