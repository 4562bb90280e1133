"""FashionAI's attributes (Alibaba, Tianchi 2018): the papers' split through ASEN's lists, or raw labels.

ASEN's released lists keep the rows whose raw label has an `m` ("maybe"), and so does this reader.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.picture_geometry import CENTRE_CROP, WHOLE
from fashion_lib.data.sets.asen_lists import find_lists, read_asen_lists
from fashion_lib.data.sets.fashionai_labels import PLACES, QUESTIONS, annotates, finder_of, has_rows, read_raw
from fashion_lib.data.sets.labelled_photographs import own_split, photographed, placed
from fashion_lib.data.sets.set_layout import OWN, PAPERS, Found, PictureFiles, Tree

NAME = "fashionai"
ALIASES = ("FashionAI",)
SCHEMA = published_schemas.FASHIONAI
GEOMETRY = CENTRE_CROP  # of the papers' code
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


def find(tree: Tree) -> Found | None:
    """Recognise FashionAI in a tree: ASEN's lists, label files and answers, questions, and picture folders."""
    lists = find_lists(tree, "FashionAI", TOPS)
    labels = [
        f for f in tree.files if f.suffix == ".csv" and (annotates(f) or "answer" in f.name) and has_rows(f)
    ]
    questions = [f for f in tree.named("question.csv") if f.parent.name == "Tests"]
    pictures = [f for f in tree.folders_named("Images") if any(_attribute_folders(f))]
    if not (lists or labels or questions or pictures):
        return None
    parts = ["ASEN's lists"] if lists else []
    parts += [f"answers in {file.name}" for file in labels if not annotates(file)]
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
        if file.parent.parent not in {label.parent.parent for label in labels} and all(map(annotates, labels))
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


def _attribute_folders(images: Path) -> list[str]:
    return [
        name for name in (f"{attribute}_labels" for attribute in SCHEMA.names) if (images / name).is_dir()
    ]


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load FashionAI: the papers' split where ASEN's lists are there, else our own split of the raw labels.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    if found.lists is not None:
        lists = read_asen_lists(found.lists, "FashionAI", SCHEMA)
        tops = {folder.parent.name: folder.parent for folder in reversed(found.pictures)}
        table, notes = lists.table(SCHEMA), lists.notes
        pictures = placed(lists.images, _listed_files(found, tops), found.folder)
        protocol = PAPERS
    elif found.labels:
        raw, notes, protocol = read_raw(found), (), OWN
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
        geometry=geometry, at_size=partial(load_found, found, geometry=geometry),
        protocol=protocol,
        card=CARD,
        notes=("'Invisible' is value 0 of every attribute and is evaluated like any other.",
               "Rows with an 'm' are kept, as in ASEN's lists.", *notes),
    )  # fmt: skip


def _listed_files(found: Found, tops: dict[str, Path]) -> Callable[[str], Path | None]:
    finders: dict[Path, PictureFiles] = {}

    def file_of(name: str) -> Path | None:
        top, _, rest = name.replace("\\", "/").removeprefix("./").partition("/")
        place = tops.get(top, found.folder / top)
        file = finder_of(finders, place).find(rest)
        return place / file if file else None

    return file_of


def _existing(where: dict[str, Path]) -> Callable[[str], Path | None]:
    finders: dict[Path, PictureFiles] = {}

    def file_of(name: str) -> Path | None:
        file = finder_of(finders, where[name].parent).find(where[name].name)
        return where[name].parent / file if file else None

    return file_of
