"""Training batches from the triplets that came with a data set, as CSN's lists for UT-Zap50K did (Veit et al. 2017)."""

from collections.abc import Mapping

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import Labels
from fashion_lib.data.sampling import Batch


class ReleasedTripletSampler:
    """batch_size // 3 triplets per batch, uniformly from the lists of all attributes together, as CSN draws them.

    CSN's code draws 100,000 of them once, AG-MAN's code 200,000, and both shuffle these before each epoch. Drawing each
    batch from all of them gives the same distribution without that list.

    An example's value is its label. A picture may have none, because UT-Zap50K has cells of several values. Then the
    value is a negative number: that of the anchor for the close picture, and for all others one of its own.

    Args:
        labels: every known training label.
        triplets: attribute id -> int64 (T, 3), rows of pictures as anchor, far, close.
        batch_size: images per batch, three per triplet.

    Raises:
        FashionError: `batch_size` is below 3, or there is no triplet.
    """

    def __init__(self, labels: Labels, triplets: Mapping[int, np.ndarray], batch_size: int):
        if batch_size < 3:
            raise FashionError(f"batch_size={batch_size} holds no triplet of images: choose at least 3.")
        lists = {attribute: rows for attribute, rows in triplets.items() if len(rows)}
        if not lists:
            raise FashionError("the released lists hold no training triplet: choose sampling='in_batch'.")
        self.count = batch_size // 3
        self.triplets = np.concatenate(list(lists.values())).astype(np.int64)  # (all T, 3)
        self.attribute = np.repeat(list(lists), [len(rows) for rows in lists.values()]).astype(np.int64)
        width = max(int(self.triplets.max()), int(labels.image.max(initial=0))) + 1
        self.known = np.full((max([*lists, *labels.attribute.tolist()]) + 1, width), -1, np.int64)
        self.known[labels.attribute, labels.image] = labels.value  # (attributes, pictures), -1: no label

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw batch_size // 3 triplets; it depends on the generator only."""
        drawn = rng.integers(len(self.triplets), size=self.count)
        attribute, place = self.attribute[drawn], np.arange(self.count)
        images = self.triplets[drawn][:, [0, 2, 1]].T  # (3, count): anchor, close, far
        anchor, close, far = self.known[attribute, images]
        anchor, close = np.where(anchor < 0, close, anchor), np.where(close < 0, anchor, close)
        values = np.stack([anchor, close, np.where(far < 0, -2 - 2 * place, far)])
        values = np.where(
            values == -1, -1 - 2 * place, values
        )  # neither anchor nor close picture has a label
        triplets = np.stack([place, place + self.count, place + 2 * self.count], axis=1)
        return Batch(images.ravel(), np.arange(images.size), np.tile(attribute, 3), values.ravel(), triplets)
