"""Batches of triplets that came with a data set."""

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import Labels
from fashion_lib.data.released_triplets import ReleasedTripletSampler

LISTS = {
    0: np.array([(0, 5, 1), (2, 6, 3)]),
    2: np.array([(4, 1, 7), (5, 0, 6), (8, 9, 2)]),
}  # anchor, far, close
LABELS = Labels(
    np.array([0, 1, 5, 2, 6, 4, 5, 6]), np.array([0, 0, 0, 0, 0, 2, 2, 2]), np.array([1, 1, 2, 0, 3, 4, 1, 1])
)


def test_a_batch_holds_whole_triplets_of_the_lists_and_draws_repeat():
    sampler = ReleasedTripletSampler(LABELS, LISTS, 31)
    known = {(i, a): v for i, a, v in zip(LABELS.image, LABELS.attribute, LABELS.value, strict=True)}
    listed = {(a, *row) for a, rows in LISTS.items() for row in rows.tolist()}
    seen = []
    for step in range(40):
        batch, again = (sampler.batch(np.random.default_rng([0, step])) for _ in range(2))
        assert all(np.array_equal(x, y) and x.dtype == np.int64 for x, y in
                   zip(vars(batch).values(), vars(again).values(), strict=True))  # fmt: skip
        assert len(batch.images) == len(batch.rows) == 30 and batch.triplets.shape == (10, 3)
        images = batch.images[batch.rows]
        for anchor, close, far in batch.triplets.tolist():
            (attribute,) = set(batch.attributes[[anchor, close, far]].tolist())
            seen.append((attribute, int(images[anchor]), int(images[far]), int(images[close])))
            values = batch.values[[anchor, close, far]].tolist()
            assert values[0] == values[1] != values[2]
            for place, value in zip((anchor, close, far), values, strict=True):
                label = known.get((images[place], attribute))
                assert value == label if label is not None else value < 0 or place == close
    assert set(seen) == listed
    counts = np.array([seen.count(row) for row in sorted(listed)])  # 400 draws of five triplets, 80 each
    assert (np.abs(counts - 80) < 5 * 80**0.5).all()


def test_a_picture_without_a_label_has_its_anchors_value_or_one_of_its_own():
    sampler = ReleasedTripletSampler(LABELS, {2: LISTS[2]}, 300)
    batch = sampler.batch(np.random.default_rng(0))
    values = {}
    for triplet in batch.triplets:
        values.setdefault(int(batch.images[triplet[0]]), []).append(batch.values[triplet].tolist())
    assert all(
        value[:2] == [4, 4] and value[2] < 0 for value in values[4]
    )  # 7 and 1 have no label of attribute 2
    assert all(value[:2] == [1, 1] and value[2] < 0 for value in values[5])
    own = np.array(values[8])  # none of the three has one
    assert (own[:, 0] == own[:, 1]).all() and (own < 0).all()
    alone = [*own[:, 0], *own[:, 2], *np.array(values[4])[:, 2], *np.array(values[5])[:, 2]]
    assert len(set(alone)) == len(alone)


def test_too_small_a_batch_and_empty_lists_are_one_sentence():
    with pytest.raises(FashionError, match="batch_size=2 holds no triplet"):
        ReleasedTripletSampler(LABELS, LISTS, 2)
    with pytest.raises(FashionError, match="hold no training triplet"):
        ReleasedTripletSampler(LABELS, {0: np.zeros((0, 3), np.int64)}, 9)
