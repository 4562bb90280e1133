"""One drawn picture: choose the labels, pose the figure, dress it, expose the picture."""

from dataclasses import dataclass

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe import garments, necks
from fashion_lib.data.sets.wardrobe.backdrop import draw_backdrop, expose
from fashion_lib.data.sets.wardrobe.canvas import SUPERSAMPLING, Canvas, Frame
from fashion_lib.data.sets.wardrobe.fabric import DYES, edge_colour, weave
from fashion_lib.data.sets.wardrobe.figure import (
    draw_arm,
    draw_behind,
    draw_head,
    draw_in_front,
    draw_neck,
    pose,
)
from fashion_lib.data.sets.wardrobe.garment_schema import (
    CARRIED,
    CLOSE_UP_SHARE,
    COAT_END,
    GARMENT_SHARE,
    GARMENTS,
    NECK_ATTRIBUTES,
    PANT_END,
    SCHEMA,
    SKIRT_END,
    SLEEVE_END,
)
from fashion_lib.data.sets.wardrobe.streams import Stream

# (garment, close-up) -> (top, bottom) of the picture, in body units. Close-ups follow FashionAI's crops for
# collars; full figures show the lengths.
FRAMES = {
    ("top", True): (0.3, 3.1),
    ("top", False): (0.1, 4.5),
    ("dress", False): (-0.2, 8.2),
    ("coat", True): (0.3, 3.5),
    ("coat", False): (0.3, 6.5),
    ("skirt", False): (2.0, 8.3),
    ("pants", False): (2.0, 8.3),
}


@dataclass(frozen=True)
class Outfit:
    """What a scene shows: the garment, close-up or not, and a value for every attribute, visible or not."""

    garment: str
    close_up: bool
    neck: str
    values: dict[str, str]

    @property
    def labels(self) -> dict[str, str]:
        """Return attribute name -> value, for the attributes that are visible in this picture."""
        hidden = set(NECK_ATTRIBUTES) - {self.neck}
        return {a: self.values[a] for a in CARRIED[self.garment, self.close_up] if a not in hidden}


@dataclass(frozen=True)
class Drawing:
    """A picture with its ground truth. S is the output size, in pixels.

    Attributes:
        image: uint8 (S, S, 3).
        labels: attribute -> value.
        regions: attribute -> bool (S, S), the pixels from which the attribute can be read.
        parts: uint8 (S, S), indices into garment_schema.PARTS.
        outfit: the choices behind the labels.
    """

    image: np.ndarray
    labels: dict[str, str]
    regions: dict[str, np.ndarray]
    parts: np.ndarray
    outfit: Outfit


def choose_outfit(seed: int, index: int) -> Outfit:
    """Draw the outfit of a picture; values are uniform, independent of each other and of the garment."""
    stream = Stream(seed, index, "outfit")
    garment = stream.choice(GARMENTS, GARMENT_SHARE)
    close_up = stream.uniform() < CLOSE_UP_SHARE.get(garment, 0.0)
    neck = "lapel_design" if garment == "coat" else stream.choice(NECK_ATTRIBUTES, (0.4, 0.3, 0.3))
    return Outfit(garment, close_up, neck, {a.name: stream.choice(a.values) for a in SCHEMA})


def _frame(outfit: Outfit, side: int, seed: int, index: int) -> Frame:
    stream = Stream(seed, index, "framing")
    top, bottom = FRAMES[outfit.garment, outfit.close_up]
    aside, down = (
        (0.16, 0.1) if outfit.garment in ("top", "coat") else (0.14, 0.05)
    )  # the hem must remain inside the picture
    return Frame(
        side,
        top,
        bottom,
        zoom=stream.uniform(0.84, 1.06),
        turn=np.radians(stream.uniform(-9, 9)),
        shift=(stream.uniform(-aside, aside), stream.uniform(-down, down)),
        flip=stream.sign(),
        width=stream.uniform(0.95, 1.05),
    )


class Dresser:
    """One figure in its clothes on one canvas, with the region polygons of each local attribute."""

    def __init__(self, canvas: Canvas, seed: int, index: int, outfit: Outfit):
        self.canvas, self.outfit = canvas, outfit
        self.stream = lambda name: Stream(seed, index, name)
        self.figure = pose(self.stream("pose"))
        self.regions: dict[str, list] = {}
        values = outfit.values
        self.dye = self.stream("dye").jitter(DYES[values["colour"]], 16)
        self.fabric = weave(values["pattern"], self.dye, canvas.frame, canvas.side, self.stream("fabric"))
        companion = self.stream("companion")  # the second garment: its colour must differ
        # Its dye stays the same in a twin. So it avoids the scene's own colour, not a twin's changed colour.
        own = choose_outfit(seed, index).values["colour"]
        other = companion.choice([name for name in DYES if name != own])
        self.other_dye = companion.jitter(DYES[other], 20)
        kind = companion.choice(SCHEMA.attribute("pattern").values, (0.6, 0.1, 0.1, 0.1, 0.1))
        kind = "solid" if outfit.garment == "coat" else kind
        self.other_fabric = weave(
            kind, self.other_dye, canvas.frame, canvas.side, self.stream("companion fabric")
        )
        self.cut = self.stream("cut")
        self.ease = self.cut.uniform(-0.02, 0.22)
        self.spot = self.cut.uniform()  # position of a length inside its bin, 0 to 1
        self.sleeve_spot = self.cut.uniform()

    def _end(self, bins: dict, attribute: str, spot: float | None = None) -> float:
        low, high = bins[self.outfit.values[attribute]]
        return low + (high - low) * (self.spot if spot is None else spot)

    def skirt(self, main: bool) -> None:
        """Draw a skirt; `main` means that it is the labelled garment."""
        silhouette = self.outfit.values["silhouette"] if main else "straight"
        end = self._end(SKIRT_END, "skirt_length")
        outline = garments.skirt_outline(end, silhouette, 0.25 * self.ease)
        fabric, dye = (self.fabric, self.dye) if main else (self.other_fabric, self.other_dye)
        self.canvas.cloth(outline, fabric, edge_colour(dye), "lower", "lower" if main else None)
        if main:
            self.regions["skirt_length"] = garments.hem_region(
                end, max(x for x, y in outline if y > end - 0.3)
            )

    def pants(self, main: bool, end: float) -> None:
        """Draw pants down to y = `end`; `main` means that they are the labelled garment."""
        fabric, dye = (self.fabric, self.dye) if main else (self.other_fabric, self.other_dye)
        for outline in garments.pant_outlines(self.figure, end, 0.4 * self.ease):
            self.canvas.cloth(outline, fabric, edge_colour(dye), "lower", "lower" if main else None)
        if main:
            self.regions["pant_length"] = garments.pant_hem_region(self.figure, end)

    def bodice(self, main: bool, end: float, neckline: str | None) -> None:
        """Draw torso, arms and sleeves.

        Args:
            main: whether they belong to the labelled garment.
            end: height of the hem, in body units.
            neckline: a value of neckline_design, or None for another kind of neck.
        """
        fabric, dye = (self.fabric, self.dye) if main else (self.other_fabric, self.other_dye)
        garment, pen = ("upper" if main else None), edge_colour(dye)
        fraction = self._end(SLEEVE_END, "sleeve_length", self.sleeve_spot)
        self.canvas.cloth(garments.bodice_outline(end, self.ease, neckline), fabric, pen, "torso", garment)
        for arm in self.figure.arms:
            draw_arm(self.canvas, self.figure, arm)
        garments.dress_sleeves(self.canvas, self.figure, fraction, self.ease, fabric, pen, garment, neckline)
        self.regions["sleeve_length"] = garments.cuff_region(self.figure, fraction)

    def neck(self, end: float, dye) -> None:
        """Draw the neck of the bodice; only the attribute that the outfit carries gets a region."""
        attribute, pen = self.outfit.neck, edge_colour(dye)
        value, trim = self.outfit.values[attribute], necks.trim_of(dye, self.stream("trim"))
        draw_neck(self.canvas, self.figure)
        if attribute == "neckline_design":
            region = necks.neckline(self.canvas, self.figure, value, trim, pen)
        elif attribute == "neck_design":
            region = necks.neck_design(self.canvas, self.figure, value, trim, dye, pen)
        elif attribute == "collar_design":
            region = necks.collar(self.canvas, self.figure, value, trim, pen)
        else:
            region = necks.lapel(self.canvas, self.figure, value, trim, pen, end)
        self.regions[attribute] = region

    def dress(self) -> None:
        """Draw everything in order, back to front."""
        garment, values = self.outfit.garment, self.outfit.values
        draw_behind(self.canvas, self.figure)
        worn_below = self.cut.choice(("skirt", "pants", "pants"))
        top_end = self.cut.uniform(3.2, 3.9)
        is_upper = garment in ("top", "dress", "coat")
        if garment in ("dress", "skirt") or (garment == "top" and worn_below == "skirt"):
            self.skirt(main=garment in ("dress", "skirt"))
        elif garment == "coat":  # with long trousers: a second hem near the coat's would hide its length
            self.pants(main=False, end=PANT_END["full"][0])
        else:
            self.pants(main=garment == "pants", end=self._end(PANT_END, "pant_length"))
        if garment == "coat":
            end = self._end(COAT_END, "coat_length")
            self.regions["coat_length"] = garments.hem_region(end, 0.8 + self.ease)
        else:  # only a top is worn untucked, so that the waist of the other garments is visible
            end = top_end if garment == "top" else 3.1
        neckline = values["neckline_design"] if self.outfit.neck == "neckline_design" else None
        self.bodice(is_upper, end, neckline)
        self.neck(end, self.dye if is_upper else self.other_dye)
        draw_head(self.canvas, self.figure)
        draw_in_front(self.canvas, self.figure)


def draw(seed: int, index: int, size: int, outfit: Outfit | None = None) -> Drawing:
    """Draw the picture at (seed, index).

    Args:
        seed: seed of the wardrobe.
        index: number of the picture.
        size: side of the picture, in pixels.
        outfit: replaces the drawn labels and leaves everything else unchanged; None keeps them.
    """
    outfit = outfit or choose_outfit(seed, index)
    side = size * SUPERSAMPLING
    frame = _frame(outfit, side, seed, index)
    canvas = Canvas(draw_backdrop(side, Stream(seed, index, "backdrop")), frame)
    dresser = Dresser(canvas, seed, index, outfit)
    dresser.dress()

    def shrink(mask: np.ndarray) -> np.ndarray:
        return cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA) > 127

    worn = [canvas.masks[name] for name in ("upper", "lower") if name in canvas.masks]
    whole = np.maximum.reduce(worn)
    regions = {}
    for attribute in outfit.labels:
        if attribute in ("pattern", "colour"):
            regions[attribute] = shrink(whole)
        elif attribute == "silhouette":  # visible at the outline, on both sides of it
            reach = 2 * round(0.2 * frame.scale) + 1
            regions[attribute] = shrink(cv2.dilate(canvas.masks["lower"], np.ones((reach, reach), np.uint8)))
        else:
            regions[attribute] = shrink(canvas.mask(dresser.regions[attribute]))
    parts = cv2.resize(canvas.parts, (size, size), interpolation=cv2.INTER_NEAREST)
    return Drawing(
        expose(canvas.picture, Stream(seed, index, "light")), outfit.labels, regions, parts, outfit
    )
