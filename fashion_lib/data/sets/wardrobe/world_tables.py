"""Label tables over the same drawn pictures, in the form of FashionAI's, DARN's and DeepFashion's.

A view turns the world's attributes of one picture into a table's labels. Each label remembers the attribute of
the world that it was read from, because the region of a "collar_shape" is the region of the collar, the lapel
or the neckline that the picture has.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_table import SPLITS, check_label_table
from fashion_lib.data.sets.wardrobe.drawing import Wardrobe
from fashion_lib.data.sets.wardrobe.garment_schema import INVISIBLE, SCHEMA, WORLD
from fashion_lib.data.sets.wardrobe.outfit import LENGTHS, NECKS, Outfit
from fashion_lib.data.sets.wardrobe.streams import Stream
from fashion_lib.data.splits import assign_roles, one_label_per_image, split_images

Read = dict[str, tuple[str, str]]  # a table's attribute -> (its value, the world's attribute it was read from)

# DARN has one clothes length for every garment: FashionAI's bins by where they end on the body.
DARN_LENGTH = {
    "waist": ("high_waist",),
    "hip": ("regular",),
    "thigh": ("long", "micro", "short"),
    "knee": ("knee", "mid"),
    "calf": ("midi", "three_quarter"),
    "ankle": ("ankle", "cropped"),
    "floor": ("floor", "full", "ankle_floor"),
}
LENGTH_OF = {fine: coarse for coarse, fines in DARN_LENGTH.items() for fine in fines}
BODY_LENGTHS = tuple(name for name in LENGTHS if name != "sleeve_length")
NECK_VALUES = tuple(
    f"{value}_{name.removesuffix('_design')}" for name in NECKS for value in WORLD.attribute(name).values[1:]
)
STYLES = (
    "military", "romantic", "preppy", "nautical", "sporty", "western", "evening", "retro", "country", "basic"
)


def _same(name: str, source: str, scope: str | None = None) -> Attribute:
    attribute = WORLD.attribute(source)
    values = tuple(value for value in attribute.values if value != INVISIBLE)
    return Attribute(name, values, scope or attribute.scope, attribute.kind)


def _parts() -> tuple[str, ...]:
    sewn = [value for name in ("sleeve_shape", "button", "part") for value in WORLD.attribute(name).values]
    return (*NECK_VALUES, *(value for value in sewn if value not in ("plain", "none", "straight")))


DARN = Schema(
    (
        _same("category", "category"),
        _same("button", "button"),
        _same("colour", "colour"),
        Attribute("length", tuple(DARN_LENGTH), "local", "length"),
        _same("pattern", "pattern"),
        _same("shape", "shape"),
        Attribute("collar_shape", NECK_VALUES, "local", "design"),
        _same("sleeve_length", "sleeve_length"),
        _same("sleeve_shape", "sleeve_shape"),
    )
)
DEEPFASHION = Schema(
    (
        _same("texture", "pattern"),
        _same("fabric", "finish"),
        Attribute("shape", (*WORLD.attribute("shape").values, *DARN_LENGTH), "global", "appearance"),
        Attribute("part", _parts(), "local", "design"),
        Attribute("style", STYLES, "global", "appearance"),
    )
)


def style_of(labels: dict[str, str]) -> str:
    """Return the style of a picture, a rule over what it shows (the first that holds)."""
    pattern, finish = labels["pattern"], labels.get("finish", "plain")
    rules = (
        ("military", pattern == "camouflage"),
        ("romantic", pattern == "floral" or labels.get("part") in ("bow", "frill")),
        ("preppy", pattern in ("argyle", "plaid")),
        ("nautical", pattern == "horizontal"),
        ("sporty", labels.get("category") == "hoodie" or labels.get("button") == "zip"),
        ("western", finish == "denim"),
        ("evening", finish == "satin"),
        ("retro", pattern in ("dotted", "checked", "chevron")),
        ("country", finish == "tweed"),
    )
    return next((style for style, holds in rules if holds), "basic")


def _visible(outfit: Outfit) -> dict[str, str]:
    return {name: value for name, value in outfit.labels.items() if value != INVISIBLE}


def _neck(labels: dict[str, str]) -> tuple[str, str] | None:
    name = next((name for name in NECKS if name in labels), None)
    return name and (f"{labels[name]}_{name.removesuffix('_design')}", name)


def _length(labels: dict[str, str]) -> tuple[str, str] | None:
    name = next((name for name in BODY_LENGTHS if name in labels), None)
    return name and (LENGTH_OF[labels[name]], name)


def fashionai_labels(outfit: Outfit, seed: int, index: int) -> Read:
    """Return the visible ones of FashionAI's eight attributes, "invisible" among their values."""
    return {name: (value, name) for name, value in outfit.labels.items() if name in SCHEMA.names}


def darn_labels(outfit: Outfit, seed: int, index: int) -> Read:
    """Return the attributes like DARN's that a picture shows."""
    labels = _visible(outfit)
    found = {name: (labels[name], name) for name in DARN.names if name in labels}
    for name, read in (("length", _length(labels)), ("collar_shape", _neck(labels))):
        if read:
            found[name] = read
    return {name: found[name] for name in DARN.names if name in found}


def deepfashion_labels(outfit: Outfit, seed: int, index: int) -> Read:
    """Return the attributes like DeepFashion's: of several shapes or parts that a picture has, one at random."""
    labels, stream = _visible(outfit), Stream(seed, index, "deepfashion")
    parts = [(labels[a], a) for a in ("sleeve_shape", "button", "part") if labels.get(a) in _parts()]
    parts += [neck] if (neck := _neck(labels)) else []
    shapes = [(labels["shape"], "shape")] if "shape" in labels else []
    shapes += [length] if (length := _length(labels)) else []
    found = {"texture": (labels["pattern"], "pattern")}
    if "finish" in labels:
        found["fabric"] = (labels["finish"], "finish")
    for name, options in (("shape", shapes), ("part", parts)):
        pick = stream.uniform()
        if options:
            found[name] = options[int(pick * len(options))]
    return found | {"style": (style_of(labels), "pattern")}


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
