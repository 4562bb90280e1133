"""Losses for multi-label pictures with gaps: what is missing is masked, in every term (Yao et al. 2026, eq. 3 to 5)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.parts.losses import mined_hinge
from fashion_lib.parts.precision import float32_maths


def known_columns(known: Tensor, blocks: Sequence[slice]) -> Tensor:
    """Known attributes bool (B, A) to known values bool (B, V)."""
    sizes = torch.tensor([block.stop - block.start for block in blocks], device=known.device)
    return known.repeat_interleave(sizes, dim=1)


def label_weights(labels: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """w_p and w_n of eq. 4, float (V,) each, from the counts over training pictures: labels, known bool (N, V).

    The paper says that the ratio of positives to negatives decides them. Here n / (2 n_p) and n / (2 n_n), with n the
    pictures that know the attribute: positives and negatives of a value weigh the same, and a picture weighs 1
    on average, so that the weighted and the plain loss have one scale. A value without positives weighs 0.
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
    """Eq. 4 with the minus sign that the print leaves out: binary cross-entropy of each value, weighted.

    logits (B, V); labels bool (B, V); known bool (B, A); positive, negative (V,): w_p and w_n, None for the plain loss.
    The sum over an attribute's values, averaged over the pictures that have the attribute, then over attributes: the
    same averages as in attribute_cross_entropy, so that one method's loss is not larger by its form alone.
    label_smoothing s: targets 1 - s/2 and s/2 instead of 1 and 0.
    """
    wanted = labels.to(logits.dtype) * (1 - label_smoothing) + label_smoothing / 2
    each = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if positive is not None:
        each = each * torch.where(labels, positive, negative)
    losses = [each[known[:, a], block].sum(1).mean() for a, block in enumerate(blocks) if known[:, a].any()]
    return torch.stack(losses).mean() if losses else logits.sum() * 0


@float32_maths
def attribute_cross_entropy(logits: Tensor, labels: Tensor, known: Tensor, blocks: Sequence[slice]) -> Tensor:
    """Softmax cross-entropy of each attribute, mean over the pictures that have it, then over attributes.

    logits (B, V); labels bool (B, V); known bool (B, A). A picture with several values of an attribute should give each
    the same share of the probability. ADDE-M's loss, and here AMNet's.
    """
    losses = []
    for a, block in enumerate(blocks):
        mine = known[:, a]
        if mine.any():
            wanted = labels[mine, block].to(logits.dtype)
            losses.append(F.cross_entropy(logits[mine, block], wanted / wanted.sum(1, keepdim=True)))
    return torch.stack(losses).mean() if losses else logits.sum() * 0


@float32_maths
def attribute_triplet_loss(
    features: Tensor, labels: Tensor, known: Tensor, blocks: Sequence[slice], margin: float, mining: str = "all"
) -> Tensor:
    """The first term of eq. 5: mean over attributes of a triplet loss inside the attribute's subspace.

    features (B, A * D); labels bool (B, V); known bool (B, A). Inferred, as "for multi-label data" is all that is said:
    positives share at least one value of the attribute, negatives none, and a picture without the attribute is neither
    anchor, positive nor negative. Cosine similarity, margin, mining: see fashion_lib.parts.losses. The loss is zero
    without a triplet.
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
    """L_GT of eq. 5: a triplet loss on the whole feature, where the positive agrees with the anchor in more attributes.

    features (B, F); labels bool (B, V); known bool (B, A). Inferred: two pictures' agreement is the share of attributes
    that both know in which they share a value; pictures without a common attribute form no triplet. Every triplet
    (a, p, n) whose agreement is larger for p than for n counts, averaged over those with a hinge above zero.
    """
    unit = F.normalize(features, dim=1)
    similarity = unit @ unit.T  # (B, B)
    shared = torch.stack([labels[:, block].float() @ labels[:, block].float().T > 0 for block in blocks])
    both = (known[:, None] & known[None]).sum(2)  # (B, B): attributes that both know
    agreement = shared.sum(0) / both.clamp(min=1)
    usable = (both > 0) & ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    higher = (agreement[:, :, None] > agreement[:, None]) & usable[:, :, None] & usable[:, None]  # (B, p, n)
    anchor, positive, negative = torch.nonzero(higher, as_tuple=True)
    hinge = (margin + similarity[anchor, negative] - similarity[anchor, positive]).relu()
    return hinge.sum() / (hinge > 0).sum().clamp(min=1)
