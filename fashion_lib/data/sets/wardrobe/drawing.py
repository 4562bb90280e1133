"""The drawn wardrobe as a collection: pictures, regions and parts by index, and twins.

A twin is the same scene drawn again with one attribute changed.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.wardrobe.garment_schema import CARRIED, SCHEMA
from fashion_lib.data.sets.wardrobe.scene import Drawing, Outfit, choose_outfit, draw

VERSION = "2"  # change it whenever a picture changes: caches and records store it


@dataclass(frozen=True)
class Wardrobe:
    """`count` pictures of `size` pixels square that depend on (VERSION, seed, index) alone."""

    seed: int
    count: int
    size: int
    _regions: dict = field(default_factory=dict, repr=False, compare=False)

    def drawing(self, index: int) -> Drawing:
        """Draw the picture at `index` with its labels, regions and parts.

        Raises:
            FashionError: if `index` is outside 0..count - 1.
        """
        if not 0 <= index < self.count:
            raise FashionError(f"the wardrobe has pictures 0 to {self.count - 1}, not {index}.")
        return draw(self.seed, int(index), self.size)

    def twin(self, index: int, attribute: str, value: str) -> Drawing:
        """Draw the same scene with one attribute changed.

        Pose, light, clutter and every other attribute stay the same.

        Args:
            index: number of the picture.
            attribute: name of the attribute to change.
            value: its new value.

        Raises:
            FashionError: if the value is unknown or the picture does not show that attribute.
        """
        SCHEMA.value_index(attribute, value)
        outfit = self.drawing(index).outfit
        if attribute not in outfit.labels:
            shown = ", ".join(outfit.labels)
            raise FashionError(
                f"picture {index} shows no {attribute}; choose one of the attributes it shows: {shown}."
            )
        return draw(
            self.seed, int(index), self.size, replace(outfit, values={**outfit.values, attribute: value})
        )

    def labels(self, index: int) -> dict[str, str]:
        """Return attribute -> value of a picture, without drawing it."""
        return self.outfit(index).labels

    def outfit(self, index: int) -> Outfit:
        """Return what the picture at `index` shows, hidden attributes included, without drawing it."""
        return choose_outfit(self.seed, int(index))

    def images(self, rows: range) -> np.ndarray:
        """Draw pictures, uint8 (len(rows), size, size, 3); the pixel cache calls this in parallel."""
        return np.stack([draw(self.seed, index, self.size).image for index in rows])

    def parts(self, rows: range) -> np.ndarray:
        """Draw the parts maps of `rows`: uint8 (len(rows), size, size, 3), with the map in channel 0.

        The pretext (see `fashion_lib.training.start_weights`) learns from these maps.
        """
        maps = np.zeros((len(rows), self.size, self.size, 3), np.uint8)
        for k, index in enumerate(rows):
            maps[k, ..., 0] = draw(self.seed, index, self.size).parts
        return maps

    def regions(self, rows: np.ndarray, attribute: int) -> np.ndarray:
        """Return the pixels from which an attribute can be read in each picture.

        Masks are kept in memory, packed to bits, once they are drawn (a few kB per picture).

        Args:
            rows: int (B,), picture numbers.
            attribute: attribute id, the position in SCHEMA.

        Returns:
            bool (B, size, size).

        Raises:
            FashionError: if a picture does not show the attribute.
        """
        name = SCHEMA.names[attribute]
        masks = np.empty((len(rows), self.size, self.size), bool)
        for k, index in enumerate(np.asarray(rows).tolist()):
            if index not in self._regions:
                regions = self.drawing(index).regions
                self._regions[index] = {a: np.packbits(mask) for a, mask in regions.items()}
            if name not in self._regions[index]:
                raise FashionError(f"picture {index} shows no {name}, so it has no region for it.")
            bits = np.unpackbits(self._regions[index][name], count=self.size**2)
            masks[k] = bits.reshape(self.size, self.size)
        return masks


def carriers(attribute: str) -> tuple[str, ...]:
    """Return the garments whose pictures show an attribute, for the notebooks.

    A close-up that shows the attribute is listed on its own, for example as "top close-up".
    """
    SCHEMA.index(attribute)
    shown = [
        g + (" close-up" if close else "") for (g, close), names in CARRIED.items() if attribute in names
    ]
    return tuple(shown)
