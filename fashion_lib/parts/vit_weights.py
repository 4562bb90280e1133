"""Start weights of transformers: ImageNet's for ViT-B/16, the course's pretext for the small one.

ImageNet-21k weights come through timm, as the papers use them; torchvision has ImageNet-1k weights.
"""

from pathlib import Path

from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.start_files import imagenet_file, read_weights, start_file

# key of fashion_lib.parts.vit.SIZES -> name of the weights, as imagenet_file takes it
WEIGHTS = {"b16": "timm:vit_base_patch16_224.augreg_in21k", "b16_1k": "vit_b_16"}

BACKBONE = "conv_proj.0."  # where a hybrid keeps its convolutional network

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


def load_vit_weights(vit: nn.Module, name: str, class_token: bool = True) -> None:
    """Copy ImageNet weights into torchvision's ViT-B/16; classifiers are ignored.

    Args:
        vit: the ViT that is changed.
        name: a key of WEIGHTS.
        class_token: False leaves the class token as it is.

    Raises:
        FashionError: if the file is missing or damaged, or if a tensor of the ViT is missing or has another shape.
    """
    path = imagenet_file(WEIGHTS[name])
    found = {torchvision_name(key): tensor.float() for key, tensor in read_weights(path).items()}
    own = transformer_tensors(vit)
    _check_fit(own, found, path, "ViT-B/16")
    chosen = {key: found[key] for key in own if class_token or key != "class_token"}
    vit.load_state_dict(chosen, strict=False)


def load_patch_start(vit: nn.Module, start: str) -> None:
    """Copy the pretext's weights into the transformer of the patch branch's small ViT; its backbone stays.

    Args:
        vit: the ViT that is changed.
        start: one of PRETEXTS.

    Raises:
        FashionError: if the file is missing or damaged, or if a tensor is missing or has another shape.
    """
    path = start_file(f"{start}_patch")
    found = {key: tensor.float() for key, tensor in read_weights(path).items()}
    own = transformer_tensors(vit)
    _check_fit(own, found, path, "the patch branch's ViT")
    vit.load_state_dict({key: found[key] for key in own}, strict=False)


def transformer_tensors(vit: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of a ViT by name, without a classifier and without the backbone inside a hybrid."""
    return {key: tensor for key, tensor in vit.state_dict().items() if not key.startswith(("heads.", BACKBONE))}


def _check_fit(own: dict[str, Tensor], found: dict[str, Tensor], path: Path, network: str) -> None:
    for key, tensor in own.items():
        shape = tuple(found[key].shape) if key in found else "nothing"
        if shape != tuple(tensor.shape):
            raise FashionError(
                f"The weights in {path} do not fit {network} ({key}: found {shape}, expected {tuple(tensor.shape)}): "
                "use the file that was made for it."
            )
