"""A data set and a model small enough to check by hand, shared by the tests of evaluation."""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.methods.base import Attended, RetrievalModel

SCHEMA = Schema((Attribute("collar", ("round", "pointed", "none"), "local"),
                 Attribute("hem", ("short", "long"), "local"),
                 Attribute("colour", ("red", "green"), "global")))
SIZE = 16


def tiny_data(images: int = 60, seed: int = 0, **changes) -> RetrievalData:
    """Random pictures; every image has a colour, two of three a collar, every second a hem; half of test is queries."""
    rng = np.random.default_rng(seed)
    names = tuple(f"{i:03d}.png" for i in range(images))
    lines = []
    for i, name in enumerate(names):
        split = ("train", "valid", "test")[i % 3]
        for a, attribute in enumerate(SCHEMA):
            if (a == 0 and i % 5 < 3) or (a == 1 and i % 2) or a == 2:
                role = "train" if split == "train" else ("query", "candidate")[int(rng.random() < 0.6)]
                lines.append((name, split, role, attribute.name, str(rng.choice(attribute.values))))
    table = pd.DataFrame(lines, columns=["image", "split", "role", "attribute", "value"]).astype("str")
    training = table[table["split"] == "train"].drop_duplicates("image").reset_index(drop=True)
    pixels = rng.integers(0, 256, (images, SIZE, SIZE, 3), dtype=np.uint8)
    settings = {"name": "tiny", "edition": "1", "schema": SCHEMA, "image_names": names, "pixels": pixels,
                "labels": table, "training_labels": training}
    return RetrievalData(**(settings | changes))


class TinyModel(RetrievalModel):
    """Random projection of the picture, another one for each attribute; counts the images its backbone sees."""

    def __init__(self, embedding_dim: int = 5):
        super().__init__(SCHEMA, embedding_dim)
        generator = torch.Generator().manual_seed(1)
        self.weight = torch.nn.Parameter(torch.randn(3 * SIZE * SIZE, len(SCHEMA), embedding_dim, generator=generator))
        self.frozen = torch.nn.BatchNorm1d(2).eval()
        self.passes, self.autocasts = 0, set()

    def features(self, images):
        self.passes += len(images)
        self.autocasts.add(torch.is_autocast_enabled("cpu"))
        return images.flatten(1)

    def attend(self, features, attributes):
        vector = torch.einsum("bp,pbd->bd", features, self.weight[:, attributes])
        maps = features.view(-1, 3, SIZE, SIZE).abs().mean(1)
        maps = F.adaptive_avg_pool2d(maps, 4)
        return Attended(F.normalize(vector, dim=1), {"spatial": maps / maps.sum((1, 2), keepdim=True)})
