"""The "Clothing dataset" (CC0): real photographs, attributes derived from the category, split by sender.

Home: https://github.com/alexeygrigorev/clothing-dataset. `images.csv` has image, sender_id, label, kids; the
pictures are `images/<image>.jpg`. The data set labels categories only. An attribute is derived where the
category decides it. It is left open where the category does not: a shirt's sleeves may be long or short.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.words import listed
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import check_label_table, read_rows
from fashion_lib.data.named_files import find_files
from fashion_lib.data.photographs import cached_photographs
from fashion_lib.data.splits import assign_roles, one_label_per_image, split_groups

VERSION = "1"
SEED = 0  # of split, roles and the one-label draw; fixed, so that every table of the course shares them
# Digest of the photographs' content -> the mark (of names and sizes) that the ledger's runs were stored under.
STORED = {"3d128a0c8d57": "3e030f8371b9"}
FIELDS = ("image", "sender_id", "label", "kids")
NO_GARMENT = ("Not sure", "Skip", "Other")

# value -> the labels that decide it
DERIVED = {
    "sleeve_length": {
        "none": ("Undershirt",),
        "short": ("T-Shirt", "Polo"),
        "long": ("Longsleeve", "Hoodie", "Blazer"),
    },
    "neck": {
        "plain": ("T-Shirt", "Longsleeve", "Undershirt"),
        "collar": ("Polo", "Shirt"),
        "hood": ("Hoodie",),
        "lapel": ("Blazer",),
    },
    "leg_length": {"short": ("Shorts",), "long": ("Pants",)},
    "category": {
        label.lower(): (label,)
        for label in (
            "T-Shirt",
            "Longsleeve",
            "Shirt",
            "Polo",
            "Undershirt",
            "Hoodie",
            "Blazer",
            "Outwear",
            "Dress",
            "Body",
            "Pants",
            "Shorts",
            "Skirt",
            "Shoes",
            "Hat",
        )
    },
}
AUDIENCE = {"False": "adult", "True": "kids"}

SCHEMA = Schema(
    (
        Attribute("sleeve_length", tuple(DERIVED["sleeve_length"]), "local", "length"),
        Attribute("neck", tuple(DERIVED["neck"]), "local", "design"),
        Attribute("leg_length", tuple(DERIVED["leg_length"]), "local", "length"),
        Attribute("category", tuple(DERIVED["category"]), "global", "appearance"),
        Attribute("audience", tuple(AUDIENCE.values()), "global", "appearance"),
    )
)

NOTES = (
    (
        "Attributes are derived from the category only where it decides them: a shirt's sleeves, an outer "
        "garment's neck and every garment's unseen details have no label."
    ),
    "'Not sure', 'Skip' and 'Other' name no garment: those photographs carry no label and are left out.",
    (
        "'Top' (43) and 'Blouse' (23) carry no category label, only the audience: a tenth of them leaves "
        "one query and too few candidates to measure, and they overlap in meaning with shirt and undershirt."
    ),
    "No sender's photographs cross the split; who would fill over a tenth of valid or test stays in train.",
)


def clothing_folder() -> Path:
    """Return the folder of the data set: $FASHION_CLOTHING, data/clothing-dataset, or shared/ beside the project.

    Raises:
        FashionError: it is in none of them; the sentence says how to download the photographs.
    """
    if chosen := os.environ.get("FASHION_CLOTHING"):  # an explicit wish is never silently replaced
        folders = [paths.user_path(chosen, "FASHION_CLOTHING", follow=False)]
    else:
        root = paths.root()
        folders = [download_folder(), root.parent / "shared" / "data" / "clothing-dataset"]
    for folder in folders:
        if (folder / "images.csv").is_file() and (folder / "images").is_dir():
            return folder
    raise FashionError(
        f"no clothing photographs (images.csv beside a folder images) in "
        f"{' or '.join(map(str, folders))}: run `python -m fashion_lib download clothing`, or set "
        "FASHION_CLOTHING to the folder that has them."
    )


def download_folder() -> Path:
    """Return where the download command puts the photographs (not under version control)."""
    return paths.root() / "data" / "clothing-dataset"


def derived_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return every label that `rows` (columns `FIELDS`, text) decide: a table image, attribute, value."""
    parts = []
    for attribute, values in DERIVED.items():
        value = rows["label"].map({label: value for value, labels in values.items() for label in labels})
        parts.append(pd.DataFrame({"image": rows["image"], "attribute": attribute, "value": value}))
    audience = rows["kids"].map(AUDIENCE).where(~rows["label"].isin(NO_GARMENT))
    parts.append(pd.DataFrame({"image": rows["image"], "attribute": "audience", "value": audience}))
    return pd.concat(parts).dropna(subset="value").sort_index(kind="stable").reset_index(drop=True)


def photograph_files(
    folder: Path, rows: pd.DataFrame, lines: Sequence[int]
) -> tuple[dict[str, str], str]:
    """Find the photographs of the rows of images.csv.

    Returns image -> file name in the folder images, and a sentence on files that are spelled otherwise.
    FashionError for two images that mean one file, and for a name that leads out of the folder.
    """
    found, spelling = find_files(
        [f"{image}.jpg" for image in rows["image"]],
        folder / "images",
        source=str(folder / "images.csv"),
        lines=lines,
    )
    files = {name.removesuffix(".jpg"): file for name, file in found.items()}
    first: dict[str, str] = {}
    for image, file in files.items():
        if first.setdefault(file, image) != image:
            raise FashionError(
                f"the images {shortened(first[file])} and {shortened(image)} of {folder / 'images.csv'} are one file, "
                f"{shortened(file)}: remove one of their lines."
            )
    return files, spelling


def load_clothing(size: int) -> RetrievalData:
    """Load the photographs as squares of `size` pixels, decoded once and cached; print what was left out."""
    folder = clothing_folder()
    rows, lines = read_rows(folder / "images.csv", FIELDS)
    twice = rows["image"].duplicated()
    if twice.any():
        raise FashionError(
            f"line {lines[int(twice.argmax())]} of {folder / 'images.csv'} repeats the image "
            f"{shortened(rows['image'][int(twice.argmax())])}: remove one of its lines."
        )
    files, spelling = photograph_files(folder, rows, lines)
    missing = rows.loc[~rows["image"].isin(files), "image"]
    present = {name for name in os.listdir(folder / "images") if name.lower().endswith(".jpg")}
    orphans = len(present - set(files.values()))
    known = derived_labels(rows[rows["image"].isin(files)])
    if known.empty:
        raise FashionError(
            f"no photograph in {folder} has a label of the course: check that images.csv and the "
            "folder images belong together."
        )
    images = sorted(set(known["image"]))
    paths_of = {image: f"images/{files[image]}" for image in images}
    pixels, unreadable, digest = cached_photographs(
        "clothing", folder, list(paths_of.values()), size
    )
    broken = {image: unreadable[file] for image, file in paths_of.items() if file in unreadable}
    known = known[~known["image"].isin(broken)]

    sender = rows.set_index("image")["sender_id"]
    kept = [image for image in images if image not in broken]
    split = dict(zip(kept, split_groups(sender[kept], SEED), strict=True))
    table = assign_roles(known.assign(split=known["image"].map(split)), SEED)
    table = check_label_table(table, SCHEMA, images, source="the label table derived from images.csv")

    counts = (
        f"{len(kept)} labelled photographs of {sender[kept].nunique()} senders; left out: "
        f"{len(missing)} rows without an image, {orphans} images without a row, "
        f"{len(rows) - len(missing) - len(images)} without a garment label, {len(broken)} unreadable"
    )
    named = f" ({listed([f'{image}: {reason}' for image, reason in broken.items()])})" if broken else ""
    print(f"clothing: {counts}{named}." + (f" {spelling}" if spelling else ""))
    return RetrievalData(
        name="clothing",
        edition=f"{VERSION}-{STORED.get(digest, digest)}",
        schema=SCHEMA,
        image_names=tuple(images),
        pixels=pixels,
        labels=table,
        training_labels=one_label_per_image(table, SEED),
        notes=(
            f"{counts}{named}.",
            f"Rows without an image: {listed(missing)}.",
            *((spelling,) if spelling else ()),
            *NOTES,
        ),
        card={
            "source": "Clothing dataset, https://github.com/alexeygrigorev/clothing-dataset",
            "licence": "CC0 1.0 (public domain)",
            "splitting rule": f"by sender, 8:1:1 of images, seed {SEED}; 1:4 query:candidate per value",
            "pictures": f"whole, long side {size} px, square by padding in its border's colour",
        },
        at_size=load_clothing,
        senders=tuple(sender[image] if image in sender.index else "" for image in images),
    )
