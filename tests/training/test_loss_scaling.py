"""fp16: small gradients survive, steps that overflow are left out, and a resumed run has the same bits."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kill_and_resume import Killed, kill_after, same, weights, without_times
from ranks_in_processes import one_convolution, ten_steps
from tiny_data import tiny_data
from torch import nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.precision import autocast, autocast_of, choose_precision, loss_scaler
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.run_setup import departures
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import read_checkpoint, write_checkpoint
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step
from fashion_lib.training.prepared_batch import prepare_batch
from fashion_lib.training.profiles import PROFILES

pytestmark = pytest.mark.filterwarnings("ignore:precision='fp16' on a CPU")
train = partial(loop.train, task=RETRIEVAL, progress=False)
DATA = tiny_data(90)


def config(**changes):
    settings = {"steps": 8, "batch_size": 12, "groups": 2, "evaluations": 2, "precision": "fp16", "device": "cpu",
                "checkpoint_every": 3}  # fmt: skip
    return TrainingConfig(**(settings | changes))


def parts_of(precision, model=None):
    model = (model or one_convolution()).train()
    settings = config(precision=precision)
    optimiser = build_optimiser(model.parameter_groups(1e-3), settings)
    return Parts(model, optimiser, DATA, RETRIEVAL.sampler(DATA, settings), settings, precision, RETRIEVAL)


def test_six_numbers_in_three_types():
    """What a type cannot hold becomes infinity or 0, unless the number is scaled first."""
    numbers = torch.tensor([70_000.0, 65_504.0, 1.0, 1e-4, 1e-8, 1e-30])
    assert numbers.half().isinf().tolist() == [True] + 5 * [False]
    assert (numbers.half() == 0).tolist() == 4 * [False] + 2 * [True]
    assert numbers.bfloat16().isfinite().all() and (numbers.bfloat16() != 0).all()
    assert ((numbers * 65_536).half() > 0).tolist() == 5 * [True] + [False]


@pytest.mark.parametrize(
    ("name", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_a_precision_is_a_type_and_fp16_alone_scales_the_loss(name, kind):
    with autocast(name, "cpu"):
        found = nn.Linear(2, 2)(torch.ones(1, 2))
    assert found.dtype == kind
    with autocast_of(found):
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == kind
    assert loss_scaler(name, "cpu").is_enabled() == (name == "fp16")
    assert choose_precision(name, one_convolution(), torch.zeros(1, 3, 16, 16)) == name


def test_fp16_on_a_cpu_warns():
    with pytest.warns(UserWarning, match="'fp16' on a CPU is many times slower"):
        choose_precision("fp16", one_convolution(), torch.zeros(1, 3, 16, 16))


def test_the_scale_is_taken_out_of_the_gradients_before_they_are_clipped():
    """The step in fp16 is the step in float32, up to float16's three decimal digits; unscaled, it would be lost."""
    found = {precision: parts_of(precision) for precision in ("fp32", "fp16")}
    figures = {precision: training_step(parts, 0) for precision, parts in found.items()}
    assert figures["fp16"]["loss_scale"] == 65_536 and "loss_scale" not in figures["fp32"]
    assert figures["fp16"]["loss"] == pytest.approx(figures["fp32"]["loss"], rel=1e-3)
    full, half = (torch.cat([p.grad.flatten() for p in parts.model.parameters()]) for parts in found.values())
    assert 0 < full.norm() < 5  # not clipped, so both have their own length
    assert (full - half).norm() < 0.01 * full.norm()
    assert found["fp16"].scaler.state_dict() | {"growth_factor": 2.0} == {
        **{"scale": 65_536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000},
        "_growth_tracker": 1,
    }


def test_other_precisions_take_the_step_they_took_without_a_scaler():
    parts = parts_of("fp32")
    before = copy.deepcopy(parts.model)
    training_step(parts, 0)
    optimiser = build_optimiser(before.parameter_groups(1e-3), parts.config)
    prepared = prepare_batch(parts.sampler, DATA.pixels, parts.config, 0, torch.device("cpu"))
    torch.manual_seed(int(np.random.SeedSequence([parts.config.seed, 0]).generate_state(1)[0]))
    features = before.features(prepared.network_input(torch.device("cpu")))
    labels = RETRIEVAL.labels(prepared.drawn, DATA, parts.config, torch.device("cpu"))
    before.training_loss(features, labels, parts.config.margin)[0].backward()
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * parts.config.learning_rate_factor(0)
    nn.utils.clip_grad_norm_(before.parameters(), parts.config.clip)
    optimiser.step()
    assert same(weights(before), weights(parts.model))


def test_a_step_that_overflows_changes_the_scale_alone():
    parts = parts_of("fp16")
    parts.scaler.load_state_dict(parts.scaler.state_dict() | {"scale": 2.0**40, "_growth_tracker": 7})
    before = weights(parts.model)
    training_step(parts, 0)
    assert same(before, weights(parts.model))
    assert parts.scaler.get_scale() == 2.0**39 and parts.scaler.state_dict()["_growth_tracker"] == 0


def test_gradients_that_overflow_at_any_scale_end_the_run():
    parts = parts_of("fp16")
    parts.scaler.load_state_dict(parts.scaler.state_dict() | {"scale": 0.5})
    with pytest.raises(
        FashionError, match="overflow float16 at step 3 without any loss scale: set precision='bf16'"
    ):
        training_step(parts, 3)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["asen", "rpf", "ipad", "yao2026"])
def test_every_kind_of_method_takes_the_step_of_float32(case):
    """A ResNet's backward pass in float16 takes a CPU some seconds, so there is one step of each."""
    full, half = (ten_steps(case, precision, steps=1) for precision in ("fp32", "fp16"))
    (expected,), (found,) = full["figures"], half["figures"]
    assert found.pop("loss_scale") == 65_536 and found.keys() == expected.keys()
    # A loss is a difference of similarities, so its error is absolute: ten spacings of float16 below 1. The rounding
    # depends on the CPU's kernel: RPF gave 0.2351 and 0.2381, where float32 gives 0.2356.
    assert found["loss"] == pytest.approx(expected["loss"], abs=10 * 2**-11)
    of_full, of_half = (torch.cat([p.flatten() for p in one["gradients"].values()]) for one in (full, half))
    assert full["gradients"].keys() == half["gradients"].keys()
    if of_half.isfinite().all():  # else the step was left out
        assert F.cosine_similarity(of_full, of_half, dim=0) > 0.99


def first_scale(monkeypatch, scale):
    """Let every run begin with this loss scale, so that its first steps overflow."""
    monkeypatch.setattr(
        loop, "loss_scaler", lambda name, device: torch.amp.GradScaler("cpu", scale, enabled=name == "fp16")
    )


@pytest.mark.slow
@pytest.mark.parametrize("killed_after", [1, 2, 5])
def test_killed_and_resumed_equals_unbroken_scale_and_all(killed_after, tmp_path, monkeypatch):
    first_scale(monkeypatch, 2.0**25)
    steady, model = config(checkpoint_every=1), one_convolution()
    expected = train(model, DATA, steady, tmp_path / "unbroken")
    scales = [entry["loss_scale"] for entry in expected.entries]
    assert (
        scales[1] < scales[0] == 2.0**25 and scales[-1] == scales[-2]
    )  # the first steps overflow, the last do not
    with monkeypatch.context() as patch:
        kill_after(patch, killed_after)
        with pytest.raises(Killed):
            train(one_convolution(), DATA, steady, tmp_path / "resumed")
    first_scale(monkeypatch, 2.0)  # what a new process begins with must not matter
    resumed = one_convolution(seed=9)
    history = train(resumed, DATA, steady, tmp_path / "resumed")
    assert same(weights(resumed), weights(model)) and without_times(history) == without_times(expected)
    (tensors, state), (other_tensors, other) = (
        read_checkpoint(tmp_path / name / "last.safetensors") for name in ("unbroken", "resumed")
    )
    assert same(tensors, other_tensors) and state["scaler"] == other["scaler"] and history.precision == "fp16"


@pytest.mark.slow
@pytest.mark.parametrize(
    "scaler",
    [None, {}, {"scale": 2.0}, {"scale": 0.0}, {"_growth_tracker": 9}, {"_growth_tracker": -1},
     {"_growth_tracker": 1.5}, {"growth_factor": 3.0}, {"scale": "2"}, [], {"scale": None}],
)  # fmt: skip
def test_a_damaged_scaler_is_one_sentence(scaler, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        kill_after(patch, 3)
        with pytest.raises(Killed):
            train(one_convolution(), DATA, config(), tmp_path)
    path = tmp_path / "last.safetensors"
    tensors, state = read_checkpoint(path)
    whole = scaler is not None and scaler != [] and scaler != {} and scaler != {"scale": 2.0}
    state["scaler"] = state["scaler"] | scaler if whole else scaler
    write_checkpoint(path, tensors, state)
    with pytest.raises(FashionError, match="is cut off or damaged .*scaler") as caught:
        train(one_convolution(), DATA, config(), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_run_of_another_precision_is_another_run(tmp_path):
    changed = PROFILES["smoke"].with_options(precision="fp16")
    assert departures(changed) == {"precision": "fp16"} and departures(PROFILES["smoke"]) == {}
    assert checked_label("asen", "v2+precision=fp16", PROFILES["laptop"]).profile.precision == "fp16"
    with pytest.raises(
        FashionError, match="precision='fp8' is unknown: choose one of auto, fp32, bf16, fp16"
    ):
        PROFILES["smoke"].with_options(precision="fp8")
    train(one_convolution(), DATA, config(steps=2), tmp_path)
    with pytest.raises(FashionError, match="config precision 'fp16' but 'bf16' is asked for"):
        train(one_convolution(), DATA, config(steps=2, precision="bf16"), tmp_path)
