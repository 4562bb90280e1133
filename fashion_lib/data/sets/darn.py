"""DARN (Huang et al., ICCV 2015): photographs of shops, labelled in nine attributes through ASEN's lists.

Only a list of URLs was released, so every copy has other gaps: how much is there is printed, per split and attribute.
Without ASEN's lists, the folder of a picture still gives one label, its clothes category.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data import published_schemas
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.picture_geometry import CENTRE_CROP, WHOLE
from fashion_lib.data.sets.asen_lists import find_lists, read_asen_lists
from fashion_lib.data.sets.labelled_photographs import own_split, photographed, placed
from fashion_lib.data.sets.set_layout import OWN, PAPERS, PICTURES, Found, PictureFiles, Tree

NAME = "darn"
ALIASES = ("DARN",)
SCHEMA = published_schemas.DARN
GEOMETRY = CENTRE_CROP  # of the papers' code
HOW_TO_GET = (
    "download the pictures of darn_url.txt (the list is linked from ASEN's README; many links are dead) into pic/, and "
    "put ASEN's lists (meta_data.tar.gz or data.zip of its README) beside them"
)
CARD = {
    "source": "DARN, Huang et al., ICCV 2015, arXiv 1505.07922; a list of URLs of shop photographs",
    "licence": "no licence text was found; do not re-distribute",
    "how to get it": HOW_TO_GET,
    "in the papers": "ASEN, ASEN++, RPF and IPAD: the 214,619 pictures that ASEN could still download",
}
URLS = "url list"
CATEGORY = "clothes category"
# The shop's category of a picture's folder -> value of "clothes category"; one to one in ASEN's lists.
FOLDERS = {
    "50025145": "0", "50048628": "1", "50025233": "2", "50025263": "3", "50025265": "4", "50025783": "5",
    "50064676": "6", "52040006": "7", "50047357": "8", "51606006": "9", "50025784": "10", "50025787": "11",
    "51586095": "12", "51604004": "13", "50031397": "14", "50025789": "15", "50025788": "16", "50025795": "17",
    "50029627": "18", "52318008": "19",
}  # fmt: skip
NOTES = (
    "The names of DARN's values are in no released file: values are shown by their ids.",
    "ASEN's lists are split by picture, not by item: 3,874 items are in both valid and test (4,652 test pictures).",
    "An image of train keeps all of its listed labels; in valid and test one (attribute, value) was drawn per image.",
)


def find(tree: Tree) -> Found | None:
    """Recognise DARN in a tree: ASEN's lists, the list of URLs, and the picture folders of the shop's categories."""
    lists = find_lists(tree, "DARN", ("pic/", *(f"{folder}/" for folder in FOLDERS)))
    urls = [file for file in tree.files if file.suffix == ".txt" and _is_url_list(file)]
    pictures = [f for f in tree.folders_named("pic") if any((f / name).is_dir() for name in FOLDERS)]
    parents = {f.parent for f in tree.folders if f.name in FOLDERS}
    pictures += sorted(parent for parent in parents if parent not in pictures)
    if not (lists or urls or pictures):
        return None
    parts = (["ASEN's lists"] if lists else []) + (["list of URLs"] if urls else [])
    if pictures:
        parts.append(f"pictures in {'pic/' if pictures[0].name == 'pic' else ''}<category>")
    return Found(NAME, tree.folder, "; ".join(parts), lists, (), tuple(pictures), {URLS: tuple(urls)})


def _is_url_list(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            first = content.read(300).split(b"\n")[0].split()
    except OSError:
        return False
    return len(first) == 2 and first[1].startswith(b"http") and any(f.encode() in first[0] for f in FOLDERS)


def listed_name(name: str) -> str:
    """Return a picture's name as ASEN's lists have it, with pic/ and .jpg."""
    name = name if name.startswith("pic/") else f"pic/{name}"
    return name if name.lower().endswith(PICTURES) else f"{name}.jpg"


def item_of(name: str) -> str:
    """Return what photographs of one item share: pic/<category>/<offset>_<item>_<image>.jpg without the image."""
    return name.rsplit("_", 1)[0]


def picture_finder(found: Found) -> Callable[[str], Path | None]:
    """Return image name -> its file: below pic/ or a folder like it, with .jpg, another ending or none."""
    finders = [PictureFiles(folder) for folder in found.pictures]

    def file_of(name: str) -> Path | None:
        inner = name.replace("\\", "/").removeprefix("./").removeprefix("pic/")
        for finder in finders:
            stem = inner.rsplit(".", 1)[0]
            for spelling in (inner, stem, *(stem + ending for ending in PICTURES)):
                if file := finder.find(spelling):
                    return finder.root / file
        return None

    return file_of


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load DARN: the papers' split where ASEN's lists are there, else categories alone in our own split.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    schema, notes = SCHEMA, NOTES
    if found.lists is not None:
        lists = read_asen_lists(found.lists, "DARN", SCHEMA)
        table, protocol = lists.table(SCHEMA), PAPERS
        pictures = placed(lists.images, picture_finder(found), found.folder)
        notes += lists.notes
    else:
        schema, protocol = Schema((SCHEMA.attribute(CATEGORY),)), OWN
        names = category_pictures(found)
        if not names:
            raise FashionError(
                f"{found.folder} has neither DARN's pictures nor ASEN's lists of them: {HOW_TO_GET}."
            )
        pictures = placed(names, picture_finder(found), found.folder)
        value = [FOLDERS[name.split("/")[1]] for name in names]
        labels = pd.DataFrame({"image": names, "attribute": CATEGORY, "value": value}, dtype="str")
        table = own_split(labels, names, one=False)
        notes = (NOTES[0], "Without ASEN's lists only the category is known, from a picture's folder.", _leak(table))
    return photographed(
        found, schema, table, pictures, size, geometry=geometry, at_size=partial(load_found, found, geometry=geometry),
        protocol=protocol, card=CARD, notes=notes
    )


def _leak(table: pd.DataFrame) -> str:
    train, test = (sorted(set(table.loc[table["split"] == split, "image"])) for split in ("train", "test"))
    trained = {item_of(image) for image in train}
    known = [item_of(image) for image in test if item_of(image) in trained]
    return (
        f"The split is by picture, not by item: {len(set(known)):,} items are in both train and test. "
        f"{len(known):,} of {len(test):,} test pictures show one of them."
    )


def category_pictures(found: Found) -> list[str]:
    """Return the names of all pictures in folders of the shop's categories, as ASEN's lists would name them."""
    names = set()
    for folder in found.pictures:
        for category in FOLDERS:
            if (folder / category).is_dir():
                files = filter(_may_be_picture, (folder / category).iterdir())
                names |= {listed_name(f"{category}/{file.name}") for file in files}
    return sorted(names)


def _may_be_picture(file: Path) -> bool:
    return not file.name.startswith(".") and file.suffix.lower() in ("", *PICTURES) and file.is_file()
