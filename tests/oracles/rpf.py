"""RPF as its authors' code computes it, written out over tensors. W are the weights by name.

Shapes: image (B, C, h, w) is ResNet's map, e (B, A) are attribute vectors, crops (B, 3, S, S), all floats of one type.
No dropout.
"""

import math

import torch
from oracles.asen import conv1, linear, over_positions
from torch import Tensor

EPS = 1e-6


def layer_norm(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Over the last axis, with the biased variance."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + EPS) * W[f"{name}.weight"] + W[f"{name}.bias"]


def dense(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """A linear layer on the last axis of any tensor."""
    return linear(W, name, x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def unit(x: Tensor) -> Tensor:
    return x / (x**2).sum(1, keepdim=True).sqrt().clamp(min=1e-12)


def region(W: dict[str, Tensor], image: Tensor, e: Tensor, fc_on_background: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Steps 1 to 5: the map alpha (B, h, w), foreground and background (B, C)."""
    X = layer_norm(W, "region.map_norm", image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    p = layer_norm(W, "region.attribute_norm", e)
    keys, query = torch.tanh(conv1(W, "region.spatial.conv", X)), linear(W, "region.spatial.attribute_side.0", p)
    score = (keys * torch.tanh(query)[:, :, None, None]).sum(1) / math.sqrt(keys.shape[1])
    alpha = over_positions(score)
    rest = (1 - alpha) / (1 - alpha).sum((1, 2), keepdim=True)
    h = linear(W, "region.linear", (alpha[:, None] * X).sum((2, 3)))
    background = (rest[:, None] * X).sum((2, 3))
    if fc_on_background:
        background = linear(W, "region.linear", background)
    return alpha, region_end(W, h), region_end(W, background)


def region_end(W: dict[str, Tensor], h: Tensor) -> Tensor:
    """Step 5: one norm twice, and the residual from h."""
    hidden = linear(W, "region.mlp.layers.0", layer_norm(W, "region.norm", h)).clamp(min=0)
    return layer_norm(W, "region.norm", h + linear(W, "region.mlp.layers.3", hidden))


def heads_of(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """Attention of queries (B, M, D) over (B, N, D) in heads, concatenated: (B, M, D)."""
    width, found = q.shape[2] // heads, []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        score = torch.einsum("bmd,bnd->bmn", q[..., part], k[..., part]) / math.sqrt(width)
        share = torch.exp(score - score.amax(2, keepdim=True).detach())
        found.append(torch.einsum("bmn,bnd->bmd", share / share.sum(2, keepdim=True), v[..., part]))
    return torch.cat(found, dim=2)


def patches(W: dict[str, Tensor], crops: Tensor) -> Tensor:
    """The strided convolution as one matrix on flattened patches: (B, 3, S, S) -> (B, N, D)."""
    kernel = W["patch.tokens.patches.weight"]  # (D, 3, P, P)
    P = kernel.shape[2]
    cut = crops.unfold(2, P, P).unfold(3, P, P)  # (B, 3, h, w, P, P)
    flat = cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)  # (B, N, 3 P P)
    return flat @ kernel.flatten(1).T + W["patch.tokens.patches.bias"]


def vit(W: dict[str, Tensor], crops: Tensor, layers: int, heads: int) -> Tensor:
    """Steps 6 and 7: class token and patch tokens, (B, 1 + N, D), without a last norm."""
    first = W["patch.tokens.class_token"].expand(len(crops), -1, -1)
    t = torch.cat([first, patches(W, crops)], dim=1) + W["patch.tokens.encoder.pos_embedding"]
    for number in range(layers):
        name = f"patch.tokens.encoder.layers.encoder_layer_{number}"
        x = layer_norm(W, f"{name}.ln_1", t)
        qkv = x @ W[f"{name}.self_attention.in_proj_weight"].T + W[f"{name}.self_attention.in_proj_bias"]
        t = t + dense(W, f"{name}.self_attention.out_proj", heads_of(*qkv.chunk(3, dim=2), heads))
        t = t + dense(W, f"{name}.mlp.3", gelu(dense(W, f"{name}.mlp.0", layer_norm(W, f"{name}.ln_2", t))))
    return t


def patch(W: dict[str, Tensor], crops: Tensor, e: Tensor, layers: int, heads: int) -> Tensor:
    """Steps 6 to 10: the patch feature (B, C)."""
    types = W["patch.cross.types"]
    K = layer_norm(W, "patch.cross.input_norm", vit(W, crops, layers, heads)[:, 1:] + types[1])
    Q = layer_norm(W, "patch.cross.input_norm", linear(W, "patch.cross.attribute", e)[:, None] + types[0])
    q, k, v = (dense(W, f"patch.cross.{name}", x) for name, x in (("query", Q), ("key", K), ("value", K)))
    o = linear(W, "patch.cross.join", heads_of(q, k, v, heads)[:, 0])
    h = linear(W, "patch.cross.widen", o)
    inside = linear(W, "patch.mlp.layers.3", gelu(linear(W, "patch.mlp.layers.0", layer_norm(W, "patch.norm", h))))
    return layer_norm(W, "patch.last_norm", h + inside)


def e_info_nce(r: Tensor, f: Tensor, background: Tensor, a: Tensor, v: Tensor) -> Tensor:
    """E over R rows of unit vectors, sum by sum."""
    total = r.new_zeros(())
    for i in range(len(r)):
        to_all = sum(torch.exp(r[i] @ f[j] / 0.07) for j in range(len(r)))
        away = sum(torch.exp(r[i] @ background[k] / 0.07) for k in range(len(r)) if a[k] == a[i])
        positive = sum(torch.exp(r[i] @ f[j] / 0.07) for j in range(len(r)) if (a[j], v[j]) == (a[i], v[i]))
        total = total + torch.log(to_all + 12 * away) - torch.log(positive)
    return total / len(r)


def both(r: Tensor, f: Tensor, beta: float) -> Tensor:
    return torch.cat([math.sqrt(beta) * unit(r), math.sqrt(1 - beta) * unit(f)], dim=1)
