"""Label vectors and pictures small enough to check by hand, shared by the tests of attribute manipulation."""

import numpy as np

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_vectors import LabelVectors, value_blocks
from fashion_lib.tasks.manipulation.manipulation_data import ManipulationData, assign_image_roles

SCHEMA = Schema((Attribute("garment", ("top", "coat"), "global"),
                 Attribute("sleeve", ("short", "long", "none"), "local"),
                 Attribute("colour", ("red", "green", "blue"), "global")))
BLOCKS = value_blocks(SCHEMA)
SIZE = 32


def vector(garment=None, sleeve=None, colour=None):
    """A label vector, bool (8,), from value names (one or several an attribute)."""
    row = np.zeros(8, bool)
    for attribute, block, held in zip(SCHEMA, BLOCKS, (garment, sleeve, colour), strict=True):
        for value in [held] if isinstance(held, str) else held or ():
            row[block.start + attribute.values.index(value)] = True
    return row


def random_labels(count, seed=0, missing=0.3, several=0.0):
    """Label vectors with a missing sleeve here and there, and with `several` > 0 a second value."""
    rng, matrix = np.random.default_rng(seed), np.zeros((count, 8), bool)
    for a, block in enumerate(BLOCKS):
        width = block.stop - block.start
        matrix[np.arange(count), block.start + rng.integers(width, size=count)] = True
        second = np.flatnonzero(rng.random(count) < several)
        matrix[second, block.start + rng.integers(width, size=len(second))] = True
        if a == 1:
            matrix[rng.random(count) < missing, block] = False
    return LabelVectors(SCHEMA, matrix)


def tiny_manipulation(count=90, seed=0, **changes):
    """A third of the pictures in each split; colour and garment can be read from the pixels, the sleeve cannot."""
    labels = random_labels(count, seed)
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (count, SIZE, SIZE, 3), dtype=np.uint8)
    pixels[np.arange(count), ..., labels.matrix[:, 5:].argmax(1)] += 150
    pixels[labels.matrix[:, 1], : SIZE // 2] //= 3
    split = np.array(("train", "valid", "test"))[np.arange(count) % 3]
    settings = {"name": "tiny_manipulation", "edition": "1", "image_names": tuple(f"{i:03d}" for i in range(count)),
                "pixels": pixels, "labels": labels, "split": split, "role": assign_image_roles(split, 0),
                "usual_attributes": SCHEMA.names}
    return ManipulationData(**(settings | changes))
