"""Which of our data sets stands beside a paper's table."""

import pytest

from fashion_lib.papers.published import COUNTERPARTS, our_dataset


@pytest.mark.parametrize("where", COUNTERPARTS)
def test_drawn_tables_stand_for_the_papers_and_real_sets_for_themselves(where):
    for drawn in COUNTERPARTS.values():
        assert our_dataset(where, drawn) == COUNTERPARTS[where]
    for real in (*COUNTERPARTS, "zappos50k"):
        assert our_dataset(where, real) == where
    assert our_dataset(where, "clothing") == "clothing" and our_dataset(where, "mine") == "mine"
