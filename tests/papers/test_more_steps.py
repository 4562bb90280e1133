"""Budgets: which runs are compared with which."""

import math

import pandas as pd
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.papers.more_steps import dearer_and_lower, more_steps
from fashion_lib.runs.ledger import collect
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.training.profiles import LAPTOP, TABLE

pytestmark = pytest.mark.usefixtures("project")
OWN, TWICE, MORE = f"{LAPTOP.steps:,} steps", f"{TABLE.steps:,} steps", "9,000 steps"


def put(method, label, seed, score, profile="laptop"):
    record = RunRecord(method=method, variant=label, dataset="wardrobe", profile=profile, seed=seed, minutes=1.0,
                       metrics={"map": {"overall": score, "macro": score / 2}})
    record.save(run_dir("wardrobe", profile, method, label, seed) / RECORD_NAME)


def rows():
    return collect("wardrobe")


def test_runs_of_one_seed_stand_in_one_line(monkeypatch):
    put("ipad", "paper+gate=image", 0, 80.0, "table")
    put("ipad", "paper+gate=image", 0, 70.0)
    put("ipad", "paper", 0, 10.0)  # another model without a longer run
    put("asen", "v2", 0, 60.0)
    put("asen", "v2", 1, 90.0)  # a seed without a longer run
    put("asen", "v2", 0, 66.0, "table")
    put("asen", "v2+steps=9000", 0, 67.0)
    put("asen", "v2", 0, 5.0, "smoke")  # of other data
    put("asen", "v2+learning_rate=0.001", 0, 55.0)  # a trial
    put("asen", "v2+learning_rate=0.001", 0, 56.0, "table")
    put("csn", "prein+steps=9000", 2, 50.0, "table")
    put("csn", "prein", 2, 40.0)
    put("random", "default", 0, 16.0)  # nothing is trained
    put("random", "default", 0, 16.0, "table")
    found = more_steps(rows(), "laptop")
    assert list(found) == [OWN, TWICE, MORE]
    assert list(found.index) == [("csn", "prein", 2), ("asen", "v2", 0), ("ipad", "paper+gate=image", 0)]
    assert found.loc["asen"].to_numpy().tolist() == [[60.0, 66.0, 67.0]]
    ipad, csn = found.loc["ipad"].to_numpy()[0], found.loc["csn"].to_numpy()[0]
    assert ipad[:2].tolist() == [70.0, 80.0] and math.isnan(ipad[2])
    assert csn[[0, 2]].tolist() == [40.0, 50.0] and math.isnan(csn[1])
    assert found.equals(more_steps(rows(), "table"))
    monkeypatch.setenv("FASHION_PROFILE", "smoke")  # the rows are chosen by their own profiles
    assert found.equals(more_steps(rows(), "laptop"))
    assert more_steps(rows(), "laptop", metric="top10_acc").empty
    assert more_steps(rows(), "laptop", "macro").loc["asen"].to_numpy()[0, 0] == 30.0


def test_a_run_of_the_profile_stands_before_another_profile_s_run_of_as_many_steps():
    put("asen", "v2", 0, 60.0)
    put("asen", f"v2+steps={TABLE.steps}", 0, 70.0)
    put("asen", "v2", 0, 80.0, "table")
    assert more_steps(rows(), "laptop").to_numpy().tolist() == [[60.0, 80.0]]


def test_rows_of_two_data_sets_are_refused():
    put("asen", "v2", 0, 60.0)
    both = pd.concat([rows(), rows().assign(dataset="wardrobe_darn")])
    with pytest.raises(FashionError, match="on one data set only"):
        more_steps(both, "laptop")


def test_without_longer_runs_the_table_is_empty():
    put("asen", "v2", 0, 60.0)
    put("csn", "prein+steps=9000", 0, 60.0)
    assert more_steps(rows(), "laptop").empty and more_steps(rows(), "smoke").empty


def made_of(method, label, passes, seed=0):
    return {"method": method, "variant": label, "seed": seed, "training_image_passes": passes}


def test_a_dear_row_is_compared_with_the_longest_run_that_costs_no_more():
    rows_of_table = [("random", "default"), ("asen", "v2"), ("haen", "default"), ("ipad", "paper")]
    for method, label, score in (("random", "default", 16.0), ("asen", "v2", 80.0), ("asen", "v2+steps=5760", 84.0),
                                 ("asen", "v2+steps=9000", 89.0), ("asen", "v2+groups=4+steps=5760", 99.0),
                                 ("haen", "default", 85.0), ("ipad", "paper", 83.0)):  # fmt: skip
        put(method, label, 0, score, "table")
    made = pd.DataFrame([
        made_of("random", "default", ""), made_of("asen", "v2", 100), made_of("asen", "v2+steps=5760", 200),
        made_of("asen", "v2+steps=9000", 900), made_of("asen", "v2+groups=4+steps=5760", 100),
        made_of("haen", "default", 250), made_of("ipad", "paper", 200), made_of("ipad", "paper", 1, seed=1),
    ])  # fmt: skip
    found = dearer_and_lower(collect("wardrobe", "table"), made, "table", rows_of_table)
    assert found.to_numpy().tolist() == [["asen", "v2", 200.0, 84.0, "ipad", "paper", 200.0, 83.0]]
    assert dearer_and_lower(collect("wardrobe", "table"), made, "table", rows_of_table, seed=1).empty
