"""Random unit vectors: the floor that every table starts from."""

import zlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method


class RandomEmbedding(RetrievalModel):
    """A unit vector drawn from (seed, image, attribute), the same in whatever batch the image comes; no parameters.

    Its MAP, a little above the share of a value among the candidates, is the figure that "learned nothing" means.
    """

    image_passes = 0

    def __init__(self, schema: Schema, seed: int = 0, embedding_dim: int = 128):
        super().__init__(schema, embedding_dim)
        self.seed = seed

    def features(self, images: Tensor) -> Tensor:
        """int64 (B,): the CRC-32 of each image's float32 values in (3, H, W) order."""
        return torch.tensor(
            [zlib.crc32(image.tobytes()) for image in images.cpu().float().numpy()], device=images.device
        )

    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        draws = [
            np.random.default_rng([self.seed, *pair]).standard_normal(self.embedding_dim, dtype=np.float32)
            for pair in zip(features.tolist(), attributes.tolist(), strict=True)
        ]
        vectors = torch.from_numpy(np.array(draws).reshape(-1, self.embedding_dim))  # (B, D), also for B = 0
        return Attended(F.normalize(vectors.to(features.device), dim=1))


@method("random", reference="random unit vectors", trainable=False, order=0)
def build(schema, backbone, start, variant, seed, **options):
    return RandomEmbedding(schema, seed=seed, **options)
