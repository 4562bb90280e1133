"""Triplet losses on cosine similarity, over a list of triplets or over every valid triplet inside a batch.

All of them use the hinge of CSN, ASEN and everything after it (with s the cosine similarity):
`max(0, margin + s(anchor, negative) - s(anchor, positive))`, margin 0.2.
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.precision import float32_maths

MINING = ("all", "hard", "semi_hard")
LOSS_WEIGHTS = ("learned", "fixed")
BACKGROUNDS = ("attribute", "value")


@float32_maths
def triplet_list_loss(embeddings: Tensor, triplets: Tensor, margin: float) -> tuple[Tensor, float]:
    """Mean hinge over listed triplets: the papers' loss (ASEN, AAAI 2020, section "Model learning").

    embeddings: float (L, D), unit length. triplets: int64 (T, 3), rows of `embeddings` as anchor, positive,
    negative. Returns the scalar loss and the fraction of triplets whose hinge is above zero.
    Raises FashionError for an empty list.
    """
    if len(triplets) == 0:
        raise FashionError(
            "The triplet list of this batch is empty, so there is no loss: use a larger batch_size "
            "(three images make one triplet)."
        )
    anchor, positive, negative = embeddings[triplets.T].unbind(0)  # 3 x (T, D)
    hinge = (margin + (anchor * negative).sum(1) - (anchor * positive).sum(1)).relu()  # (T,)
    return hinge.mean(), (hinge > 0).float().mean().item()


@float32_maths
def in_batch_triplet_loss(
    embeddings: Tensor, attributes: Tensor, values: Tensor, margin: float, mining: str = "all"
) -> tuple[Tensor, float]:
    """Hinge over the triplets that a batch contains; similarities are compared inside one attribute only.

    embeddings: float (L, D), unit length, row i computed for attributes[i]. attributes, values: int64 (L,).
    mining "all": every valid (anchor, positive, negative) of an attribute, averaged over the *active* ones (hinge
    above zero) so that the many solved triplets do not dilute the few that still teach; then the mean over
    attributes. mining "hard": each anchor with its least similar positive and its most similar negative
    (Hermans et al. 2017, "batch hard"), averaged over anchors, then over attributes. mining "semi_hard": see
    mined_hinge.
    Returns the scalar loss and the active fraction of what was averaged. Attributes without a valid triplet in
    this batch do not count. Raises FashionError when no attribute has one.
    """
    if mining not in MINING:
        raise FashionError(f"Unknown mining '{mining}': choose one of {', '.join(MINING)}.")
    losses, active, valid = [], 0, 0
    for attribute in attributes.unique().tolist():  # one attribute at a time: memory stays that of one group
        mine = attributes == attribute
        similarity = embeddings[mine] @ embeddings[mine].T  # (m, m)
        same = values[mine][:, None] == values[mine][None]
        itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
        loss, hinge = mined_hinge(similarity, same & ~itself, ~same, margin, mining)
        if loss is not None:
            losses.append(loss)
            active, valid = active + int((hinge > 0).sum()), valid + len(hinge)
    if not losses:
        raise FashionError(
            f"No valid triplet in a batch of {len(values)} labelled examples (an attribute needs two images of one "
            "value and one of another): use a larger batch_size or fewer groups."
        )
    return torch.stack(losses).mean(), active / valid


@float32_maths
def e_info_nce(
    region: Tensor,
    patch: Tensor,
    background: Tensor,
    attributes: Tensor,
    values: Tensor,
    *,
    temperature: float = 0.07,
    weight: float = 12.0,
    backgrounds: str = "attribute",
) -> Tensor:
    """E-InfoNCE: region features towards patch features of their value, away from others and from backgrounds.

    RPF (Dong et al. 2023) and IPAD eq. 15: with e(x, y) = exp(x . y / temperature), the mean over rows i of
    -log(P / (P + N + weight * B)), where P sums e(region_i, patch_j) over the rows j of i's (attribute, value), among
    them i itself, N over all other rows, and B sums e(region_i, background_k) over the rows k of i's attribute
    (backgrounds="attribute", RPF) or of its value (backgrounds="value", the text below IPAD's eq. 15). IPAD leaves its
    Omega undefined; here it is what makes P + N out of P, as in RPF. temperature and weight: both papers' values.
    region, patch, background: float (L, D), unit length; attributes, values: int64 (L,).
    """
    if backgrounds not in BACKGROUNDS:
        raise FashionError(f"Unknown backgrounds '{backgrounds}': choose one of {', '.join(BACKGROUNDS)}.")
    same_attribute = attributes[:, None] == attributes[None]  # (L, L)
    same_value = same_attribute & (values[:, None] == values[None])
    towards = region @ patch.T / temperature  # (L, L)
    away = region @ background.T / temperature + math.log(weight)
    away = away.masked_fill(~(same_attribute if backgrounds == "attribute" else same_value), -torch.inf)
    positive = towards.masked_fill(~same_value, -torch.inf).logsumexp(1)  # (L,): log P
    return (torch.cat([towards, away], dim=1).logsumexp(1) - positive).mean()


def mined_hinge(
    similarity: Tensor, positive: Tensor, negative: Tensor, margin: float, mining: str
) -> tuple[Tensor | None, Tensor | None]:
    """The hinges of one group of examples: similarity (m, m), and bool (m, m), which pairs are positive and negative.

    Returns the group's loss and the hinges that it averages, or (None, None) where no anchor has both a positive and a
    negative. mining "all" and "hard": see in_batch_triplet_loss. "semi_hard" (Schroff et al. 2015): each positive pair
    with the most similar of the negatives that are less similar than the positive is, or with the least similar
    negative where there is none; averaged over pairs.
    """
    anchors = positive.any(1) & negative.any(1)
    if not anchors.any():
        return None, None
    if mining == "hard":
        hardest_positive = similarity.masked_fill(~positive, torch.inf).amin(1)[anchors]
        hardest_negative = similarity.masked_fill(~negative, -torch.inf).amax(1)[anchors]
        hinge = (margin + hardest_negative - hardest_positive).relu()  # (anchors,)
        return hinge.mean(), hinge
    a, p = torch.nonzero(positive & anchors[:, None], as_tuple=True)  # every (anchor, positive) pair
    if mining == "semi_hard":
        less = negative[a] & (similarity[a] < similarity[a, p][:, None])  # (pairs, m)
        nearest = similarity[a].masked_fill(~less, -torch.inf).amax(1)
        farthest = similarity[a].masked_fill(~negative[a], torch.inf).amin(1)
        hinge = (margin + torch.where(less.any(1), nearest, farthest) - similarity[a, p]).relu()  # (pairs,)
        return hinge.mean(), hinge
    hinge = (margin + similarity[a] - similarity[a, p][:, None])[negative[a]].relu()  # (valid triplets,)
    return hinge.sum() / (hinge > 0).sum().clamp(min=1), hinge


@torch.no_grad()
def mean_similarity(embeddings: Tensor, attributes: Tensor) -> float:
    """Mean cosine between different rows of one attribute, over all such pairs: near 1 means a collapsed space.

    embeddings: float (L, D), unit length; attributes: int64 (L,). Returns 0.0 when no attribute has two rows.
    """
    groups, group = attributes.unique(return_inverse=True)
    sums = embeddings.new_zeros(len(groups), embeddings.shape[1]).index_add_(0, group, embeddings.detach())
    count = torch.bincount(group).to(embeddings.dtype)
    # |sum of m unit vectors|^2 = m + the sum of all ordered pairs' cosines.
    pairs = count * (count - 1)
    return float((sums.square().sum() - count.sum()) / pairs.sum()) if pairs.sum() > 0 else 0.0


class LossWeights(nn.Module):
    """Several losses as one (AG-MLAN eq. 9), with a parameter p of each.

    kind "learned": sum of exp(-p) L / 2 + p / 2, so that a loss which stays large weighs less (Kendall, Gal and
    Cipolla, CVPR 2018). A bare learned factor, as the equation reads, would simply fall to minus infinity. "fixed":
    what the released code of AG-MAN does, exp(p) L / 2 + p with p = 1 that no optimiser ever sees.
    """

    def __init__(self, count: int, kind: str):
        super().__init__()
        if kind not in LOSS_WEIGHTS:
            raise FashionError(f"Unknown loss weights '{kind}': choose one of {', '.join(LOSS_WEIGHTS)}.")
        self.kind = kind
        start = torch.zeros(count) if kind == "learned" else torch.ones(count)
        self.p = nn.Parameter(start, requires_grad=kind == "learned")

    @property
    def factors(self) -> Tensor:
        """What each loss is multiplied by: float (count,), without gradient."""
        p = self.p.detach()
        return (-p if self.kind == "learned" else p).exp() / 2

    def forward(self, losses: Tensor) -> Tensor:
        """losses (count,) to a scalar."""
        if self.kind == "learned":
            return ((-self.p).exp() * losses + self.p).sum() / 2
        return (0.5 * self.p.exp() * losses + self.p).sum()
