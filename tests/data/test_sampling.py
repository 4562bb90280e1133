"""What a batch may and must contain, for each sampler."""

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import Labels
from fashion_lib.data.sampling import SAMPLERS, evenly_spread

VALUES = (3, 2, 5)


def some_labels(images=150, per_image=2, seed=0):
    """Every image has `per_image` of three attributes; value 0 is four times as frequent as the others."""
    rng = np.random.default_rng(seed)
    attributes = np.concatenate([rng.permutation(3)[:per_image] for _ in range(images)])
    values = [
        rng.choice(VALUES[a], p=np.array([4] + [1] * (VALUES[a] - 1)) / (VALUES[a] + 3)) for a in attributes
    ]
    return Labels(np.repeat(np.arange(images) + 1_000, per_image), attributes, np.array(values))


def true_values(labels):
    return {
        (i, a): v
        for i, a, v in zip(
            labels.image.tolist(), labels.attribute.tolist(), labels.value.tolist(), strict=True
        )
    }


@pytest.mark.parametrize(
    ("count", "limit"), [(0, 5), (7, None), (7, 7), (7, 20), (1_000, 1), (1_000, 37), (36, 5)]
)
def test_a_spread_sample_covers_the_list(count, limit):
    places = evenly_spread(count, limit)
    assert len(places) == (count if limit is None else min(count, limit)) and places.dtype == np.int64
    assert set(np.diff(places)) <= {1} or count > limit and np.ptp(np.diff(places)) <= 1
    if len(places) > 1:
        assert (places[0], places[-1]) == (0, count - 1)
    if len(places) == limit > 1:
        assert places.tolist() == [round(k * (count - 1) / (limit - 1)) for k in range(limit)]


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("negative", ["image", "value"])
def test_every_example_carries_its_true_label_and_draws_repeat(name, negative):
    labels = some_labels()
    known, sampler = true_values(labels), SAMPLERS[name](labels, 30, 2, negative)
    for step in range(20):
        batch, again = (sampler.batch(np.random.default_rng([0, step])) for _ in range(2))
        assert batch.rows.min() >= 0 and batch.rows.max() < len(batch.images) <= 30
        assert len(batch.rows) == len(batch.attributes) == len(batch.values)
        examples = zip(
            batch.images[batch.rows].tolist(), batch.attributes.tolist(), batch.values.tolist(), strict=True
        )
        assert all(known[image, attribute] == value for image, attribute, value in examples)
        for mine, same in zip(vars(batch).values(), vars(again).values(), strict=True):
            assert (mine is None and same is None) or (mine.dtype == np.int64 and np.array_equal(mine, same))
    assert not np.array_equal(batch.images, sampler.batch(np.random.default_rng([1, step])).images)


def test_in_batch_groups_are_balanced_over_attributes_and_values():
    sampler = SAMPLERS["in_batch"](some_labels(), 30, 2)
    seen = set()
    for step in range(30):
        batch = sampler.batch(np.random.default_rng(step))
        groups, sizes = np.unique(batch.attributes, return_counts=True)
        assert len(groups) == 2 and (sizes == 15).all() and batch.triplets is None
        seen |= set(groups.tolist())
        for attribute in groups:
            mine = batch.attributes == attribute
            counts = np.bincount(batch.values[mine], minlength=VALUES[attribute])
            assert counts.max() - counts.min() <= 1
            assert len(set(batch.images[mine].tolist())) == 15
    assert seen == {0, 1, 2}


def test_in_batch_gives_a_value_two_images_where_values_are_many():
    labels = Labels(np.arange(200), np.zeros(200, np.int64), np.arange(200) % 40)
    batch = SAMPLERS["in_batch"](labels, 12, 4).batch(np.random.default_rng(0))
    assert sorted(np.unique(batch.values, return_counts=True)[1].tolist()) == [2] * 6


def test_in_batch_takes_what_there_is_and_never_an_image_twice():
    labels = Labels(np.arange(7), np.zeros(7, np.int64), np.array([0, 0, 0, 0, 0, 1, 2]))
    batch = SAMPLERS["in_batch"](labels, 30, 1).batch(np.random.default_rng(0))
    assert sorted(batch.images.tolist()) == list(range(7))


@pytest.mark.parametrize("negative", ["image", "value"])
def test_triplet_list_is_valid_and_uniform_as_the_papers_say(negative):
    labels = some_labels(images=400)
    sampler = SAMPLERS["triplet_list"](labels, 90, negative=negative)
    drawn = []
    for step in range(60):
        batch = sampler.batch(np.random.default_rng(step))
        a, p, n = batch.triplets.T
        assert batch.triplets.shape == (30, 3) and sorted(batch.triplets.ravel().tolist()) == list(range(90))
        assert (batch.attributes[a] == batch.attributes[p]).all() and (
            batch.attributes[a] == batch.attributes[n]
        ).all()
        assert (batch.values[a] == batch.values[p]).all() and (batch.values[a] != batch.values[n]).all()
        assert (batch.images[batch.rows[a]] != batch.images[batch.rows[p]]).all()
        drawn += zip(
            batch.attributes[a].tolist(), batch.values[a].tolist(), batch.values[n].tolist(), strict=True
        )
    drawn = np.array(drawn)
    share = np.bincount(drawn[:, 0]) / len(drawn)
    assert np.allclose(share, 1 / 3, atol=0.05)  # 1,800 draws: standard deviation 0.011
    of_five = drawn[drawn[:, 0] == 2]
    assert np.allclose(np.bincount(of_five[:, 1]) / len(of_five), 1 / 5, atol=0.08)
    # Anchors with value 1 of 5: an image as negative meets the frequent value 0 more often than a value does.
    negatives = of_five[of_five[:, 1] == 1][:, 2]
    expected = 4 / 7 if negative == "image" else 1 / 4
    assert np.mean(negatives == 0) == pytest.approx(expected, abs=0.2)


def test_all_labels_brings_every_label_of_an_image():
    labels = some_labels(per_image=3)
    sampler = SAMPLERS["all_labels"](labels, 20)
    batch = sampler.batch(np.random.default_rng(0))
    assert len(set(batch.images.tolist())) == 20 and len(batch.rows) == 60
    assert (np.bincount(batch.rows) == 3).all()


def test_all_labels_gives_an_image_one_of_several_values_of_an_attribute():
    labels = Labels(np.repeat(np.arange(30), 3), np.tile([0, 1, 1], 30), np.tile([0, 1, 2], 30))
    sampler, seen = SAMPLERS["all_labels"](labels, 20), set()
    for step in range(5):
        batch = sampler.batch(np.random.default_rng(step))
        pairs = list(zip(batch.rows.tolist(), batch.attributes.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs) == 40
        seen |= set(zip(batch.attributes.tolist(), batch.values.tolist(), strict=True))
    assert seen == {(0, 0), (1, 1), (1, 2)}


def test_single_values_cost_all_labels_no_further_draw():
    labels, drawn, alone = some_labels(), np.random.default_rng(0), np.random.default_rng(0)
    batch = SAMPLERS["all_labels"](labels, 20).batch(drawn)
    assert np.array_equal(batch.images, np.unique(labels.image)[alone.choice(150, 20, replace=False)])
    assert drawn.bit_generator.state == alone.bit_generator.state and len(batch.rows) == 40


def test_attributes_that_cannot_form_a_triplet_are_left_out():
    labels = Labels(np.arange(6), np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 2, 2]))
    assert SAMPLERS["triplet_list"](labels, 3).attributes.tolist() == [0]


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_cannot_work_is_refused(name):
    one_value = Labels(np.arange(4), np.zeros(4, np.int64), np.zeros(4, np.int64))
    with pytest.raises(FashionError, match="4 training labels hold no triplet"):
        SAMPLERS[name](one_value, 30)
    with pytest.raises(FashionError, match="'half'"):
        SAMPLERS[name](some_labels(), 30, 2, "half")
    with pytest.raises(FashionError, match="batch_size=2"):
        SAMPLERS[name](some_labels(), 2, 1)
