"""A paired difference subtracts seed by seed."""

import math

import numpy as np
import pandas as pd
import pytest

from fashion_lib.runs.ledger import COLUMNS
from fashion_lib.show.paired_seeds import paired_difference, step


def test_a_paired_difference_uses_equal_seeds_alone():
    one, other = pd.Series({0: 45.0, 1: 56.0, 3: 70.0}), pd.Series({0: 40.0, 1: 50.0, 2: 60.0})
    found = paired_difference(one, other)
    assert found.seeds == (0, 1) and found.mean == 5.5
    assert found.spread == pytest.approx(np.std([5.0, 6.0], ddof=1))  # not the spread of 45, 56 or of 40, 50
    assert found.text() == "+5.5 ± 0.7 (2)"
    assert paired_difference(one[:1], other).text() == "+5.0 (1)"
    assert paired_difference(one[2:], other).text() == "not run"


def test_a_step_is_claimed_only_beyond_the_spread_of_its_differences():
    seeds = {"a": (50.0, 60.0), "b": (52.0, 63.0), "c": (49.0, 61.5), "d": (60.0,)}
    lines = [("wardrobe", method, "v", "laptop", seed, "map", "overall", value, 1.0, "abc")
             for method, values in seeds.items() for seed, value in enumerate(values)]  # fmt: skip
    ledger = pd.DataFrame(lines, columns=list(COLUMNS))
    for lower, higher, mean, spread, verdict in [
        ("a", "b", 2.5, math.sqrt(0.5), "higher"),  # although each method's own seeds lie ten points apart
        ("b", "a", -2.5, math.sqrt(0.5), "lower"),
        ("a", "c", 0.25, math.sqrt(3.125), "no order"),
    ]:
        found = step(ledger, (lower, "v"), (higher, "v"))
        assert (found.mean, found.verdict) == (mean, verdict) and found.spread == pytest.approx(spread)
    assert step(ledger, ("a", "v"), ("b", "v")).claim() == "+2.5 ± 0.7 (2): higher"
    assert step(ledger, ("a", "v"), ("d", "v")).claim() == "+10.0 (1): no claim from a single seed"
    assert step(ledger, ("a", "v"), ("e", "v")).claim() == step(ledger, ("a", "v"), ("b", "v"), "collar").claim()
    assert step(ledger, ("a", "v"), ("b", "v"), metric="ndcg@10").claim(2) == "not run"
