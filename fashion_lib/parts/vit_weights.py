"""Start weights of ViT-B/16: ImageNet-21k through timm, as the papers use, or torchvision's ImageNet-1k.
"""

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import written_whole
from fashion_lib.parts.backbones import imagenet_file, read_weights

IMAGENET_21K = "vit_base_patch16_224.augreg_in21k"  # timm's name of the papers' weights
TORCHVISION_1K = "vit_b_16"
ENDINGS = (".safetensors", ".pth", ".bin")

# timm's part of a name -> torchvision's. Both store query, key and value of a block in one matrix, in this order.
RENAMED = {
    "patch_embed.proj": "conv_proj",
    "pos_embed": "encoder.pos_embedding",
    "cls_token": "class_token",
    "norm": "encoder.ln",
}
RENAMED_IN_BLOCK = {
    "norm1.weight": "ln_1.weight",
    "norm1.bias": "ln_1.bias",
    "attn.qkv.weight": "self_attention.in_proj_weight",
    "attn.qkv.bias": "self_attention.in_proj_bias",
    "attn.proj.weight": "self_attention.out_proj.weight",
    "attn.proj.bias": "self_attention.out_proj.bias",
    "norm2.weight": "ln_2.weight",
    "norm2.bias": "ln_2.bias",
    "mlp.fc1.weight": "mlp.0.weight",
    "mlp.fc1.bias": "mlp.0.bias",
    "mlp.fc2.weight": "mlp.3.weight",
    "mlp.fc2.bias": "mlp.3.bias",
}


def torchvision_name(name: str) -> str:
    """Return torchvision's name of a tensor that timm's ViT calls `name`; other names stay."""
    if name.startswith("blocks."):
        _, number, inside = name.split(".", 2)
        return f"encoder.layers.encoder_layer_{number}.{RENAMED_IN_BLOCK.get(inside, inside)}"
    module, _, parameter = name.rpartition(".")
    return f"{RENAMED[module]}.{parameter}" if module in RENAMED else RENAMED.get(name, name)


def load_vit_weights(vit: nn.Module, images: str, class_token: bool = True) -> None:
    """Copy ImageNet weights into torchvision's ViT-B/16; classifiers are ignored.

    Args:
        vit: the ViT that is changed.
        images: "21k" or "1k", the data set of the weights.
        class_token: False leaves the class token as it is.

    Raises:
        FashionError: if the file is missing or damaged, or if a tensor of the ViT is missing or has another shape.
    """
    path = vit_file(images)
    found = {torchvision_name(name): tensor.float() for name, tensor in read_weights(path).items()}
    own = {name: tensor for name, tensor in vit.state_dict().items() if not name.startswith("heads.")}
    for name, tensor in own.items():
        shape = tuple(found[name].shape) if name in found else "nothing"
        if shape != tuple(tensor.shape):
            raise FashionError(
                f"The weights in {path} do not fit ViT-B/16 ({name}: found {shape}, expected {tuple(tensor.shape)}): "
                "use the file that was made for it."
            )
    chosen = {name: found[name] for name in own if class_token or name != "class_token"}
    vit.load_state_dict(chosen, strict=False)


def vit_file(images: str) -> Path:
    """Find the weights of ViT-B/16 on this machine, and download them if no folder has them.

    Args:
        images: "21k" or "1k".

    Raises:
        FashionError: with file and folder, if the file is in no folder and cannot be downloaded.
    """
    return imagenet_file(TORCHVISION_1K) if images == "1k" else timm_file(IMAGENET_21K)


def timm_file(name: str) -> Path:
    """Find timm's weights of a network on this machine, and let timm download them if no folder has them.

    The folders are $FASHION_WEIGHTS and data/weights. A file there is called `name`, with one of ENDINGS. A download
    is stored in torch's cache, where the next call finds it.

    Args:
        name: timm's name of the network and its weights.

    Raises:
        FashionError: with file and folder, if the file is in no folder and timm is missing or cannot download it.
    """
    given = os.environ.get("FASHION_WEIGHTS")
    folders = [*([Path(given)] if given else []), paths.weights_dir()]
    for folder in folders:
        for ending in ENDINGS:
            if (folder / f"{name}{ending}").is_file():
                return folder / f"{name}{ending}"
    target = Path(torch.hub.get_dir()) / "checkpoints" / f"{name}.safetensors"
    if target.is_file():
        return target
    advice = f"put the file {name}.safetensors into {folders[0]}, or choose another start."
    return _downloaded(name, target, advice)


def _downloaded(name: str, target: Path, advice: str) -> Path:
    try:
        import timm
    except ImportError as error:
        raise FashionError(
            f"The weights {name} are not on this machine, and timm, which downloads them, is not installed: {advice}"
        ) from error
    try:
        weights: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    except Exception as error:  # the hub's client raises many kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise FashionError(
            f"The weights {name} are not on this machine and could not be fetched ({reason}): {advice}"
        ) from error
    with written_whole(target) as part:
        save_file({key: tensor.contiguous() for key, tensor in weights.items()}, part)
    return target
