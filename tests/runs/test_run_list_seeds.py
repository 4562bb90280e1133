"""Where runs of one seed differ in how they were made, such as their processor."""

import pandas as pd

from fashion_lib.core.provenance import THEN, processors
from fashion_lib.runs.run_list import differing_seeds


def test_seeds_that_all_rows_have_are_compared_and_only_different_ones_returned():
    lines = [("csn", "prein", 0, "A"), ("csn", "prein", 1, "A"), ("csn", "prein", 2, "A"),
             ("asen", "v2", 0, "A"), ("asen", "v2", 1, "B"), ("rpf", "paper", 1, "B")]  # fmt: skip
    made = pd.DataFrame(lines, columns=["method", "variant", "seed", "hardware"])
    csn, asen, rpf = ("csn", "prein"), ("asen", "v2"), ("rpf", "paper")
    found = differing_seeds(made, [csn, asen], "hardware")  # seed 2 is no pair
    assert list(found.columns) == [1] and found[1].tolist() == ["A", "B"]
    assert list(differing_seeds(made, [asen, rpf], "hardware").columns) == []
    assert list(differing_seeds(made, [csn, asen, rpf], "hardware").columns) == [1]
    assert list(differing_seeds(made, [csn, ("ipad", "paper")], "hardware").columns) == []


def test_the_number_of_cores_makes_no_other_processor():
    assert processors("A, 2 cores") == processors("A, 64 cores") == ["A"]
    assert processors(f"A, 2 cores{THEN}G; B, 8 cores") == ["A", "G; B"]
