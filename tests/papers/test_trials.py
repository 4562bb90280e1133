"""Trials: which runs are some, which run each is compared with, and which learning rate a method chooses."""

import pytest

from fashion_lib.papers.trials import CHOSEN, COLUMNS, at_chosen_rates, learning_rates, trials, tuning
from fashion_lib.runs import ledger
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


def rated(method, label, score, test, seed=0):
    record = RunRecord(method=method, variant=label, dataset="wardrobe", profile="smoke", seed=seed, minutes=1.0,
                       metrics={"map": {"overall": test, "colour": 99.0}, "validation": {"overall": score}})
    record.save(run_dir("wardrobe", "smoke", method, label, seed) / RECORD_NAME)


def test_each_method_chooses_the_rate_with_the_highest_validation_score():
    rated("csn", "prein", 50.0, 49.0)
    rated("csn", "prein+learning_rate=0.001", 48.0, 60.0)  # higher on test, which decides nothing
    rated("csn", "prein+learning_rate=0.004", 52.0, 48.0)
    rated("asen", "v2", 60.0, 61.0)
    rated("asen", "v2+learning_rate=0.004", 59.0, 58.0)
    rated("asen", "v2", 60.0, 61.0, seed=1)  # one rate alone
    rated("csn", "prein", 53.0, 49.0, seed=1)  # fewer rates than seed 0, so no part of the choice
    rated("csn", "prein+learning_rate=0.004", 51.0, 48.0, seed=1)
    rated("haen", "default", 60.0, 61.0)
    rates = learning_rates(ledger.collect("wardrobe", "smoke"), "smoke")
    assert list(rates) == ["0.001", "0.002", "0.004", *CHOSEN]
    assert rates.loc["csn", "prein", 0].tolist() == [48.0, 50.0, 52.0, "0.004", 49.0, 48.0]
    assert rates.loc["asen", "v2", 0].fillna(-1).tolist() == [-1, 60.0, 59.0, "0.002", 61.0, 61.0]
    assert len(rates) == 2 and rates.index[0][0] == "csn"  # the simplest first
    asen, csn = ("asen", "v2"), ("csn", "prein")
    assert at_chosen_rates(rates, "smoke") == {csn: ("csn", "prein+learning_rate=0.004"), asen: asen}
    assert tuning(rates, ["asen", "csn"]) == "other rates tried, with seed 0: 2 for csn; 1 for asen"
    assert tuning(rates, ["csn"]) == "2 other rates tried for each method, with seed 0"
    assert tuning(rates, ["haen", "csn"]) == "other rates tried, with seed 0: 2 for csn; none for haen"
    assert tuning(rates, ["haen"]) == "no other rate was tried"


def test_without_a_second_rate_there_is_no_line():
    rated("csn", "prein", 50.0, 49.0)
    rates = learning_rates(ledger.collect("wardrobe", "smoke"), "smoke")
    assert rates.empty and not at_chosen_rates(rates, "smoke") and tuning(rates, ["csn"]) == "no other rate was tried"
    nothing = learning_rates(ledger.collect("wardrobe_darn", "smoke"), "smoke")
    assert nothing.empty and tuning(nothing, []) == "no other rate was tried"
