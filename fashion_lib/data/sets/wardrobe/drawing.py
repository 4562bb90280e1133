"""The drawn wardrobe as a collection: pictures, regions and parts by index, and twins."""

from dataclasses import dataclass, field, replace

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.wardrobe.garment_schema import CARRIED, SCHEMA
from fashion_lib.data.sets.wardrobe.scene import Drawing, Outfit, choose_outfit, draw

VERSION = "2"  # change it whenever a picture changes: caches and records carry it


@dataclass(frozen=True)
class Wardrobe:
    """`count` pictures of `size` pixels square that depend on (VERSION, seed, index) alone."""

    seed: int
    count: int
    size: int
    _regions: dict = field(default_factory=dict, repr=False, compare=False)

    def drawing(self, index: int) -> Drawing:
        """The picture at `index` with its labels, regions and parts; FashionError outside 0..count-1."""
        if not 0 <= index < self.count:
            raise FashionError(f"the wardrobe has pictures 0 to {self.count - 1}, not {index}.")
        return draw(self.seed, int(index), self.size)

    def twin(self, index: int, attribute: str, value: str) -> Drawing:
        """The same scene with one attribute changed: pose, light, clutter and every other attribute stay.

        FashionError if the value is unknown or the picture does not show that attribute.
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
        """Attribute -> value, without drawing anything."""
        return self.outfit(index).labels

    def outfit(self, index: int) -> Outfit:
        """What the picture at `index` shows, hidden attributes included, without drawing anything."""
        return choose_outfit(self.seed, int(index))

    def images(self, rows: range) -> np.ndarray:
        """uint8 (len(rows), size, size, 3): what the pixel cache draws in parallel."""
        return np.stack([draw(self.seed, index, self.size).image for index in rows])

    def parts(self, rows: range) -> np.ndarray:
        """uint8 (len(rows), size, size, 3): the parts map in channel 0, for the pretext."""
        maps = np.zeros((len(rows), self.size, self.size, 3), np.uint8)
        for k, index in enumerate(rows):
            maps[k, ..., 0] = draw(self.seed, index, self.size).parts
        return maps

    def regions(self, rows: np.ndarray, attribute: int) -> np.ndarray:
        """bool (B, size, size): the pixels that an attribute id is read from in each picture.

        FashionError where a picture does not show the attribute. Kept packed once drawn (a few kB a picture).
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
    """The garments (with "close-up" where it matters) whose pictures show an attribute, for the notebooks."""
    SCHEMA.index(attribute)
    shown = [
        g + (" close-up" if close else "") for (g, close), names in CARRIED.items() if attribute in names
    ]
    return tuple(shown)
