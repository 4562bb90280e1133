"""The floors of a score against every possible order of a short list."""

from itertools import combinations

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.retrieval.metrics import (
    average_precision,
    random_average_precision,
    random_recall_at_k,
    recall_at_k,
)

CASES = [(relevant, total) for total in range(1, 8) for relevant in range(total + 1)]


def every_order(relevant, total):
    return np.array([[rank in ticks for rank in range(total)] for ticks in combinations(range(total), relevant)])


@pytest.mark.parametrize(("relevant", "total"), CASES)
def test_expected_average_precision_is_the_mean_over_all_orders(relevant, total):
    expected = average_precision(every_order(relevant, total)).mean()
    assert np.isclose(random_average_precision(relevant, total), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("k", [1, 2, 5, 20])
@pytest.mark.parametrize(("relevant", "total"), CASES)
def test_expected_recall_is_the_mean_over_all_orders(relevant, total, k):
    expected = recall_at_k(every_order(relevant, total), k).mean()
    assert np.isclose(random_recall_at_k(relevant, total, k), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("floor", [random_average_precision, lambda r, n: random_recall_at_k(r, n, 3)])
def test_queries_keep_their_shape(floor):
    relevant = np.array([[0, 1, 2], [3, 4, 5]])
    found = floor(relevant, 9)
    assert found.shape == (2, 3) and found.dtype == np.float64
    assert np.array_equal(found.ravel(), [floor(r, 9) for r in relevant.ravel()])
    assert floor(np.array([], dtype=int), 9).shape == (0,)


@pytest.mark.parametrize("floor", [random_average_precision, lambda r, n: random_recall_at_k(r, n, 3)])
@pytest.mark.parametrize(
    ("relevant", "total", "message"),
    [([1, -2], 5, "-2 of 5 candidates"), ([6, 1], 5, "6 of 5 candidates"), ([0], 0, "random order of 0 candidates")],
)
def test_impossible_counts_are_named(floor, relevant, total, message):
    with pytest.raises(FashionError, match=message):
        floor(relevant, total)


def test_the_cut_off_counts_candidates():
    with pytest.raises(FashionError, match="cut-off k is 0"):
        random_recall_at_k([1], 5, 0)
