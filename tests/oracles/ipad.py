"""IPAD as its authors' code computes it, written out over tensors. W are the weights by name.

Shapes: I (B, C, h, w) is ResNet's map, a (B,) are attribute ids, P (B, 3, S, S) are crops. C is 1024, A is 512 and
D is 768 at the papers' size. All floats have one type.
"""

import math

import torch
from torch import Tensor


def linear(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ W[f"{name}.weight"].T + W[f"{name}.bias"]


def layer_norm(W: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + 1e-6) * W[f"{name}.weight"] + W[f"{name}.bias"]


def softmax(scores: Tensor) -> Tensor:
    """Over the last axis."""
    e = torch.exp(scores - scores.amax(-1, keepdim=True).detach())
    return e / e.sum(-1, keepdim=True)


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def unit(x: Tensor) -> Tensor:
    return x / (x**2).sum(-1, keepdim=True).sqrt()


def cos(x: Tensor, y: Tensor) -> Tensor:
    lengths = ((u**2).sum(-1).sqrt().clamp(min=1e-8) for u in (x, y))
    return (x * y).sum(-1) / math.prod(lengths)


# The region branch


def region(W: dict[str, Tensor], I: Tensor, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # noqa: E741
    """Return the map alpha (B, h, w), r and r-bar (B, C)."""
    X = layer_norm(W, "region.map_norm", I.permute(0, 2, 3, 1).flatten(1, 2))  # (B, h w, C)
    p = layer_norm(W, "region.attribute_norm", W["attribute.weight"][a])
    keys = torch.tanh(X @ W["region.conv.weight"][:, :, 0, 0].T + W["region.norms.0.bias"])  # (B, h w, A)
    query = torch.tanh(linear(W, "region.spatial_attribute.0", p))
    scores = (keys * query[:, None]).sum(2)
    eta = 0.95 * scores.amax(1, keepdim=True)
    left = torch.where(scores <= eta, scores, torch.zeros_like(scores))
    alpha = softmax(left / math.sqrt(query.shape[1]))
    away = (1 - alpha) / (1 - alpha).sum(1, keepdim=True)
    ends = []
    for weights in (alpha, away):
        v = (weights[:, :, None] * X).sum(1)
        c = linear(W, "region.channel.attribute_side.0", p).clamp(min=0)
        hidden = linear(W, "region.channel.hidden", torch.cat([v, c], dim=1)).clamp(min=0)
        G = 1 / (1 + torch.exp(-linear(W, "region.channel.gate", hidden)))
        h = linear(W, "region.linear", v * G)
        inner = linear(W, "region.mlp.layers.0", layer_norm(W, "region.norm", h)).clamp(min=0)
        ends.append(layer_norm(W, "region.norm", h + linear(W, "region.mlp.layers.3", inner)))
    return alpha.view(-1, *I.shape[2:]), *ends


def value_logits(W: dict[str, Tensor], r: Tensor, attribute: int) -> Tensor:
    """z of one attribute's head, (B, K)."""
    name = f"values.heads.{attribute}"
    return linear(W, f"{name}.6", linear(W, f"{name}.3", linear(W, f"{name}.0", r).clamp(min=0)).clamp(min=0))


# The patch branch


def attention(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    """(B, M, D) queries over (B, N, D) keys, head by head."""
    size = q.shape[2] // heads
    parts = [slice(head * size, (head + 1) * size) for head in range(heads)]
    seen = [softmax(q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(size)) @ v[..., part] for part in parts]
    return torch.cat(seen, dim=2)


def patch(W: dict[str, Tensor], P: Tensor, a: Tensor, heads: int) -> Tensor:
    """Return f (B, C)."""
    kernel = W["patch.tokens.patches.weight"]  # (D, 3, s, s)
    D, _, s, _ = kernel.shape
    pieces = P.unfold(2, s, s).unfold(3, s, s).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)  # (B, N, 3 s s)
    patches = pieces @ kernel.reshape(D, -1).T + W["patch.tokens.patches.bias"]
    t = torch.cat([W["patch.tokens.class_token"].expand(len(P), 1, D), patches], dim=1)
    t = t + W["patch.tokens.encoder.pos_embedding"]
    layer = 0
    while (name := f"patch.tokens.encoder.layers.encoder_layer_{layer}") + ".ln_1.weight" in W:
        x = layer_norm(W, f"{name}.ln_1", t)
        kernels, biases = (W[f"{name}.self_attention.in_proj_{one}"].split(D) for one in ("weight", "bias"))
        q, k, v = (x @ one.T + bias for one, bias in zip(kernels, biases, strict=True))
        t = t + linear(W, f"{name}.self_attention.out_proj", attention(q, k, v, heads))
        t = t + linear(W, f"{name}.mlp.3", gelu(linear(W, f"{name}.mlp.0", layer_norm(W, f"{name}.ln_2", t))))
        layer += 1
    attribute = linear(W, "patch.cross.attribute", W["attribute.weight"][a])
    K = layer_norm(W, "patch.cross.input_norm", t[:, 1:] + W["patch.cross.types"][1])
    Q = layer_norm(W, "patch.cross.input_norm", attribute + W["patch.cross.types"][0])[:, None]
    q, k, v = (linear(W, f"patch.cross.{one}", x) for one, x in (("query", Q), ("key", K), ("value", K)))
    o = linear(W, "patch.cross.join", attention(q, k, v, heads)[:, 0])
    h = linear(W, "patch.cross.widen", o)
    inner = gelu(linear(W, "patch.mlp.layers.0", layer_norm(W, "patch.norm", h)))
    return layer_norm(W, "patch.last_norm", h + linear(W, "patch.mlp.layers.3", inner))


# The losses


def T(x: Tensor, p: Tensor, n: Tensor) -> Tensor:
    return (0.2 + cos(x, n) - cos(x, p)).clamp(min=0).mean()


def T5(x: Tensor, x1: Tensor, x2: Tensor, p: Tensor, n: Tensor) -> Tensor:
    return (T(x, p, n) + T(x1, p, n) + T(x2, p, n) + T(x, x1, n) + T(x, x2, n)) / 5


def V(W: dict[str, Tensor], r: Tensor, a: Tensor, v: Tensor) -> Tensor:
    """Mean over anchors of the cross-entropy."""
    total = 0
    for row, attribute, value in zip(r, a.tolist(), v.tolist(), strict=True):
        total = total - torch.log(softmax(value_logits(W, row[None], attribute)[0])[value])
    return total / len(r)


def Q(f: Tensor, a: Tensor, v: Tensor, centres: dict[tuple[int, int], Tensor], counts: list[int]) -> Tensor:
    total = 0
    for row, attribute, value in zip(f, a.tolist(), v.tolist(), strict=True):
        own = cos(row, centres[attribute, value])
        others = [u for u in range(counts[attribute]) if u != value]
        hinges = [(0.2 + cos(row, centres[attribute, u]) - own).clamp(min=0) for u in others]
        total = total + sum(hinges) / (counts[attribute] - 1)
    return total / len(f)


def E(r: Tensor, f: Tensor, background: Tensor, a: Tensor, v: Tensor) -> Tensor:
    """E-InfoNCE over R rows of unit vectors, temperature 0.07, backgrounds of the same attribute weighed by 12."""
    total = 0
    for i in range(len(r)):
        same = a == a[i]
        near = torch.exp(f @ r[i] / 0.07)
        away = 12 * torch.exp(background[same] @ r[i] / 0.07).sum()
        total = total + torch.log(near.sum() + away) - torch.log(near[same & (v == v[i])].sum())
    return total / len(r)


class Bank:
    """The memory of one branch: a queue per attribute of (image, feature, value), and the centres.

    Args:
        counts: number of values of each attribute.
        length: largest number of entries per queue; 1000 in the authors' code.
        every: pushes between two renewals of the centres; 50 in the authors' code.
    """

    def __init__(self, counts: list[int], length: int = 1000, every: int = 50):
        self.counts, self.length, self.every, self.counter = counts, length, every, 0
        self.queues: list[list] = [[] for _ in counts]
        self.centres: dict[tuple[int, int], Tensor] = {}
        self.renewed: list[int] = []  # values of the counter

    def push(self, images: Tensor, features: Tensor, a: Tensor, v: Tensor) -> None:
        """Push the rows of one role, one after the other; renew the centres where the counter says so."""
        rows = zip(images.tolist(), features.detach().clone(), a.tolist(), v.tolist(), strict=True)
        for image, feature, attribute, value in rows:
            queue = self.queues[attribute]
            place = next((k for k, entry in enumerate(queue) if entry[0] == image), None)
            if place is not None:
                queue[place] = (image, 0.5 * queue[place][1] + 0.5 * feature, value)
                continue
            if len(queue) == self.length:
                queue.pop(0)
            queue.append((image, feature, value))
        self.counter += 1
        if self.counter % self.every == 0:
            self.renewed.append(self.counter)
            for attribute, queue in enumerate(self.queues):
                for value in {entry[2] for entry in queue}:
                    mine = [feature for _, feature, its in queue if its == value]
                    self.centres[attribute, value] = sum(mine) / len(mine)

    def CC(self, roles: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor | float:
        """The loss of three roles' (f, a, v); zero until every value has a centre."""
        if len(self.centres) != sum(self.counts):
            return 0.0
        anchors, positives, negatives = (Q(*role, self.centres, self.counts) for role in roles)
        return anchors + positives + negatives / 3


def stage(
    W: dict[str, Tensor],
    number: int,
    maps: Tensor,
    views: list[Tensor],
    crops: Tensor | None,
    labels: tuple[Tensor, Tensor, Tensor],
    banks: dict[str, Bank],
    heads: int,
) -> dict[str, Tensor | float]:
    """Return the weighted losses of a batch in stage 1 or 2; their sum is minimised.

    Args:
        maps: I of [anchors; positives; negatives], (3 B, C, h, w).
        views: I of the anchors' second and third view, (B, C, h, w) each.
        crops: of the same rows as maps; only for stage 2.
        labels: images, attributes and values of these rows, (3 B,) each.
        banks: of region features, and in stage 2 of patch features.
    """
    images, a, v = labels
    count = len(a) // 3
    roles = [slice(k * count, (k + 1) * count) for k in range(3)]
    _, r, background = region(W, maps, a)
    x1, x2 = (region(W, view, a[:count])[1] for view in views)
    features = {"region": r} | ({"patch": patch(W, crops, a, heads)} if number == 2 else {})
    terms: dict[str, Tensor | float] = {"region": T5(r[roles[0]], x1, x2, r[roles[1]], r[roles[2]])}
    for name, f in features.items():
        for role in roles:
            banks[name].push(images[role], f[role], a[role], v[role])
        terms[f"centres {name}"] = banks[name].CC([(f[role], a[role], v[role]) for role in roles])
    if number == 1:
        terms["values"] = 0.1 * V(W, r[roles[0]], a[roles[0]], v[roles[0]])
    else:
        f = features["patch"]
        terms["patch"] = 0.1 * T(*(f[role] for role in roles))
        terms["contrast"] = 0.04 * E(unit(r), unit(f), unit(background), a, v)
    return terms
