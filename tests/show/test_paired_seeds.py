"""A paired difference subtracts seed by seed."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.ledger import COLUMNS
from fashion_lib.show.paired_seeds import PairedDifference, grouped_verdicts, paired_difference, step


def test_a_paired_difference_uses_equal_seeds_alone():
    one, other = pd.Series({0: 45.0, 1: 56.0, 3: 70.0}), pd.Series({0: 40.0, 1: 50.0, 2: 60.0})
    found = paired_difference(one, other)
    assert found.seeds == (0, 1) and found.mean == 5.5
    assert found.spread == pytest.approx(np.std([5.0, 6.0], ddof=1))  # not the spread of 45, 56 or of 40, 50
    assert found.text() == "+5.5 ± 0.7 (2)"
    assert paired_difference(one[:1], other).text() == "+5.0 (1)"
    assert paired_difference(one[2:], other).text() == "not run"


def test_the_margin_is_that_of_the_paired_t_test():
    one, other = pd.Series([61.0, 64.5, 63.0, 66.0]), pd.Series([60.0, 62.0, 62.5, 63.0])
    found = paired_difference(one, other)
    interval = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert (found.mean - found.margin, found.mean + found.margin) == pytest.approx(tuple(interval))
    assert math.isnan(paired_difference(one[:1], other).margin)


def test_equal_numbers_are_called_identical_and_not_an_order_that_is_not_shown():
    one = pd.Series([61.0, 64.5])
    assert paired_difference(one, one).claim() == "+0.0 ± 0.0 (2): identical"
    assert paired_difference(one[:1], one).verdict == "identical"
    assert paired_difference(one, pd.Series([62.0, 63.5])).verdict == "no order"  # a mean of 0 alone is not enough


def test_a_step_is_claimed_only_where_the_interval_of_its_mean_does_not_hold_zero():
    seeds = {"a": (50.0, 60.0, 55.0), "b": (52.0, 62.5, 57.5), "c": (51.0, 63.5, 55.5), "d": (60.0,)}
    lines = [("wardrobe", method, "v", "laptop", seed, "map", "overall", value, 1.0, "abc")
             for method, values in seeds.items() for seed, value in enumerate(values)]  # fmt: skip
    ledger = pd.DataFrame(lines, columns=list(COLUMNS))
    for lower, higher, mean, spread, verdict in [
        ("a", "b", 7 / 3, math.sqrt(1 / 12), "higher"),  # although each method's own seeds lie ten points apart
        ("b", "a", -7 / 3, math.sqrt(1 / 12), "lower"),
        ("a", "c", 5 / 3, math.sqrt(31 / 12), "no order"),  # larger than the spread, but not than the margin
    ]:
        found = step(ledger, (lower, "v"), (higher, "v"))
        assert found.mean == pytest.approx(mean) and found.spread == pytest.approx(spread) and found.verdict == verdict
    assert step(ledger, ("a", "v"), ("b", "v")).claim() == "+2.3 ± 0.3 (3): higher"
    assert step(ledger, ("a", "v"), ("d", "v")).claim() == "+10.0 (1): no claim from a single seed"
    assert step(ledger, ("a", "v"), ("e", "v")).claim() == step(ledger, ("a", "v"), ("b", "v"), "collar").claim()
    assert step(ledger, ("a", "v"), ("b", "v"), metric="ndcg@10").claim(2) == "not run"
    with pytest.raises(FashionError, match="several numbers for one seed: choose the rows of one data set"):
        step(pd.concat([ledger, ledger.assign(profile="table")]), ("a", "v"), ("b", "v"))


def test_verdicts_of_one_kind_stand_together():
    up, down, none = (PairedDifference(mean, 0.5, (0, 1, 2)) for mean in (5.0, -5.0, 0.1))
    found = {"CSN": up, "ASEN": none, "RPF": up, "IPAD": down}
    assert grouped_verdicts(found) == "higher: CSN, RPF; no order: ASEN; lower: IPAD"
    assert grouped_verdicts(found, {"lower": "AGAINST"}) == "higher: CSN, RPF; no order: ASEN; AGAINST: IPAD"
    assert not grouped_verdicts({})
