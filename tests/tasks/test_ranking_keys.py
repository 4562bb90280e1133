"""Ranking by sorted keys against the order that Python's own sort gives to exact whole numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.retrieval import ranking
from fashion_lib.tasks.retrieval.metrics import average_precision, ndcg_at_k
from fashion_lib.tasks.retrieval.ranking import _fixed_point, rank, sort_rows, sorted_on_device

several = settings(max_examples=150, deadline=None, database=None)
WIDEST = 2**53 - 1


def ranked(query, gallery, **options):
    return np.concatenate([np.zeros((0, len(gallery)), np.int64), *(o for _, o in rank(query, gallery, **options))])


def expected(query, gallery, query_images=None, gallery_images=None):
    """The order by Python's whole numbers, which have no size: by similarity, then row; self-matches last, by row."""
    q, g = ([[int(x) for x in row] for row in _fixed_point(side).tolist()] for side in (query, gallery))
    orders = []
    for i, vector in enumerate(q):
        similarity = [sum(x * y for x, y in zip(vector, other, strict=True)) for other in g]
        own = [query_images is not None and query_images[i] == gallery_images[n] for n in range(len(g))]
        orders.append(sorted(range(len(g)), key=lambda n, s=similarity, own=own: (own[n], 0 if own[n] else -s[n], n)))
    return np.array(orders, dtype=np.int64).reshape(len(q), len(g))


def stable(query, gallery, own=None):
    """The order by a stable sort of the float64 similarities."""
    similarity = _fixed_point(query) @ _fixed_point(gallery).T
    if own is not None:
        similarity.masked_fill_(torch.from_numpy(own), -torch.inf)
    return torch.sort(similarity, dim=1, descending=True, stable=True).indices.numpy()


@st.composite
def searches(draw):
    """Few queries and candidates whose vectors often repeat, oppose or nearly equal each other, or are 0."""
    dimensions = draw(st.integers(1, 4))
    elements = st.one_of(st.sampled_from([-1.0, 0.0, 1.0, 1 + 2**-23, 1 + 2**-26]), st.floats(-3, 3, width=32))
    query, gallery = (draw(arrays(np.float64, (draw(st.integers(0, most)), dimensions), elements=elements))
                      for most in (5, 12))
    if len(gallery):  # some queries are candidates too
        query = np.concatenate([query, gallery[draw(st.lists(st.integers(0, len(gallery) - 1), max_size=3))]])
    images = {}
    if draw(st.booleans()):
        images = {name: draw(arrays(np.int64, len(side), elements=st.integers(0, 6)))
                  for name, side in (("query_images", query), ("gallery_images", gallery))}
    return query, gallery, images


@several
@given(searches(), st.sampled_from([0, 0.001, 64]), st.sampled_from([1, 20, 2**18]), st.sampled_from([12, 40, 64]))
def test_rank_equals_sorted_whole_numbers(search, budget_mib, pairs, bits):
    query, gallery, images = search
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "PAIRS_PER_BLOCK", pairs)
        patch.setattr(ranking, "KEY_BITS", bits)  # narrow keys: the lowest bits of the distance are left out
        found = ranked(query, gallery, budget_mib=budget_mib, **images)
    np.testing.assert_array_equal(found, expected(query, gallery, **images))
    assert found.dtype == np.int64


whole = st.one_of(st.integers(0, 5), st.integers(0, WIDEST), st.integers(WIDEST - 70, WIDEST))


@several
@given(st.integers(0, 4).flatmap(lambda q: st.integers(0, 20).flatmap(
    lambda n: arrays(np.int64, (q, n), elements=whole))), st.sampled_from([8, 30, 54, 57, 64]))
def test_rows_are_sorted_exactly_and_stably(distance, bits):
    order = np.empty(distance.shape, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "KEY_BITS", bits)
        sort_rows(distance.astype(np.float64), order)
    np.testing.assert_array_equal(order, np.argsort(distance, axis=1, stable=True))


@pytest.mark.parametrize("columns", [2047, 2048, 2049, 4096, 4097, 9000, 70_001])
@pytest.mark.parametrize("spread", [1, 3, 2**30, 2**51, WIDEST])
def test_keys_of_64_bits_are_exact_at_every_width(columns, spread):
    rng = np.random.default_rng(columns)
    distance = rng.integers(0, spread, (3, columns), endpoint=True)
    distance[1] = spread - rng.integers(0, min(4, spread), columns, endpoint=True)  # only the lowest bits differ
    distance[2, ::2] = distance[2, :-1:2][0]  # half of a row is one tie
    distance[:, -1], distance[:, 0] = 0, spread
    order = np.empty(distance.shape, np.int64)
    sort_rows(distance.astype(np.float64), order)
    np.testing.assert_array_equal(order, np.argsort(distance, axis=1, stable=True))


@pytest.mark.parametrize("images", [False, True])
@pytest.mark.parametrize("columns", [1, 700, 4097, 9001])
def test_large_galleries_equal_the_stable_sort(columns, images):
    rng = np.random.default_rng(columns)
    gallery = rng.standard_normal((columns, 8)).astype(np.float32)
    gallery[columns // 2:columns // 2 + columns // 4] = gallery[:columns // 4]  # exact ties
    gallery[columns - columns // 8:] *= rng.choice([1, 1 + 1e-7], (columns // 8, 8))  # differences near rounding
    query = np.concatenate([gallery[:20], -gallery[:5], np.zeros((2, 8)), rng.standard_normal((40, 8))])
    sides = {}
    own = None
    if images:
        sides = {"query_images": rng.integers(0, 50, len(query)), "gallery_images": rng.integers(0, 50, columns)}
        own = sides["query_images"][:, None] == sides["gallery_images"]
    for budget_mib in (0, 1, 1e6):
        found = ranked(query, gallery, budget_mib=budget_mib, **sides)
        np.testing.assert_array_equal(found, stable(query, gallery, own))


def test_zero_vectors_keep_the_order_of_the_rows():
    np.testing.assert_array_equal(ranked(np.zeros((2, 3)), np.eye(5, 3)), [range(5)] * 2)
    np.testing.assert_array_equal(ranked(np.eye(1, 3), np.zeros((4, 3))), [range(4)])


@pytest.mark.parametrize("queries", [0, 1, 3])
@pytest.mark.parametrize("candidates", [0, 1, 2])
def test_empty_sides_give_empty_orders(queries, candidates):
    chunks = list(rank(np.ones((queries, 2)), np.ones((candidates, 2)), query_images=np.arange(queries),
                       gallery_images=np.arange(candidates)))
    assert sum(len(order) for _, order in chunks) == queries
    for rows, order in chunks:
        assert order.shape == (rows.stop - rows.start, candidates) and order.dtype == np.int64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_not_finite_is_refused_by_its_row(side, value):
    sides = [np.ones((4, 3)), np.ones((4, 3))]
    sides[side][2, 1] = value
    with pytest.raises(FashionError, match="row 2 is not finite"):
        ranked(*sides)


@several
@given(arrays(bool, st.tuples(st.integers(0, 5), st.integers(0, 40))), st.booleans())
def test_average_precision_adds_in_the_order_of_the_ranks(relevance, transposed):
    if transposed:  # an array that is not contiguous
        relevance = np.ascontiguousarray(relevance.T).T
    loop = []
    for row in relevance.tolist():
        ranks = [position for position, hit in enumerate(row, start=1) if hit]
        total = 0.0
        for hits, position in enumerate(ranks, start=1):
            total += hits / position
        loop.append(total / max(1, len(ranks)))
    np.testing.assert_array_equal(average_precision(relevance), np.array(loop))  # to the last bit
    assert ndcg_at_k(relevance, 10).shape == (len(relevance),)


@several
@given(searches())
def test_the_sort_of_other_devices_gives_the_same_order(search):
    query, gallery, images = search
    own = None
    if images:
        own = torch.from_numpy(images["query_images"][:, None] == images["gallery_images"][None])
    found = sorted_on_device(_fixed_point(query) @ _fixed_point(gallery).T, own)
    np.testing.assert_array_equal(found, ranked(query, gallery, **images))


def test_float32_keeps_the_rule_where_similarities_are_far_apart():
    rng = np.random.default_rng(0)
    gallery = np.concatenate([np.eye(16), np.eye(16)])  # each candidate twice: the lower row first
    query = np.stack([rng.permutation(16) + 1.0 for _ in range(30)])
    sides = {"query_images": rng.integers(0, 9, 30), "gallery_images": rng.integers(0, 9, 32)}
    for budget_mib in (0, 64):
        found = ranked(query, gallery, dtype="float32", budget_mib=budget_mib, **sides)
        np.testing.assert_array_equal(found, expected(query, gallery, **sides))
    with pytest.raises(FashionError, match="dtype='bf16' is unknown for ranking: choose one of float64, float32"):
        ranked(query, gallery, dtype="bf16")
    query[3, 0] = np.nan
    with pytest.raises(FashionError, match="row 3 is not finite"):
        ranked(query, gallery, dtype="float32")


@pytest.mark.cuda
@pytest.mark.parametrize("budget_mib", [0, 64])
def test_a_gpu_ranks_as_the_cpu_does(budget_mib, gpu):
    """Many equal and opposite vectors; in float64 both orders are exact, so they are equal."""
    rng = np.random.default_rng(0)
    gallery = rng.integers(-1, 2, (400, 6)).astype(np.float32)
    query = np.concatenate([gallery[:30], rng.standard_normal((30, 6), dtype=np.float32)])
    sides = {"query_images": rng.integers(0, 50, 60), "gallery_images": rng.integers(0, 50, 400)}
    found = ranked(query, gallery, device=gpu, budget_mib=budget_mib, **sides)
    np.testing.assert_array_equal(found, ranked(query, gallery, **sides))


@pytest.mark.cuda
def test_float32_on_a_gpu_keeps_the_rule_where_similarities_are_far_apart(gpu):
    rng = np.random.default_rng(0)
    gallery = np.concatenate([np.eye(16), np.eye(16)])
    query = np.stack([rng.permutation(16) + 1.0 for _ in range(30)])
    found = ranked(query, gallery, device=gpu, dtype="float32")
    np.testing.assert_array_equal(found, expected(query, gallery))
