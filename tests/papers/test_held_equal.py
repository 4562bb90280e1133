"""What is held equal: a processor's name holds a comma, so values are counted and not read from the joined text."""

import pandas as pd

from fashion_lib.papers.held_equal import COLUMNS, held_equal

MADE = pd.DataFrame({"start": ["pretext"] * 2, "hardware": ["AMD EPYC, 2 cores"] * 2, "precision": ["bf16", "fp32"]})


def test_each_column_says_whether_the_runs_differ():
    assert held_equal(MADE, ["start", "hardware", "precision"]).splitlines() == [
        "start: one for all: pretext", "hardware: one for all: AMD EPYC, 2 cores", "precision: DIFFERENT: bf16, fp32"
    ]  # fmt: skip


def test_without_a_run_every_column_says_so():
    none = pd.DataFrame(columns=list(COLUMNS))
    assert held_equal(none).splitlines()[:2] == ["data version: not run", "start: not run"]
