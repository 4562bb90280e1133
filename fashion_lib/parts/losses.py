"""Triplet losses on a similarity s, over a list of triplets or over every valid triplet of a batch.

A triplet is an anchor, a positive of the same value and a negative of another value. All losses use the hinge
of CSN, ASEN and their successors: `max(0, margin + s(anchor, negative) - s(anchor, positive))`. Its margin is
0.2. A triplet is *active* if its hinge is above zero. The similarity is the cosine of unit vectors, or the
negative Euclidean distance, as in CSN's own code.

L is the number of labelled examples in a batch: pairs of an image and an attribute.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.precision import float32_maths

METRICS = ("cosine", "euclidean")
MINING = ("all", "mean", "hard", "semi_hard")
LOSS_WEIGHTS = ("learned", "fixed")
BACKGROUNDS = ("attribute", "value")


@float32_maths
def triplet_list_loss(
    embeddings: Tensor, triplets: Tensor, margin: float, metric: str = "cosine"
) -> tuple[Tensor, float]:
    """Compute the mean hinge over listed triplets, the papers' loss.

    Source: the code of ASEN (AAAI 2020) and its successors; AG-MLAN, section 3.5.

    Args:
        embeddings: float (L, D), of unit length for the cosine.
        triplets: int64 (T, 3), rows of `embeddings` as anchor, positive, negative.
        margin: margin of the hinge.
        metric: one of METRICS.

    Returns:
        The scalar loss and the fraction of active triplets.

    Raises:
        FashionError: if the list is empty or `metric` is unknown.
    """
    if len(triplets) == 0:
        raise FashionError(
            "The triplet list of this batch is empty, so there is no loss: use a larger batch_size "
            "(three images make one triplet)."
        )
    anchor, positive, negative = embeddings[triplets.T].unbind(0)  # 3 x (T, D)
    similarity = _similarity_of(metric)
    hinge = (margin + similarity(anchor, negative) - similarity(anchor, positive)).relu()  # (T,)
    return hinge.mean(), (hinge > 0).float().mean().item()


@float32_maths
def in_batch_triplet_loss(
    embeddings: Tensor,
    attributes: Tensor,
    values: Tensor,
    margin: float,
    mining: str = "all",
    metric: str = "cosine",
) -> tuple[Tensor, float]:
    """Compute the hinge over the triplets that a batch contains, within one attribute at a time.

    Each kind of mining averages within an attribute, then over attributes:

    1. "all" uses every valid triplet and averages over the active ones. Otherwise the many inactive triplets
       would dilute the few that still give a gradient.
    2. "mean" uses every valid triplet and averages over all of them, as the papers average a triplet list.
    3. "hard" pairs each anchor with its least similar positive and its most similar negative. It averages
       over anchors ("batch hard", Hermans et al. 2017).
    4. "semi_hard": see `mined_hinge`.

    Args:
        embeddings: float (L, D), of unit length for the cosine; row i is computed for attributes[i].
        attributes, values: int64 (L,).
        margin: margin of the hinge.
        mining: one of MINING.
        metric: one of METRICS.

    Returns:
        The scalar loss, and the active fraction of the hinges that were averaged. Attributes without a valid
        triplet in this batch do not count.

    Raises:
        FashionError: if `mining` or `metric` is unknown, or if no attribute has a valid triplet.
    """
    if mining not in MINING:
        raise FashionError(f"Unknown mining '{mining}': choose one of {', '.join(MINING)}.")
    pairs = _similarity_of(metric)
    losses, active, valid = [], 0, 0
    for attribute in attributes.unique().tolist():  # one attribute at a time limits the memory to one group
        mine = attributes == attribute
        rows = embeddings[mine]
        similarity = rows @ rows.T if metric == "cosine" else pairs(rows[:, None], rows[None])  # (m, m)
        same = values[mine][:, None] == values[mine][None]
        itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
        loss, hinge = mined_hinge(similarity, same & ~itself, ~same, margin, mining)
        if loss is not None:
            losses.append(loss)
            active, valid = active + int((hinge > 0).sum()), valid + len(hinge)
    if not losses:
        raise no_valid_triplet(len(values))
    return torch.stack(losses).mean(), active / valid


def no_valid_triplet(examples: int) -> FashionError:
    """Return the error of a batch of so many labelled examples in which no attribute forms a triplet."""
    return FashionError(
        f"No valid triplet in a batch of {examples} labelled examples (an attribute needs two images of one value and "
        "one of another): use a larger batch_size or fewer groups."
    )


def _similarity_of(metric: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the similarity of pairs of vectors along the last axis, for one of METRICS."""
    if metric not in METRICS:
        raise FashionError(f"Unknown metric '{metric}': choose one of {', '.join(METRICS)}.")
    if metric == "cosine":
        return lambda first, second: (first * second).sum(-1)
    return lambda first, second: -F.pairwise_distance(first, second)  # with 1e-6 added to each difference


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
    """Compute E-InfoNCE, a contrastive loss between region and patch features.

    Sources: RPF (Dong et al. 2023) and IPAD eq. 15. The loss moves region features towards patch features of
    their value, and away from other patch features and from backgrounds. With
    `e(x, y) = exp(x . y / temperature)` it is the mean over rows i of `-log(P / (P + N + weight * B))`:

    1. P sums e(region_i, patch_j) over the rows j of i's (attribute, value), including i itself.
    2. N sums the same over all other rows j.
    3. B sums e(region_i, background_k) over the rows k that `backgrounds` selects.

    IPAD does not define Omega. We take it, as RPF does, to be the term N in P + N.

    Args:
        region, patch, background: float (L, D), unit length.
        attributes, values: int64 (L,).
        temperature, weight: both papers' values are the defaults.
        backgrounds: "attribute" selects the rows of i's attribute (RPF). "value" selects those of its value
            (the text below IPAD's eq. 15).

    Raises:
        FashionError: if `backgrounds` is unknown.
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
    """Compute the hinges of one group of m examples, for one kind of mining.

    "all", "mean" and "hard": see `in_batch_triplet_loss`. "semi_hard" (Schroff et al. 2015) gives each positive pair
    one negative, and averages over pairs. That negative is the most similar one that is less similar than the
    positive. If there is none, it is the least similar negative.

    Args:
        similarity: (m, m).
        positive, negative: bool (m, m), True where a pair is positive or negative.
        margin: margin of the hinge.
        mining: one of MINING.

    Returns:
        The group's loss and the hinges that it averages, or (None, None) if no anchor has both a positive and
        a negative.
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
    return hinge.sum() / (len(hinge) if mining == "mean" else (hinge > 0).sum().clamp(min=1)), hinge


@torch.no_grad()
def mean_similarity(embeddings: Tensor, attributes: Tensor) -> float:
    """Return the mean cosine of two different rows of one attribute, over all such pairs.

    A value near 1 means a collapsed space: all embeddings are nearly equal.

    Args:
        embeddings: float (L, D), unit length.
        attributes: int64 (L,).

    Returns:
        The mean, or 0.0 if no attribute has two rows.
    """
    groups, group = attributes.unique(return_inverse=True)
    sums = embeddings.new_zeros(len(groups), embeddings.shape[1]).index_add_(0, group, embeddings.detach())
    count = torch.bincount(group).to(embeddings.dtype)
    # |sum of m unit vectors|^2 = m + the sum of all ordered pairs' cosines.
    pairs = count * (count - 1)
    return float((sums.square().sum() - count.sum()) / pairs.sum()) if pairs.sum() > 0 else 0.0


class LossWeights(nn.Module):
    """The weighted sum of several losses L (AG-MLAN eq. 9), with one parameter p per loss.

    1. "learned": the sum of `exp(-p) L / 2 + p / 2`, so a loss that stays large weighs less (Kendall, Gal and
       Cipolla, CVPR 2018). Eq. 9 itself has only a learned factor, which would fall to minus infinity.
    2. "fixed": the sum of `exp(p) L / 2 + p` with p = 1, which no optimiser changes. The released code of
       AG-MAN does this.

    Args:
        count: number of losses.
        kind: "learned" or "fixed".

    Raises:
        FashionError: if `kind` is unknown.
    """

    def __init__(self, count: int, kind: str):
        super().__init__()
        if kind not in LOSS_WEIGHTS:
            raise FashionError(f"Unknown loss weights '{kind}': choose one of {', '.join(LOSS_WEIGHTS)}.")
        self.kind = kind
        if kind == "learned":
            self.p = nn.Parameter(torch.zeros(count))
        else:
            self.register_buffer("p", torch.ones(count))

    @property
    def factors(self) -> Tensor:
        """Return the factor of each loss, float (count,), without gradient."""
        p = self.p.detach()
        return (-p if self.kind == "learned" else p).exp() / 2

    def forward(self, losses: Tensor) -> Tensor:
        """Return the weighted sum, a scalar, of losses (count,)."""
        if self.kind == "learned":
            return ((-self.p).exp() * losses + self.p).sum() / 2
        return (0.5 * self.p.exp() * losses + self.p).sum()
