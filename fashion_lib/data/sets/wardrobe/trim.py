"""The colours and size jitters of a neck and its details, drawn before any value is known."""

from dataclasses import dataclass

from fashion_lib.data.sets.wardrobe.fabric import edge_colour, luminance, shade
from fashion_lib.data.sets.wardrobe.streams import Stream


@dataclass(frozen=True)
class Trim:
    """Colours and size jitters of a neck, drawn at random before the value is known (see `Wardrobe.twin`).

    Attributes:
        dye: RGB of collars and lapels.
        edge: RGB of their outline.
        wide: jitter of widths, -1 to 1.
        deep: jitter of depths, -1 to 1.
        inner: RGB of what is worn beneath a coat.
        bare: whether a sweetheart is strapless, and whether a turtle has a fold.
        accent: RGB of buttons, belts and bows.
    """

    dye: tuple[float, float, float]
    edge: tuple[float, float, float]
    wide: float
    deep: float
    inner: tuple[float, float, float]
    bare: bool
    accent: tuple[float, float, float]


def trim_of(dye, stream: Stream) -> Trim:
    """Draw a trim: half of all trims contrast with the garment, the other half are a shade of it."""
    contrasts, wide, deep = stream.chance(0.5), stream.uniform(-1, 1), stream.uniform(-1, 1)
    inner, pick, bare = stream.colour(150, 250), stream.uniform(), stream.chance(0.5)
    light = luminance(dye)
    opposite = (
        (242, 240, 234)
        if light < 150
        else ((40, 40, 48), (170, 40, 50), (40, 60, 140))[min(int(pick * 3), 2)]
    )
    near = shade(dye, 1.3) if 45 < light < 160 else ((204, 200, 196) if light >= 160 else (92, 92, 100))
    colour = opposite if contrasts else near
    return Trim(colour, edge_colour(colour), wide, deep, inner, bare, opposite)
