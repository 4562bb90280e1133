"""What the released code of ADDE-M computes, equation by equation, over plain tensors (Hou et al., ICCV 2021).

`weights` has the names of the authors' checkpoints: dis_proj.i.0, dis_proj.i.2, attr_classifier.i.0, Memory.
Labels are int64 (B, N), one value per attribute, -1 where it is missing. `x` is the backbone's output, (B, C).
"""

import torch
from torchvision.models import get_model

MARGIN = 0.5


def backbone(name, network, images):
    """AlexNet through fc7 without its ReLU, or ResNet-18 to its pooled 512, in evaluation.

    network: tensors by torchvision's names, without the classifier's last layer.
    """
    whole = get_model(name).eval()
    missing = whole.load_state_dict(network, strict=False)
    last = "classifier.6" if name == "alexnet" else "fc"
    assert not missing.unexpected_keys and set(missing.missing_keys) == {f"{last}.weight", f"{last}.bias"}
    if name == "alexnet":
        hidden = whole.avgpool(whole.features(images)).flatten(1)
        fc6, fc7 = whole.classifier[1], whole.classifier[4]
        return (hidden @ fc6.weight.T + fc6.bias).clamp(min=0) @ fc7.weight.T + fc7.bias
    whole.fc = torch.nn.Identity()
    return whole(images)


def linear(weights, name, x):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def subspaces(weights, x, count):
    """f_i = linear(ReLU(linear(x))), for each of the `count` attributes."""
    return [linear(weights, f"dis_proj.{i}.2", linear(weights, f"dis_proj.{i}.0", x).clamp(min=0))
            for i in range(count)]  # fmt: skip


def unit(x):
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-12)


def semi_hard(keys, e):
    """S(y, e): `keys` are any comparable labels, one per row of the unit vectors e."""
    count = len(keys)
    d = [[(e[i] - e[j]).square().sum() for j in range(count)] for i in range(count)]
    terms = []
    for i in range(count):
        negatives = [d[i][k] for k in range(count) if keys[k] != keys[i]]
        for j in range(count):
            if i == j or keys[j] != keys[i]:
                continue
            farther = [one for one in negatives if one > d[i][j]]
            h = min(farther) if farther else max(negatives) if negatives else 0.0
            terms.append((MARGIN + d[i][j] - h).clamp(min=0))
    return sum(terms) / len(terms) if terms else e.sum() * 0


def hashes(values):
    return [tuple(row) for row in values.tolist()]


def cross_entropies(weights, parts, values):
    """Sum over attributes of the cross-entropy, a mean over the rows whose label is not missing."""
    total = 0
    for i, part in enumerate(parts):
        log_p = linear(weights, f"attr_classifier.{i}.0", part).log_softmax(1)
        rows = [r for r, value in enumerate(values[:, i].tolist()) if value >= 0]
        if rows:
            total = total - sum(log_p[r, values[r, i]] for r in rows) / len(rows)
    return total


def stage_1(weights, x, values):
    parts = subspaces(weights, x, values.shape[1])
    return {
        "classification": 0.2 * cross_entropies(weights, parts, values),
        "attribute_triplet": 0.2 * sum(semi_hard(values[:, i].tolist(), unit(p)) for i, p in enumerate(parts)),
        "label_triplet": semi_hard(hashes(values), unit(torch.cat(parts, 1))),
    }


def one_hot(values, sizes, like):
    """The 0/1 label vectors y, (B, V)."""
    y = torch.zeros(len(values), sum(sizes), dtype=like.dtype)
    for r, row in enumerate(values.tolist()):
        for i, value in enumerate(row):
            if value >= 0:
                y[r, sum(sizes[:i]) + value] = 1
    return y


def manipulated(weights, f, u):
    """f' = f + M u."""
    return f + u @ weights["Memory.weight"].T


def delta(a, b):
    return (unit(a) - unit(b) + 1e-6).square().sum(1).sqrt()


def stage_2(weights, xs, values, u, sizes):
    """xs and values: those of query, target and negative. u: +1 at the value wanted, -1 at the one to remove."""
    n, M = len(sizes), weights["Memory.weight"]
    parts = [subspaces(weights, x, n) for x in xs]
    q, t, g = (torch.cat(part, 1) for part in parts)
    moved = manipulated(weights, q, u)
    moved_parts = moved.chunk(n, dim=1)
    classified = sum(cross_entropies(weights, p, v) for p, v in zip(parts, values, strict=True))
    classified = classified + cross_entropies(weights, moved_parts, values[1])
    keys = [key for part in values for key in hashes(part)]
    consistency = 0
    for labels, f in zip((values[1], values[0], values[2]), (moved, q, g), strict=True):
        consistency = consistency + (one_hot(labels, sizes, f) @ M.T - f).abs().mean()
    outside, width, column = 0, M.shape[0] // n, 0
    for i, size in enumerate(sizes):
        block = M[:, column : column + size]
        outside = outside + block[: i * width].abs().sum() + block[(i + 1) * width :].abs().sum()
        column += size
    return {
        "classification": 0.2 * classified,
        "label_triplet": semi_hard(keys, torch.cat([unit(q), unit(moved), unit(g)])),
        "manipulation": (MARGIN + delta(moved, t) - delta(moved, g)).clamp(min=0).mean(),
        "consistency": consistency,
        "off_block": 0.4 * outside,
    }
