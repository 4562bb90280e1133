"""The drawn wardrobe: the course's embedded data set, whose ground truth includes where each attribute is."""

import pandas as pd

from fashion_lib.data.cache import load_or_build
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import check_label_table
from fashion_lib.data.sets.wardrobe.drawing import VERSION, Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import SCHEMA
from fashion_lib.data.splits import assign_roles, one_label_per_image, split_images

__all__ = ["SCHEMA", "VERSION", "Wardrobe", "image_name", "load_wardrobe"]


def image_name(index: int) -> str:
    """Return the name that the label table uses for a picture."""
    return f"wardrobe/{index:06d}"


# The largest share of the wardrobe's pictures that valid and test each keep for one attribute. Every garment
# has a pattern and a colour: without the cap these two would be half of the query-weighted mean average
# precision (MAP). FashionAI is balanced likewise.
ROWS_OF_AN_ATTRIBUTE = 0.025


def label_table(wardrobe: Wardrobe) -> pd.DataFrame:
    """Build the checked label table with the visible attributes of the pictures.

    The split is 8:1:1 for train, valid and test. Queries and candidates are 1:4. In valid and test, an
    attribute keeps at most the share ROWS_OF_AN_ATTRIBUTE of the wardrobe's pictures.

    Args:
        wardrobe: the pictures to label; its seed decides splits and roles.

    Returns:
        One row per (image, attribute), with the columns COLUMNS of `fashion_lib.data.label_table`.
    """
    splits = split_images(wardrobe.count, wardrobe.seed)
    rows = [
        (image_name(index), splits[index], attribute, value)
        for index in range(wardrobe.count)
        for attribute, value in wardrobe.labels(index).items()
    ]
    table = pd.DataFrame(rows, columns=["image", "split", "attribute", "value"])
    place = table.groupby(["split", "attribute"]).cumcount()
    table = table[(table["split"] == "train") | (place < ROWS_OF_AN_ATTRIBUTE * wardrobe.count)]
    table = assign_roles(table, wardrobe.seed)
    return check_label_table(table, SCHEMA, source="the wardrobe's label table")


def load_wardrobe(size: int, images: int, seed: int = 0) -> RetrievalData:
    """Load the wardrobe; draw it on first use into the pixel cache.

    Drawing makes about 300 pictures per second and core.

    Args:
        size: side of the square pictures, in pixels.
        images: number of pictures.
        seed: decides the drawing, the split, the roles and the label that each training picture keeps.

    Returns:
        The data set, with the true region of every visible attribute.
    """
    wardrobe = Wardrobe(seed, images, size)
    key = f"wardrobe-v{VERSION}-seed{wardrobe.seed}-{wardrobe.size}px-{wardrobe.count}"
    pixels = load_or_build(
        key, wardrobe.count, wardrobe.size, wardrobe.images, progress="drawing the wardrobe"
    )
    table = label_table(wardrobe)
    return RetrievalData(
        name="wardrobe",
        edition=VERSION,
        schema=SCHEMA,
        image_names=tuple(image_name(index) for index in range(wardrobe.count)),
        pixels=pixels,
        labels=table,
        training_labels=one_label_per_image(table, wardrobe.seed),
        notes=(
            "training keeps one balanced label per picture, as FashionAI does; valid and test keep the visible labels "
            f"of a picture, up to {ROWS_OF_AN_ATTRIBUTE:.1%} of the wardrobe for one attribute, so that few pictures "
            "give many queries and no attribute outweighs the others",
            "lengths are bins with gaps between them; close-ups carry no length, full figures no neckline",
        ),
        regions=wardrobe.regions,
        card={
            "source": f"drawn by fashion_lib.data.sets.wardrobe, version {VERSION}, seed {wardrobe.seed}",
            "licence": "MIT, as the course",
            "splitting rule": "8:1:1 at random over pictures (every picture is a scene of its own)",
        },
        at_size=lambda other: load_wardrobe(other, images, seed),
    )
