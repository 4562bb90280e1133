"""What stands beside a run (its reranker, its weights) is checked when it is read."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_data import tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.runs.reranked import FILE, ReasoningConfig, load_or_rerank
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.stored import folder_of, stored_model
from fashion_lib.training.checkpoint import read_checkpoint, write_checkpoint
from fashion_lib.training.profiles import get_profile

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stored_damage")]  # the runs are made once

DATA = tiny_data(90, pixels=np.random.default_rng(0).integers(0, 256, (90, 64, 64, 3), dtype=np.uint8))
PROFILE = get_profile("smoke").with_options(
    image_size=64, steps=2, batch_size=12, groups=2, evaluations=1, start="random"
)
CONFIG = ReasoningConfig(samples=20, nodes=4, steps=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two seeds of one method, both with rerankers."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASHION_RUNS", str(folder))
        runs = [load_or_train("asen_pp", profile=PROFILE, data=DATA, seed=seed, options={"image_scale": 1},
                              progress=False) for seed in (0, 1)]  # fmt: skip
        for run in runs:
            load_or_rerank(run, CONFIG)
    return folder, *runs


@pytest.fixture
def runs(made, tmp_path, monkeypatch):
    folder, *runs = made
    shutil.copytree(folder, tmp_path / "runs")
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("fashion_lib.runs.reranked.train_reasoning", None)  # nothing is made anew
    return runs


def reranker_of(run):
    base = run.record
    return run_dir(base.dataset, base.profile, base.method + "+fr", base.variant, base.seed) / FILE


def one_sentence(act, match=None):
    with pytest.raises(FashionError, match=match) as caught:
        act()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 900


def test_what_is_whole_is_read(runs):
    for run in runs:
        assert load_or_rerank(run, CONFIG).record.method == "asen_pp+fr"
        assert stored_model(run.record, DATA).embedding_dim == run.model.embedding_dim


def test_files_of_earlier_versions_do_not_name_their_run(runs):
    run, _ = runs
    path = reranker_of(run)
    tensors, state = read_checkpoint(path)
    del state["run"]
    write_checkpoint(path, tensors, state)
    load_or_rerank(run, CONFIG)


STATES = {
    "empty": lambda s: s.clear(),
    "no losses": lambda s: s.pop("losses"),
    "losses are text": lambda s: s.update(losses="low"),
    "a loss is text": lambda s: s.update(losses=["low"]),
    "a loss is null": lambda s: s.update(losses=[None]),
    "used is a number": lambda s: s.update(used=1),
    "no valid": lambda s: s.pop("valid"),
    "valid is a list": lambda s: s.update(valid=[]),
    "valid has one part": lambda s: s["valid"].pop("after"),
    "valid has three parts": lambda s: s["valid"].update(more=s["valid"]["after"]),
    "scores are text": lambda s: s["valid"]["after"].update(scores="good"),
    "a score is text": lambda s: s["valid"]["after"]["scores"]["map"].update(overall="good"),
    "no scores": lambda s: s["valid"]["after"].pop("scores"),
    "a count is a number with a point": lambda s: s["valid"]["after"]["queries"].update(collar=1.5),
    "more": lambda s: s.update(more=1),
    "more scores": lambda s: s["valid"]["after"].update(more=1),
    "config is text": lambda s: s.update(config="default"),
    "config is another": lambda s: s["config"].update(rounds=2),
    "config is short": lambda s: s["config"].pop("rho"),
    "run is text": lambda s: s.update(run="asen_pp"),
    "run is another": lambda s: s["run"].update(method="rpf"),
    "data are others": lambda s: s["run"].update(data_version="7"),
}


@pytest.mark.parametrize("damage", STATES)
def test_a_rerankers_wrong_state_is_one_sentence(damage, runs):
    path = reranker_of(runs[0])
    tensors, state = read_checkpoint(path)
    STATES[damage](state)
    write_checkpoint(path, tensors, state)
    one_sentence(lambda: load_or_rerank(runs[0], CONFIG))


TENSORS = {
    "one lost": lambda t: t.pop(min(t)),
    "one more": lambda t: t.update(more=torch.ones(1)),
    "another shape": lambda t: t.update({min(t): torch.ones(3)}),
    "another dtype": lambda t: t.update({min(t): t[min(t)].double()}),
    "none": lambda t: t.clear(),
}


@pytest.mark.parametrize("damage", TENSORS)
def test_wrong_tensors_are_one_sentence(damage, runs):
    run, _ = runs
    for path, read in (
        (reranker_of(run), lambda: load_or_rerank(run, CONFIG)),
        (folder_of(run.record) / "best.safetensors", lambda: stored_model(run.record, DATA)),
    ):
        tensors, state = read_checkpoint(path)
        TENSORS[damage](tensors)
        write_checkpoint(path, tensors, state)
        one_sentence(read, path.name)


def test_another_runs_files_are_refused(runs):
    run, other = runs
    for path, source, read, words in (
        (reranker_of(run), reranker_of(other), lambda: load_or_rerank(run, replace(CONFIG, seed=0)), "another run"),
        (*(folder_of(r.record) / "best.safetensors" for r in runs), lambda: stored_model(run.record, DATA),
         "another run .seed 1 instead of 0"),
        (reranker_of(run).with_name(RECORD_NAME), reranker_of(other).with_name(RECORD_NAME),
         lambda: RunRecord.load(reranker_of(run).with_name(RECORD_NAME)), "another run"),
    ):  # fmt: skip
        shutil.copy(source, path)
        one_sentence(read, words)


@pytest.mark.parametrize("damage", [
    lambda s: s.pop("data"), lambda s: s.update(data=[]), lambda s: s.pop("architecture"),
    lambda s: s.update(architecture={}), lambda s: s["architecture"].update(options=[]),
    lambda s: s["architecture"].update(method="nothing"), lambda s: s["architecture"].update(variant=3),
    lambda s: s["architecture"].update(backbone="alexnet"), lambda s: s.update(attributes=None),
    lambda s: s["config"].update(margin=0.9), lambda s: s["config"].update(seed=4), lambda s: s.update(more=1),
])  # fmt: skip
def test_weights_with_a_wrong_state_are_one_sentence(damage, runs):
    path = folder_of(runs[0].record) / "best.safetensors"
    tensors, state = read_checkpoint(path)
    damage(state)
    write_checkpoint(path, tensors, state)
    one_sentence(lambda: stored_model(runs[0].record, DATA))


def test_a_lost_reranker_is_named(runs):
    reranker_of(runs[0]).unlink()
    one_sentence(lambda: load_or_rerank(runs[0], CONFIG), f"There is no checkpoint .*{FILE}")


def test_the_copy_for_readers_decides_nothing(runs):
    copy = reranker_of(runs[0]).with_suffix(".json")
    assert json.loads(copy.read_text())["run"]["seed"] == 0
    copy.write_text("x")
    load_or_rerank(runs[0], CONFIG)
