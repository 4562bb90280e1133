"""How one picture of the drawn world is labelled in the terms of FashionAI, DARN and DeepFashion.

Each label remembers the attribute of the world that it was read from, because the region of a "collar_shape" is
the region of the collar, the lapel or the neckline that the picture has.
"""

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.sets.wardrobe.garment_schema import INVISIBLE, SCHEMA, WORLD
from fashion_lib.data.sets.wardrobe.outfit import LENGTHS, NECKS, Outfit
from fashion_lib.data.sets.wardrobe.streams import Stream

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
