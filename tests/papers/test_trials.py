"""Trials: which runs are some, and which run each is compared with."""

import pytest

from fashion_lib.papers.trials import COLUMNS, trials
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir

pytestmark = pytest.mark.usefixtures("project")


def put(method, label, seed, score):
    record = RunRecord(method=method, variant=label, dataset="wardrobe", profile="smoke", seed=seed, minutes=1.0,
                       metrics={"map": {"overall": 1.0}, "validation": {"overall": score}})
    record.save(run_dir("wardrobe", "smoke", method, label, seed) / RECORD_NAME)


def test_a_trial_stands_beside_the_run_that_differs_in_nothing_else():
    put("haen", "default+steps=240", 0, 70.0)  # there is no run with the shared settings
    put("asen", "v2", 0, 60.0)
    put("asen", "v2", 1, 58.0)
    put("asen", "v2+learning_rate=0.001", 0, 61.5)
    put("asen", "v2+channel=False", 0, 50.0)  # another model, so no trial
    put("asen", "v2+channel=False+groups=4+mining=all", 0, 49.0)
    put("asen", "v2+start=reconstruction", 0, 59.0)  # a row of a table
    put("csn", "prein+start=random+steps=20", 0, 59.0)  # and another one
    table = trials(profile="smoke")
    assert list(table) == COLUMNS
    assert table.iloc[0].tolist() == ["asen", "v2+channel=False", "groups=4, mining=all", 0, 49.0, 50.0, -1.0]
    assert table.iloc[1].tolist() == ["asen", "v2", "learning_rate=0.001", 0, 61.5, 60.0, 1.5]
    assert table.iloc[2, :5].tolist() == ["haen", "default", "steps=240", 0, 70.0]
    assert table.iloc[2, 5:].isna().all() and len(table) == 3


def test_nothing_tried_is_an_empty_table():
    assert trials(profile="smoke").empty
