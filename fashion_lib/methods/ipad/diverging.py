"""AD, attribute diverging: momentum encoders, queues of features, and cluster centres (IPAD, section 3.2).

All state (momentum weights, queues, centres, counters) is in buffers. So every checkpoint contains it, and no
optimiser changes it.

A *pair* is an (attribute, value). Pairs are numbered attribute by attribute. L is the number of labelled
examples in a batch, C the size of a feature.
"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import BatchLabels

REPEATS = ("append", "average")
# Weights of the cluster-centre losses of anchor, positive and negative: "sum" is eq. 19, "third" is the
# released code.
TERMS = {"sum": (1.0, 1.0, 1.0), "mean": (1 / 3, 1 / 3, 1 / 3), "third": (1.0, 1.0, 1 / 3)}


class MomentumEncoder(nn.Module):
    """A copy of some modules that changes slowly and takes no gradient.

    Eq. 10 changes it: `theta' <- mu theta' + (1 - mu) theta`. The copy's weights are buffers. Its batch
    normalisations use the batch's statistics, as in MoCo's key encoder, and keep running statistics of their
    own. Its dropout is off.

    Args:
        online: the trained modules.
        mu: the momentum, in [0, 1); the paper uses 0.995.

    Raises:
        FashionError: if mu is outside [0, 1).
    """

    def __init__(self, online: nn.ModuleDict, mu: float):
        super().__init__()
        if not 0 <= mu < 1:
            raise FashionError(f"mu={mu} is no momentum: choose 0 <= mu < 1 (the paper: 0.995).")
        self.mu, self.parts = mu, copy.deepcopy(online)
        for module in self.parts.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, weight.detach().clone())

    def train(self, mode: bool = True):
        """Set training mode for this module and its batch normalisations only; all else stays in eval mode.
        """
        for module in self.modules():
            module.training = mode and (module is self or isinstance(module, nn.modules.batchnorm._BatchNorm))
        return self

    @torch.no_grad()
    def follow(self, online: nn.ModuleDict, mu: float | None = None) -> None:
        """Update the copy once by eq. 10.

        Args:
            online: the trained modules.
            mu: None is the encoder's own; 0 copies weights and statistics.
        """
        mu = self.mu if mu is None else mu
        own = dict(self.parts.named_buffers())
        for name, weight in online.named_parameters():
            own[name].lerp_(weight, 1 - mu)
        if mu == 0:
            for name, statistic in online.named_buffers():
                own[name].copy_(statistic)


class ClusterCentres(nn.Module):
    """Queues of features, and the centre of every pair, for one branch.

    A pair without a feature in the queues has no centre and takes no part in the loss.

    Args:
        counts: number of values of each attribute.
        dim: C.
        length: n_q, the number of features per queue.
        per: "value" is one queue per pair, as in the paper. "attribute" is one queue for all values of an
            attribute, as in the released code.
        repeats: what happens when an image comes again. "append" adds a new entry. "average"
            (the released code) replaces the old entry by the mean of old and new.

    Raises:
        FashionError: if `per` or `repeats` is unknown, or `length` is below 1.
    """

    def __init__(self, counts: Sequence[int], dim: int, length: int, per: str = "value", repeats: str = "append"):
        super().__init__()
        if per not in ("value", "attribute") or repeats not in REPEATS:
            raise FashionError(f"queue_per='{per}', repeats='{repeats}': choose value or attribute, append or average.")
        if length < 1:
            raise FashionError(f"queue_length={length} keeps nothing: choose at least 1 (the paper: 1000).")
        self.repeats, self.length = repeats, length
        attributes = [a for a, values in enumerate(counts) for _ in range(values)]  # of each pair
        pairs = len(attributes)
        queues, count = (list(range(pairs)), pairs) if per == "value" else (attributes, len(counts))
        first = [sum(counts[:a]) for a in range(len(counts))]
        for name, numbers in (("first_pair", first), ("attribute_of", attributes), ("queue_of", queues)):
            self.register_buffer(name, torch.tensor(numbers), persistent=False)
        self.register_buffer("features", torch.zeros(count, length, dim))
        self.register_buffer("pairs", torch.full((count, length), -1))  # pair of each entry; -1: empty
        self.register_buffer("images", torch.full((count, length), -1))
        self.register_buffer("oldest", torch.zeros(count, dtype=torch.int64))  # index of the next write
        self.register_buffer("centres", torch.zeros(pairs, dim))
        self.register_buffer("known", torch.zeros(pairs, dtype=torch.bool))  # pairs that have a centre

    def pair(self, attributes: Tensor, values: Tensor) -> Tensor:
        """Return the number of each (attribute, value), int64 (L,)."""
        return self.first_pair[attributes] + values

    @torch.no_grad()
    def push(self, features: Tensor, pairs: Tensor, images: Tensor) -> None:
        """Put features into their queues, in order.

        Args:
            features: (L, C).
            pairs: int64 (L,).
            images: int64 (L,), rows of the data set.
        """
        for feature, pair, image in zip(features, pairs.tolist(), images.tolist(), strict=True):
            queue = int(self.queue_of[pair])
            if self.repeats == "average":
                met = (self.images[queue] == image) & (self.pairs[queue] == pair)
                if met.any():
                    self.features[queue, met] = (self.features[queue, met] + feature) / 2
                    continue
            place = int(self.oldest[queue])
            self.features[queue, place], self.pairs[queue, place], self.images[queue, place] = feature, pair, image
            self.oldest[queue] = (place + 1) % self.length

    @torch.no_grad()
    def update(self) -> None:
        """Set each centre to the mean of its pair's features in the queues (eq. 11)."""
        filled = self.pairs >= 0
        pairs, features = self.pairs[filled], self.features[filled]  # (E,), (E, C)
        sums = torch.zeros_like(self.centres).index_add_(0, pairs, features)
        count = torch.bincount(pairs, minlength=len(self.known))
        self.centres.copy_(sums / count.clamp(min=1)[:, None])
        self.known.copy_(count > 0)

    def filled(self) -> Tensor:
        """Return the number of features in each queue, int64 (queues,)."""
        return (self.pairs >= 0).sum(1)

    def full(self, training_images: Tensor) -> Tensor:
        """Return whether each queue holds as many features as it can, bool (queues,).

        With "average" no image is stored twice, so a queue cannot hold more features than it has images. A
        queue whose values do not occur in training counts as full.

        Args:
            training_images: number of training images of each pair, int64 (pairs,).
        """
        able = torch.zeros_like(self.oldest).index_add_(0, self.queue_of, training_images)
        most = able.clamp(max=self.length)
        if self.repeats == "append":
            most = torch.where(able > 0, self.length, 0)
        return self.filled() >= most

    def loss(self, features: Tensor, pairs: Tensor, margin: float) -> Tensor:
        """Compute eq. 16 per row: the hinge against every other centre of the row's attribute, averaged.

        Args:
            features: (L, C), unit length.
            pairs: int64 (L,).
            margin: margin of the hinge.

        Returns:
            (L,). It is zero for a row whose value has no centre, or whose attribute has no other centre.
        """
        similarity = features @ F.normalize(self.centres, dim=1).T  # (L, pairs)
        own = similarity.gather(1, pairs[:, None])  # (L, 1)
        others = (self.attribute_of[pairs][:, None] == self.attribute_of[None]) & self.known
        others = others & self.known[pairs][:, None]
        others = others.scatter(1, pairs[:, None], False)
        hinge = (margin - own + similarity).relu() * others
        return hinge.sum(1) / others.sum(1).clamp(min=1)


def weigh_terms(losses: Tensor, triplets: Tensor | None, terms: str) -> Tensor:
    """Compute eq. 19: average the cluster-centre losses of anchors, positives and negatives, then weigh them.

    Args:
        losses: (L,), one per labelled example.
        triplets: int64 (T, 3), or None. Without triplets, each example counts as anchor, positive and
            negative.
        terms: a key of TERMS, the weights.
    """
    weights = losses.new_tensor(TERMS[terms])
    if triplets is None:
        return weights.sum() * losses.mean()
    return (weights * losses[triplets].mean(0)).sum()  # (T, 3) -> (3,)


class AttributeDiverging(nn.Module):
    """The queues and centres of some branches, and the schedule of their updates and of their loss.

    The batch that fills the last queue sets `ready` to True and turns the loss on: L_warm becomes L_total.

    Args:
        counts: number of values of each attribute.
        dim: C.
        branches: names of the branches.
        queue_length: n_q, the number of features per queue.
        centre_every: n_b, the number of batches between two updates of the centres.
        ticks: what a batch adds to the counter. The released code has 3, because it counts anchors, positives
            and negatives. So it updates every 16 or 17 batches instead of 50.
        terms: a key of TERMS.
        queue_per, repeats: see ClusterCentres.

    Raises:
        FashionError: if a name is unknown or a number is below 1.
    """

    def __init__(
        self,
        counts: Sequence[int],
        dim: int,
        branches: Sequence[str],
        *,
        queue_length: int = 1000,
        centre_every: int = 50,
        ticks: int = 1,
        terms: str = "sum",
        queue_per: str = "value",
        repeats: str = "append",
    ):
        super().__init__()
        if terms not in TERMS:
            raise FashionError(f"Unknown terms '{terms}': choose one of {', '.join(TERMS)}.")
        if centre_every < 1 or ticks < 1:
            raise FashionError(f"centre_every={centre_every}, ticks={ticks}: both count batches, choose at least 1.")
        self.centre_every, self.ticks, self.terms = centre_every, ticks, terms
        self.centres = nn.ModuleDict(
            {name: ClusterCentres(counts, dim, queue_length, queue_per, repeats) for name in branches}
        )
        self.register_buffer("counter", torch.zeros((), dtype=torch.int64))
        self.register_buffer("ready", torch.zeros((), dtype=torch.bool))
        self.register_buffer("training_images", torch.ones(sum(counts), dtype=torch.int64))  # of each pair

    def pairs(self, attributes: Tensor, values: Tensor) -> Tensor:
        """Return the number of each (attribute, value), int64 (L,)."""
        return next(iter(self.centres.values())).pair(attributes, values)

    def expect(self, attributes: Tensor, values: Tensor) -> None:
        """Register the training labels. A queue whose value cannot occur in training counts as full.

        Three kinds of values count as not occurring:

        1. A value without a picture.
        2. A value with a single picture: it is never an anchor, and samplers skip it where values are many.
        3. All values of an attribute that has no triplet.

        If features of such values do come, they are stored and have a centre.

        Args:
            attributes, values: int64 (L,), the labels that training draws from.
        """
        counts = torch.bincount(self.pairs(attributes, values), minlength=len(self.training_images))
        attribute_of = next(iter(self.centres.values())).attribute_of
        for attribute in attribute_of.unique():
            mine = attribute_of == attribute
            if (counts[mine] > 0).sum() < 2:
                counts[mine] = 0
        counts[counts < 2] = 0
        self.training_images.copy_(counts)

    def loss(self, features: dict[str, Tensor], labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """Compute L_sp and L_se of eq. 19; return {} while the queues still fill.

        Args:
            features: branch -> unit vectors, (L, C).
            labels: the batch's labels.
            margin: margin of the hinge.

        Returns:
            Branch -> scalar loss.
        """
        if not self.ready:
            return {}
        pairs = self.pairs(labels.attributes, labels.values)
        losses = {name: self.centres[name].loss(vectors, pairs, margin) for name, vectors in features.items()}
        return {name: weigh_terms(rows, labels.triplets, self.terms) for name, rows in losses.items()}

    def remember(self, features: dict[str, Tensor], pairs: Tensor, images: Tensor) -> None:
        """Put a batch's features into the queues, and update the centres if that is due.

        Args:
            features: branch -> (L, C).
            pairs: int64 (L,).
            images: int64 (L,), rows of the data set.
        """
        for name, vectors in features.items():
            self.centres[name].push(vectors, pairs, images)
        before = int(self.counter) // self.centre_every
        self.counter += self.ticks
        filled = not self.ready and all(bool(c.full(self.training_images).all()) for c in self.centres.values())
        if filled or int(self.counter) // self.centre_every > before:
            for centres in self.centres.values():
                centres.update()
        if filled:
            self.ready.fill_(True)

    def share_full(self) -> float:
        """Return the share of queues that hold as many features as they can, in 0..1."""
        return float(torch.cat([c.full(self.training_images) for c in self.centres.values()]).float().mean())
