"""AD: momentum encoders, a queue of features for each value, and centres to stay close to (IPAD, section 3.2).

All state (momentum weights, queues, centres, counters) is in buffers: it is in every checkpoint, and no optimiser
sees it.
"""

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import BatchLabels

REPEATS = ("append", "average")
# Weights of the cluster-centre losses of anchor, positive and negative: "sum" is eq. 19, "third" the released code.
TERMS = {"sum": (1.0, 1.0, 1.0), "mean": (1 / 3, 1 / 3, 1 / 3), "third": (1.0, 1.0, 1 / 3)}


class MomentumEncoder(nn.Module):
    """A copy of some modules that follows them slowly, eq. 10: theta' <- mu theta' + (1 - mu) theta; no gradient.

    The copy's weights are buffers. Its batch norms see the batch, as those of MoCo's key encoder do, and keep their own
    statistics; its dropout is off. FashionError for mu outside [0, 1).
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
        for module in self.modules():
            module.training = mode and (module is self or isinstance(module, nn.modules.batchnorm._BatchNorm))
        return self

    @torch.no_grad()
    def follow(self, online: nn.ModuleDict, mu: float | None = None) -> None:
        """One update by eq. 10; mu=0 copies."""
        mu = self.mu if mu is None else mu
        own = dict(self.parts.named_buffers())
        for name, weight in online.named_parameters():
            own[name].lerp_(weight, 1 - mu)
        if mu == 0:
            for name, statistic in online.named_buffers():
                own[name].copy_(statistic)


class ClusterCentres(nn.Module):
    """Queues of features and the centre of every (attribute, value), for one branch.

    counts: values of each attribute; dim: C; length: n_q features a queue. per "value": a queue for every (attribute,
    value), as in the paper; "attribute": one for all values of an attribute, as in the released code. repeats "append":
    an image that comes again is a new entry; "average" (code): it is averaged, half and half, with its old entry.
    Pairs are numbered attribute by attribute. A value without a feature in the queues has no centre and takes no part.
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
        self.register_buffer("pairs", torch.full((count, length), -1))  # of each entry; -1: empty
        self.register_buffer("images", torch.full((count, length), -1))
        self.register_buffer("oldest", torch.zeros(count, dtype=torch.int64))  # the place that is written next
        self.register_buffer("centres", torch.zeros(pairs, dim))
        self.register_buffer("known", torch.zeros(pairs, dtype=torch.bool))  # pairs that have a centre

    def pair(self, attributes: Tensor, values: Tensor) -> Tensor:
        """int64 (L,): the number of each (attribute, value)."""
        return self.first_pair[attributes] + values

    @torch.no_grad()
    def push(self, features: Tensor, pairs: Tensor, images: Tensor) -> None:
        """Put features (L, C) of `pairs` (L,), seen in the data's rows `images` (L,), into their queues in order."""
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
        """Eq. 11: each centre becomes the mean of its value's features in the queues."""
        filled = self.pairs >= 0
        pairs, features = self.pairs[filled], self.features[filled]  # (E,), (E, C)
        sums = torch.zeros_like(self.centres).index_add_(0, pairs, features)
        count = torch.bincount(pairs, minlength=len(self.known))
        self.centres.copy_(sums / count.clamp(min=1)[:, None])
        self.known.copy_(count > 0)

    def filled(self) -> Tensor:
        """int64 (queues,): features in each queue."""
        return (self.pairs >= 0).sum(1)

    def full(self, training_images: Tensor) -> Tensor:
        """bool (queues,): is it filled as far as it can be, given how many training images each pair has (pairs,)?

        Averaging never stores an image twice, so a queue then cannot hold more than its images. A queue whose values
        do not occur in training counts as full.
        """
        able = torch.zeros_like(self.oldest).index_add_(0, self.queue_of, training_images)
        most = able.clamp(max=self.length)
        if self.repeats == "append":
            most = torch.where(able > 0, self.length, 0)
        return self.filled() >= most

    def loss(self, features: Tensor, pairs: Tensor, margin: float) -> Tensor:
        """Eq. 16 of each row: the hinge against every other centre of its attribute, averaged; (L,).

        features: (L, C), unit length. Zero for a row whose value has no centre or whose attribute has no other one.
        """
        similarity = features @ F.normalize(self.centres, dim=1).T  # (L, pairs)
        own = similarity.gather(1, pairs[:, None])  # (L, 1)
        others = (self.attribute_of[pairs][:, None] == self.attribute_of[None]) & self.known
        others = others & self.known[pairs][:, None]
        others = others.scatter(1, pairs[:, None], False)
        hinge = (margin - own + similarity).relu() * others
        return hinge.sum(1) / others.sum(1).clamp(min=1)


def weigh_terms(losses: Tensor, triplets: Tensor | None, terms: str) -> Tensor:
    """Eq. 19: the cluster-centre losses (L,) of anchors, positives and negatives, each averaged, weighted by TERMS.

    Without a triplet list each labelled example is anchor, positive and negative in turn.
    """
    weights = losses.new_tensor(TERMS[terms])
    if triplets is None:
        return weights.sum() * losses.mean()
    return (weights * losses[triplets].mean(0)).sum()  # (T, 3) -> (3,)


class AttributeDiverging(nn.Module):
    """Queues and centres of some branches, when they are brought up to date, and when their loss begins.

    counts: values of each attribute; dim: C; branches: their names. queue_length n_q, centre_every n_b batches.
    ticks: what a batch adds to the counter: 1, or 3 as in the released code, which counts anchors, positives and
    negatives, and so updates every 16 or 17 batches where it says 50. terms: see TERMS. queue_per, repeats: see
    ClusterCentres. From the batch on that fills the last queue, `ready` is True and the loss is on: L_warm becomes
    L_total.
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
        """int64 (L,): the number of each (attribute, value)."""
        return next(iter(self.centres.values())).pair(attributes, values)

    def expect(self, attributes: Tensor, values: Tensor) -> None:
        """Told the labels (L,) that training draws from, it does not wait for a value that may never come: one without
        a picture, one with a single picture (never an anchor; where values are many, samplers pass over it), and those
        of an attribute that holds no triplet. Their features are kept and have a centre where they do come."""
        counts = torch.bincount(self.pairs(attributes, values), minlength=len(self.training_images))
        attribute_of = next(iter(self.centres.values())).attribute_of
        for attribute in attribute_of.unique():
            mine = attribute_of == attribute
            if (counts[mine] > 0).sum() < 2:
                counts[mine] = 0
        counts[counts < 2] = 0
        self.training_images.copy_(counts)

    def loss(self, features: dict[str, Tensor], labels: BatchLabels, margin: float) -> dict[str, Tensor]:
        """L_sp and L_se of eq. 19 for unit vectors (L, C) of each branch; {} while the queues still fill."""
        if not self.ready:
            return {}
        pairs = self.pairs(labels.attributes, labels.values)
        losses = {name: self.centres[name].loss(vectors, pairs, margin) for name, vectors in features.items()}
        return {name: weigh_terms(rows, labels.triplets, self.terms) for name, rows in losses.items()}

    def remember(self, features: dict[str, Tensor], pairs: Tensor, images: Tensor) -> None:
        """After a batch: features (L, C) of each branch into the queues, and what is due."""
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
        """The share of queues that are as full as they can be."""
        return float(torch.cat([c.full(self.training_images) for c in self.centres.values()]).float().mean())
