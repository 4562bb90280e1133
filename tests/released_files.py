"""Authors' checkpoints written out from their names and shapes alone, for the tests of importing and exporting.

C is the number of the region map's channels, A the width of the attributes and keys, n the number of attributes. The
names are those of the authors' files; only the ResNets' and AlexNet's own names are torchvision's.
"""

from dataclasses import dataclass

import torch
from torchvision.models import get_model

from fashion_lib.core.schema import Schema
from fashion_lib.parts.backbones import BACKBONES

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Size:
    """What the laptop scales. The rest follows from the attributes."""

    backbone: str
    local_backbone: str
    c: int
    a: int
    local_c: int
    vit: tuple[int, int, int, int]  # layers, width, width of the MLP, side of a patch
    patches: int


PAPER = Size("resnet50", "resnet34", 1024, 512, 256, (12, 768, 3072, 16), 196)
SMALL = Size("small", "small", 128, 128, 128, (4, 128, 256, 8), 64)


def linear(name: str, inside: int, outside: int) -> Shapes:
    return {f"{name}.weight": (outside, inside), f"{name}.bias": (outside,)}


def conv1(name: str, inside: int, outside: int) -> Shapes:
    return {f"{name}.weight": (outside, inside, 1, 1), f"{name}.bias": (outside,)}


def layer_norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def batch_norm(name: str, size: int) -> Shapes:
    means = {f"{name}.running_mean": (size,), f"{name}.running_var": (size,)}
    return layer_norm(name, size) | means | {f"{name}.num_batches_tracked": ()}


def network(prefix: str, kind: str, left_out: tuple[str, ...] = ("layer4.", "fc.")) -> Shapes:
    """torchvision's names and shapes of a network."""
    with torch.device("meta"):
        whole = BACKBONES["small"]() if kind == "small" else get_model(kind)
    return {f"{prefix}{k}": tuple(v.shape) for k, v in whole.state_dict().items() if not k.startswith(left_out)}


def asen_v1(schema: Schema, size: Size) -> Shapes:
    net, n, c, a = "embeddingnet.", len(schema), size.c, size.a
    return (
        network(f"{net}backbonenet.", size.backbone)
        | {f"{net}mask_fc1.weight": (a, n), f"{net}mask_fc2.weight": (c, n)}
        | conv1(f"{net}conv1", c, a)
        | conv1(f"{net}conv2", a, 1)
        | linear(f"{net}fc1", 2 * c, a)
        | linear(f"{net}fc2", a, c)
        | linear(f"{net}feature_fc", c, c)
    )


def asen_v2(schema: Schema, size: Size) -> Shapes:
    net, n, c, a = "embeddingnet.", len(schema), size.c, size.a
    return (
        network(f"{net}backbonenet.", size.backbone)
        | {f"{net}attr_embedding.weight": (n, a)}
        | linear(f"{net}attr_transform1", a, a)
        | linear(f"{net}attr_transform2", a, a)
        | conv1(f"{net}conv1", c, a)
        | batch_norm(f"{net}img_bn1", a)
        | linear(f"{net}fc1", c + a, a)
        | linear(f"{net}fc2", a, c)
    )


def csn(schema: Schema, size: Size) -> Shapes:
    net, c = "embeddingnet.", size.c
    masks = {f"{net}masks.weight": (len(schema), c)}
    return network(f"{net}embeddingnet.", size.backbone) | linear(f"{net}embed_fc", c, c) | masks


def ag_man(schema: Schema, size: Size) -> Shapes:
    net, n, c, a = "embeddingnet.", len(schema), size.c, size.a
    if size.backbone == "small":
        stage4 = {}
        for block, inside in enumerate((c, 2 * c)):
            at = f"{net}backbonenet.layer4.{block}."
            stage4 |= {f"{at}conv1.weight": (2 * c, inside, 3, 3), f"{at}conv2.weight": (2 * c, 2 * c, 3, 3)}
            stage4 |= batch_norm(f"{at}bn1", 2 * c) | batch_norm(f"{at}bn2", 2 * c)
        stage4 |= {f"{net}backbonenet.layer4.0.downsample.0.weight": (2 * c, c, 1, 1)}
        stage4 |= batch_norm(f"{net}backbonenet.layer4.0.downsample.1", 2 * c)
        backbone = network(f"{net}backbonenet.", "small") | stage4
    else:
        backbone = network(f"{net}backbonenet.", size.backbone, ("fc.",))
    return (
        backbone
        | conv1(f"{net}backbonenet.conv1_1", c // 2, c)
        | linear(f"{net}backbonenet.fc_embed", 2 * c, n)
        | {f"{net}{name}": (1,) for name in ("w", "w1", "w2")}
        | conv1(f"{net}conv1", 2 * c, a)
        | batch_norm(f"{net}img_bn1", a)
        | {f"{net}attr_embedding.weight": (n, a), f"{net}masks.weight": (n, a)}
        | {f"{net}sa.conv1.weight": (1, 2, 7, 7)}
        | linear(f"{net}attr_transform1", a, a)
        | linear(f"{net}attr_transform2", a, a)
        | linear(f"{net}fc1", 2 * a, a)
        | linear(f"{net}fc2", a, a)
    )


def asen_pp(schema: Schema, size: Size) -> Shapes:
    n, a, found = len(schema), size.a, {}
    branches = {"global": (size.backbone, size.c), "local": (size.local_backbone, size.local_c)}
    for name, (backbone, c) in branches.items():
        at, keys, hidden = f"choices.{name}.", min(c, a), c // 2  # 512 and 512; 256 and 128 in the local branch
        found |= (
            {f"{at}attrnet.attr_embedding.weight": (n, a)}
            | network(f"{at}basenet.", backbone)
            | linear(f"{at}attnnet.attr_transform1", a, keys)
            | conv1(f"{at}attnnet.conv", c, keys)
            | linear(f"{at}attnnet.attr_transform2", a, a)
            | linear(f"{at}attnnet.fc1", c + a, hidden)
            | linear(f"{at}attnnet.fc2", hidden, c)
            | linear(f"{at}attnnet.feature_fc", c, size.c)
        )
    return found


def region_norms(size: Size) -> Shapes:
    at = "choices.global.attnnet."
    return (
        layer_norm(f"{at}x_layer_norm", size.c)
        | layer_norm(f"{at}a_layer_norm", size.a)
        | layer_norm(f"{at}mlp_layer_norm", size.c)
        | linear(f"{at}mlp.fc1", size.c, size.c // 2)
        | linear(f"{at}mlp.fc2", size.c // 2, size.c)
    )


def cross(at: str, d: int, c: int) -> Shapes:
    found = layer_norm(f"{at}cross_attention_norm", d)
    for side in ("query", "key", "value", "out"):
        found |= linear(f"{at}cross_attn.{side}", d, d)
    found |= linear(f"{at}fc", d, c) | layer_norm(f"{at}ffn_norm", c)
    return found | linear(f"{at}ffn.fc1", c, c // 2) | linear(f"{at}ffn.fc2", c // 2, c)


def patch_branch(size: Size) -> Shapes:
    at, (layers, d, wide, side) = "choices.local.basenet.", size.vit
    found = {
        f"{at}embeddings.patch_embeddings.weight": (d, 3, side, side),
        f"{at}embeddings.patch_embeddings.bias": (d,),
        f"{at}embeddings.cls_token": (1, 1, d),
        f"{at}embeddings.position_embeddings": (1, size.patches + 1, d),
        f"{at}type_embed": (1, 2, d),
    }
    for number in range(layers):
        block = f"{at}encoder.layer.{number}."
        found |= layer_norm(f"{block}attention_norm", d) | layer_norm(f"{block}ffn_norm", d)
        for part in ("query", "key", "value", "out"):
            found |= linear(f"{block}attn.{part}", d, d)
        found |= linear(f"{block}ffn.fc1", d, wide) | linear(f"{block}ffn.fc2", wide, d)
    found |= linear(f"{at}attr2query", size.a, d) | cross(f"{at}crossencoder.", d, size.c)
    return found | layer_norm(f"{at}norm", size.c)


def rpf(schema: Schema, size: Size) -> Shapes:
    at, c, a = "choices.global.", size.c, size.a
    return (
        {f"{at}attrnet.attr_embedding.weight": (len(schema), a)}
        | network(f"{at}basenet.", size.backbone)
        | linear(f"{at}attnnet.attr_transform1", a, a)
        | conv1(f"{at}attnnet.conv", c, a)
        | linear(f"{at}attnnet.feature_fc", c, c)
        | region_norms(size)
        | patch_branch(size)
    )


def ipad(schema: Schema, size: Size) -> Shapes:
    at, c, a, d = "choices.global.attnnet.", size.c, size.a, size.vit[1]
    found = rpf(schema, size)
    found |= linear(f"{at}attr_transform2", a, a) | linear(f"{at}fc1", c + a, a) | linear(f"{at}fc2", a, c)
    for number, attribute in enumerate(schema):
        found |= linear(f"vmlp.fc1_layers.{number}", c, c // 2) | linear(f"vmlp.fc2_layers.{number}", c // 2, c)
        found |= linear(f"vmlp.output_layers.{number}", c, len(attribute.values))
        found |= {f"vembed.value_embedding.{number}.weight": (len(attribute.values), d)}
    return found | cross("vcrossencoder.", d, c)


def adde_m(schema: Schema, kind: str, wide: int, d: int) -> Shapes:
    """The network's file and the memory's together; `wide` numbers leave the backbone, `d` a subspace."""
    found = network("backbone.", kind, ("fc.", "classifier.6."))
    for number, attribute in enumerate(schema):
        found |= linear(f"dis_proj.{number}.0", wide, d) | linear(f"dis_proj.{number}.2", d, d)
        found |= linear(f"attr_classifier.{number}.0", d, len(attribute.values))
    return found | {"Memory.weight": (len(schema) * d, sum(len(attribute.values) for attribute in schema))}


def values(shapes: Shapes, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random numbers under these names, of a size that every layer changes its input; counters are whole."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=generator)
        if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):  # a norm's scale
            drawn = 1 + 0.5 * drawn.tanh()
        elif len(shape) > 1 and not name.endswith(("embedding.weight", "_embed", "_embeddings", "_token")):
            drawn = drawn / torch.Size(shape[1:]).numel() ** 0.5
        found[name] = torch.tensor(7) if name.endswith("num_batches_tracked") else drawn
    for name in found:
        if name.startswith("choices.local.attrnet."):  # one embedding, stored twice
            found[name] = found[name.replace("local", "global")]
    return found
