import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from ir_measures import AP, Qrel, ScoredDoc, Success, nDCG
from sklearn.metrics import average_precision_score, ndcg_score

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.retrieval.metrics import average_precision, ndcg_at_k, recall_at_k, without_relevant

few = settings(max_examples=40, deadline=None, database=None)
relevances = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))
tables = array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12)
gain_tables = arrays(np.int64, tables, elements=st.integers(0, 3))


def brute_force_ap(row):
    hits, total = 0, 0.0
    for rank, relevant in enumerate(row, start=1):
        if relevant:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0


def brute_force_ndcg(row, k, ideal):
    def dcg(gains):
        return sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))

    best = dcg(sorted(row, reverse=True)) if ideal == "list" else dcg([1] * k)
    return dcg(list(row)) / best if best else 0.0


def test_average_precision_of_six_ranks_by_hand():
    assert average_precision([[1, 0, 1, 0, 0, 1]]) == pytest.approx((1 / 1 + 2 / 3 + 3 / 6) / 3)


@few
@given(relevances)
def test_average_precision_equals_the_loop(relevance):
    found = average_precision(relevance)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [brute_force_ap(row) for row in relevance])
    np.testing.assert_array_equal(average_precision(relevance.astype(int)), found)


@few
@given(relevances)
def test_average_precision_agrees_with_scikit_learn(relevance):
    scores = -np.arange(relevance.shape[1])
    for row, found in zip(relevance, average_precision(relevance), strict=True):
        if row.any():
            assert found == pytest.approx(average_precision_score(row, scores))


@few
@given(gain_tables, st.integers(1, 15))
def test_ndcg_agrees_with_the_loop_and_scikit_learn(gains, k):
    for ideal in ("list", "ones"):
        expected = [brute_force_ndcg(row, k, ideal) for row in gains]
        np.testing.assert_allclose(ndcg_at_k(gains, k, ideal), expected)
        expected = [brute_force_ndcg([2.0**gain - 1 for gain in row], k, ideal) for row in gains]
        np.testing.assert_allclose(ndcg_at_k(gains, k, ideal, "exponential"), expected)
    scores = np.tile(-np.arange(gains.shape[1]), (len(gains), 1))
    answered = gains.any(axis=1)
    if answered.any():
        assert ndcg_at_k(gains, k)[answered].mean() == pytest.approx(ndcg_score(gains[answered], scores[answered], k=k))


@few
@given(relevances, st.integers(1, 15))
def test_binary_ndcg_does_not_depend_on_the_dtype(relevance, k):
    for gain in ("linear", "exponential"):
        whole = ndcg_at_k(relevance, k, gain=gain)
        np.testing.assert_allclose(whole, ndcg_at_k(relevance.astype(float), k, gain=gain))
        np.testing.assert_array_equal(whole, ndcg_at_k(relevance, k))  # of 0 and 1 the gains are the same


def test_ir_measures_agrees():
    rng = np.random.default_rng(3)
    gains = rng.integers(0, 3, (20, 30)) * (rng.random((20, 30)) < 0.4)
    relevance = gains > 0
    qrels = [Qrel(str(q), str(d), int(gains[q, d])) for q in range(20) for d in range(30)]
    run = [ScoredDoc(str(q), str(d), float(-d)) for q in range(20) for d in range(30)]
    theirs = {measure: np.zeros(20) for measure in (AP, nDCG @ 10, Success @ 1, Success @ 5)}
    for metric in ir_measures.iter_calc(list(theirs), qrels, run):
        theirs[metric.measure][int(metric.query_id)] = metric.value
    np.testing.assert_allclose(average_precision(relevance), theirs[AP])
    np.testing.assert_allclose(ndcg_at_k(gains, 10), theirs[nDCG @ 10])
    np.testing.assert_array_equal(recall_at_k(relevance, 1), theirs[Success @ 1])
    np.testing.assert_array_equal(recall_at_k(relevance, 5), theirs[Success @ 5])


@few
@given(relevances, st.integers(1, 15))
def test_recall_is_a_hit_rate(relevance, k):
    np.testing.assert_array_equal(recall_at_k(relevance, k), [float(any(row[:k])) for row in relevance])


def test_a_query_without_relevant_candidates_scores_zero_and_is_counted():
    relevance = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert without_relevant(relevance) == 2
    np.testing.assert_array_equal(average_precision(relevance), [0, 0.5, 0])
    for ideal in ("list", "ones"):
        assert ndcg_at_k(relevance, 10, ideal)[0] == 0


def test_no_candidates_at_all():
    nothing = np.zeros((2, 0), bool)
    for found in (average_precision(nothing), recall_at_k(nothing, 1), ndcg_at_k(nothing, 10)):
        np.testing.assert_array_equal(found, [0, 0])


@pytest.mark.parametrize(("call", "words"), [
    (lambda: average_precision([1, 0]), "shape"),
    (lambda: recall_at_k([[1, 0]], 0), "cut-off"),
    (lambda: ndcg_at_k([[1, -2]], 3), "rank 2 is -2"),
    (lambda: ndcg_at_k([[1, 0]], 3, ideal="best"), "'best'"),
    (lambda: ndcg_at_k([[1, 0]], 3, gain="squared"), "'squared'"),
])
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises(FashionError, match=words):
        call()
