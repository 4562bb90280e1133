"""Training tuples and test queries against plain loops over labels."""

import numpy as np
import pytest
from tiny_manipulation import BLOCKS, SCHEMA, random_labels, tiny_manipulation, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_vectors import LabelVectors
from fashion_lib.tasks.manipulation import tuples
from fashion_lib.tasks.manipulation.manipulation_metrics import matches
from fashion_lib.tasks.manipulation.manipulation_task import TupleSampler
from fashion_lib.tasks.manipulation.operations import operations_of
from fashion_lib.tasks.manipulation.tuples import distinct_vectors, draw_vector, test_queries, training_tuples


def has_all(target, picture):
    """Every attribute that the target has, with exactly its values."""
    return all(not target[b].any() or (target[b] == picture[b]).all() for b in BLOCKS) and target.any()


@pytest.mark.parametrize("changes", [1, 2])
@pytest.mark.parametrize("several", [0.0, 0.4])
def test_tuples_are_what_they_say(changes, several):
    labels = random_labels(300, several=several)
    rows = np.arange(50, 300)
    drawn = training_tuples(labels, rows, np.random.default_rng(3), 60, changes)
    assert len(drawn) == 60 and drawn.query.dtype == drawn.target.dtype == drawn.negative.dtype == np.int64
    for query, move, target, negative in zip(drawn.query, drawn.vectors, drawn.target, drawn.negative, strict=True):
        assert min(query, target, negative) >= 50
        held, moves = labels.matrix[query], operations_of(SCHEMA, move)
        assert len(moves) == changes and np.abs(move).sum() == 2 * changes
        assert held[move < 0].all() and not held[move > 0].any()
        wanted = (held | (move > 0)) & ~(move < 0)
        assert has_all(wanted, labels.matrix[target]) and not has_all(wanted, labels.matrix[negative])


def one_picture_at_a_time(labels, rows, rng, count, changes):
    """The draws of training_tuples with every picture compared on its own."""
    query, parts = rng.integers(len(rows), size=count), [None] * count
    left, first = list(range(count)), True
    while left:
        if not first:
            query[left] = rng.integers(len(rows), size=len(left))
        first, vectors = False, []
        for place in left:
            vectors.append(draw_vector(labels.schema, labels.matrix[rows[query[place]]], rng, changes))
        still = []
        for place, move in zip(left, vectors, strict=True):
            fits = [False] * len(rows)
            if move is not None:
                wanted = (labels.matrix[rows[query[place]]] | (move > 0)) & ~(move < 0)
                fits = [has_all(wanted, labels.matrix[row]) for row in rows]
            right, wrong = np.flatnonzero(fits), np.flatnonzero(~np.array(fits))
            if move is not None and len(right) and len(wrong):
                target = rows[rng.choice(right)]
                parts[place] = (rows[query[place]], move, target, rows[rng.choice(wrong)])
            else:
                still.append(place)
        left = still
    return [np.array(part) for part in zip(*parts, strict=True)]


@pytest.mark.parametrize(("changes", "several"), [(1, 0.0), (2, 0.4), (3, 0.2)])
def test_comparing_each_different_vector_once_changes_no_draw(changes, several):
    labels, rows = random_labels(60, seed=changes, several=several), np.arange(59, 9, -1)
    expected = one_picture_at_a_time(labels, rows, np.random.default_rng(8), 40, changes)
    for distinct in (None, distinct_vectors(labels.matrix[rows])):
        drawn = training_tuples(labels, rows, np.random.default_rng(8), 40, changes, distinct=distinct)
        for found, wanted in zip(vars(drawn).values(), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_a_batch_compares_with_each_different_vector_once(monkeypatch):
    data, compared = tiny_manipulation(300), set()

    def counted(targets, offered, blocks):
        compared.add(len(offered))
        return matches(targets, offered, blocks)

    monkeypatch.setattr(tuples, "matches", counted)
    TupleSampler(data, 12).batch(np.random.default_rng(0))
    different = {held.tobytes() for held in data.labels.matrix[data.rows("train")]}
    assert compared == {len(different)} and len(different) < len(data.rows("train"))


def test_the_seed_decides_everything():
    labels = random_labels(120)
    one, two, other = (training_tuples(labels, np.arange(120), np.random.default_rng(s), 20) for s in (1, 1, 2))
    for name in ("query", "vectors", "target", "negative"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert not np.array_equal(one.query, other.query)
    queries = [test_queries(labels, np.arange(30), np.arange(30, 120), seed) for seed in (1, 1, 2)]
    assert np.array_equal(queries[0].vectors, queries[1].vectors)
    assert queries[0].vectors.tobytes() != queries[2].vectors.tobytes()


@pytest.mark.parametrize("several", [0.0, 0.4])
def test_queries_count_their_matches_and_what_is_excluded(several):
    labels = random_labels(160, several=several)
    gallery = np.arange(140, 160)
    queries = test_queries(labels, np.arange(40), gallery, seed=5, per_image=6)
    for query, move, target, count in zip(
        queries.query, queries.vectors, queries.targets, queries.matches, strict=True
    ):
        assert np.array_equal(target, (labels.matrix[query] | (move > 0)) & ~(move < 0))
        assert count == sum(has_all(target, labels.matrix[row]) for row in gallery) > 0
    assert sum(queries.excluded.values()) > 0 and queries.drawn == len(queries) + sum(queries.excluded.values())
    pairs = [(row, move.tobytes()) for row, move in zip(queries.query, queries.vectors, strict=True)]
    assert len(set(pairs)) == len(pairs)  # no manipulation of a picture twice
    everything = test_queries(labels, np.arange(40), np.arange(160), seed=5, per_image=6)
    assert everything.drawn == queries.drawn  # the gallery decides what is excluded, not what is drawn


def test_operations_are_drawn_evenly_over_attributes_and_values():
    rng, labels = np.random.default_rng(0), vector("top", "long", "red")
    drawn = np.stack([draw_vector(SCHEMA, labels, rng) for _ in range(3000)])
    share = [(drawn[:, block] != 0).any(1).mean() for block in BLOCKS]
    assert np.allclose(share, 1 / 3, atol=0.03)
    assert np.allclose((drawn[:, 5:] == 1).sum(0) / (drawn[:, 5:] == 1).sum(), [0, 0.5, 0.5], atol=0.06)
    assert draw_vector(SCHEMA, vector(None, "long"), rng, changes=2) is None
    assert draw_vector(SCHEMA, vector(("top", "coat")), rng) is None  # nothing that it has not


def test_deepfashions_layout_of_three_multi_label_attributes():
    """Category, texture and shape as binary columns: an array is all that is needed."""
    schema = Schema(tuple(Attribute(name, tuple(f"{name}{k}" for k in range(count)))
                          for name, count in (("category", 50), ("texture", 156), ("shape", 180))))  # fmt: skip
    rng = np.random.default_rng(0)
    matrix = np.zeros((400, 386), np.int64)
    matrix[np.arange(400), rng.integers(5, size=400)] = 1
    matrix[np.arange(400), 50 + rng.integers(3, size=400)] = 1
    matrix[np.arange(200), 50 + rng.integers(3, size=200)] = 1  # a second texture
    matrix[np.arange(0, 400, 2), 206 + rng.integers(2, size=200)] = 1  # every other picture has no shape
    labels = LabelVectors(schema, matrix)
    drawn = training_tuples(labels, np.arange(300), np.random.default_rng(0), 5)
    queries = test_queries(labels, np.arange(300, 320), np.arange(320, 400), 0)
    assert len(drawn) == 5 and len(queries) >= 1 and set(queries.excluded) == {"category", "texture", "shape"}


def test_impossible_data_is_refused():
    alone = LabelVectors(SCHEMA, np.stack([vector("top", "long", "red")] * 5))
    with pytest.raises(FashionError, match="3 of 3 tuples have no target among 5 pictures"):
        training_tuples(alone, np.arange(5), np.random.default_rng(0), 3)
    with pytest.raises(FashionError, match="none of the .* queries drawn has a match among 3 gallery"):
        test_queries(alone, np.arange(2), np.arange(2, 5), 0)
