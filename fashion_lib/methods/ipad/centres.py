"""CC, the cluster centres of IPAD: queues of features, their means, and the loss (section 3.2, eq. 11 and 16).

A *pair* is an (attribute, value). Pairs are numbered attribute by attribute. L is the number of labelled
examples in a batch, C the size of a feature.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.ipad.averaging_queues import write_with_averages
from fashion_lib.parts.precision import float32_maths

# Option of ClusterCentres -> its values; see there.
CHOICES = {"per": ("value", "attribute"), "repeats": ("append", "average"), "lost_centres": ("forget", "keep")}


class ClusterCentres(nn.Module):
    """Queues of features, and the centre of every pair, for one branch.

    A pair without a feature in the queues has no centre and takes no part in the loss.

    Args:
        counts: number of values of each attribute.
        dim: C.
        length: n_q, the number of features per queue.
        per: "value" is one queue per pair, as in the paper. "attribute" is one queue for all values of an
            attribute, as in the authors' code.
        repeats: what happens when an image is already in the queue. "append" adds a new entry. "average" (the
            authors' code) gives the old entry the mean of old and new feature, and the new pair; its place stays.
        lost_centres: what happens to the centre of a pair that is in no queue any more. "forget" drops it.
            "keep" (the authors' code) leaves it as it was. With queues per value no pair is ever lost.

    Raises:
        FashionError: if an option is unknown, or `length` is below 1.
    """

    def __init__(
        self,
        counts: Sequence[int],
        dim: int,
        length: int,
        per: str = "value",
        repeats: str = "append",
        lost_centres: str = "forget",
    ):
        super().__init__()
        for (name, known), value in zip(CHOICES.items(), (per, repeats, lost_centres), strict=True):
            if value not in known:
                name = "queue_per" if name == "per" else name
                raise FashionError(f"Unknown {name} '{value}': choose one of {', '.join(known)}.")
        if length < 1:
            raise FashionError(f"queue_length={length} keeps nothing: choose at least 1 (the paper: 1000).")
        self.repeats, self.lost_centres, self.length = repeats, lost_centres, length
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
        features = features.to(self.features)
        if self.repeats == "average":
            write_with_averages(self, features, pairs, images)
        else:
            self._append(features, pairs, images)

    def _append(self, features: Tensor, pairs: Tensor, images: Tensor) -> None:
        """Write each feature behind its queue's newest; where more come than a queue holds, the last ones stay."""
        queues, count = self.queue_of[pairs], len(self.oldest)
        order = queues.argsort(stable=True)  # queue by queue, the rows of a queue in order
        coming = torch.bincount(queues, minlength=count)
        before = coming.cumsum(0) - coming  # rows of the queues with a lower number
        turn = torch.arange(len(order), device=order.device) - before[queues[order]]  # 0, 1, ... in each queue
        stays = turn >= coming[queues[order]] - self.length
        rows, queue = order[stays], queues[order[stays]]
        place = (self.oldest[queue] + turn[stays]) % self.length
        self.features[queue, place], self.pairs[queue, place] = features[rows], pairs[rows]
        self.images[queue, place] = images[rows]
        self.oldest.copy_((self.oldest + coming) % self.length)

    @torch.no_grad()
    def update(self) -> None:
        """Set each centre to the mean of its pair's features in the queues (eq. 11)."""
        filled = self.pairs >= 0
        pairs, features = self.pairs[filled], self.features[filled]  # (E,), (E, C)
        sums = torch.zeros_like(self.centres).index_add_(0, pairs, features)
        count = torch.bincount(pairs, minlength=len(self.known))
        means = sums / count.clamp(min=1)[:, None]
        if self.lost_centres == "keep":
            means = torch.where((count > 0)[:, None], means, self.centres)
        self.centres.copy_(means)
        self.known.copy_((count > 0) | (self.known & (self.lost_centres == "keep")))

    def clear(self) -> None:
        """Empty the queues and forget the centres."""
        for numbers in (self.pairs, self.images):
            numbers.fill_(-1)
        for state in (self.features, self.oldest, self.centres, self.known):
            state.zero_()

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

    @float32_maths
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
