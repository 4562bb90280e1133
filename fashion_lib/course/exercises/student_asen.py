"""Train the class of exercise 04.3 as a method of the course is trained: behind a backbone, with the same loop."""

import torch
from torch import Tensor, nn

from fashion_lib.core.schema import Schema
from fashion_lib.methods.asen import ASEN
from fashion_lib.methods.base import Attended, RetrievalModel
from fashion_lib.parts.attention import attention_dim
from fashion_lib.parts.backbones import build_backbone

# Each layer of the student's class, and the same one of the library's ASEN.
LAYERS = {
    "attribute": "attribute",
    "conv": "spatial.conv",
    "norm": "spatial.norm",
    "spatial_side": "spatial.attribute_side.0",
    "channel_side": "channel.attribute_side.0",
    "hidden": "channel.hidden",
    "gate": "channel.gate",
}


class StudentRetrieval(RetrievalModel):
    """A backbone, and the student's class behind it.

    Args:
        student: the class of exercise 04.3.
        schema: the attributes.
        backbone: name of the backbone, such as "small".
        start: its start weights, such as "pretext".
    """

    def __init__(
        self, student: type[nn.Module], schema: Schema, backbone: str = "small", start: str = "pretext"
    ):
        network = build_backbone(backbone, start)
        channels = network.out_channels
        super().__init__(schema, embedding_dim=channels)
        self.backbone = network
        self.student = student(len(schema), channels, attention_dim(channels))
        self.start = start

    def features(self, images: Tensor) -> Tensor:
        """Compute the map (B, C, h, w)."""
        return self.backbone(images).float()

    def attend(self, features: Tensor, attributes: Tensor) -> Attended:
        """Compute the student's embedding, (B, C)."""
        return Attended(self.student(features, attributes))


@torch.no_grad()
def copy_weights(student: nn.Module, library: ASEN) -> None:
    """Give the student's layers the weights of the library's ASEN.

    Args:
        student: an instance of the student's class.
        library: version 2 of ASEN, of the same sizes.

    Raises:
        AttributeError: the student has no layer of one of the names; the message is the name.
        RuntimeError: a layer has other sizes.
    """
    for mine, theirs in LAYERS.items():
        if not hasattr(student, mine):
            raise AttributeError(mine)
        getattr(student, mine).load_state_dict(library.get_submodule(theirs).state_dict())
