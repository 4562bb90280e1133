"""A stored run gains a figure from its checkpoint: the one that a fresh run has, with nothing trained anew."""

import json

import pytest
from tiny_data import tiny_data

from fashion_lib.__main__ import main
from fashion_lib.core.errors import FashionError
from fashion_lib.runs import ledger, stored
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import (
    add_missing_retrieval_scores,
    add_retrieval_scores,
    folder_of,
    profile_of,
    stored_model,
)
from fashion_lib.tasks.retrieval import chosen_beta
from fashion_lib.tasks.retrieval.triplet_prediction import METRICS, fixed_lists, predict_triplets
from fashion_lib.training import loop
from fashion_lib.training.profiles import get_profile

DATA = tiny_data(90)
PROFILE = get_profile("smoke").with_options(steps=3, batch_size=12, start="random")
METHODS = {"random": {}, "ag_mlan": {"branch1": False}, "rpf": {"image_scale": 1}}


@pytest.fixture
def runs(project):
    made = {method: load_or_train(method, profile=PROFILE, data=DATA, seed=1, options=options, progress=False)
            for method, options in METHODS.items()}
    return {method: run.record for method, run in made.items()}


def forget(record):
    """Take the figures out of the record's file, as if it had been stored before they existed."""
    path = folder_of(record) / RECORD_NAME
    content = json.loads(path.read_text())
    for metric in {*METRICS, *chosen_beta.METRICS} & set(content["metrics"]):
        del content["metrics"][metric]
    path.write_text(json.dumps(content))
    return RunRecord.load(path)


def test_a_new_run_has_the_figures_and_its_rows_fit_the_ledger(runs):
    record = runs["ag_mlan"]
    expected = predict_triplets(stored_model(record, DATA), DATA, fixed_lists(DATA), precision=record.precision)
    assert record.metrics["triplet_accuracy"]["overall"] == 100 * expected.accuracy["overall"]
    assert record.metrics["triplet_loss"] == expected.loss
    table = ledger.rows(record)
    assert tuple(table) == ledger.COLUMNS
    assert table[table["metric"] == "triplet_accuracy"]["attribute"].to_list() == [*DATA.schema.names, "overall"]


def test_the_curves_over_beta_come_back_from_the_ledgers_file(runs, tmp_path):
    record = runs["rpf"]
    ledger.write_ledger(ledger.rows(record), tmp_path)
    table = ledger.read_ledger(tmp_path)
    for metric in chosen_beta.CURVES.values():
        stored_curve = table[table["metric"] == metric]
        assert stored_curve["attribute"].to_list() == [str(k / 10) for k in range(11)]
        assert stored_curve["value"].to_list() == pytest.approx([*record.metrics[metric].values()], abs=1e-4)


def test_a_run_without_weights_is_left_out_with_a_warning(runs, monkeypatch):
    monkeypatch.setattr(stored, "load_dataset", lambda *names: DATA)
    for record in runs.values():
        forget(record)
    (folder_of(runs["rpf"]) / "best.safetensors").unlink()
    with pytest.warns(UserWarning, match=r"rpf.* has no best\.safetensors and is left out"):
        assert {record.method for record in add_missing_retrieval_scores()} == {"random", "ag_mlan"}


@pytest.mark.parametrize("method", METHODS)
def test_a_stored_run_gains_them_without_training(method, runs, monkeypatch):
    monkeypatch.setattr(loop, "training_step", None)
    old = forget(runs[method])
    checkpoint = folder_of(old) / "best.safetensors"
    before = checkpoint.read_bytes()
    assert add_retrieval_scores(old, DATA) == runs[method]  # to the last bit, commit and time of making included
    assert RunRecord.load(folder_of(old) / RECORD_NAME) == runs[method]
    assert checkpoint.read_bytes() == before
    monkeypatch.setattr(stored, "stored_model", None)
    assert add_retrieval_scores(runs[method], DATA) == runs[method]  # and what has them is left alone


def test_only_what_a_record_lacks_is_measured(runs, monkeypatch):
    path = folder_of(runs["rpf"]) / RECORD_NAME
    content = json.loads(path.read_text())
    for metric in chosen_beta.METRICS:
        del content["metrics"][metric]
    path.write_text(json.dumps(content))
    monkeypatch.setattr(stored.triplet_prediction, "scores", None)
    assert add_retrieval_scores(RunRecord.load(path), DATA) == runs["rpf"]


def test_all_records_that_lack_them_are_found(runs, monkeypatch, capsys):
    loaded = []
    monkeypatch.setattr(stored, "load_dataset", lambda *names: loaded.append(names) or DATA)
    assert list(add_missing_retrieval_scores()) == []
    for record in runs.values():
        forget(record)
    assert list(add_missing_retrieval_scores("tiny", "laptop")) == []
    assert main(["retrieval-scores", "--dataset", "tiny"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        str(folder_of(record)) for record in sorted(runs.values(), key=lambda record: record.method)
    ]
    assert loaded == [("tiny", PROFILE)]  # with the departures of the variant's label, and once for both
    assert {record.method: record for record in ledger.local_records()} == runs


def test_the_label_leads_back_to_the_profile(runs):
    for record in runs.values():
        assert "steps=3" in record.variant and profile_of(record) == PROFILE


def test_other_data_and_lost_checkpoints_are_named(runs):
    record = runs["ag_mlan"]
    with pytest.raises(FashionError, match=r"'version': '1\+\w+', 'images': 90.* but .*'images': 60.* came"):
        stored_model(record, tiny_data(60))
    (folder_of(record) / "best.safetensors").unlink()
    with pytest.raises(FashionError, match=r"no checkpoint .*best\.safetensors"):
        stored_model(record, DATA)
