"""One drawn picture with its ground truth: labels, regions and parts."""

from dataclasses import dataclass

import cv2
import numpy as np

from fashion_lib.data.sets.wardrobe.backdrop import draw_backdrop, expose
from fashion_lib.data.sets.wardrobe.canvas import SUPERSAMPLING, Canvas
from fashion_lib.data.sets.wardrobe.dresser import Dresser
from fashion_lib.data.sets.wardrobe.framing import choose_frame
from fashion_lib.data.sets.wardrobe.garment_schema import INVISIBLE
from fashion_lib.data.sets.wardrobe.outfit import Outfit, choose_outfit
from fashion_lib.data.sets.wardrobe.streams import Stream

WHOLE = ("category", "colour", "pattern", "finish")  # read from the whole garment


@dataclass(frozen=True)
class Drawing:
    """A picture with its ground truth. S is the output size, in pixels.

    Attributes:
        image: uint8 (S, S, 3).
        labels: attribute -> value.
        regions: attribute -> bool (S, S), the pixels from which the attribute can be read; none of them for
            an invisible one.
        parts: uint8 (S, S), indices into garment_schema.PARTS.
        outfit: the choices behind the labels.
    """

    image: np.ndarray
    labels: dict[str, str]
    regions: dict[str, np.ndarray]
    parts: np.ndarray
    outfit: Outfit


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
    canvas = Canvas(
        draw_backdrop(side, Stream(seed, index, "backdrop")), choose_frame(outfit, side, seed, index)
    )
    dresser = Dresser(canvas, seed, index, outfit)
    dresser.dress()

    def shrink(mask: np.ndarray) -> np.ndarray:
        return cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA) > 127

    labels = outfit.labels
    whole = np.maximum.reduce(list(canvas.masks.values()))
    regions = {}
    for attribute, value in labels.items():
        if value == INVISIBLE:
            regions[attribute] = np.zeros((size, size), bool)
        elif attribute in WHOLE:
            regions[attribute] = shrink(whole)
        elif attribute == "shape":  # visible at the outline, on both sides of it
            reach = 2 * round(0.2 * canvas.frame.scale) + 1
            cut = canvas.mask(dresser.regions[attribute])
            regions[attribute] = shrink(cv2.dilate(cut, np.ones((reach, reach), np.uint8)))
        else:
            regions[attribute] = shrink(canvas.mask(dresser.regions[attribute]))
    parts = cv2.resize(canvas.parts, (size, size), interpolation=cv2.INTER_NEAREST)
    return Drawing(expose(canvas.picture, Stream(seed, index, "light")), labels, regions, parts, outfit)
