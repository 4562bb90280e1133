"""Disentanglement in a run's record, against loops; and stored runs that are found by their names and gain it."""

import json

import numpy as np
import pytest
from tiny_manipulation import SCHEMA, tiny_manipulation

from fashion_lib.__main__ import main
from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.runs import stored as stored_runs
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import add_missing_retrieval_scores, add_missing_scores, folder_of, labelled_run
from fashion_lib.tasks.manipulation import manipulation_task
from fashion_lib.tasks.manipulation.disentanglement import (
    manipulation_features,
    prediction_changes,
    represent_pixels,
    shifts,
    twin_features,
    twin_pictures,
    typical_distances,
)
from fashion_lib.tasks.manipulation.disentanglement_scores import METRICS, disentanglement_scores
from fashion_lib.tasks.manipulation.manipulation_data import load_manipulation
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows
from fashion_lib.training import loop
from fashion_lib.training.profiles import get_profile

DATA = tiny_manipulation(90)
PROFILE = get_profile("smoke").with_options(steps=3, batch_size=12, image_size=32, evaluations=1, start="random")


@pytest.fixture(scope="module")
def wardrobe():
    return load_manipulation("wardrobe", get_profile("smoke"))


@pytest.mark.parametrize("method", ["adde_m", "amnet"])
@pytest.mark.slow
def test_means_over_pairs_of_picture_and_attribute_by_loops(method, wardrobe):
    data = wardrobe
    model = build_model(method, data.schema, start="random", dim=5)
    model.initialise_memory(represent_rows(model, data, range(data.labels.matrix.shape[1])))
    found = disentanglement_scores(model, data)
    assert model.training
    model.eval()
    before, after, changed = manipulation_features(model, data)
    named = prediction_changes(model, before, after)
    known, names = data.labels.known[data.queries("test").query], data.schema.names
    own, others = {name: [] for name in names}, {name: [] for name in names}
    for b in range(len(before)):
        (which,) = np.flatnonzero(changed[b])
        for a in range(len(names)):
            if a == which:
                own[names[which]].append(100 * named[b, a])
            elif known[b, a]:
                others[names[which]].append(100 * named[b, a])
    for metric, lists in (("operation_renamed_own", own), ("operation_renamed_others", others)):
        expected = {name: np.mean(part) for name, part in lists.items() if part}
        expected["overall"] = np.mean(sum(lists.values(), []))
        assert found[metric] == pytest.approx(expected)
    if method == "amnet":  # one feature for everything: classifiers, but no subspaces
        assert set(found) == {name for name in METRICS if "renamed" in name}
        return
    assert set(found) == set(METRICS)
    typical = typical_distances(model, represent_rows(model, data, data.rows("test", "candidate")))
    rows, pixels, redrawn = twin_pictures(data)
    moved = shifts(model, represent_rows(model, data, rows), represent_pixels(model, pixels), typical)
    assert found["twin_moved_own"]["overall"] == pytest.approx(moved[redrawn].mean())
    asked = [moved[b, a] for b in range(len(rows)) for a in range(len(names))
             if not redrawn[b, a] and data.labels.known[rows[b], a]]  # fmt: skip
    assert found["twin_moved_others"]["overall"] == pytest.approx(np.mean(asked))
    assert np.allclose(twin_features(model, data)[0], represent_rows(model, data, rows))


@pytest.fixture
def stored(project):
    options = {"attention": False, "loss": "plain", "dim": 4}
    run = load_or_train("yao2026", profile=PROFILE, data=DATA, options=options, progress=False)
    return run.record


def test_a_name_leads_to_settings_options_and_task(monkeypatch):
    given = []
    monkeypatch.setattr(stored_runs, "load_or_train", lambda *a, **k: given.append((a, k)))
    label = "default+attention=False+attributes=garment-colour+changes=2+learning_rate=0.0005+loss=plain+start=random"
    labelled_run("yao2026", label, profile=get_profile("smoke"), seed=3)
    labelled_run("amnet", "default", dataset="clothing", profile=get_profile("smoke"), seed=0)
    (arguments, first), (_, second) = given
    assert arguments == ("yao2026",) and first["seed"] == 3 and first["variant"] == "default"
    assert first["profile"] == get_profile("smoke").with_options(learning_rate=0.0005, start="random")
    assert first["options"] == {"attention": False, "loss": "plain"}
    assert (first["attributes"], first["changes"]) == (["garment", "colour"], 2)
    assert (second["dataset"], second["options"], second["attributes"], second["changes"]) == ("clothing", {}, None, 1)
    with pytest.raises(FashionError, match="does not take the options"):
        monkeypatch.undo()
        monkeypatch.setattr(manipulation_task, "load_manipulation", lambda *_, **__: DATA)
        labelled_run("amnet", "default+depth=3", profile=PROFILE, seed=0)


def test_a_stored_run_gains_what_it_lacks_without_training(stored, monkeypatch, capsys):
    monkeypatch.setattr(manipulation_task, "load_manipulation", lambda *_, **__: DATA)
    monkeypatch.setattr(loop, "training_step", None)
    assert list(add_missing_scores()) == []
    path = folder_of(stored) / RECORD_NAME
    content = json.loads(path.read_text())
    kept = {name: row for name, row in content["metrics"].items() if name not in (*METRICS, "top1_acc")}
    content["metrics"] = kept | {"ndcg30": {"overall": 0.123}}  # what a record has is never measured again
    path.write_text(json.dumps(content))
    assert list(add_missing_scores(profile="laptop")) == []
    assert main(["manipulation-scores"]) == 0
    assert capsys.readouterr().out.split()[0] == str(folder_of(stored))
    stored.metrics["ndcg30"] = {"overall": 0.123}
    assert RunRecord.load(path) == stored
    path.write_text(json.dumps(content))
    (folder_of(stored) / "last.safetensors").unlink()
    with pytest.warns(UserWarning, match=r"has no last\.safetensors and is left out: .* delete the folder"):
        assert list(add_missing_scores()) == []


def test_triplets_are_not_asked_of_manipulation_runs(stored):
    assert list(add_missing_retrieval_scores()) == []


def test_attributes_of_the_tiny_schema_are_scored(stored):
    assert set(stored.metrics["operation_renamed_own"]) <= {*SCHEMA.names, "overall"}
