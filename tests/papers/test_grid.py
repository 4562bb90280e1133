import pytest

from fashion_lib.papers import grid
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.reranked import SUFFIX
from fashion_lib.training.profiles import PROFILES

LAPTOP = PROFILES["laptop"]


@pytest.fixture(scope="module")
def wanted():
    return grid.wanted_runs(LAPTOP)


def test_no_run_is_wanted_twice(wanted):
    names = [(run.recorded_dataset, run.method, run.label, run.seed) for run in wanted]
    assert len(names) == len(set(names)) > 200


def test_every_label_can_be_trained(wanted):
    for method, label in {(run.method.removesuffix(SUFFIX), run.label) for run in wanted}:
        checked_label(method, label, LAPTOP)


def test_rows_whose_order_is_claimed_have_five_seeds_and_others_three(wanted):
    seeds = {}
    for run in wanted:
        seeds.setdefault((run.dataset, run.method, run.label), set()).add(run.seed)
    assert seeds["wardrobe", "asen", "v2"] == set(grid.CLAIM_SEEDS)
    assert seeds["wardrobe_darn", "asen", "v2+labels=all+sampling=all_labels"] == set(grid.SEEDS)
    only_first = {label for (_, _, label), found in seeds.items() if found == {0}}
    assert all("passes=" in label or "learning_rate=" in label for label in only_first)


def test_every_trained_method_of_table_1_has_the_same_number_of_trials(wanted):
    tried = {}
    for run in wanted:
        if run.shown_in == "learning-rate trials":
            rates = checked_label(run.method, run.label, LAPTOP).profile.learning_rate
            tried.setdefault((run.method, run.label.partition("+")[0]), []).append(rates / LAPTOP.learning_rate)
    assert {method for method, _ in tried} >= {"triplet", "csn", "asen", "ag_mlan", "rpf", "ipad"}
    assert all(sorted(rates) == sorted(grid.TRIED_RATES) for rates in tried.values())


def test_a_run_of_the_ledger_is_not_missing(monkeypatch, wanted):
    real = grid.ledger.collect("wardrobe", "laptop").iloc[:0]
    row = {"dataset": "wardrobe", "method": "asen", "variant": "v2", "seed": 1}
    table = real.reindex([0]).astype("object").assign(**row)

    def collected(dataset, profile):
        return table if dataset == "wardrobe" else real

    monkeypatch.setattr(grid.ledger, "collect", collected)
    missing = grid.missing_runs(LAPTOP)
    assert len(missing) == len(wanted) - 1
    assert not [run for run in missing if (run.dataset, run.method, run.label, run.seed) == tuple(row.values())]


def test_the_overview_lists_the_seeds_of_a_row(wanted):
    table = grid.overview(wanted)
    asen = table[(table["dataset"] == "wardrobe") & (table["method"] == "asen")]
    assert asen.set_index("label")["seed"].to_dict() == {
        "v2": "0, 1, 2, 3, 4", "v2+learning_rate=0.001": "0", "v2+learning_rate=0.004": "0"
    }  # fmt: skip
