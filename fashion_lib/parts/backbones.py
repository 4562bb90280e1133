"""Backbones: ResNets cut after stage 3 and plain convolutional networks, with their start weights.

A backbone turns images (B, 3, H, W) into a map (B, C, h, w): B images, C channels, h x w positions. A stage
is a group of residual blocks at one resolution.

ASEN and its successors remove ResNet-50's stage 4 to keep more positions (14 x 14 at 224 pixels). "small" has
the same structure at a quarter of ResNet-18's size, for a laptop's processor. AlexNet and VGG16 are for Yao
et al. 2026, table 1.
"""

from collections import OrderedDict
from pathlib import Path

from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.resnet import BasicBlock, ResNet

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.mobilenet import (
    FIRST_TO_THIRD,
    FOURTH,
    MobileNetBackbone,
    mobilenet_stage4,
    mobilenet_weights,
)
from fashion_lib.parts.start_files import imagenet_file, read_weights, start_file
from fashion_lib.parts.timm_networks import PREFIX, timm_backbone

PRETEXTS = ("pretext", "reconstruction")  # shipped, see fashion_lib.training.start_weights
STARTS = (*PRETEXTS, "imagenet", "random")


class Backbone(nn.Module):
    """Stem and stages 1-3 of a ResNet, with torchvision's names (conv1 ... layer3).

    Args:
        resnet: the network whose layers are used.
        out_channels: C of the map after stage 3.
        stride: pixels per position; the map is (B, C, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(self, resnet: ResNet, out_channels: int, stride: int):
        super().__init__()
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        self.layer1, self.layer2, self.layer3 = resnet.layer1, resnet.layer2, resnet.layer3
        self.out_channels, self.stride, self.stem_channels = out_channels, stride, resnet.conv1.out_channels

    def stem(self, images: Tensor) -> Tensor:
        """Compute the low-level map, (B, stem_channels, H / 4, W / 4), that stage 1 starts from."""
        return self.maxpool(self.relu(self.bn1(self.conv1(images))))

    def body(self, stem: Tensor) -> Tensor:
        """Compute the map after stage 3 from the stem's map."""
        return self.layer3(self.layer2(self.layer1(stem)))

    def stages(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the maps after stage 2, with C / 2 channels, and after stage 3, with C channels."""
        second = self.layer2(self.layer1(self.stem(images)))
        return second, self.layer3(second)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map after stage 3, for normalised images float32 (B, 3, H, W)."""
        return self.stages(images)[1]


class PlainBackbone(nn.Module):
    """The convolutional part of AlexNet or VGG16, with torchvision's names (features.0 ...).

    All three linear layers are left out, not only the last one, because attention needs a map. The stem ends
    with the first pooling. AlexNet's convolutions need at least 63 x 63 pixels.

    Args:
        network: the network whose layers are used.
        stride: pixels per position.
    """

    def __init__(self, network: nn.Module, stride: int):
        super().__init__()
        self.features, self.stride = network.features, stride
        convolutions = [layer for layer in self.features if isinstance(layer, nn.Conv2d)]
        # Both networks keep the number of channels inside the stem (VGG16 has two convolutions of 64 there).
        self.stem_channels, self.out_channels = convolutions[0].out_channels, convolutions[-1].out_channels
        self.stem_layers = 1 + next(k for k, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d))

    def stem(self, images: Tensor) -> Tensor:
        """Compute the low-level map after the first pooling."""
        return self.features[: self.stem_layers](images)

    def body(self, stem: Tensor) -> Tensor:
        """Compute the last map from the stem's map."""
        return self.features[self.stem_layers :](stem)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the last map, for normalised images float32 (B, 3, H, W)."""
        return self.features(images)


class SmallResNet(nn.Module):
    """ResNet-18's stages 1-3 at width 32 instead of 64, with stage 3 at stride 1.

    An image of 96 pixels gives 12 x 12 positions.
    """

    def __init__(self, width: int = 32):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(width, width, stride=1)
        self.layer2 = _stage(width, 2 * width, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, stride=1)
        for module in self.modules():  # torchvision's initialisation of a ResNet
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _stage(inside: int, outside: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or inside != outside:
        shortcut = nn.Sequential(
            nn.Conv2d(inside, outside, 1, stride=stride, bias=False), nn.BatchNorm2d(outside)
        )
    return nn.Sequential(BasicBlock(inside, outside, stride, shortcut), BasicBlock(outside, outside))


# name -> a fresh backbone with random weights
BACKBONES = {
    "small": lambda: Backbone(SmallResNet(), out_channels=128, stride=8),
    "resnet18": lambda: Backbone(get_model("resnet18"), out_channels=256, stride=16),
    "resnet34": lambda: Backbone(get_model("resnet34"), out_channels=256, stride=16),
    "resnet50": lambda: Backbone(get_model("resnet50"), out_channels=1024, stride=16),
    "alexnet": lambda: PlainBackbone(get_model("alexnet"), stride=32),
    "vgg16": lambda: PlainBackbone(get_model("vgg16"), stride=32),
    "mobilenet_v2": MobileNetBackbone,
}
WITH_STAGES = ("small", "resnet18", "resnet34", "resnet50", "mobilenet_v2")


def build_backbone(name: str, start: str = "pretext") -> Backbone:
    """Build a backbone and load its start weights.

    Args:
        name: a key of BACKBONES, or "timm:" and the name of a timm network, for any other one.
        start: "pretext" or "reconstruction" are shipped weights, learned without attribute labels; they fit
            "small" only. "imagenet" is torchvision's, or timm's for its networks; they fit the others. "random"
            loads nothing.

    Raises:
        FashionError: if a name is unknown, the weights do not fit, or their file is missing or damaged.
    """
    foreign = str(name).startswith(PREFIX)
    if name not in BACKBONES and not foreign:
        raise FashionError(f"Unknown backbone '{name}': choose one of {', '.join(BACKBONES)}, {PREFIX}<name>.")
    if start not in STARTS:
        raise FashionError(f"Unknown start '{start}': choose one of {', '.join(STARTS)}.")
    if start in PRETEXTS and name != "small":
        raise FashionError(
            f"The start weights '{start}' fit only the backbone 'small', not '{name}': "
            "choose start='imagenet' or start='random'."
        )
    if foreign:
        return timm_backbone(name.removeprefix(PREFIX), start)
    backbone = BACKBONES[name]()
    if start in PRETEXTS:
        path = start_file(start)
        load_backbone_weights(backbone, read_weights(path), path)
    elif start == "imagenet":
        if name == "small":
            raise FashionError(
                "There are no ImageNet weights for the backbone 'small': choose start='pretext', "
                f"or one of the backbones {', '.join(other for other in BACKBONES if other != 'small')}."
            )
        path = imagenet_file(name)
        weights = read_weights(path)
        if name == "mobilenet_v2":
            weights = {f"features.{k}": v for k, v in mobilenet_weights(weights, FIRST_TO_THIRD).items()}
        load_backbone_weights(backbone, weights, path)
    return backbone


def build_stage4(name: str, start: str = "pretext") -> nn.Module:
    """Build the stage that a Backbone leaves out: (B, C, h, w) to (B, 2 C, h / 2, w / 2); 5 C for MobileNetV2.

    AG-MLAN's branch 1 needs it. It is torchvision's stage 4, with ImageNet weights at start="imagenet" and
    random weights otherwise. For "small" it is a stage of the same structure with random weights, because the
    start weights end at stage 3.

    Args:
        name: one of WITH_STAGES.
        start: see `build_backbone`.

    Raises:
        FashionError: as in `build_backbone`, and for AlexNet and VGG16, which have no stages.
    """
    if name not in WITH_STAGES:
        raise FashionError(f"The backbone '{name}' has no stage 4: choose one of {', '.join(WITH_STAGES)}.")
    if name == "small":
        stage = _stage(128, 256, stride=2)
        for module in stage.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        return stage
    stage = mobilenet_stage4() if name == "mobilenet_v2" else get_model(name).layer4
    if start == "imagenet":
        path = imagenet_file(name)
        weights = read_weights(path)
        if name == "mobilenet_v2":
            weights = mobilenet_weights(weights, FOURTH)
        else:
            weights = {k.removeprefix("layer4."): v for k, v in weights.items() if k.startswith("layer4.")}
        _copy_weights(stage, weights, path)
    return stage


def load_backbone_weights(backbone: Backbone, weights: dict[str, Tensor], path: Path) -> None:
    """Copy weights into a backbone; ignore stage 4 and the classifier of a whole network.

    Args:
        backbone: the backbone that is changed.
        weights: name -> tensor, of any float type.
        path: where the weights come from, for the error.

    Raises:
        FashionError: with `path` and the first tensor that is missing, unexpected, or of another shape.
    """
    weights = {k: v for k, v in weights.items() if not k.startswith(("layer4.", "fc.", "classifier."))}
    _copy_weights(backbone, weights, path)


def _copy_weights(module: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    own = {k: v for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}
    for key in OrderedDict.fromkeys([*own, *(k for k in weights if not k.endswith("num_batches_tracked"))]):
        found, expected = (tuple(part[key].shape) if key in part else "nothing" for part in (weights, own))
        if found == expected and weights[key].is_floating_point() != own[key].is_floating_point():
            found, expected = weights[key].dtype, own[key].dtype
        if found != expected:
            raise FashionError(
                f"The weights in {path} do not fit this backbone ({key}: found {found}, expected "
                f"{expected}): use the file that was made for it."
            )
    fitting = {k: v for k, v in weights.items() if k in own or v.numel() == 1}  # and batch counts, if there are any
    module.load_state_dict(
        {k: v.float() if v.is_floating_point() else v for k, v in fitting.items()}, strict=False
    )
