"""One figure in its clothes: draws a scene back to front and keeps where each attribute can be seen."""

from fashion_lib.data.sets.wardrobe import bodice, collars, garments, necklines, trimmings
from fashion_lib.data.sets.wardrobe.canvas import Canvas
from fashion_lib.data.sets.wardrobe.fabric import DYES, edge_colour, weave
from fashion_lib.data.sets.wardrobe.figure import (
    draw_arm,
    draw_behind,
    draw_head,
    draw_in_front,
    draw_neck,
    pose,
)
from fashion_lib.data.sets.wardrobe.garment_schema import COAT_END, PANT_END, SKIRT_END, SLEEVE_END, WORLD
from fashion_lib.data.sets.wardrobe.occluders import draw_cover
from fashion_lib.data.sets.wardrobe.outfit import WITH_PART, Outfit, choose_outfit
from fashion_lib.data.sets.wardrobe.streams import Stream
from fashion_lib.data.sets.wardrobe.trim import trim_of

BELOW = ("skirt", "pants")  # garments under which a second garment is the top
EASE = {"slim": -0.07, "straight": 0.1, "wide": 0.36, "flared": 0.04}  # of an upper garment, by shape


class Dresser:
    """One figure in its clothes on one canvas, with the region polygons of each local attribute."""

    def __init__(self, canvas: Canvas, seed: int, index: int, outfit: Outfit):
        self.canvas, self.outfit, self.garment = canvas, outfit, outfit.garment
        self.stream = lambda name: Stream(seed, index, name)
        self.figure = pose(self.stream("pose"))
        self.regions: dict[str, list] = {}
        values, side = outfit.values, canvas.side
        self.dye = self.stream("dye").jitter(DYES[values["colour"]], 9)
        self.fabric = weave(
            values["pattern"], values["finish"], self.dye, canvas.frame, side, self.stream("fabric")
        )
        companion = self.stream("companion")  # the second garment: its colour must differ
        # Its dye stays the same in a twin. So it avoids the scene's own colour, not a twin's changed colour.
        own = choose_outfit(seed, index).values["colour"]
        other = companion.choice([name for name in DYES if name != own])
        self.other_dye = companion.jitter(DYES[other], 12)
        kind = companion.choice(WORLD.attribute("pattern").values, (14, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0))
        kind = "solid" if self.garment in ("coat", "dungarees") else kind
        fabric = self.stream("companion fabric")
        self.other_fabric = weave(kind, "plain", self.other_dye, canvas.frame, side, fabric)
        cut = self.stream("cut")
        self.loose = cut.uniform(-0.025, 0.025)
        self.spot, self.sleeve_spot = cut.uniform(), cut.uniform()  # of a length inside its bin, 0 to 1
        self.worn_below, self.top_end = cut.choice(("skirt", "pants", "pants")), cut.uniform(3.25, 3.85)
        self.trim = trim_of(self.other_dye if self.garment in BELOW else self.dye, self.stream("trim"))

    def _end(self, bins: dict, attribute: str, spot: float | None = None) -> float:
        low, high = bins[self.outfit.drawn(attribute)]
        return low + (high - low) * (self.spot if spot is None else spot)

    def lower(self) -> None:
        """Draw what is worn below the waist, the main garment or its companion."""
        main = self.garment in ("skirt", "dress", "pants", "jumpsuit", "dungarees")
        fabric, pen = (
            (self.fabric, edge_colour(self.dye)) if main else (self.other_fabric, edge_colour(self.other_dye))
        )
        mask, shape = ("lower", self.outfit.values["shape"]) if main else (None, "straight")
        if self.garment in ("skirt", "dress") or (not main and self.garment != "coat" and self.worn_below == "skirt"):
            end = self._end(SKIRT_END, "skirt_length") if main else 5.4
            outline = garments.draw_skirt(self.canvas, end, shape, self.loose / 2, fabric, pen, mask)
            if main:
                self.regions["shape"] = [outline]
                self.regions["skirt_length"] = garments.hem_region(end, max(x for x, y in outline if y > end - 0.3))
            return
        end = self._end(PANT_END, "pant_length") if main else PANT_END["full"][0]
        shape = "slim" if self.garment == "coat" else shape  # a narrow hem, so that the coat's is seen
        outlines = garments.pant_outlines(self.figure, end, shape, self.loose / 2)
        for outline in outlines:
            self.canvas.cloth(outline, fabric, pen, "lower", mask)
        if main:
            self.regions["shape"] = outlines
            self.regions["pant_length"] = garments.pant_hem_region(self.figure, end)

    def upper(self) -> None:
        """Draw torso, arms, sleeves, what is sewn on, and the neck."""
        outfit, canvas, figure, trim = self.outfit, self.canvas, self.figure, self.trim
        main = self.garment not in (*BELOW, "dungarees")
        fabric, dye = (self.fabric, self.dye) if main else (self.other_fabric, self.other_dye)
        mask, pen = ("upper" if main else None), edge_colour(dye)
        shaped = main and self.garment not in ("dress", "jumpsuit")
        shape = outfit.values["shape"] if shaped else "straight"
        ease = EASE[shape] + self.loose
        end = self._end(COAT_END, "coat_length") if self.garment == "coat" else self.top_end
        end = end if shaped else 3.1
        neckline = outfit.drawn("neckline_design") if outfit.neck == "neckline_design" else None
        flare = 0.9 if shape == "flared" else 0.0
        outline = bodice.bodice_outline(end, ease, neckline, trim.bare, flare)
        canvas.cloth(outline, fabric, pen, "torso", mask)
        if shaped:
            self.regions["shape"] = [outline]
        if self.garment == "coat":
            self.regions["coat_length"] = garments.hem_region(end, 0.8 + ease + flare / 3)
        self.sewn(end, dye, pen, ease)
        for arm in figure.arms:
            draw_arm(canvas, figure, arm)
        fraction = self._end(SLEEVE_END, "sleeve_length", self.sleeve_spot)
        span = bodice.sleeve_span(neckline, fraction)
        bare_side = neckline == "one_shoulder"
        sleeve = outfit.values["sleeve_shape"] if main else "straight"
        outlines = bodice.draw_sleeves(
            canvas, figure, span, sleeve, self.loose + 0.03, fabric, pen, mask, bare_side
        )
        self.regions["sleeve_length"] = bodice.cuff_region(figure, fraction)
        self.regions["sleeve_shape"] = outlines
        draw_neck(canvas, figure)
        self.neck(end, dye, pen)

    def sewn(self, end: float, dye, pen, ease: float) -> None:
        """Draw the parts that mark a category, then the attributes part and button."""
        canvas, values, trim = self.canvas, self.outfit.values, self.trim
        if self.garment == "sweater":
            trimmings.draw_rib_hem(canvas, 0.66 + ease + 0.17 * (end - 3.02), end, dye, pen)
        elif self.garment == "hoodie":
            trimmings.draw_pouch(canvas, end, dye, pen)
        elif self.garment == "cardigan":
            trimmings.draw_open_front(canvas, trim.inner, end, dye, pen, self.figure.skin)
        elif self.garment == "dungarees":
            trimmings.draw_bib(canvas, self.fabric, edge_colour(self.dye), trim.accent)
        if self.garment in WITH_PART and self.outfit.neck != "collar_design":
            self.regions["part"] = trimmings.draw_part(canvas, values["part"], end, trim, pen)

    def buttons(self, end: float, dye, pen) -> None:
        """Draw the front of a garment that has one, below its collar or lapels."""
        start = {"coat": collars.front_low(self.trim) + 0.1, "cardigan": 2.34}.get(self.garment, 2.0)
        if self.garment not in ("coat", "cardigan", "shirt") and self.outfit.neck != "collar_design":
            return
        low = min(end - 0.08, start + 1.5)
        if self.garment in BELOW or low - start < 0.5:
            return
        value = self.outfit.values["button"]
        self.regions["button"] = trimmings.draw_buttons(self.canvas, value, start, low, self.trim, dye, pen)

    def neck(self, end: float, dye, pen) -> None:
        """Draw the neck; only the attribute that the outfit carries gets a region."""
        attribute, canvas, figure, trim = self.outfit.neck, self.canvas, self.figure, self.trim
        value = self.outfit.drawn(attribute) if attribute else ""
        if attribute == "lapel_design":
            self.regions[attribute] = collars.draw_lapel(canvas, figure, value, trim, pen, end)
        self.buttons(end, dye, pen)
        if attribute == "neckline_design":
            self.regions[attribute] = necklines.draw_neckline(canvas, figure, value, trim, pen)
        elif attribute == "neck_design":
            self.regions[attribute] = necklines.draw_neck_design(canvas, figure, value, trim, dye, pen)
        elif attribute == "collar_design":
            self.regions[attribute] = collars.draw_collar(canvas, figure, value, trim)
        elif self.garment == "hoodie":
            trimmings.draw_hood(canvas, dye, pen, figure.skin)
        elif self.garment == "dungarees":
            necklines.draw_neckline(canvas, figure, "round", trim, pen)

    def dress(self) -> None:
        """Draw everything in order, back to front."""
        draw_behind(self.canvas, self.figure)
        self.lower()
        self.upper()
        draw_head(self.canvas, self.figure)
        draw_in_front(self.canvas, self.figure)
        if self.outfit.hidden:
            draw_cover(self.canvas, self.figure, self.outfit.hiding, self.stream("cover"))
