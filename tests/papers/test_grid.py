import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers import grid
from fashion_lib.papers.imagenet_start import imagenet_rows
from fashion_lib.papers.ipad_tables import METHOD_ROWS, labelled
from fashion_lib.papers.paper_runs import runs_on
from fashion_lib.runs.labels import checked_label, recorded_label
from fashion_lib.runs.record import base_method
from fashion_lib.training.profiles import PROFILES
from fashion_lib.workflow import missing_runs as missing
from fashion_lib.workflow.missing_runs import train_missing

LAPTOP, TABLE = PROFILES["laptop"], PROFILES["table"]


@pytest.fixture(scope="module")
def wanted():
    return grid.wanted_runs(LAPTOP)


def test_no_run_is_wanted_twice(wanted):
    names = [(run.recorded_dataset, run.method, run.label, run.seed) for run in wanted]
    assert len(names) == len(set(names)) > 200


def test_every_label_can_be_trained(wanted):
    for method, label in {(base_method(run.method), run.label) for run in wanted}:
        assert checked_label(method, label, LAPTOP).variant in METHODS[method].variants


def test_rows_whose_order_is_claimed_have_five_seeds_and_others_three(wanted):
    seeds = {}
    for run in wanted:
        seeds.setdefault((run.dataset, run.method, run.label), set()).add(run.seed)
    assert seeds["wardrobe", "asen", "v2"] == set(grid.CLAIM_SEEDS)
    assert seeds["wardrobe_darn", "asen", "v2+labels=all+sampling=all_labels"] == set(grid.SEEDS)
    only_first = {label for (_, _, label), found in seeds.items() if found == {0}}
    once = ("passes=", "learning_rate=")
    assert all(any(change in label for change in once) for label in only_first)


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


def test_imagenet_weights_are_tried_at_the_profile_of_the_tables_alone(wanted):
    of_tables = set(grid.wanted_runs(TABLE))
    more = of_tables - set(wanted)
    assert not set(wanted) - of_tables
    tried = {run for run in more if run.shown_in == "ImageNet weights"}
    assert {(run.method, run.label) for run in tried} == set(imagenet_rows()) and len(tried) == 16
    for run in more:
        checked_label(base_method(run.method), run.label, TABLE)


def test_the_whole_grid_is_the_drawn_wardrobes(wanted):
    assert runs_on("wardrobe", LAPTOP) == wanted


@pytest.mark.parametrize("name", ["fashionai", "darn", "deepfashion"])
def test_a_real_set_needs_every_row_of_its_tables_as_the_tables_look_it_up(name):
    runs = runs_on(name, LAPTOP)
    assert {run.dataset for run in runs} == {name} and {run.seed for run in runs} == set(grid.SEEDS)
    found = {(run.method, run.label) for run in runs}
    assert found >= set(labelled(METHOD_ROWS, name).values()) | {("ag_mlan", "paper")}
    assert (("ipad", "paper+gate=image+iteration=identical") in found) is False  # printed rows alone


def test_zappos_has_the_rows_of_its_table_and_adde_those_of_manipulation():
    zappos = {run.method: run.label for run in runs_on("zappos50k", LAPTOP)}
    assert set(zappos) == {"csn", "asen", "attnfashion", "isln", "ag_mlan"}
    assert zappos["ag_mlan"] == "paper+branch1=False"  # AG-MLAN, section 4.1
    adde, shop = runs_on("deepfashion_adde", LAPTOP), runs_on("shopping100k", LAPTOP)
    assert {run.method for run in adde} == {"image_only", "amnet", "adde_m", "yao2026"}
    assert [(run.method, run.label, run.seed) for run in shop] == [(run.method, run.label, run.seed) for run in adde]


def test_the_labels_of_a_data_sets_runs_can_be_trained():
    for name in ("fashionai", "zappos50k", "deepfashion_adde", "mine"):
        for run in runs_on(name, LAPTOP):
            method = base_method(run.method)
            assert recorded_label(method, run.label, LAPTOP) == run.label  # so a finished run is found


def test_missing_runs_of_an_unknown_or_absent_set_are_one_sentence(project):
    with pytest.raises(FashionError, match="DATASET names 'dran', which is no data set: did you mean 'darn'"):
        train_missing("smoke", dataset="dran")
    with pytest.raises(FashionError, match="'darn' is not in .*darn"):
        train_missing("smoke", dataset="darn")


def test_fashion_profile_overrides_the_profile_of_all_that_is_trained(project, monkeypatch):
    planned = []
    monkeypatch.setattr(missing, "carry_out", lambda phases, at_once: planned.extend(sum(phases, [])))
    monkeypatch.setenv("FASHION_PROFILE", "smoke")
    with pytest.raises(FashionError, match="5 of these runs are finished, but of other data or of another edition"):
        train_missing("table", first=5)  # they are missing all the same
    wanted, again = missing.missing_runs, iter([None, []])
    monkeypatch.setattr(missing, "missing_runs", lambda *given: wanted(*given) if next(again) is None else [])
    planned.clear()
    assert train_missing("table", first=5) == 5 == len(planned)
    assert {run.profile for job in planned for run in job.runs} == {"smoke"}
