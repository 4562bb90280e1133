"""AD, attribute diverging: the schedule of queues, centres and their loss (IPAD, section 3.2, eq. 19 and 20).

All state (queues, centres, counters) is in buffers. So every checkpoint contains it, and no optimiser changes
it.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.ipad.centres import ClusterCentres

# Weights of the cluster-centre losses of anchor, positive and negative: "sum" is eq. 19, "third" is the
# authors' code.
TERMS = {"sum": (1.0, 1.0, 1.0), "mean": (1 / 3, 1 / 3, 1 / 3), "third": (1.0, 1.0, 1 / 3)}
TICKS = (1, 3)
BEGINS = ("queues full", "centres known")


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

    Args:
        counts: number of values of each attribute.
        dim: C.
        branches: names of the branches.
        queue_length: n_q, the number of features per queue.
        centre_every: n_b, the number of batches between two updates of the centres.
        ticks: what a batch adds to the counter of batches. 3 is the authors' code: anchors, positives and
            negatives are pushed one after the other, and each adds 1. So centres are updated every 16 or 17
            batches instead of 50, also between two of the three.
        begins: when the loss turns on. "queues full" is section 3.4.2: L_warm becomes L_total. "centres known"
            (the authors' code) waits until every value has a centre. Both wait for no value that training
            cannot show; see `expect`.
        terms: a key of TERMS.
        queue_per, repeats, lost_centres: see ClusterCentres.

    Raises:
        FashionError: if an option is unknown or a number is out of range.
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
        begins: str = "queues full",
        terms: str = "sum",
        queue_per: str = "value",
        repeats: str = "append",
        lost_centres: str = "forget",
    ):
        super().__init__()
        for name, value, known in (("terms", terms, TERMS), ("ticks", ticks, TICKS), ("begins", begins, BEGINS)):
            if value not in known:
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(map(str, known))}.")
        if centre_every < 1:
            raise FashionError(f"centre_every={centre_every} counts batches: choose at least 1.")
        self.centre_every, self.ticks, self.begins, self.terms = centre_every, ticks, begins, terms
        queues = (queue_length, queue_per, repeats, lost_centres)
        self.centres = nn.ModuleDict({name: ClusterCentres(counts, dim, *queues) for name in branches})
        self.register_buffer("counter", torch.zeros((), dtype=torch.int64))
        self.register_buffer("ready", torch.zeros((), dtype=torch.bool))
        self.register_buffer("training_images", torch.ones(sum(counts), dtype=torch.int64))  # of each pair

    def pairs(self, attributes: Tensor, values: Tensor) -> Tensor:
        """Return the number of each (attribute, value), int64 (L,)."""
        return next(iter(self.centres.values())).pair(attributes, values)

    def expect(self, attributes: Tensor, values: Tensor) -> None:
        """Register the training labels. The loss waits for no value that cannot occur in training.

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
        """Compute L_sp and L_se of eq. 19; return {} before the loss turns on.

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

    def remember(
        self, features: dict[str, Tensor], pairs: Tensor, images: Tensor, triplets: Tensor | None = None
    ) -> None:
        """Put a batch's features into the queues, update the centres if that is due, and turn the loss on.

        With ticks=3 the columns of `triplets` are pushed one after the other. Without triplets each example is
        anchor, positive and negative. A picture pushed again averages with itself, so one push does for three.

        Args:
            features: branch -> (L, C).
            pairs: int64 (L,).
            images: int64 (L,), rows of the data set.
            triplets: int64 (T, 3), or None.
        """
        pushes: list[tuple[Tensor | slice, int]] = [(slice(None), self.ticks)]
        if self.ticks == 3 and triplets is not None:
            pushes = [(rows, 1) for rows in triplets.T]
        for rows, ticks in pushes:
            for name, vectors in features.items():
                self.centres[name].push(vectors[rows], pairs[rows], images[rows])
            before = int(self.counter) // self.centre_every
            self.counter += ticks
            if int(self.counter) // self.centre_every > before:
                self.update(features)
        if not self.ready and self.begins == "queues full" and self.share_ready(features) == 1:
            self.update(features)
        if not self.ready and self.share_ready(features) == 1:
            self.ready.fill_(True)

    def update(self, branches: Iterable[str]) -> None:
        """Update the centres of some branches (eq. 11)."""
        for name in branches:
            self.centres[name].update()

    def share_ready(self, branches: Iterable[str] | None = None) -> float:
        """Return the share of what the loss waits for that is there, in 0..1; see `begins`.

        Args:
            branches: names of branches; None is all.
        """
        centres = [self.centres[name] for name in branches or self.centres]
        if self.begins == "queues full":
            return float(torch.cat([one.full(self.training_images) for one in centres]).float().mean())
        return float(torch.cat([one.known | (self.training_images == 0) for one in centres]).float().mean())

    def clear(self) -> None:
        """Empty all queues, forget the centres, set the counter to 0 and turn the loss off."""
        for centres in self.centres.values():
            centres.clear()
        self.counter.zero_()
        self.ready.fill_(False)
