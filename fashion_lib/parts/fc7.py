"""AlexNet's hidden linear layers, fc6 and fc7, which the released code of ADDE keeps (Hou et al., ICCV 2021)."""

import torch
from torch import Tensor, nn
from torchvision.models import get_model

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.start_files import imagenet_file, read_weights

LAYERS = 5  # of torchvision's classifier: dropout, fc6, ReLU, dropout, fc7


class Fc7(nn.Module):
    """Pooling to 6 x 6 positions, dropout, fc6, ReLU, dropout, fc7; without fc7's own ReLU.

    Dropout removes half of the numbers in training. Source: the authors' code of ADDE, its AlexNet.

    Args:
        start: "imagenet" loads torchvision's weights; any other start keeps random ones.

    Raises:
        FashionError: if the file of ImageNet weights is missing, damaged or has other shapes.
    """

    out_channels = 4096

    def __init__(self, start: str):
        super().__init__()
        network = get_model("alexnet")
        self.pool, self.layers = network.avgpool, network.classifier[:LAYERS]
        if start == "imagenet":
            path = imagenet_file("alexnet")
            found = {k.removeprefix("classifier."): v for k, v in read_weights(path).items()}
            own = self.layers.state_dict()
            for key, value in own.items():
                if key not in found or found[key].shape != value.shape:
                    raise FashionError(
                        f"The weights in {path} have no tensor classifier.{key} of shape {tuple(value.shape)}: "
                        "use torchvision's file of AlexNet."
                    )
            self.layers.load_state_dict({key: found[key].float() for key in own})

    def forward(self, image_map: Tensor) -> Tensor:
        """Return fc7's output as a map of one position, (B, 4096, 1, 1), of AlexNet's last map (B, 256, h, w)."""
        return self.layers(torch.flatten(self.pool(image_map), 1))[:, :, None, None]
