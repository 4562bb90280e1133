"""Samplers of training batches: the papers' triplet list, in-batch groups, or every label of an image.

A triplet is (anchor, positive, negative): anchor and positive share a value of an attribute, the negative has
another. A sampler holds no random state: `batch(rng)` is a pure function of the generator. So a run that was
interrupted draws the same batches when it continues.

An image may have several values of one attribute, as DeepFashion's training images have. In one batch, in_batch and
all_labels use one of them. triplet_list draws as the papers do, so its negative may have the anchor's value too.
"""

from dataclasses import dataclass

import numpy as np

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.data.label_table import Labels


@dataclass(frozen=True)
class Batch:
    """The labelled examples of one training step. All arrays are int64.

    Attributes:
        images: (M,), rows of RetrievalData.pixels; each passes through the backbone once.
        rows: (L,), the position in `images` of each labelled example.
        attributes: (L,), the attribute id of each example.
        values: (L,), the value id of each example.
        triplets: (T, 3), anchor, positive, negative as positions in 0..L-1; None means all valid triplets of
            the batch.
    """

    images: np.ndarray
    rows: np.ndarray
    attributes: np.ndarray
    values: np.ndarray
    triplets: np.ndarray | None = None


def evenly_spread(count: int, limit: int | None) -> np.ndarray:
    """Return at most `limit` places of a list, evenly spread from its first to its last.

    Args:
        count: length of the list.
        limit: None takes every place.

    Returns:
        int64 (min(count, limit),), ascending.
    """
    if limit is None or count <= limit:
        return np.arange(count)
    return np.linspace(0, count - 1, limit).round().astype(np.int64)


def triplet_pools(labels: Labels) -> dict[int, dict[int, np.ndarray]]:
    """Return attribute id -> value id -> int64 image rows, for the attributes that can form a triplet.

    A triplet needs two values, and two images of one of them.
    """
    found: dict[int, dict[int, np.ndarray]] = {}
    for attribute in np.unique(labels.attribute).tolist():
        of = labels.attribute == attribute
        pools = {
            v: np.unique(labels.image[of & (labels.value == v)]) for v in np.unique(labels.value[of]).tolist()
        }
        if len(pools) > 1 and max(map(len, pools.values())) > 1:
            found[attribute] = pools
    return found


class Sampler:
    """Images of every (attribute, value), for the attributes that can form a triplet.

    Args:
        labels: the training labels.
        batch_size: images per batch.
        groups: attributes per batch (in_batch only).
        negative: "image" or "value" (triplet_list only).

    Raises:
        FashionError: if `negative` is unknown, or no attribute has two values and two images of one of them.
    """

    def __init__(self, labels: Labels, batch_size: int, groups: int = 4, negative: str = "image"):
        if negative not in ("image", "value"):
            raise FashionError(f"Unknown negative {shortened(negative)}: choose image or value.")
        self.labels, self.batch_size, self.groups, self.negative = labels, batch_size, groups, negative
        self.pools = triplet_pools(labels)
        self.attributes = np.array(list(self.pools), dtype=np.int64)
        if not self.pools:
            raise FashionError(
                f"The {len(labels)} training labels hold no triplet (no attribute has two values and two images of one "
                "of them): check the training rows of the label table."
            )

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw one batch; it depends on the generator only."""
        raise NotImplementedError


class InBatchSampler(Sampler):
    """`groups` different attributes, batch_size // groups images of each, values as equal in number as can be.

    An attribute with very many values shows a random part of them, so that most drawn values get two images or more.
    A drawn value gets one image where no more are left for it. The images of a group differ. A group is smaller when
    the data hold fewer images than its share.

    Args:
        labels: the training labels.
        batch_size: images per batch.
        groups: attributes per batch.
        negative: not used here.

    Raises:
        FashionError: if a group would have fewer than three images.
    """

    def __init__(self, labels: Labels, batch_size: int, groups: int = 4, negative: str = "image"):
        super().__init__(labels, batch_size, groups, negative)
        self.share = batch_size // max(1, min(groups, len(self.attributes)))
        if groups < 1 or self.share < 3:
            raise FashionError(
                f"groups={groups} with batch_size={batch_size} leaves no triplet in a group: "
                "choose 1 <= groups <= batch_size / 3."
            )

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw equal shares of images of several attributes, see the class."""
        images, attributes, values = [], [], []
        for attribute in rng.permutation(self.attributes)[: self.groups].tolist():
            group = np.zeros(0, np.int64)
            for value, pool, count in self._shares(self.pools[attribute], rng):
                drawn = rng.choice(pool, count, replace=False)
                # DeepFashion's images may have two values of an attribute: such an image would be its own negative.
                drawn = drawn[~np.isin(drawn, group)]
                group = np.concatenate([group, drawn])
                images.append(drawn)
                attributes.append(np.full(len(drawn), attribute))
                values.append(np.full(len(drawn), value))
        images = np.concatenate(images)
        return Batch(images, np.arange(len(images)), np.concatenate(attributes), np.concatenate(values))

    def _shares(
        self, pools: dict[int, np.ndarray], rng: np.random.Generator
    ) -> list[tuple[int, np.ndarray, int]]:
        """Return (value, its images, number to draw) for each drawn value.

        The images are distributed one per value in turn, until the group's share or the images are used up.
        """
        order = rng.permutation(list(pools))
        # A value with one image has no positive, so values with more images come first where not all values
        # fit.
        order = sorted(order.tolist(), key=lambda value: len(pools[value]) < 2)[: max(2, self.share // 2)]
        counts = dict.fromkeys(order, 0)
        left = self.share
        while left and (open_values := [v for v in order if counts[v] < len(pools[v])]):
            for value in open_values[:left]:
                counts[value] += 1
            left -= min(left, len(open_values))
        return [(value, pools[value], count) for value, count in counts.items()]


class TripletListSampler(Sampler):
    """batch_size // 3 triplets per batch, as the papers draw them: attribute uniform, then value uniform.

    Anchor and positive have the drawn value. With negative "image" (ASEN, AG-MAN) the negative is any image
    with another value. With "value" (ASEN++, RPF, IPAD) another value is drawn first, then an image of it.
    ASEN and AG-MAN draw a list of 100,000 triplets before every epoch and cut it into batches; the others draw
    while an epoch runs. Drawing each batch anew gives the same distribution without the list.

    Args:
        labels: the training labels.
        batch_size: images per batch, three per triplet.
        groups: not used here.
        negative: "image" or "value".

    Raises:
        FashionError: if `batch_size` is below 3.
    """

    def __init__(self, labels: Labels, batch_size: int, groups: int = 4, negative: str = "image"):
        super().__init__(labels, batch_size, groups, negative)
        if batch_size < 3:
            raise FashionError(f"batch_size={batch_size} holds no triplet of images: choose at least 3.")

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw batch_size // 3 separate triplets."""
        count = self.batch_size // 3
        images = np.empty((3, count), dtype=np.int64)
        values = np.empty((3, count), dtype=np.int64)
        attributes = rng.choice(self.attributes, count)
        for i, attribute in enumerate(attributes.tolist()):
            pools = self.pools[attribute]
            value = rng.choice([v for v in pools if len(pools[v]) > 1])
            other = self._other_value(pools, value, rng)
            images[:2, i] = rng.choice(pools[value], 2, replace=False)
            images[2, i] = rng.choice(pools[other])
            values[:, i] = value, value, other
        place = np.arange(count)
        triplets = np.stack([place, place + count, place + 2 * count], axis=1)
        return Batch(images.ravel(), np.arange(3 * count), np.tile(attributes, 3), values.ravel(), triplets)

    def _other_value(self, pools: dict[int, np.ndarray], value: int, rng: np.random.Generator) -> int:
        others = [v for v in pools if v != value]
        sizes = np.array([len(pools[v]) if self.negative == "image" else 1 for v in others], dtype=float)
        return int(
            rng.choice(others, p=sizes / sizes.sum())
        )  # a value in proportion to its image count, then one of its images: any image uniformly


class AllLabelsSampler(Sampler):
    """batch_size random images with all their attributes: one backbone pass serves several attributes.

    Of several values of one attribute, an image gets one at random: otherwise it would be its own negative.

    Args:
        labels: the training labels.
        batch_size: images per batch.
        groups: not used here.
        negative: not used here.

    Raises:
        FashionError: if `batch_size` is below 3.
    """

    def __init__(self, labels: Labels, batch_size: int, groups: int = 4, negative: str = "image"):
        super().__init__(labels, batch_size, groups, negative)
        if batch_size < 3:
            raise FashionError(f"batch_size={batch_size} holds no triplet of images: choose at least 3.")
        self.order = np.argsort(labels.image, kind="stable")
        self.images, self.start, self.count = np.unique(
            labels.image[self.order], return_index=True, return_counts=True
        )

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw different images, each with one label of every attribute that it has."""
        chosen = rng.choice(len(self.images), min(self.batch_size, len(self.images)), replace=False)
        labels = np.concatenate([self.order[self.start[i] : self.start[i] + self.count[i]] for i in chosen])
        rows = np.repeat(np.arange(len(chosen)), self.count[chosen])
        pairs = rows * (self.labels.attribute.max() + 1) + self.labels.attribute[labels]
        if len(np.unique(pairs)) < len(pairs):  # other batches leave the generator as it is
            order = rng.permutation(len(pairs))
            kept = np.sort(order[np.unique(pairs[order], return_index=True)[1]])
            labels, rows = labels[kept], rows[kept]
        return Batch(self.images[chosen], rows, self.labels.attribute[labels], self.labels.value[labels])


SAMPLERS = {"in_batch": InBatchSampler, "triplet_list": TripletListSampler, "all_labels": AllLabelsSampler}
