"""The loop: it can be killed anywhere, keeps the best, logs what happened, and refuses what it cannot mean."""

import dataclasses
import math
import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from kill_and_resume import Killed, kill_after, same, weights, without_times
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.parts import precision
from fashion_lib.tasks.retrieval import retrieval_task
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.device import training_device
from fashion_lib.training.history import TrainingHistory, warn_if_collapsed
from fashion_lib.training.optimiser_step import memory_named

train = partial(loop.train, task=RETRIEVAL)


@pytest.fixture(scope="module")
def data():
    return tiny_data(90)


def config(**changes):
    settings = {"steps": 8, "batch_size": 12, "groups": 2, "evaluations": 2, "precision": "fp32", "device": "cpu",
                "checkpoint_every": 3}  # fmt: skip
    return TrainingConfig(**(settings | changes))


def model_of(method="asen", **options):
    return build_model(method, SCHEMA, start="random", **options)


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    folder, model = tmp_path_factory.mktemp("unbroken"), model_of()
    return folder, model, train(model, data, config(), folder, progress=False)


@pytest.mark.parametrize("killed_after", [2, 5, 7])
def test_killed_and_resumed_equals_unbroken(killed_after, unbroken, data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_after(patch, killed_after)
        with pytest.raises(Killed):
            train(model_of(), data, config(), tmp_path, progress=False)
    torch.rand(7)  # whatever else the process draws must not matter
    resumed = model_of(seed=9)  # its own weights must not matter either
    history = train(resumed, data, config(), tmp_path, progress=False)
    folder, model, expected = unbroken
    assert same(weights(resumed), weights(model)) and without_times(history) == without_times(expected)
    for name in ("last", "best"):
        assert same(
            read_checkpoint(tmp_path / f"{name}.safetensors")[0],
            read_checkpoint(folder / f"{name}.safetensors")[0],
        )


@pytest.mark.parametrize("file", ["last", "best"])
def test_killed_at_either_of_the_two_files_of_a_step_equals_unbroken(file, unbroken, data, tmp_path, monkeypatch):
    write = loop.write_checkpoint

    def dies(path, tensors, state):
        if path.stem == file and state["history"]["step"] == 4:
            raise Killed
        write(path, tensors, state)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_checkpoint", dies)
        with pytest.raises(Killed):
            train(model_of(), data, config(), tmp_path, progress=False)
    assert not (tmp_path / "best.safetensors").exists()
    resumed = model_of()
    history = train(resumed, data, config(), tmp_path, progress=False)
    assert same(weights(resumed), weights(unbroken[1])) and without_times(history) == without_times(
        unbroken[2]
    )


def test_the_best_weights_of_an_earlier_step_are_replaced_by_those_that_the_last_checkpoint_holds(
    data, tmp_path, monkeypatch
):
    """After the kill, validation is not repeated: on another machine its score could be another one."""
    scores = iter([0.3, 0.9])
    monkeypatch.setattr(retrieval_task, "evaluate", lambda *_, **__: SimpleNamespace(overall=next(scores)))
    write = loop.write_checkpoint

    def dies(path, tensors, state):
        if path.stem == "best" and state["history"]["step"] == 4:
            raise Killed
        write(path, tensors, state)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_checkpoint", dies)
        with pytest.raises(Killed):
            train(model_of("csn"), data, config(evaluations=4), tmp_path, progress=False)
    assert read_checkpoint(tmp_path / "best.safetensors")[1]["history"]["step"] == 2
    last = read_checkpoint(tmp_path / "last.safetensors")
    monkeypatch.setattr(retrieval_task, "evaluate", lambda *_, **__: SimpleNamespace(overall=0.1))
    model = model_of("csn")
    history = train(model, data, config(evaluations=4), tmp_path, progress=False)
    assert (history.best_step, history.best_map) == (4, 0.9) and last[1]["history"]["best_step"] == 4
    assert all(torch.equal(tensor, last[0][f"model.{name}"]) for name, tensor in weights(model).items())


def test_a_finished_run_is_only_loaded(unbroken, data, monkeypatch):
    folder, model, expected = unbroken
    kill_after(monkeypatch, 0)
    again = model_of(seed=4)
    history = train(again, data, config(), folder, progress=False)
    assert same(weights(again), weights(model)) and dataclasses.asdict(history) == dataclasses.asdict(
        expected
    )


def test_history_tells_the_run(unbroken):
    _, model, history = unbroken
    assert history.step == 8 and [entry["step"] for entry in history.entries] == list(range(1, 9))
    assert [entry["step"] for entry in history.entries if entry["valid_map"] is not None] == [4, 8]
    assert history.image_passes == 8 * 12 and history.seconds > 0 and history.evaluation_seconds > 0
    assert history.best_map == max(e["valid_map"] for e in history.entries if e["valid_map"] is not None)
    assert all(0 <= e["active_triplets"] <= 1 and e["images_per_second"] > 0 for e in history.entries)
    assert history.precision == "fp32" and not model.training


def test_the_best_validation_score_is_what_the_model_ends_with(data, tmp_path, monkeypatch):
    scores, seen = iter([0.3, 0.9, 0.9, 0.1]), []

    def scripted(model, data, split, precision, attributes):
        assert split == "valid"
        seen.append(weights(model))
        return SimpleNamespace(overall=next(scores))

    monkeypatch.setattr(retrieval_task, "evaluate", scripted)
    model = model_of("csn")
    history = train(model, data, config(evaluations=4), tmp_path, progress=False)
    assert history.best_step == 4 and history.best_map == 0.9  # the earlier of two equals
    assert same(weights(model), seen[1]) and not same(weights(model), seen[3])


@pytest.mark.parametrize("method", ["triplet", "csn", "asen"])
@pytest.mark.parametrize("sampling", ["in_batch", "triplet_list", "all_labels"])
def test_every_sampler_trains_every_method(method, sampling, data, tmp_path):
    model = model_of(method)
    before = weights(model)
    labels = "all" if sampling == "all_labels" else "one"
    history = train(
        model,
        data,
        config(steps=2, evaluations=0, sampling=sampling, labels=labels),
        tmp_path,
        progress=False,
    )
    assert history.best_step == 2 and history.best_map is None
    changed = [name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])]
    assert {name.split(".")[0] for name in changed} == {name.split(".")[0] for name in before}


def test_a_model_without_parameters_is_only_validated(data, tmp_path):
    history = train(model_of("random"), data, config(), tmp_path, progress=False)
    again = train(model_of("random"), data, config(), tmp_path, progress=False)
    assert (
        history.step == history.image_passes == 0
        and 0 < history.best_map < 1
        and again.best_map == history.best_map
    )


def test_other_options_train_too(data, tmp_path):
    options = config(
        steps=3,
        optimiser="adam",
        learning_rate=1e-4,
        schedule="step",
        decay_every=1,
        warmup=0.0,
        mining="hard",
        precision="bf16",
        evaluations=1,
    )
    history = train(model_of("csn", variant="fixed"), data, options, tmp_path, progress=True)
    assert [e["learning_rate"] for e in history.entries] == pytest.approx([1e-4, 0.9e-4, 0.81e-4])
    assert history.precision == "bf16"


def test_schedules_and_evaluation_steps():
    cosine = TrainingConfig(steps=100, warmup=0.1)
    factors = [cosine.learning_rate_factor(step) for step in range(100)]
    assert factors[:10] == pytest.approx([(k + 1) / 10 for k in range(10)]) and factors[10] == 1
    assert factors[55] == pytest.approx(0.5) and 0 < factors[99] < 0.001
    step = TrainingConfig(steps=100, schedule="step", warmup=0.0, decay=0.9, decay_every=30)
    assert [step.learning_rate_factor(k) for k in (0, 29, 30, 99)] == pytest.approx([1, 1, 0.9, 0.729])
    assert (
        cosine.evaluation_steps() == {33, 67, 100}
        and TrainingConfig(evaluations=0).evaluation_steps() == set()
    )
    assert TrainingConfig(steps=2, evaluations=5).evaluation_steps() == {1, 2}
    assert TrainingConfig(steps=600).steps_between_checkpoints == 60


def test_auto_precision_is_timed_once_and_kept_by_the_run(data, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "_measured", {})
    timed = []

    def seconds(model, images, name):
        timed.append(name)
        return {"fp32": 2.0, "bf16": 1.0}[name]

    monkeypatch.setattr(precision, "_seconds", seconds)
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(Killed):
            train(model_of(), data, config(precision="auto"), tmp_path, progress=False)
    assert timed == ["fp32", "bf16"] * precision.ROUNDS
    monkeypatch.setattr(precision, "_measured", {})
    monkeypatch.setattr(precision, "_seconds", lambda *_: 1 / 0)
    assert train(model_of(), data, config(precision="auto"), tmp_path, progress=False).precision == "bf16"


@pytest.mark.parametrize(("native", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_on_a_gpu_no_timing_chooses(native, chosen, monkeypatch):
    """So that all runs of one table have one precision."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native and not including_emulation)
    monkeypatch.setattr(precision, "_seconds", None)  # would fail
    images = SimpleNamespace(device=torch.device("cuda"), shape=(3, 3, 32, 32))
    assert precision.choose_precision("auto", model_of(), images) == chosen
    assert precision.choose_precision("fp16", model_of(), images) == "fp16"


def test_the_real_timing_leaves_the_model_as_it_was(monkeypatch):
    monkeypatch.setattr(precision, "_measured", {})
    model = model_of()
    before = weights(model)
    assert precision.choose_precision("auto", model, torch.randn(3, 3, 32, 32)) in ("fp32", "bf16")
    assert same(before, weights(model)) and all(p.grad is None for p in model.parameters())
    with pytest.raises(FashionError, match="'fp8'"):
        precision.choose_precision("fp8", model, torch.randn(3, 3, 32, 32))


@pytest.mark.parametrize(("figures", "warned"), [
    ({"loss": 0.3, "active_triplets": 0.9, "similarity": 0.995}, True),
    ({"loss": 0.2004, "active_triplets": 1.0, "similarity": 0.5}, True),
    ({"loss": 0.3, "active_triplets": 0.9, "similarity": 0.5}, False),
])  # fmt: skip
def test_collapse_is_told_once_and_not_at_the_start(figures, warned):
    history = TrainingHistory()
    told = []
    for history.step in range(1, 101):
        history.entries.append(figures)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_if_collapsed(history, TrainingConfig(steps=100))
        told += [history.step] * len(caught)
    assert told == ([25] if warned else [])


def test_a_loss_that_is_not_finite_stops_before_it_reaches_the_weights(data, tmp_path):
    model = model_of("triplet")
    with torch.no_grad():
        model.linear.weight.fill_(1e38)  # finite, but what it computes is not
    with pytest.raises(FashionError, match="The loss is nan at step 0: lower learning_rate"):
        train(model, data, config(), tmp_path, progress=False)
    assert read_checkpoint(tmp_path / "last.safetensors")[1]["history"]["step"] == 0


def test_a_folder_of_another_run_is_refused(unbroken, data):
    folder = unbroken[0]
    changed = dataclasses.replace(data, edition="2")
    for model, used, settings, words in (
        (model_of(), data, config(steps=9), "holds a run with config steps 8 but 9 is asked for"),
        (model_of(), data, config(seed=1), "config seed 0 but 1"),
        (model_of(), changed, config(), r"data version '1\+\w+' but '2\+"),
        (model_of("csn"), data, config(), "holds asen v2 on small but this model is csn prein on small"),
        (
            model_of(channel=False),
            data,
            config(),
            r"holds asen v2 on small but this model is asen v2 on small \(channel=False\)",
        ),
    ):
        with pytest.raises(FashionError, match=words):
            train(model, used, settings, folder, progress=False)
    train(
        model_of(), data, config(checkpoint_every=1), folder, progress=False
    )  # decides nothing: no objection


def test_a_damaged_checkpoint_and_an_unwritable_folder_are_one_sentence(data, tmp_path):
    (tmp_path / "last.safetensors").write_bytes(b"\x10\x00\x00")
    with pytest.raises(FashionError, match="cut off or damaged"):
        train(model_of("csn"), data, config(), tmp_path, progress=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(FashionError, match="could not be written"):
        train(model_of("csn"), data, config(), tmp_path / "file", progress=False)


def test_settings_that_cannot_be_meant_are_refused():
    for changes, words in (
        ({"learning_rate": "1e-3"}, "learning_rate='1e-3' is not a number: write one, without quotes"),
        ({"steps": 1.5}, "steps=1.5 is not"),
        ({"steps": True}, "steps=True is not"),
        ({"steps": 0}, "steps=0 is out of range"),
        ({"margin": -0.1}, "margin=-0.1 is out of range"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"flip": "no"}, "flip='no'"),
        ({"sampling": "triplets"}, "sampling='triplets' is unknown: choose one of in_batch"),
        ({"schedule": "step"}, "needs decay_every"),
        ({"brightness": 1.5}, "brightness=1.5"),
    ):
        with pytest.raises(FashionError, match=words):
            TrainingConfig(**changes)
    with pytest.raises(FashionError, match="device 'cuda:99' is not available"):
        training_device("cuda:99")


def test_a_full_gpu_memory_is_one_sentence():
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")
    less = r"a batch of 12 \(CUDA out of memory\): train with --gradient-checkpointing"
    with pytest.raises(FashionError, match=less), memory_named(config()):
        raise full
    smaller = r"\(CUDA out of memory\): choose a smaller batch_size"
    with pytest.raises(FashionError, match=smaller), memory_named(config(gradient_checkpointing=True)):
        raise full
