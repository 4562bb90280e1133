"""Random unit vectors: the lower bound in every table."""

import zlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.schema import Schema
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method


class RandomEmbedding(RetrievalModel):
    """A unit vector drawn from (seed, image, attribute), without parameters.

    The vector does not depend on the batch that contains the image. The mean average precision (MAP) of this
    method is a little above a value's share of the candidates. A method that has learned nothing reaches the
    same MAP.

    Args:
        schema: the attributes.
        seed: seed of the draws.
        embedding_dim: D, the size of an embedding.
    """

    image_passes = 0

    def __init__(self, schema: Schema, seed: int = 0, embedding_dim: int = 128):
        super().__init__(schema, embedding_dim)
        self.seed = seed

    def features(self, images: Tensor) -> Tensor:
        """Return int64 (B,): the CRC-32 checksum of each image's float32 values in (3, H, W) order."""
        return torch.tensor(
            [zlib.crc32(image.tobytes()) for image in images.cpu().float().numpy()], device=images.device
        )

    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        """Draw the embedding (B, D) of each image and attribute."""
        draws = [
            np.random.default_rng([self.seed, *pair]).standard_normal(self.embedding_dim, dtype=np.float32)
            for pair in zip(features.tolist(), attributes.tolist(), strict=True)
        ]
        vectors = torch.from_numpy(np.array(draws).reshape(-1, self.embedding_dim))  # (B, D), also for B = 0
        return Attended(F.normalize(vectors.to(features.device), dim=1))


@method("random", reference="random unit vectors", trainable=False, order=0)
def build(schema, backbone, start, variant, seed, **options):
    """Build RandomEmbedding; see build_model for the arguments."""
    return RandomEmbedding(schema, seed=seed, **options)
