"""Pictures of the wardrobe that are drawn when their rows are read, for who needs a few thousand of 36,000."""

import numpy as np

from fashion_lib.data.sets.wardrobe.drawing import Wardrobe


class DrawnWhenRead:
    """What stands for the pixels uint8 (N, S, S, 3) of a wardrobe that nobody has drawn yet.

    `pixels[rows]` draws those rows and keeps them. They are the pictures that the pixel cache would hold.

    Args:
        wardrobe: decides seed, number and size of the pictures.
    """

    decoded_when_read = True
    dtype, ndim = np.dtype(np.uint8), 4

    def __init__(self, wardrobe: Wardrobe):
        self.wardrobe, self.shape = wardrobe, (wardrobe.count, wardrobe.size, wardrobe.size, 3)
        self._drawn: dict[int, np.ndarray] = {}

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key) -> np.ndarray:
        """Draw rows: uint8 (S, S, 3) for a whole number, else (rows, S, S, 3); a new array each time."""
        rows = np.arange(len(self))[key]
        pixels = np.empty((*rows.shape, *self.shape[1:]), dtype=np.uint8)
        flat = pixels.reshape(-1, *self.shape[1:])
        for place, row in enumerate(rows.reshape(-1).tolist()):
            if row not in self._drawn:
                self._drawn[row] = self.wardrobe.images(range(row, row + 1))[0]
            flat[place] = self._drawn[row]
        return pixels
