"""UT-Zap50K (Yu and Grauman, CVPR 2014) with the triplet lists of CSN (Veit et al., CVPR 2017).

CSN's `filenames.json` is plain text in spite of its name: one path per line below ut-zap50k-images/.
Labels come from meta-data.csv (UT-Zap50K's own), or from a picture's first folder where that file is absent.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import SPLITS
from fashion_lib.data.named_files import fold
from fashion_lib.data.picture_geometry import CENTRE_CROP, WHOLE
from fashion_lib.data.sets.labelled_photographs import SEED, photographed, placed
from fashion_lib.data.sets.list_file import read_list, read_names
from fashion_lib.data.sets.set_layout import OWN, PAPERS, PICTURES, Found, PictureFiles, Tree
from fashion_lib.data.sets.zappos_lists import cid_of, image_split, labels_of, read_meta, read_triplets
from fashion_lib.data.splits import assign_roles, split_images

NAME = "zappos50k"
ALIASES = ("zappos", "ut-zap50k", "ut-zap50k-data", "ut-zap50k-images", "ut-zap50k-images-square")
SCHEMA = Schema(
    (
        Attribute("class", ("Shoes", "Boots", "Sandals", "Slippers"), "global", "appearance"),
        # Further values of meta-data.csv are appended in alphabetical order, see `schema_of`.
        Attribute(
            "closure",
            ("Lace up", "Slip-On", "Zipper", "Pull-on", "Buckle", "Hook and Loop"),
            "local",
            "design",
        ),
        Attribute("gender", ("Men", "Women", "Boys", "Girls"), "global", "appearance"),
        Attribute(
            "heel",
            (
                "Flat",
                "Under 1in",
                "1in - 1 3/4in",
                "2in - 2 3/4in",
                "3in - 3 3/4in",
                "4in - 4 3/4in",
                "5in & over",
            ),
            "local",
            "length",
        ),
    )
)
GEOMETRY = CENTRE_CROP  # of the papers' code
HOW_TO_GET = (
    "get ut-zap50k-images.zip and ut-zap50k-data.zip from vision.cs.utexas.edu/projects/finegrained/utzap50k, and "
    "CSN's triplet lists (filenames.json and tripletlists/) from someone who kept them: their servers are gone"
)
CARD = {
    "source": "UT Zappos50K, Yu and Grauman, CVPR 2014; triplets of CSN, Veit et al., CVPR 2017",
    "licence": "academic, non-commercial use only",
    "how to get it": HOW_TO_GET,
    "in the papers": "CSN, ASEN and AG-MLAN: triplet accuracy over four conditions, not MAP",
}
FRACTIONS = (0.7, 0.1, 0.2)  # CSN, section 4.1: train, validation and test pictures
META, MATLAB = "labels", "other files"


def find(tree: Tree) -> Found | None:
    """Recognise UT-Zap50K in a tree: CSN's lists, meta-data.csv, and the picture folder, plain or square."""
    lists = next(
        (f.parent for f in tree.named("filenames.json") if (f.parent / "tripletlists").is_dir()), None
    )
    meta = [f for f in tree.named("meta-data.csv") if "CID" in "".join(read_list(f).lines[:1])]
    pictures = tree.folders_named("ut-zap50k-images", "ut-zap50k-images-square")
    pictures += [f for f in (tree.folder, *tree.folders) if f not in pictures and _has_categories(f)]
    if not (lists or meta or pictures):
        return None
    words = ["CSN's triplet lists"] if lists else []
    words += ["meta-data.csv"] if meta else []
    words += [f"pictures in {folder.name}" for folder in pictures]
    other = tuple(tree.named("image-path.mat", "meta-data.mat", "meta-data-bin.csv"))
    return Found(NAME, tree.folder, "; ".join(words), lists, tuple(meta), tuple(pictures), {MATLAB: other})


def _has_categories(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in ("Shoes", "Boots"))


def alike(part: str) -> str:
    """Return a key that is equal for the spellings of one folder.

    A brand's last dot is in some lists and not on disk, `%2E` in the square pictures, and `&#174;` is an HTML entity.
    """
    return fold(html.unescape(unquote(part)).rstrip("."))


def schema_of(labels: pd.DataFrame) -> Schema:
    """Return the schema with the further values that the labels hold, in alphabetical order behind the known ones."""
    attributes = []
    for attribute in SCHEMA:
        seen = set(labels.loc[labels["attribute"] == attribute.name, "value"])
        values = (*attribute.values, *sorted(seen - set(attribute.values)))
        attributes.append(Attribute(attribute.name, values, attribute.scope, attribute.kind))
    return Schema(tuple(attributes))


def load_found(found: Found, size: int, geometry: str = WHOLE) -> RetrievalData:
    """Load UT-Zap50K: with CSN's triplets where they are there, else with our own split of its labels.

    Args:
        found: where it is, as `find` returns it.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
    """
    names, triplets, notes = (), {}, []
    if found.lists is not None:
        names = read_names(found.lists / "filenames.json")
        triplets = read_triplets(found.lists, len(names))
    else:
        names = tuple(sorted(_all_pictures(found.pictures[0]))) if found.pictures else ()
    if not names or not found.pictures:
        raise FashionError(f"no picture of UT-Zap50K is below {found.folder}: {HOW_TO_GET}.")
    finders = [PictureFiles(folder, alike) for folder in found.pictures]

    def file_of(name: str) -> Path | None:
        return next((finder.root / file for finder in finders if (file := finder.find(name))), None)

    images = tuple(dict.fromkeys(names))
    meta = read_meta(found.labels[0]) if found.labels else {}
    labels, several = labels_of(images, meta)
    if several:
        notes.append(f"{several:,} cells of meta-data.csv hold several values and give no label.")
    unknown = sum(cid_of(image) not in meta for image in images) if meta else 0
    if unknown:
        notes.append(
            f"{unknown:,} pictures have no row in meta-data.csv: their folder gives the class alone."
        )
    if not meta:
        notes.append(
            "Without meta-data.csv a picture's first folder gives its class, and nothing else is labelled."
        )
    split = np.full(len(names), "", dtype="<U5")
    if triplets:
        split, shared = image_split(triplets, len(names))
        notes += [f"{shared:,} pictures stand in the triplets of several splits."] if shared else []
        notes.append("Test reads CSN's triplets, all lines of them. Training reads CSN's with sampling='triplet_list', "
                     "as in the profile paper; else it draws its own from the labels of their pictures. Weights are "
                     "selected by validation MAP, in CSN's code by validation triplet accuracy.")  # fmt: skip
    if not all((split == name).any() for name in SPLITS):
        split = split_images(len(names), SEED, FRACTIONS)
        notes.append(f"The pictures are split here, {FRACTIONS}, seed {SEED}, and not as in CSN.")
    split_of = dict(zip(names, split.tolist(), strict=True))
    table = labels.assign(split=labels["image"].map(split_of))
    table = assign_roles(table[table["split"] != ""], SEED)
    protocol = PAPERS if triplets else OWN
    rule = ("CSN's triplets; queries and candidates of MAP are drawn here" if triplets else
            "NOT the papers' protocol: split and triplets are drawn here from meta-data.csv")  # fmt: skip
    data = photographed(
        found, schema_of(labels), table, placed(images, file_of, found.folder), size,
        geometry=geometry, at_size=partial(load_found, found, geometry=geometry), protocol=protocol,
        card=CARD, notes=notes, rule=rule, evaluated=() if triplets else ("valid", "test"),
    )  # fmt: skip
    return _with_triplets(data, names, triplets)


def _all_pictures(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.suffix.lower() in PICTURES)
    return [file.relative_to(folder).as_posix() for file in files]


def _with_triplets(data: RetrievalData, names: Sequence[str], triplets) -> RetrievalData:
    """Return the data with the triplets as rows of its pictures.

    Triplets with a picture that is missing or cannot be read are left out and counted.
    """
    if not triplets:
        return data
    row_of = {name: row for row, name in enumerate(data.image_names) if name not in data.unreadable}
    rows = np.array([row_of.get(name, -1) for name in names], np.int64)
    moved = {split: {c: rows[list_] for c, list_ in of.items()} for split, of in triplets.items()}
    kept = {
        split: {c: list_[(list_ >= 0).all(axis=1)] for c, list_ in of.items()} for split, of in moved.items()
    }
    counts = [
        f"{sum(map(len, kept[s].values())):,} of {sum(map(len, moved[s].values())):,} in {s}" for s in moved
    ]
    note = f"Triplets whose pictures are there: {', '.join(counts)}."
    return replace(data, triplets=kept, notes=(*data.notes, note))
