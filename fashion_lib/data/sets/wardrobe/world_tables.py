"""Label tables over the same drawn pictures, in the form of FashionAI's, DARN's and DeepFashion's."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fashion_lib.core.schema import Schema
from fashion_lib.data.label_table import SPLITS, check_label_table
from fashion_lib.data.sets.wardrobe.drawing import Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import SCHEMA
from fashion_lib.data.sets.wardrobe.outfit import Outfit
from fashion_lib.data.sets.wardrobe.world_labels import (
    DARN,
    DEEPFASHION,
    Read,
    darn_labels,
    deepfashion_labels,
    fashionai_labels,
)
from fashion_lib.data.splits import assign_roles, one_label_per_image, split_images


@dataclass(frozen=True)
class TableView:
    """A label table over the drawn pictures.

    Attributes:
        schema: its attributes with their values.
        labels: (outfit, seed, index) -> the labels of a picture.
        training: labels per training picture, "one" or "all".
        fixed: whether the picture itself decides its one label (FashionAI), or a balanced draw does.
        notes: what the protocol card says about the table.
    """

    schema: Schema
    labels: Callable[[Outfit, int, int], Read]
    training: str
    fixed: bool
    notes: tuple[str, ...]


TABLES = {
    "wardrobe": TableView(
        SCHEMA,
        fashionai_labels,
        "one",
        True,
        (
            "FashionAI's eight attributes with its values; each picture has one labelled attribute, drawn with the "
            "proportions of FashionAI's test queries",
            "'invisible' is a value: the garment is there, its place is cut off by the frame or covered, and it "
            "has no region",
        ),
    ),
    "wardrobe_darn": TableView(
        DARN, darn_labels, "one", False, ("nine attributes like DARN's; one label per picture, drawn in balance",)
    ),
    "wardrobe_deepfashion": TableView(
        DEEPFASHION,
        deepfashion_labels,
        "all",
        False,
        (
            "five attributes like DeepFashion's; a training picture keeps a label of each attribute that it shows, "
            "valid and test keep one",
            "style is a rule over pattern, finish and sewn parts; its region is the whole garment",
        ),
    ),
}


def label_tables(wardrobe: Wardrobe, view: TableView) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build the checked label table and the training labels of a view.

    The split is 8:1:1 for train, valid and test; queries and candidates are 1:4. Valid and test keep one label
    per picture.

    Args:
        wardrobe: the pictures to label; its seed decides splits and roles.
        view: the label table's form.

    Returns:
        The label table, in train with every label of a picture, and the rows that training reads. Both have the
        columns COLUMNS of `fashion_lib.data.label_table`.
    """
    splits = split_images(wardrobe.count, wardrobe.seed)
    rows = []
    for index in range(wardrobe.count):
        outfit = wardrobe.outfit(index)
        for name, (value, _) in view.labels(outfit, wardrobe.seed, index).items():
            rows.append((image_name(index), splits[index], name, value, name == outfit.labelled))
    every = pd.DataFrame(rows, columns=["image", "split", "attribute", "value", "labelled"])
    kept = every[every["labelled"]] if view.fixed else _balanced(every, wardrobe.seed)
    train = every["split"] == "train"
    table = pd.concat([every[train], kept[kept["split"] != "train"]]).drop(columns="labelled")
    table = check_label_table(assign_roles(table, wardrobe.seed), view.schema, source="the wardrobe's label table")
    if view.training == "all":
        return table, table[table["split"] == "train"].reset_index(drop=True)
    pairs = pd.MultiIndex.from_frame(kept[["image", "attribute"]])
    chosen = pd.MultiIndex.from_frame(table[["image", "attribute"]]).isin(pairs)
    return table, table[chosen & (table["split"] == "train")].reset_index(drop=True)


def _balanced(every: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row per picture in each split, drawn as `one_label_per_image` draws it."""
    parts = [every[every["split"] == name].assign(split="train") for name in SPLITS]
    drawn = [one_label_per_image(part, seed).assign(split=name) for name, part in zip(SPLITS, parts, strict=True)]
    return pd.concat(drawn)


def region_reader(wardrobe: Wardrobe, view: TableView) -> Callable[[np.ndarray, int], np.ndarray]:
    """Return the function (picture numbers, attribute id of the view's schema) -> bool (B, size, size)."""

    def regions(rows: np.ndarray, attribute: int) -> np.ndarray:
        name, sources = view.schema.names[attribute], []
        for index in np.asarray(rows).tolist():
            read = view.labels(wardrobe.outfit(index), wardrobe.seed, index)
            sources.append(read[name][1] if name in read else name)
        return wardrobe.regions(rows, sources)

    return regions


def image_name(index: int) -> str:
    """Return the name that the label tables use for a picture."""
    return f"wardrobe/{index:06d}"
