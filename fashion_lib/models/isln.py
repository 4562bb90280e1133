"""ISLN: ASEN's two modules applied again and again, each pass fed by the one before (Yan et al., ICME 2022)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.attributes import Schema
from fashion_lib.errors import FashionError
from fashion_lib.models.asen import ASEN, AsenFeatures
from fashion_lib.models.attention import attend_positions
from fashion_lib.models.backbones import Backbone
from fashion_lib.models.interface import Attended
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
        self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(passes))
        self.spatial.conv = nn.Conv2d(backbone.out_channels, dim, 1, bias=False)  # a bias would not commute
        self.spatial.norm = nn.Identity()
        self.feedback = nn.Linear(backbone.out_channels, dim)

    def features(self, images: Tensor) -> AsenFeatures:
        """`keys` holds conv(I), (B, A, h, w), before normalisation and tanh, which differ from pass to pass."""
        image_map = self.backbone(images)  # (B, C, h, w)
        return AsenFeatures(image_map.float(), self.spatial.conv(image_map).float())

    @float32_maths
    def attend(self, features: AsenFeatures, attributes: Tensor) -> Attended:
        query, (count, _, height, width) = self.attribute(attributes), features.keys.shape
        weight = features.keys.new_ones(count, height, width)  # of each position, mean 1
        maps, gates = {}, {}
        for number, norm in enumerate(self.norms, start=1):
            keys = torch.tanh(norm(weight[:, None] * features.keys))  # of the attended map, (B, A, h, w)
            maps[f"pass {number}"] = self.spatial(keys, query)  # (B, h, w)
            weight = weight * maps[f"pass {number}"]
            weight = weight / weight.mean((1, 2), keepdim=True).clamp(min=1e-12)
            vector = attend_positions(features.image_map, weight / (height * width))  # (B, C)
            gates["channel"] = self.channel(vector, query)  # (B, C)
            vector = vector * gates["channel"]
            query = query + self.feedback(vector)  # (B, A)
        maps["spatial"] = weight / (height * width)
        return Attended(F.normalize(vector, dim=1), maps, gates)
