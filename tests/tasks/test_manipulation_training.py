"""Two stages in the one loop: resumed equals unbroken, and a run from names to a stored record."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from kill_and_resume import kill_again_and_again
from tiny_manipulation import SCHEMA, tiny_manipulation

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import MANIPULATION_METHODS, build_model
from fashion_lib.runs import ledger
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run import load_or_train
from fashion_lib.runs.run_setup import training_config
from fashion_lib.tasks.manipulation.accuracy import classification_accuracy
from fashion_lib.tasks.manipulation.disentanglement_scores import METRICS as DISENTANGLEMENT
from fashion_lib.tasks.manipulation.manipulation_evaluation import evaluate_manipulation
from fashion_lib.tasks.manipulation.manipulation_metrics import METRICS
from fashion_lib.tasks.manipulation.manipulation_task import (
    MANIPULATION,
    AttributeManipulation,
    ManipulationConfig,
    TupleSampler,
    stage_1_accuracy,
)
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.profiles import get_profile

train = partial(loop.train, task=MANIPULATION)
TIMES = ("images_per_second", "seconds", "evaluation_seconds")
PROFILE = get_profile("smoke").with_options(steps=4, batch_size=12, image_size=32, evaluations=1, start="random")


@pytest.fixture(scope="module")
def data():
    return tiny_manipulation(90)


def config(**changes):
    settings = {"steps": 8, "batch_size": 12, "evaluations": 2, "precision": "fp32", "device": "cpu",
                "checkpoint_every": 3}  # fmt: skip
    return ManipulationConfig(**(settings | changes))


def model_of(method="yao2026", **settings):
    return build_model(method, SCHEMA, **({"start": "random", "dim": 4} | settings))


def without_times(history):
    plain = dataclasses.asdict(history)
    for entry in plain["entries"]:
        entry.pop("images_per_second")
    return {name: value for name, value in plain.items() if name not in TIMES}


def same(one, two):
    one, two = one.state_dict(), two.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("method", ["adde_m", "yao2026"])
@pytest.mark.slow
def test_killed_anywhere_and_resumed_equals_unbroken(method, data, tmp_path, monkeypatch):
    unbroken = model_of(method)
    expected = train(unbroken, data, config(), tmp_path / "unbroken", progress=False)
    folder = tmp_path / "killed"
    # At step 2, in stage 1; at 4, the border, where it goes on from the checkpoint of step 3; at 5, in stage 2.
    lives = (2, 4, 2)
    kill_again_and_again(
        monkeypatch, lives, lambda: train(model_of(method), data, config(), folder, progress=False)
    )
    torch.rand(3)
    resumed = model_of(method, seed=7)
    history = train(resumed, data, config(), folder, progress=False)
    assert same(resumed, unbroken) and without_times(history) == without_times(expected)
    for name in ("last", "best"):
        one, two = (read_checkpoint(part / f"{name}.safetensors")[0] for part in (folder, tmp_path / "unbroken"))
        assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)
    assert expected.measure == "Top-10 accuracy" and expected.image_passes == 8 * 12
    assert [e["step"] for e in expected.entries if e["valid_map"] is not None] == [6, 8]
    assert "off_block" not in expected.entries[3] and "off_block" in expected.entries[4]  # memory after 4 steps
    assert expected.best_map == evaluate_manipulation(unbroken, data, "valid").top10


def test_the_memory_starts_where_stage_two_starts(data, tmp_path):
    model = model_of()
    settings = config(steps=2, evaluations=1, learning_rate=0.0, warmup=0.0)
    train(model, data, settings, tmp_path, progress=False)
    assert model.memory.weight.abs().sum() > 0  # nothing was learned, so these are the class means
    assert model.memory.off_block() == 0


def test_the_accuracy_of_stage_one_is_kept_before_the_memory_changes_the_features(data, tmp_path):
    model, taken = model_of(), []
    settings = config(steps=8, evaluations=1)
    assert settings.feature_steps == 4

    class Watched(AttributeManipulation):
        def before_step(self, model, data, config, step, precision):
            told = super().before_step(model, data, config, step, precision)
            if told is not None:
                taken.append((step, classification_accuracy(model, data, "test")))
            return told

    history = loop.train(model, data, settings, tmp_path / "long", task=Watched(), progress=False)
    assert taken == [(4, stage_1_accuracy(history))]


@pytest.mark.parametrize("method", MANIPULATION_METHODS)
@pytest.mark.slow
def test_every_method_runs_to_a_record(method, data):
    run = load_or_train(method, profile=PROFILE, data=data, options={"dim": 4}, progress=False)
    record = RunRecord.load(run.folder / RECORD_NAME)
    assert record.metrics == run.record.metrics and record.dataset == "tiny_manipulation"
    asked = {name for name in DISENTANGLEMENT if name.startswith("operation")}  # nothing can redraw these pictures
    asked = {name for name in asked if "moved" not in name or method != "amnet"}
    assert set(record.metrics) == {"accuracy", "accuracy_stage1", "validation", *METRICS, *asked}
    assert record.counts["queries"].keys() <= set(SCHEMA.names)
    expected = evaluate_manipulation(run.model, data, "test", precision=record.precision).scores
    for metric in METRICS:
        unit = 100 if metric.startswith("top") else 1
        assert record.metrics[metric]["overall"] == pytest.approx(unit * expected[metric]["overall"])
    table = ledger.rows(record)
    assert set(table["metric"]) == set(record.metrics) and {"overall", "macro"} <= set(table["attribute"])
    again = load_or_train(method, profile=PROFILE, data=data, options={"dim": 4}, progress=False)
    assert same(run.model, again.model) and again.record == run.record
    assert record.variant.startswith("default+") and "dim=4" in record.variant and "steps=4" in record.variant


@pytest.mark.slow
def test_the_code_variant_of_adde_runs_to_a_record(data):
    run = load_or_train(
        "adde_m", variant="code", profile=PROFILE, data=data, options={"dim": 4}, progress=False
    )
    assert run.record.variant.startswith("code+") and set(METRICS) <= set(run.record.metrics)
    first, last = run.history.entries[0], run.history.entries[-1]
    assert "attribute_triplet" in first and "consistency" not in first  # stage 1
    assert "consistency" in last and "attribute_triplet" not in last  # stage 2


def test_names_that_do_not_exist_and_settings_that_cannot_be_meant(data):
    with pytest.raises(FashionError, match="no method 'adde': did you mean 'adde_m'"):
        load_or_train("adde", profile=PROFILE, data=data)
    for changes, words in (({"feature_share": 1.0}, "feature_share=1.0"), ({"batch_size": 3}, "two tuples"),
                           ({"steps": 0}, "steps=0 is out of range")):  # fmt: skip
        with pytest.raises(FashionError, match=words):
            config(**changes)
    assert config(steps=10, evaluations=3).evaluation_steps() == {7, 8, 10} and config(steps=1).feature_steps == 1
    assert config(evaluations=0).evaluation_steps() == set()
    assert training_config(get_profile("laptop"), 3, MANIPULATION).steps == get_profile("laptop").steps


def test_every_method_sees_the_same_pictures(data):
    one, two = (TupleSampler(data, 12).batch(np.random.default_rng([0, 5])) for _ in range(2))
    assert np.array_equal(one.images, two.images) and len(one.images) == 12
    assert np.array_equal(one.images[:4], one.tuples.query) and set(data.split[one.images]) == {"train"}
