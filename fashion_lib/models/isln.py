"""ISLN: ASEN's two modules applied again and again, each pass fed by the one before (Yan et al., ICME 2022)."""

import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.attributes import Schema
from fashion_lib.errors import FashionError
from fashion_lib.models.asen import ASEN
from fashion_lib.models.attention import attend_positions
from fashion_lib.models.backbones import Backbone
from fashion_lib.models.interface import Attended, RetrievalModel
from fashion_lib.models.repeated_attention import RepeatedFeatures, mean_one, repeated_features, weighted_keys
from fashion_lib.precision import float32_maths


class ISLN(ASEN):
    """`passes` times: ASA on the attended map, ACA on its sum, and an attribute vector that has seen the image; D = C.

    maps["spatial"] is the map that the last vector was summed with, the passes' maps multiplied; maps["pass 1"] and so
    on are the single ones. The attended map keeps its scale (a softmax map times h * w has mean 1), and as a 1 x 1
    convolution commutes with a weight per position, the convolution runs once an image. Inferred: the next attribute
    vector is the last one plus a linear layer C -> A of the gated vector, and each pass has a batch
    normalisation of its own, because the attended map's statistics change. Raises FashionError below one pass.
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

    def features(self, images: Tensor) -> RepeatedFeatures:
        return repeated_features(self.backbone(images), self.spatial.conv, self.norms)

    def select(self, features: RepeatedFeatures, rows: Tensor) -> RepeatedFeatures:
        return RetrievalModel.select(self, features, rows)  # ASEN's may lack its keys

    @float32_maths
    def attend(self, features: RepeatedFeatures, attributes: Tensor) -> Attended:
        query, keys = self.attribute(attributes), features.keys  # p (B, A); pass 1 sees the map as it is
        count, _, height, width = keys.shape
        weight = keys.new_ones(count, height, width)  # of each position, mean 1
        vector, passes = None, []
        for number in range(len(self.norms)):
            if number:
                query = query + self.feedback(vector)  # (B, A)
                keys = weighted_keys(features, self.norms, number, weight)  # (B, A, h, w)
            # tanh = 2 * sigmoid - 1, and softmax does not see the - 1.
            passes.append(self.spatial(keys, query, gain=2.0 if number else 1.0))  # (B, h, w)
            weight = mean_one(weight * passes[-1])
            vector = attend_positions(features.image_map, weight / (height * width))  # (B, C)
            gate = self.channel(vector, query)  # (B, C)
            vector = vector * gate
        maps = {"spatial": weight / (height * width)} | {f"pass {k}": one for k, one in enumerate(passes, start=1)}
        return Attended(F.normalize(vector, dim=1), maps, {"channel": gate})
