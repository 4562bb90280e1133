"""Files of start weights: where they lie, how they are read, and what names them in records."""

import hashlib
import pickle
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import get_model_weights

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.parts.mobilenet import LICENCE, packaged_file
from fashion_lib.parts.plain_tensors import fault_of_tensors
from fashion_lib.parts.timm_networks import PREFIX, timm_file
from fashion_lib.parts.weight_folders import weight_folders


def start_digest(name: str, start: str) -> str:
    """Return 12 hexadecimal digits of SHA-256 over a backbone's file of start weights; "" for random weights."""
    if start == "random":
        return ""
    path = imagenet_file(name) if start == "imagenet" else start_file(start)
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


def start_source(name: str, start: str) -> str:
    """Return package and licence of start weights that come from an installed package; "" for all others."""
    packaged = name == "mobilenet_v2" and start == "imagenet" and imagenet_file(name) == packaged_file()
    return LICENCE if packaged else ""


@lru_cache
def _digest(path: Path, size: int, mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def start_file(start: str) -> Path:
    """Return the shipped file of start weights: of the small backbone, or with "_patch" of the patch branch's ViT."""
    return paths.weights_dir() / f"start_{start}.safetensors"


def imagenet_file(name: str) -> Path:
    """Find the ImageNet weights of a network, torchvision's or timm's; download them if no folder has them.

    Each of `weight_folders` is searched for every version that torchvision lists. The oldest, which the
    papers used, comes first. A version may be a .pth file, or a .safetensors file of the same stem. MobileNetV2's may
    also come from an installed package, see `packaged_file`.

    Args:
        name: torchvision's name of the network, or "timm:" and timm's.

    Raises:
        FashionError: with file and folder, if the file is in no folder and the download fails.
    """
    if name.startswith(PREFIX):
        return timm_file(name.removeprefix(PREFIX))
    addresses, folders = [entry.url for entry in get_model_weights(name)], weight_folders()
    for folder in folders:
        for address in addresses:
            file = folder / address.rsplit("/", 1)[1]
            for candidate in (file.with_suffix(".safetensors"), file):
                if candidate.is_file():
                    return candidate
    if name == "mobilenet_v2" and (packaged := packaged_file()):
        return packaged
    target = folders[-1] / addresses[0].rsplit("/", 1)[1]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(addresses[0], str(target), hash_prefix=target.stem.rsplit("-", 1)[1])
    except (OSError, RuntimeError) as error:
        raise FashionError(
            f"The ImageNet weights {target.name} are not on this machine and could not be fetched ({error}): put that "
            f"file into {folders[0]}, or choose another start."
        ) from error
    return target


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .safetensors or .pth file, never unpickling code.

    Returns:
        Tensor names -> tensors on the CPU, each finite.

    Raises:
        FashionError: the file is missing, cut off, damaged, or holds anything but finite tensors under their names.
    """
    if not path.is_file():
        raise FashionError(
            f"The start weights {path} are missing: restore that file from the repository or choose "
            "start='random'."
        )
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FashionError(
            f"The start weights {path} are not a plain weights file: fetch the file again."
        ) from error
    except Exception as error:  # the readers raise many kinds for a damaged file
        raise FashionError(
            f"The start weights {path} cannot be read (cut off or damaged): fetch the file again."
        ) from error
    if fault := fault_of_tensors(weights):
        raise FashionError(f"The start weights {path} are not a plain weights file ({fault}): fetch the file again.")
    return weights
