"""Losses for pictures with several labels, some missing: every term masks what is missing.

Source: Yao et al. 2026, eq. 3 to 5. Notation: B pictures, A attributes, V values of all attributes, D
dimensions per attribute's subspace. Block a holds the columns of attribute a's values. A picture *has* an
attribute if it has a label for it.

Three arguments are the same in all these losses:

- labels: bool (B, V), True where the picture has the value.
- known: bool (B, A), True where the picture has the attribute.
- blocks: one slice of columns per attribute.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.losses import mined_hinge
from fashion_lib.parts.precision import float32_maths

REDUCTIONS = ("mean", "sum")


def known_columns(known: Tensor, blocks: Sequence[slice]) -> Tensor:
    """Repeat known attributes, bool (B, A), for each of their values; return bool (B, V)."""
    sizes = torch.tensor([block.stop - block.start for block in blocks], device=known.device)
    return known.repeat_interleave(sizes, dim=1)


def label_weights(labels: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the weights w_p and w_n of eq. 4 from the counts of the training pictures.

    The paper says only that the ratio of positives to negatives decides them. We use n / (2 n_p) and
    n / (2 n_n), where n counts the pictures that have the attribute. So the positives and the negatives of a
    value weigh the same in total. A picture weighs 1 on average. The weighted loss is still larger than the plain
    one, because the rare positives are the pictures with the larger loss. A value without positives has w_p = 0, and
    one without negatives w_n = 0.

    Args:
        labels: bool (N, V), of N training pictures.
        known: bool (N, V), True where the picture has the value's attribute; see `known_columns`.

    Returns:
        w_p and w_n, float32 (V,) each.
    """
    total = known.sum(0).float()
    positive = (labels & known).sum(0).float()
    negative = total - positive
    return tuple(torch.where(part > 0, total / (2 * part.clamp(min=1)), 0) for part in (positive, negative))


@float32_maths
def weighted_cross_entropy(
    logits: Tensor,
    labels: Tensor,
    known: Tensor,
    blocks: Sequence[slice],
    positive: Tensor | None = None,
    negative: Tensor | None = None,
    *,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute eq. 4, a weighted binary cross-entropy per value, with the minus sign that the print omits.

    It sums over an attribute's values, then averages over the pictures that have the attribute, then over
    attributes. `attribute_cross_entropy` averages in the same way, so the two losses have comparable sizes.

    Args:
        logits: (B, V).
        labels, known, blocks: see the top of this file.
        positive, negative: w_p and w_n, (V,) each; None for the plain loss.
        label_smoothing: s; the targets are 1 - s/2 and s/2 instead of 1 and 0.

    Returns:
        A scalar; zero if no picture has any attribute.
    """
    wanted = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if positive is not None:
        each = each * torch.where(labels, positive, negative)
    losses = [each[known[:, a], block].sum(1).mean() for a, block in enumerate(blocks) if known[:, a].any()]
    return torch.stack(losses).mean() if losses else logits.sum() * 0


@float32_maths
def attribute_cross_entropy(
    logits: Tensor, labels: Tensor, known: Tensor, blocks: Sequence[slice], reduction: str = "mean"
) -> Tensor:
    """Compute a softmax cross-entropy per attribute, averaged over the pictures that have the attribute.

    The target of a picture with several values of an attribute gives each the same probability.

    Args:
        logits: (B, V).
        labels, known, blocks: see the top of this file.
        reduction: over the attributes that any picture has: "mean", or "sum" as in the released code of ADDE.

    Returns:
        A scalar; zero if no picture has any attribute.

    Raises:
        FashionError: if `reduction` is unknown.
    """
    if reduction not in REDUCTIONS:
        raise FashionError(f"Unknown reduction '{reduction}': choose one of {', '.join(REDUCTIONS)}.")
    losses = []
    for a, block in enumerate(blocks):
        mine = known[:, a]
        if mine.any():
            wanted = labels[mine, block].to(logits.dtype)
            losses.append(F.cross_entropy(logits[mine, block], wanted / wanted.sum(1, keepdim=True)))
    if not losses:
        return logits.sum() * 0
    return torch.stack(losses).mean() if reduction == "mean" else torch.stack(losses).sum()


@float32_maths
def attribute_triplet_loss(
    features: Tensor, labels: Tensor, known: Tensor, blocks: Sequence[slice], margin: float, mining: str = "all"
) -> Tensor:
    """Compute the first term of eq. 5: a triplet loss inside each attribute's subspace.

    The loss is averaged over the attributes that form a triplet. A triplet is an anchor, a positive and a
    negative picture. Inferred, because the paper says only "for multi-label data":

    1. A positive shares at least one value of the attribute with the anchor.
    2. A negative shares none.
    3. A picture without the attribute is in no triplet.

    Args:
        features: (B, A * D); similarity is the cosine.
        labels, known, blocks: see the top of this file.
        margin, mining: see `fashion_lib.parts.losses.in_batch_triplet_loss`.

    Returns:
        A scalar; zero without a triplet.
    """
    losses = []
    for a, (block, part) in enumerate(zip(blocks, features.chunk(len(blocks), dim=1), strict=True)):
        mine = known[:, a]
        unit, held = F.normalize(part[mine], dim=1), labels[mine, block].float()
        same = held @ held.T > 0
        itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
        loss, _ = mined_hinge(unit @ unit.T, same & ~itself, ~same, margin, mining)
        if loss is not None:
            losses.append(loss)
    return torch.stack(losses).mean() if losses else features.sum() * 0


@float32_maths
def global_triplet_loss(
    features: Tensor, labels: Tensor, known: Tensor, blocks: Sequence[slice], margin: float
) -> Tensor:
    """Compute L_GT of eq. 5: a triplet loss on the whole feature, with triplets ordered by label agreement.

    The positive agrees with the anchor in more attributes than the negative does. Inferred:

    1. The agreement of two pictures is a share. Of the attributes that both have, it counts those in which
       they share a value.
    2. Two pictures without a common attribute form no triplet.
    3. Every triplet (a, p, n) counts whose agreement is larger for p than for n. The average is over those
       with a hinge above zero.

    Args:
        features: (B, F); similarity is the cosine.
        labels, known, blocks: see the top of this file.
        margin: margin of the hinge.

    Returns:
        A scalar; zero without a triplet.
    """
    unit = F.normalize(features, dim=1)
    similarity = unit @ unit.T  # (B, B)
    shared = torch.stack([labels[:, block].float() @ labels[:, block].float().T > 0 for block in blocks])
    both = (known[:, None] & known[None]).sum(2)  # (B, B): attributes that both have
    agreement = shared.sum(0) / both.clamp(min=1)
    usable = (both > 0) & ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    higher = (agreement[:, :, None] > agreement[:, None]) & usable[:, :, None] & usable[:, None]  # (B, p, n)
    anchor, positive, negative = torch.nonzero(higher, as_tuple=True)
    hinge = (margin + similarity[anchor, negative] - similarity[anchor, positive]).relu()
    return hinge.sum() / (hinge > 0).sum().clamp(min=1)
