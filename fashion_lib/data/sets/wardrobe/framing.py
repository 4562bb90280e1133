"""Where the picture's frame lies on the body: by view, or so that it cuts the labelled place off."""

import numpy as np

from fashion_lib.data.sets.wardrobe.canvas import Frame
from fashion_lib.data.sets.wardrobe.outfit import LENGTHS, Outfit
from fashion_lib.data.sets.wardrobe.streams import Stream

# (top, bottom) of the picture, in body units, before zoom, turn and shift.
FRAMES = {"bust": (0.15, 3.5), "upper": (-0.05, 4.9), "full": (-0.25, 8.8), "lower": (1.9, 9.0)}
ASIDE = {"bust": 0.13, "upper": 0.13, "full": 0.14, "lower": 0.12}
# Hidden by the frame: heights between which the lower edge lies. Every hem is drawn further below.
CUTS = {"skirt_length": (4.3, 5.6), "coat_length": (3.7, 5.8), "pant_length": (4.9, 6.3)}


def _cut_off(labelled: str, full: bool, spot: float) -> tuple[float, float]:
    """Return the frame that leaves the labelled place out; `spot` in [0, 1) places it."""
    if labelled == "sleeve_length":
        return 1.1 + 0.1 * spot, 2.65 + 0.1 * spot
    if labelled in LENGTHS:
        low, high = CUTS[labelled]
        cut = low + (high - low) * spot
        return (0.0 if full else cut - 3.8), cut
    top = (3.0 if labelled == "lapel_design" else 2.15) + 0.3 * spot
    return top, top + 3.2


def choose_frame(outfit: Outfit, side: int, seed: int, index: int) -> Frame:
    """Draw the frame of a picture.

    Args:
        outfit: decides the view.
        side: side of the super-sampled canvas, in pixels.
        seed: seed of the wardrobe.
        index: number of the picture.
    """
    stream = Stream(seed, index, "framing")
    zoom, turn, spot = stream.uniform(0.86, 1.04), stream.uniform(-8, 8), stream.uniform()
    aside, down = stream.uniform(-1, 1), stream.uniform(-1, 1)
    top, bottom = FRAMES[outfit.view]
    shift = (aside * ASIDE[outfit.view], down * (0.07 if outfit.view == "bust" else 0.03))
    if outfit.hidden and outfit.hiding == "frame":  # a frame that does not move back to the place
        full = outfit.view == "full" or outfit.labelled == "coat_length"
        top, bottom = _cut_off(outfit.labelled, full, spot)
        zoom, turn, shift = 1.0, turn / 2, (0.3 * shift[0], 0.0)
    return Frame(
        side,
        top,
        bottom,
        zoom=zoom,
        turn=np.radians(turn),
        shift=shift,
        flip=stream.sign(),
        width=stream.uniform(0.95, 1.05),
    )
