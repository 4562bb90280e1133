"""Networks and weights of timm, the PyTorch Image Models library, by their names there.

timm is an optional library: `pip install "fashion-lib[timm]"`.
"""

from pathlib import Path
from types import ModuleType

from safetensors.torch import save_file
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import written_whole
from fashion_lib.parts.weight_folders import weight_folders

PREFIX = "timm:"  # of the name of a backbone
STRIDE = 16  # largest stride of the map, as in the papers: 14 x 14 positions at 224 pixels
ENDINGS = (".safetensors", ".pth", ".bin")


def timm_library(purpose: str) -> ModuleType:
    """Import timm. Raises FashionError with the purpose, such as "the backbone 'timm:resnet50'", without it."""
    try:
        import timm
    except ImportError as error:
        raise FashionError(f"{purpose} needs timm, which is not installed: pip install timm.") from error
    return timm


class TimmBackbone(nn.Module):
    """A timm network up to its last map of stride 16 or less.

    Args:
        network: made with features_only=True and one map.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.out_channels, self.stride = network.feature_info.channels()[0], network.feature_info.reduction()[0]

    def forward(self, images: Tensor) -> Tensor:
        """Compute the map (B, C, h, w), for normalised images float32 (B, 3, H, W)."""
        return self.network(images)[0]


def timm_backbone(name: str, start: str) -> TimmBackbone:
    """Build the map-computing part of a timm network.

    Args:
        name: timm's name, which may end in that of its weights, such as "resnet50.a1_in1k".
        start: "imagenet" loads the weights of that name, see `timm_file`. Otherwise they are random.

    Raises:
        FashionError: if timm is missing, the name is unknown or has no maps, or the weights are missing or do not fit.
    """
    timm = timm_library(f"The backbone '{PREFIX}{name}'")
    weights = {"pretrained_cfg_overlay": {"file": str(timm_file(name))}} if start == "imagenet" else {}
    settings = {"features_only": True, "pretrained": bool(weights), **weights}
    try:
        strides = timm.create_model(name, features_only=True, pretrained=False).feature_info.reduction()
        last = max(k for k, stride in enumerate(strides) if stride <= STRIDE)
        return TimmBackbone(timm.create_model(name, out_indices=(last,), **settings))
    except Exception as error:  # timm raises many kinds for a name or a file that it cannot use
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise FashionError(
            f"timm cannot build the backbone '{name}' with start='{start}' ({reason}): choose another of "
            "timm.list_models(), or another start."
        ) from error


def timm_file(name: str) -> Path:
    """Find timm's weights of a network on this machine, and let timm download them if no folder has them.

    A file in one of `weight_folders` is called `name`, with one of ENDINGS. A download is stored in torch's cache.

    Args:
        name: timm's name of the network and its weights.

    Raises:
        FashionError: with file and folder, if the file is in no folder and timm is missing or cannot download it.
    """
    folders = weight_folders()
    for folder in folders:
        for ending in ENDINGS:
            if (folder / f"{name}{ending}").is_file():
                return folder / f"{name}{ending}"
    target = folders[-1] / f"{name}.safetensors"
    try:
        timm = timm_library(f"The download of the weights {name}")
        weights = timm.create_model(name, pretrained=True).state_dict()
        with written_whole(target) as part:
            save_file({key: tensor.contiguous() for key, tensor in weights.items()}, part)
    except Exception as error:  # the hub's client raises many kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise FashionError(
            f"The weights {name} are not on this machine and could not be fetched ({reason}): put {target.name} into "
            f"{folders[0]}, or choose another start."
        ) from error
    return target
