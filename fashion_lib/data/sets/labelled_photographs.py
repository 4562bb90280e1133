"""From a label table and the pictures that it names to RetrievalData; what is missing is left out, counted and named.

`read_pictures` is the one place where the pictures of a real data set are read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import ROLES
from fashion_lib.data.picture_geometry import FITS, WHOLE
from fashion_lib.data.picture_source import pictures as picture_source
from fashion_lib.data.sets.set_layout import Found
from fashion_lib.data.splits import assign_roles, split_images

VERSION = "1"  # of the reading below: part of every edition
SEED = 0  # of our own splits and roles; fixed, so that every table shares them
SPLIT_WORDS = {
    "papers": "the papers' lists: split, queries and candidates to the row",
    "own": "NOT the papers' split: drawn here, 8:1:1 of images, 1:4 query:candidate stratified by value, "
    f"seed {SEED}",
}


@dataclass(frozen=True)
class PlacedPictures:
    """The picture files of a data set.

    Attributes:
        folder: the folder that `files` are relative to.
        files: image name -> path of its file; images without a file are not in it.
        wanted: every image that the lists name, in their order.
    """

    folder: Path
    files: Mapping[str, str]
    wanted: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the images without a file, in order."""
        return tuple(name for name in self.wanted if name not in self.files)


def placed(wanted: Sequence[str], find: Callable[[str], Path | None], fallback: Path) -> PlacedPictures:
    """Find the file of each image, and the deepest folder that holds them all under their own names.

    A folder in which every image has its listed path makes an edition that does not depend on where the set lies.

    Args:
        wanted: image names, each once.
        find: image name -> its file, or None.
        fallback: a folder above all files, for sets that lie in several places.
    """
    paths = {name: path for name in wanted if (path := find(name)) is not None}
    roots = {
        path.parents[name.count("/")] for name, path in paths.items() if len(path.parents) > name.count("/")
    }
    folder = roots.pop() if len(roots) == 1 else Path(fallback)
    files = {name: os.path.relpath(path, folder).replace(os.sep, "/") for name, path in paths.items()}
    return PlacedPictures(folder, files, tuple(wanted))


def read_pictures(
    name: str, pictures: PlacedPictures, size: int, geometry: str = WHOLE
) -> tuple[np.ndarray, dict[str, str], str]:
    """Read the pictures of a data set as squares, in the order of `pictures.files`.

    Args:
        name: of the data set.
        pictures: the files.
        size: side of the squares, in pixels.
        geometry: see `picture_geometry`.

    Returns:
        The pixels uint8 (N, size, size, 3); image name -> why its file cannot be read; a digest of the files.
    """
    files = list(pictures.files.values())
    pixels, unreadable, digest = picture_source(name, pictures.folder, files, size, geometry=geometry)
    image_of = {file: image for image, file in pictures.files.items()}
    return pixels, {image_of[file]: reason for file, reason in unreadable.items()}, digest


def own_split(labels: pd.DataFrame, images: Sequence[str], *, one: bool) -> pd.DataFrame:
    """Split labelled images in the papers' shares: 8:1:1 of images, and 1:4 query:candidate stratified by value.

    Args:
        labels: the columns image, attribute, value; every known label.
        images: the images to split, in a fixed order.
        one: whether an image in valid and test keeps one of its labels, drawn uniformly, as in ASEN's lists.

    Returns:
        A label table with the columns COLUMNS.
    """
    split = dict(zip(images, split_images(len(images), SEED), strict=True))
    table = labels.assign(split=labels["image"].map(split)).dropna(subset="split").reset_index(drop=True)
    if one:
        draw = pd.Series(np.random.default_rng(SEED).random(len(table)))
        kept = draw.groupby(table["image"]).transform("min") == draw
        table = table[(table["split"] == "train") | kept]
    return assign_roles(table, SEED)


def photographed(
    found: Found,
    schema: Schema,
    table: pd.DataFrame,
    pictures: PlacedPictures,
    size: int,
    *,
    geometry: str,
    at_size: Callable[[int], RetrievalData],
    protocol: str,
    card: Mapping[str, str],
    notes: Sequence[str] = (),
    rule: str = "",
    evaluated: Sequence[str] = ("valid", "test"),
) -> RetrievalData:
    """Build the data set: read the pictures, leave out rows without one, say how much is there.

    Args:
        found: where the data set is.
        schema: the attributes with their values.
        table: label rows with the columns COLUMNS. Its training rows are those that training reads.
        pictures: the files.
        size: side of the square pictures, in pixels.
        geometry: how a picture becomes a square, see `picture_geometry`.
        at_size: loads the same data set at another size.
        protocol: PAPERS or OWN: whose split the table has.
        card: further facts for the protocol card.
        notes: further notes for the card.
        evaluated: the splits that must have a query and a candidate.
        rule: the splitting rule in words; "" takes SPLIT_WORDS of the protocol.

    Raises:
        FashionError: no picture is there, or too little is left to train and evaluate.
    """
    if not pictures.files:
        raise FashionError(
            f"none of the {len(pictures.wanted):,} pictures of '{found.name}' is below {found.folder} (the first is "
            f"{pictures.wanted[0]}): unpack the picture archives there, or correct FASHION_DATA."
        )
    pixels, unreadable, digest = read_pictures(found.name, pictures, size, geometry)
    usable = set(pictures.files) - set(unreadable)
    kept = table[table["image"].isin(usable)]
    kept, without = _with_candidates(kept)
    _check_enough(found, kept, evaluated)
    counts = _counts(table, kept, pictures, unreadable)
    for image, reason in list(unreadable.items())[:5]:
        counts += (f"{image} cannot be read ({reason}).",)
    print(f"{found.name}: {found.layout}; {rule or SPLIT_WORDS[protocol]}. {counts[0]}")
    return RetrievalData(
        name=found.name,
        edition="-".join((VERSION, protocol, *((geometry,) if geometry != WHOLE else ()), digest)),
        schema=schema,
        image_names=tuple(pictures.files),
        pixels=pixels,
        labels=kept,
        training_labels=kept[kept["split"] == "train"].reset_index(drop=True),
        notes=(*counts, *without, *found.notes, *notes),
        card={
            **card,
            "layout found": f"{found.layout} in {found.folder.name}",
            "splitting rule": rule or SPLIT_WORDS[protocol],
            "pictures": f"{size} px: {FITS[geometry]}",
        },
        at_size=at_size,
        geometry=geometry,
        unreadable=frozenset(unreadable),
    )


def _with_candidates(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out the queries of an attribute whose candidates are all gone, and say so."""
    notes = []
    for split in ("valid", "test"):
        rows = table[table["split"] == split]
        empty = set(rows["attribute"]) - set(rows.loc[rows["role"] == "candidate", "attribute"])
        if empty:
            lost = (table["split"] == split) & table["attribute"].isin(empty)
            table = table[~lost]
            notes.append(
                f"{split} has no candidate of {', '.join(sorted(empty))}: {int(lost.sum())} queries left out."
            )
    return table.reset_index(drop=True), tuple(notes)


def _check_enough(found: Found, table: pd.DataFrame, evaluated: Sequence[str]) -> None:
    for split in ("train", *evaluated):
        for role in ROLES[split]:
            if not ((table["split"] == split) & (table["role"] == role)).any():
                raise FashionError(
                    f"the pictures of '{found.name}' below {found.folder} are too few: the split '{split}' has no "
                    f"{role} among them; get more of its pictures."
                )


def _counts(table: pd.DataFrame, kept: pd.DataFrame, pictures: PlacedPictures, unreadable) -> tuple[str, ...]:
    """Sentences on how much is there: in all, then per split and per attribute of test where something is missing."""
    there, wanted = len(pictures.files) - len(unreadable), len(pictures.wanted)
    first = f"{there:,} of {wanted:,} pictures are there"
    if there == wanted:
        return (first + ".",)
    missing = pictures.missing
    parts = [
        f"{split} {_share(kept[kept['split'] == split], table[table['split'] == split])}" for split in ROLES
    ]
    test, left = table[table["split"] == "test"], kept[kept["split"] == "test"]
    per = [
        f"{name} {_share(left[left['attribute'] == name], rows)}"
        for name, rows in test.groupby("attribute", sort=False)
    ]
    return (
        f"{first}, so scores are those of a SUBSET: {len(missing):,} are missing, {len(unreadable):,} cannot be read.",
        f"Rows with a picture: {', '.join(parts)}; in test per attribute: {', '.join(per)}.",
        *((f"Missing: {listed(missing)}.",) if missing else ()),
    )


def _share(part: pd.DataFrame, whole: pd.DataFrame) -> str:
    return f"{100 * len(part) / max(1, len(whole)):.1f} % of {len(whole):,}"
