"""Scores and Euclidean ranking against brute force, and against scikit-learn where it agrees."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score
from tiny_manipulation import BLOCKS, SCHEMA, random_labels, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.manipulation.manipulation_evaluation import rank_by_distance
from fashion_lib.tasks.manipulation.manipulation_metrics import (
    EXPONENTIAL,
    METRICS,
    agreement,
    matches,
    relevance,
    scores,
)


def fraction_right(target, picture, attributes=(0, 1, 2)):
    asked = [BLOCKS[a] for a in attributes if target[BLOCKS[a]].any()]
    return sum((target[b] == picture[b]).all() for b in asked) / len(asked) if asked else math.nan


def dcg(gains):
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


@pytest.fixture(scope="module", params=[0.0, 0.4], ids=["one value", "several values"])
def case(request):
    labels, rng = random_labels(75, seed=1, several=request.param).matrix, np.random.default_rng(1)
    targets, gallery = labels[:15], labels[15:]
    order = np.stack([rng.permutation(60) for _ in targets])
    changed = np.zeros((15, 3), bool)
    changed[np.arange(15), [2 if not t[BLOCKS[1]].any() else k % 3 for k, t in enumerate(targets)]] = True
    return targets, gallery, order, changed


def test_every_score_is_the_brute_force_one(case):
    targets, gallery, order, changed = case
    found = scores(order, targets, gallery, changed, SCHEMA)
    assert set(found) == set(METRICS)
    for q, target in enumerate(targets):
        gains = [fraction_right(target, gallery[row]) for row in order[q]]
        for k in (10, 20, 30, 50):
            assert found[f"top{k}_acc"][q] == any(gain == 1 for gain in gains[:k])
        best = dcg(sorted(gains, reverse=True)[:30])
        assert found["ndcg30"][q] == pytest.approx(dcg(gains[:30]) / best if best else 0)
        assert found["ndcg30_ones"][q] == pytest.approx(dcg(gains[:30]) / dcg([1] * 30))
        for name, kept in (("changed", changed[q]), ("others", ~changed[q])):
            part = [fraction_right(target, gallery[row], np.flatnonzero(kept)) for row in order[q]]
            best = dcg(sorted(part, reverse=True)[:30])
            expected = dcg(part[:30]) / best if best else 0.0
            assert found[f"ndcg30_{name}"][q] == pytest.approx(expected, nan_ok=True)


def adde_ndcg(target, ranking, attributes):
    """ADDE's code: rel is the share of `attributes` whose whole block is the target's; gain 2^rel - 1."""
    rel = [np.mean([(target[BLOCKS[a]] == picture[BLOCKS[a]]).all() for a in attributes]) for picture in ranking[:30]]
    weights = [1 / math.log(rank + 1) for rank in range(1, 31)]
    return sum((2**one - 1) * weight for one, weight in zip(rel, weights, strict=True)) / sum(weights)


def test_the_exponential_gain_is_adde_s_code(case):
    targets, gallery, order, changed = case
    found = scores(order, targets, gallery, changed, SCHEMA)
    assert not all(target[BLOCKS[1]].any() for target in targets)  # a missing label agrees with a missing label
    for q, target in enumerate(targets):
        parts = (range(3), np.flatnonzero(changed[q]), np.flatnonzero(~changed[q]))
        for name, attributes in zip(EXPONENTIAL, parts, strict=True):
            assert found[name][q] == pytest.approx(adde_ndcg(target, gallery[order[q]], attributes))
    everything = scores(order, targets, gallery, np.ones_like(changed), SCHEMA)
    assert np.isnan(everything["ndcg30_exponential_others"]).all()


def test_scikit_learn_agrees_on_the_textbook_ndcg(case):
    targets, gallery, order, changed = case
    pairs = zip(targets, order, strict=True)
    gains = np.array([[fraction_right(target, gallery[row]) for row in rows] for target, rows in pairs])
    places = np.tile(-np.arange(60.0), (15, 1))  # scores that rank the columns as they stand
    theirs = [ndcg_score(gains[q : q + 1], places[q : q + 1], k=30) for q in range(15)]
    assert np.allclose(scores(order, targets, gallery, changed, SCHEMA)["ndcg30"], theirs)


def test_a_hit_has_every_label_of_the_target_and_what_is_missing_is_not_asked(case):
    targets, gallery, *_ = case
    right, asked = agreement(targets, gallery, BLOCKS)
    found, graded = matches(targets, gallery, BLOCKS), relevance(right, asked)
    assert np.array_equal(found, graded == 1)
    for q, g in np.ndindex(found.shape):
        assert graded[q, g] == pytest.approx(fraction_right(targets[q], gallery[g]))
    close_up, coat, bare = vector("coat", None, "red"), vector("coat", "long", "red"), vector("coat", None, "red")
    nothing = np.zeros(8, bool)
    assert matches(np.stack([close_up]), np.stack([coat, bare, nothing]), BLOCKS).tolist() == [[True, True, False]]
    assert matches(np.stack([coat]), np.stack([coat, bare]), BLOCKS).tolist() == [[True, False]]
    assert not matches(nothing[None], np.stack([coat, nothing]), BLOCKS).any()
    # Where nothing is missing, a hit is an equal vector.
    full = np.stack([vector(g, s, c) for g in ("top", "coat") for s in ("short", "none") for c in ("red", "blue")])
    assert np.array_equal(matches(full, full, BLOCKS), np.eye(8, dtype=bool))


def test_a_label_that_is_missing_in_the_target_changes_no_score(case):
    targets, gallery, order, changed = case
    q = next(q for q, t in enumerate(targets) if not t[BLOCKS[1]].any())
    other = gallery.copy()
    other[:, BLOCKS[1]] = np.roll(gallery[:, BLOCKS[1]], 7, axis=0)
    one, two = (scores(order[q : q + 1], targets[q : q + 1], g, changed[q : q + 1], SCHEMA) for g in (gallery, other))
    kept = [name for name in METRICS if name not in EXPONENTIAL]  # ADDE's code counts missing labels
    assert all(np.array_equal(one[name], two[name]) for name in kept)


@pytest.mark.parametrize("budget", [64, 0.05, 1e-9])
def test_ranking_is_by_euclidean_distance_whatever_the_chunks(budget):
    generator = torch.Generator().manual_seed(0)
    queries, gallery = torch.randn(40, 9, generator=generator), 3 * torch.randn(130, 9, generator=generator)
    gallery[77] = gallery[5]
    queries[0] = gallery[5]
    order = np.empty((40, 130), np.int64)
    for rows, part in rank_by_distance(queries, gallery, budget_mib=budget):
        order[rows] = part
    distance = (queries[:, None].double() - gallery[None].double()).square().sum(2).numpy()
    expected = np.argsort(distance.round(9), axis=1, kind="stable")
    assert np.array_equal(order, expected) and order[0, :2].tolist() == [5, 77]


def test_ranking_refuses_what_it_cannot_rank():
    with pytest.raises(FashionError, match="do not fit together"):
        next(rank_by_distance(torch.zeros(2, 3), torch.zeros(2, 4)))
    with pytest.raises(FashionError, match="not finite"):
        next(rank_by_distance(torch.full((2, 3), torch.nan), torch.zeros(2, 3)))
    ((_, order),) = rank_by_distance(torch.zeros(1, 3), torch.zeros(4, 3))
    assert order.tolist() == [[0, 1, 2, 3]]
