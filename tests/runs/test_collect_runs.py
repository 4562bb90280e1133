"""The committed list of runs and this machine's runs in one table."""

import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.runs.run_list import (
    COLUMNS,
    collect_runs,
    computed,
    mixed_pairs,
    provenance,
    queries_of,
    split_note,
    trained_only,
    write_runs,
)


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(paths, "runs_dir", lambda: tmp_path / "runs")
    monkeypatch.setattr(paths, "run_list_file", lambda: tmp_path / "runs.csv")


def record(seed=0, method="asen", passes: object = 640, **changes) -> RunRecord:
    settings = {"method": method, "variant": "v2", "dataset": "wardrobe", "profile": "smoke", "seed": seed,
                "metrics": {}, "minutes": 1.04, "commit": "committed", "precision": "bf16", "parameters": 1234,
                "config": {"training_image_passes": passes, "data_version": "5"}}  # fmt: skip
    return RunRecord(**(settings | changes))


def save(one: RunRecord) -> None:
    one.save(run_dir(one.dataset, one.profile, one.method, one.variant, one.seed) / RECORD_NAME)


def test_nothing_anywhere_is_a_table_without_rows():
    found = collect_runs("wardrobe", "smoke")
    assert found.empty and list(found.columns) == list(COLUMNS)
    assert provenance(found).empty


@pytest.mark.parametrize("committed", [True, False])
def test_one_of_the_two_places_is_enough(committed):
    if committed:
        write_runs([record()])
    else:
        save(record())
    assert collect_runs("wardrobe", "smoke")["commit"].tolist() == ["committed"]


def test_this_machines_run_replaces_the_committed_one_and_the_others_stay():
    write_runs([record(0), record(1)])
    save(record(1, commit="local", minutes=9.0))
    save(record(2, commit="local"))
    found = collect_runs("wardrobe", "smoke")
    assert dict(zip(found["seed"], found["commit"], strict=True)) == {0: "committed", 1: "local", 2: "local"}
    assert found.index.tolist() == [0, 1, 2]
    assert found.loc[found["seed"] == 1, "minutes"].item() == 9.0


@pytest.mark.parametrize("other", [{"dataset": "clothing"}, {"profile": "laptop"}])
def test_another_data_set_or_profile_is_left_out(other):
    write_runs([record(0), record(1, **other)])
    save(record(2, **other))
    assert collect_runs("wardrobe", "smoke")["seed"].tolist() == [0]


def test_a_run_of_other_data_than_the_newest_one_stands_in_no_table(recwarn):
    old = {"config": {"data_version": "4+aa"}, "created": "2026-01-01T00:00:00+00:00"}
    new = {"config": {"data_version": "5+bb"}, "created": "2026-02-01T00:00:00+00:00"}
    write_runs([record(0, **old), record(1, **new), record(0, method="csn", **old)])
    found = collect_runs("wardrobe", "smoke")
    assert found[["method", "seed"]].to_numpy().tolist() == [["asen", 1]] and found.index.tolist() == [0]
    assert not recwarn  # the ledger says it once


def test_provenance_has_one_row_for_each_method_and_variant():
    write_runs([record(0), record(1, minutes=2.0), record(0, method="csn", passes=320, parameters=10)])
    save(record(2, commit="local", minutes=3.0))
    found = provenance(collect_runs("wardrobe", "smoke"))
    assert found.index.tolist() == [("asen", "v2"), ("csn", "v2")] and set(map(str, found.dtypes)) == {"object"}
    asen = found.loc[("asen", "v2")]
    assert asen["seeds"] == "0, 1, 2" and asen["commit"] == "committed, local" and asen["passes"] == "640"
    assert asen["parameters"] == 1234 and asen["minutes"] == 2.0 and asen["data"] == "5"
    assert found.loc[("csn", "v2"), "passes"] == "320"


@pytest.mark.parametrize("saved", ["committed", "local"])
def test_a_run_without_image_passes_stands_beside_those_with_them(saved):
    write_runs([record(0, passes=640), record(0, method="ipad+fr", passes="")])
    if saved == "local":
        save(record(1, passes=640))
        save(record(1, method="ipad+fr", passes=""))
    found = provenance(collect_runs("wardrobe", "smoke"))
    assert found["passes"].tolist() == ["640", ""]


@pytest.mark.parametrize("name", ["2024", "007", "1e5", "inf", "true", "nan", "null", "0x10"])
def test_names_that_look_like_numbers_stay_names(name):
    write_runs([record(dataset=name, commit=name)])
    save(record(1, dataset=name, commit=name, precision=name))
    found = collect_runs(name, "smoke")
    assert found["commit"].tolist() == [name, name] and found["dataset"].tolist() == [name, name]
    assert provenance(found)["commit"].item() == name and found["seed"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("dataset", "version", "own"),
    [("darn", "1-own-ab12+cd", True), ("darn", "1-own-crop-ab12+cd", True), ("darn", "1-papers-ab12+cd", False),
     ("darn_manipulation", "1-own-ab12+cd", True), ("mine", "1-own-ab12+cd", False)],
)  # fmt: skip
def test_a_split_that_was_drawn_here_is_said_beside_its_numbers(dataset, version, own):
    assert split_note(dataset, "smoke") == ""
    save(record(dataset=dataset, config={"data_version": version}))
    assert split_note(dataset, "smoke") == (", NOT the papers' split" if own else "")


def test_a_caption_says_on_which_processors_and_in_which_precisions_runs_were_trained():
    hardware = ["A CPU, 2 cores", "A GPU; B CPU, 16 cores; then A CPU, 4 cores", None, "A CPU, 2 cores"]
    made = pd.DataFrame({"precision": ["bf16", "fp32", None, "bf16"], "hardware": hardware,
                         "method": ["asen", "rpf", "asen", "csn"], "variant": ["v2", "paper", "v2", "x"]})  # fmt: skip
    assert computed(made) == "precision bf16, but fp32 for rpf, on A CPU and A GPU with B CPU"
    assert computed(made.assign(method="asen")).startswith("precision bf16, but fp32 for asen paper, on A CPU")
    assert computed(made[:1]) == "precision bf16, on A CPU"
    assert computed(made[:0]) == ""


def test_the_number_of_queries_is_said_once_for_all_runs_that_share_it():
    write_runs([record(0, counts={"queries": {"a": 700, "b": 18}, "candidates": {"a": 2882}}), record(1)])
    found = collect_runs("wardrobe", "smoke")
    assert queries_of(found[:1]) == "718 queries" and queries_of(found[:0]) == ""
    assert queries_of(found) == "0 queries or 718 queries"


def test_a_comparison_counts_the_seeds_whose_runs_are_of_two_processors():
    put = [record(0, hardware="A, 2 cores"), record(1, hardware="A, 2 cores"), record(2, hardware="A, 2 cores")]
    put += [record(0, method="csn", hardware="A, 4 cores"), record(1, method="csn", hardware="B, 2 cores"),
            record(0, method="random", hardware="B, 2 cores")]  # fmt: skip
    write_runs(put)
    steps = {"CSN < ASEN": [("csn", "v2"), ("asen", "v2")], "random < ASEN": [("random", "v2"), ("asen", "v2")]}
    assert mixed_pairs(collect_runs("wardrobe", "smoke"), steps) == {"CSN < ASEN": 1, "random < ASEN": 0}


def test_of_no_run_nothing_is_said():
    nothing = collect_runs("wardrobe", "smoke")
    assert mixed_pairs(nothing, {"CSN < ASEN": [("csn", "v2"), ("asen", "v2")]}) == {"CSN < ASEN": 0}
    assert computed(trained_only(nothing)) == queries_of(nothing) == ""
