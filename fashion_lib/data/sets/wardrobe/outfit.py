"""What a picture shows: one labelled attribute first, then a garment that carries it, a view, and every value."""

from dataclasses import dataclass

from fashion_lib.data.sets.wardrobe.garment_schema import (
    ATTRIBUTE_SHARE,
    INVISIBLE,
    SCHEMA,
    VALUE_SHARE,
    WORLD,
)
from fashion_lib.data.sets.wardrobe.streams import Stream

LENGTHS = ("skirt_length", "sleeve_length", "coat_length", "pant_length")
NECKS = ("collar_design", "lapel_design", "neckline_design", "neck_design")

# The labelled attribute -> the garments that carry it, with their weights.
GARMENTS_WITH = {
    "skirt_length": {"skirt": 6, "dress": 4},
    "sleeve_length": {"tee": 4, "shirt": 4, "sweater": 3, "hoodie": 4, "cardigan": 4, "coat": 2},
    "coat_length": {"coat": 1},
    "pant_length": {"pants": 5, "jumpsuit": 3, "dungarees": 2},
    "collar_design": {"shirt": 5, "dress": 3, "jumpsuit": 2},
    "lapel_design": {"coat": 1},
    "neckline_design": {"tee": 5, "dress": 3, "jumpsuit": 2},
    "neck_design": {"sweater": 5, "tee": 2, "dress": 3},
}
# A garment -> the kinds of neck it has when no neck is labelled; the others have a neck of their own.
NECKS_OF = {
    "tee": ("neckline_design",),
    "shirt": ("collar_design",),
    "sweater": ("neck_design", "neckline_design"),
    "coat": ("lapel_design",),
    "dress": ("neckline_design", "neck_design", "collar_design"),
    "jumpsuit": ("neckline_design", "collar_design"),
    "skirt": ("neckline_design", "neck_design", "collar_design"),  # of the top that is worn with it
    "pants": ("neckline_design", "neck_design", "collar_design"),
}
SHAPES_OF = {
    "skirt": ("slim", "straight", "flared", "balloon", "mermaid", "tiered"),
    "dress": ("slim", "straight", "flared", "balloon", "mermaid", "tiered"),
    "pants": ("slim", "straight", "wide", "bell"),
    "jumpsuit": ("slim", "straight", "wide", "bell"),
    "dungarees": ("straight", "wide", "bell"),
    "coat": ("slim", "straight", "wide", "flared"),
}
TOP_SHAPES = ("slim", "straight", "wide")
PATTERN_SHARE = (3, *[1] * 11)  # solid is drawn three times as often as any other pattern
VIEWS = {
    "skirt_length": {"skirt": ("lower",), "dress": ("full",)},
    "pant_length": {"pants": ("lower",), "jumpsuit": ("full", "lower"), "dungarees": ("full", "lower")},
    "coat_length": {"coat": ("full",)},
    "sleeve_length": ("upper",),
}
NECK_VIEWS = ("bust", "upper", "upper")
# How a place becomes invisible.
HIDING = {
    "sleeve_length": ("frame", "shawl"),
    "lapel_design": ("frame", "object"),
    **dict.fromkeys(("skirt_length", "coat_length", "pant_length"), ("frame",)),
    **dict.fromkeys(("collar_design", "neckline_design", "neck_design"), ("frame", "object", "scarf", "hair")),
}
# What the hidden place looks like, so that nothing beside the cover gives another value away.
NEUTRAL = {
    "skirt_length": "midi",
    "sleeve_length": "long",
    "coat_length": "ankle_floor",
    "pant_length": "full",
    "collar_design": "shirt",
    "lapel_design": "notched",
    "neckline_design": "round",
    "neck_design": "low_turtle",
}
# Necklines without shoulders or sleeves, and what a picture that must show its sleeves has instead.
WITH_SHOULDERS = {"strapless": "straight", "off_shoulder": "v", "one_shoulder": "square"}
WITH_PART = ("tee", "sweater", "dress")  # unless a buttoned front takes the place
LONG_COATS = ("long", "micro", "knee", "midi", "ankle_floor")


@dataclass(frozen=True)
class Outfit:
    """The choices of a picture.

    Attributes:
        labelled: the one attribute of FashionAI's eight that the label table "wardrobe" gives this picture.
        hidden: whether its place is invisible.
        hiding: how it is or would be hidden: "frame", "object", "scarf", "hair" or "shawl".
        neck: which neck attribute the upper garment has; "" for a garment with a neck of its own.
        view: "bust", "upper", "full" or "lower".
        values: a visible value of every attribute of WORLD, shown or not.
    """

    labelled: str
    hidden: bool
    hiding: str
    neck: str
    view: str
    values: dict[str, str]

    @property
    def garment(self) -> str:
        """Return the category of the main garment."""
        return self.values["category"]

    def drawn(self, attribute: str) -> str:
        """Return the value that is drawn: the neutral one where the place is hidden."""
        if self.hidden and attribute == self.labelled:
            return NEUTRAL[attribute]
        if self.hidden and self.labelled == "lapel_design" and attribute == "coat_length":
            return "knee"  # a view below the lapel must still show the coat
        return self.values[attribute]

    @property
    def labels(self) -> dict[str, str]:
        """Return attribute -> value of all attributes that can be read from this picture, in WORLD's order."""
        shown = self._shown()
        return {
            a: INVISIBLE if self.hidden and a == self.labelled else self.values[a]
            for a in WORLD.names
            if a in shown
        }

    def _shown(self) -> set[str]:
        shown = {self.labelled, "colour", "pattern"}
        if self.view in ("bust", "upper"):
            shown.add("finish")  # in wider views its detail is too small
        if self.hidden:
            return shown
        garment, close = self.garment, self.view in ("bust", "upper")
        if self.view != "bust":
            shown.add("category")
        shaped = garment not in ("dress", "jumpsuit") if self.view == "upper" else not close
        if shaped and (garment != "coat" or self.values["coat_length"] in LONG_COATS):
            shown.add("shape")
        if not close:
            return shown
        if self.neck:
            shown.add(self.neck)
        if garment in ("shirt", "cardigan") or self.neck == "collar_design":
            shown.add("button")
        if self.view == "upper":
            if garment == "coat" and self.values["coat_length"] in LONG_COATS:
                shown.add("button")
            if not (self.neck == "neckline_design" and self.values["neckline_design"] in WITH_SHOULDERS):
                shown.add("sleeve_length")
                if self.values["sleeve_length"] not in ("sleeveless", "cup", "short"):
                    shown.add("sleeve_shape")
            if garment in WITH_PART and self.neck != "collar_design":
                shown.add("part")
        return shown


def choose_outfit(seed: int, index: int) -> Outfit:
    """Draw the outfit of a picture; each attribute always takes one draw of the stream."""
    stream = Stream(seed, index, "outfit")
    labelled = stream.choice(SCHEMA.names, ATTRIBUTE_SHARE)
    shares = VALUE_SHARE[labelled]
    hidden, hiding = stream.chance(shares[0] / sum(shares)), stream.choice(HIDING[labelled])
    garments = GARMENTS_WITH[labelled]
    garment = stream.choice(tuple(garments), tuple(garments.values()))
    neck = stream.choice(NECKS_OF.get(garment, ("",)))
    views = VIEWS.get(labelled, NECK_VIEWS)
    view = stream.choice(views[garment] if isinstance(views, dict) else views)
    values = {}
    for attribute in WORLD:
        if attribute.name in VALUE_SHARE:  # the first value is "invisible"
            values[attribute.name] = stream.choice(attribute.values[1:], VALUE_SHARE[attribute.name][1:])
        elif attribute.name == "shape":
            values["shape"] = stream.choice(SHAPES_OF.get(garment, TOP_SHAPES))
        elif attribute.name == "pattern":
            values["pattern"] = stream.choice(attribute.values, PATTERN_SHARE)
        else:
            values[attribute.name] = stream.choice(attribute.values)
    values["category"] = garment
    if labelled == "sleeve_length":  # a neckline without shoulders would hide it
        values["neckline_design"] = WITH_SHOULDERS.get(values["neckline_design"], values["neckline_design"])
    return Outfit(labelled, hidden, hiding, labelled if labelled in NECKS else neck, view, values)
