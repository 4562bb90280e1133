"""ISLN: ASEN's two modules in several passes; each pass uses the result of the previous one.

Source: Yan et al., ICME 2022. ASA and ACA are attribute-aware spatial and channel attention. C is the number
of the map's channels, A the dimension of the attention.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.methods.registry import method
from fashion_lib.parts.attention import attend_positions, positions
from fashion_lib.parts.backbones import Backbone, build_backbone
from fashion_lib.parts.precision import float32_maths
from fashion_lib.parts.repeated_attention import RepeatedFeatures, mean_one, repeated_features, weighted_keys


class Pass(NamedTuple):
    """The result of one pass.

    Attributes:
        attention: the attention map of this pass alone, (B, h, w).
        gate: the channel gate, (B, C).
        vector: the gated vector of the map that all passes so far have weighted, (B, C).
    """

    attention: Tensor
    gate: Tensor
    vector: Tensor


class IslnFeatures(NamedTuple):
    """The features of an image that all attributes share.

    Attributes:
        repeated: see RepeatedFeatures.
        first: in eval mode, pass 1 for each of the n attributes, as in Pass but (B, n, ...). In training it
            is empty.
    """

    repeated: RepeatedFeatures
    first: Pass | tuple[()]


class ISLN(ASEN):
    """ASEN repeated: per pass, ASA on the weighted map, ACA on its sum, then a new attribute vector; D = C.

    maps["spatial"] holds the weights of the last vector's sum: the product of all passes' maps.
    maps["pass 1"] and the following are the single maps. The weighted map keeps its scale, because a softmax
    map times h * w has mean 1. A 1 x 1 convolution commutes with a weight per position, so the convolution
    runs once per image.

    There is no code public by its authors. Inferred:

    1. The next attribute vector is the last one plus a linear layer C -> A of the gated vector.
    2. Each pass has a batch normalisation of its own, because the statistics of the weighted map change.

    Args:
        schema: the attributes.
        backbone: the network that computes the map.
        passes: number of passes.

    Raises:
        FashionError: if `passes` is below 1.
    """

    def __init__(self, schema: Schema, backbone: Backbone, passes: int = 3):
        if passes < 1:
            raise FashionError(f"passes={passes} leaves nothing to attend with: choose at least 1.")
        super().__init__(schema, backbone)
        dim = self.attribute.embedding_dim
        self.spatial.conv = nn.Conv2d(backbone.out_channels, dim, 1, bias=False)  # a bias would not commute
        self.spatial.norm = nn.Identity()
        self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(passes))
        self.feedback = nn.Linear(backbone.out_channels, dim) if passes > 1 else None

    def features(self, images: Tensor) -> IslnFeatures:
        """Compute what all attributes share and, in eval mode, pass 1 of every attribute."""
        repeated = repeated_features(self.backbone(images), self.spatial.conv, self.norms)
        return IslnFeatures(repeated, () if self.training else self.first_of_all(repeated.image_map, repeated.keys))

    def select(self, features: IslnFeatures, rows: Tensor) -> IslnFeatures:
        """Return the features of the images `rows`, int64 (L,)."""
        return RetrievalModel.select(self, features, rows)  # ASEN's own takes AsenFeatures

    @float32_maths
    def first_of_all(self, image_map: Tensor, keys: Tensor) -> Pass:
        """Compute pass 1 of all n attributes with one matrix product instead of n.

        Args:
            image_map: (B, C, h, w).
            keys: (B, A, h, w).

        Returns:
            A Pass with (B, n, h, w) and (B, n, C).
        """
        query = self.attribute.weight  # (n, A)
        scores = positions(keys) @ self.spatial.attribute_side(query).T / math.sqrt(query.shape[1])  # (B, h * w, n)
        attention = scores.softmax(dim=1).transpose(1, 2)  # (B, n, h * w)
        attended = attention @ positions(image_map)  # (B, n, C)
        count = len(attended)
        gate = self.channel(attended.flatten(0, 1), query.repeat(count, 1)).unflatten(0, (count, -1))
        return Pass(attention.unflatten(2, keys.shape[2:]), gate, attended * gate)

    @float32_maths
    def attend(self, features: IslnFeatures, attributes: Tensor) -> Attended:
        """Compute the embedding (B, D) after all passes, with their maps and the last gate."""
        (repeated, first), query = features, self.attribute(attributes)  # p (B, A)
        image_map, keys = repeated.image_map, repeated.keys  # pass 1 uses the map without weights
        height, width = image_map.shape[2:]
        if first:
            every = torch.arange(len(attributes), device=attributes.device)
            found = Pass(*(part[every, attributes] for part in first))
        else:
            attention = self.spatial(keys, query)  # (B, h, w)
            found = self.weigh(image_map, attention, attention, query)
        weight, passes = mean_one(found.attention), [found.attention]
        for number in range(1, len(self.norms)):
            query = query + self.feedback(found.vector)  # (B, A)
            keys = weighted_keys(repeated, self.norms, number, weight)  # (B, A, h, w)
            # tanh = 2 * sigmoid - 1. The - 1 adds the same number to all scores of an image, which does not
            # change their softmax.
            attention = self.spatial(keys, query, gain=2.0)
            weight = mean_one(weight * attention)
            found = self.weigh(image_map, weight / (height * width), attention, query)
            passes.append(attention)
        maps = {"spatial": weight / (height * width)} | {f"pass {k}": one for k, one in enumerate(passes, start=1)}
        return Attended(F.normalize(found.vector, dim=1), maps, {"channel": found.gate})

    def weigh(self, image_map: Tensor, weight: Tensor, attention: Tensor, query: Tensor) -> Pass:
        """Compute the vector and the gate that end a pass.

        Args:
            image_map: (B, C, h, w).
            weight: weight per position after this pass, (B, h, w), sum 1.
            attention: map of this pass alone, (B, h, w).
            query: attribute vectors, (B, A).
        """
        vector = attend_positions(image_map, weight)  # (B, C)
        gate = self.channel(vector, query)
        return Pass(attention, gate, vector * gate)


@method("isln", reference="Yan et al., ICME 2022", order=60)
def build(schema, backbone, start, variant, seed, **options):
    """Build ISLN; see build_model for the arguments."""
    return ISLN(schema, build_backbone(backbone, start), **options)
