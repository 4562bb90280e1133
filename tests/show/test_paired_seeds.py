"""A paired difference subtracts seed by seed."""

import numpy as np
import pandas as pd
import pytest

from fashion_lib.show.paired_seeds import paired_difference


def test_a_paired_difference_uses_equal_seeds_alone():
    one, other = pd.Series({0: 45.0, 1: 56.0, 3: 70.0}), pd.Series({0: 40.0, 1: 50.0, 2: 60.0})
    found = paired_difference(one, other)
    assert found.seeds == (0, 1) and found.mean == 5.5
    assert found.spread == pytest.approx(np.std([5.0, 6.0], ddof=1))  # not the spread of 45, 56 or of 40, 50
    assert found.text() == "+5.5 ± 0.7 (2)"
    assert paired_difference(one[:1], other).text() == "+5.0 (1)"
    assert paired_difference(one[2:], other).text() == "not run"
