"""The drawn wardrobe as a collection: pictures, labels, regions and parts by index, and twins.

A twin is the same scene drawn again with one attribute changed.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.wardrobe.garment_schema import INVISIBLE, WORLD
from fashion_lib.data.sets.wardrobe.outfit import SHAPES_OF, TOP_SHAPES, WITH_SHOULDERS, Outfit, choose_outfit
from fashion_lib.data.sets.wardrobe.scene import Drawing, draw

VERSION = "3"  # change it whenever a picture changes: caches and records store it


@dataclass(frozen=True)
class Wardrobe:
    """`count` pictures of `size` pixels square that depend on (VERSION, seed, index) alone."""

    seed: int
    count: int
    size: int
    _regions: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def cache_key(self) -> str:
        """Return the pixel cache's key; every label table over these pictures shares it."""
        return f"wardrobe-v{VERSION}-seed{self.seed}-{self.size}px-{self.count}"

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

        Pose, light, clutter and every other attribute stay the same. A twin in which the labelled attribute
        is "invisible" is covered, or taken with a frame that cuts the place off. What a new value hides (a
        sleeveless top has no shape of the sleeve) has no label in the twin.

        Args:
            index: number of the picture.
            attribute: name of the attribute to change, one of WORLD.
            value: its new value, one of `twin_values`.

        Raises:
            FashionError: if the value is unknown, or the picture cannot show it.
        """
        WORLD.value_index(attribute, value)
        if value not in (possible := self.twin_values(index, attribute)):
            raise FashionError(
                f"picture {index} cannot show {attribute} '{value}': choose one of {', '.join(possible)}."
            )
        outfit = self.outfit(index)
        if attribute == outfit.labelled:
            outfit = replace(outfit, hidden=value == INVISIBLE)
        if value != INVISIBLE:
            outfit = replace(outfit, values={**outfit.values, attribute: value})
        return draw(self.seed, int(index), self.size, outfit)

    def twin_values(self, index: int, attribute: str) -> tuple[str, ...]:
        """Return the values that a twin of a picture can have, its own value among them.

        Another category would change every other attribute, so a picture keeps its own. Only the labelled
        attribute can become invisible.

        Raises:
            FashionError: if there is no such picture, or it does not show the attribute.
        """
        if not 0 <= index < self.count:
            raise FashionError(f"the wardrobe has pictures 0 to {self.count - 1}, not {index}.")
        outfit = self.outfit(index)
        if attribute not in outfit.labels:
            shown = ", ".join(outfit.labels)
            raise FashionError(
                f"picture {index} shows no {attribute}; choose one of the attributes it shows: {shown}."
            )
        values = WORLD.attribute(attribute).values
        if attribute == "category":
            return (outfit.garment,)
        if attribute == "shape":
            return SHAPES_OF.get(outfit.garment, TOP_SHAPES)
        if attribute == "neckline_design" and outfit.labelled == "sleeve_length":
            values = tuple(value for value in values if value not in WITH_SHOULDERS)
        return values if attribute == outfit.labelled else tuple(v for v in values if v != INVISIBLE)

    def labels(self, index: int) -> dict[str, str]:
        """Return attribute -> value for all attributes that the picture shows, without drawing it."""
        return self.outfit(index).labels

    def outfit(self, index: int) -> Outfit:
        """Return the choices behind the picture at `index`, without drawing it."""
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

    def regions(self, rows: np.ndarray, names: list[str]) -> np.ndarray:
        """Return the pixels from which one attribute per picture can be read.

        Masks are kept in memory, packed to bits, once they are drawn (a few kB per picture).

        Args:
            rows: int (B,), picture numbers.
            names: an attribute of WORLD for each picture.

        Returns:
            bool (B, size, size); no pixel where the attribute is invisible.

        Raises:
            FashionError: if a picture does not show its attribute.
        """
        masks = np.empty((len(rows), self.size, self.size), bool)
        for k, (index, name) in enumerate(zip(np.asarray(rows).tolist(), names, strict=True)):
            if index not in self._regions:
                regions = self.drawing(index).regions
                self._regions[index] = {a: np.packbits(mask) for a, mask in regions.items()}
            if name not in self._regions[index]:
                raise FashionError(f"picture {index} shows no {name}, so it has no region for it.")
            bits = np.unpackbits(self._regions[index][name], count=self.size**2)
            masks[k] = bits.reshape(self.size, self.size)
        return masks
