"""Random pictures with random labels: benchmarks need sizes, not meaning, and no files."""

import numpy as np
import pandas as pd

from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets.wardrobe.garment_schema import SCHEMA


def random_data(images: int, size: int) -> RetrievalData:
    """A data set with the wardrobe's schema; all pictures in train, one label each."""
    rng = np.random.default_rng(0)
    names = tuple(f"{i:06d}" for i in range(images))
    attributes = [SCHEMA.attributes[i % len(SCHEMA)] for i in range(images)]
    table = pd.DataFrame({"image": names, "split": "train", "role": "train", "attribute": [a.name for a in attributes],
                          "value": [str(rng.choice(a.values)) for a in attributes]}).astype("str")
    pixels = rng.integers(0, 256, (images, size, size, 3), dtype=np.uint8)
    return RetrievalData("random", "1", SCHEMA, names, pixels, table, table)
