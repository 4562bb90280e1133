"""Training with gradient checkpointing is training without it, bit for bit, and may change between two steps."""

import pytest
import torch
from kill_and_resume import Killed, kill_after, same, weights, without_times
from ranks_by_torchrun import started
from ranks_in_processes import CASES, ten_steps
from tiny_data import SCHEMA, SIZE, tiny_data
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from fashion_lib.cli import main
from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.parts import precision, recomputation
from fashion_lib.runs import run as runs
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.profiles import PROFILES

DATA = tiny_data(90)
STEPS = 6  # of ten: stage 2 begins after 2 of IPAD, 3 of RPF and IPAD's code, 5 of Yao et al.
SMALL = (
    PROFILES["smoke"]
    .with_options(
        image_size=SIZE, steps=3, batch_size=12, groups=2, evaluations=1, start="random", precision="fp32"
    )
    .on_this_machine(device="cpu")
)


def check_equal(expected, found):
    assert expected["figures"] == found["figures"]
    assert same(expected["gradients"], found["gradients"]) and same(expected["state"], found["state"])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_six_steps_are_the_same_bit_for_bit(case):
    """Losses and their parts, gradients, weights, running statistics, queues: also those of momentum encoders."""
    expected, found = (ten_steps(case, steps=STEPS, gradient_checkpointing=on) for on in (False, True))
    check_equal(expected, found)
    counts = {name: n for name, n in found["state"].items() if name.endswith("num_batches_tracked")}
    views = 3 if case == "ipad.code" else 1  # of each anchor
    assert max(counts.values()) in (STEPS, views * STEPS) and len(counts) > 5


@pytest.mark.slow
@pytest.mark.parametrize("case", ["ag_mlan", "ipad"])
def test_so_are_steps_in_bfloat16(case):
    check_equal(*(ten_steps(case, "bf16", 4, gradient_checkpointing=on) for on in (False, True)))


def test_a_step_keeps_fewer_bytes_and_computes_its_blocks_twice(monkeypatch):
    found, calls = {}, []
    second_time = recomputation._second_time
    monkeypatch.setattr(
        recomputation,
        "_second_time",
        lambda *given: calls.append(type(given[0]).__name__) or second_time(*given),
    )
    for on in (False, True):
        kept = {}

        def pack(tensor: Tensor, kept=kept) -> Tensor:
            memory = tensor.untyped_storage()
            kept[memory.data_ptr()] = memory.nbytes(), tensor
            return tensor

        with saved_tensors_hooks(pack, lambda tensor: tensor):
            ten_steps("asen", steps=1, gradient_checkpointing=on)
        found[on] = sum(count for count, _ in kept.values())
        assert len(calls) == (7 if on else 0)  # two blocks per stage, and the stem
    assert 0 < found[True] < 0.6 * found[False]  # weights and the heads' activations are counted in both


def config(on: bool) -> TrainingConfig:
    return TrainingConfig(
        steps=8, batch_size=12, groups=2, evaluations=2, precision="fp32", device="cpu", checkpoint_every=3,
        gradient_checkpointing=on,
    )  # fmt: skip


def trained(folder, on: bool, seed: int = 0):
    model = build_model("asen", SCHEMA, start="random", seed=seed)
    return model, loop.train(model, DATA, config(on), folder, task=RETRIEVAL, progress=False)


@pytest.mark.parametrize("on", [False, True])
def test_a_run_goes_on_with_the_other_setting(on, tmp_path, monkeypatch):
    model, expected = trained(tmp_path / "unbroken", False)
    with monkeypatch.context() as patch:
        kill_after(patch, 5)
        with pytest.raises(Killed):
            trained(tmp_path / "killed", on)
    other, found = trained(tmp_path / "killed", not on, seed=9)
    assert same(weights(model), weights(other)) and without_times(expected) == without_times(found)


def test_a_run_keeps_its_name_and_the_record_tells_the_setting(project):
    checkpointed = SMALL.on_this_machine(gradient_checkpointing=True)
    run = load_or_train("asen", DATA, profile=checkpointed, progress=False)
    assert run.record.config["gradient_checkpointing"] is True and "checkpointing" not in run.record.variant
    again = load_or_train("asen", DATA, profile=SMALL, progress=False)  # finished: only loaded
    assert again.folder == run.folder and again.record.created == run.record.created
    assert again.history.step == 3 and same(weights(again.model), weights(run.model))


def test_no_label_holds_what_decides_no_result():
    with pytest.raises(FashionError, match="gradient_checkpointing"):
        checked_label("asen", "v2+gradient_checkpointing=True", SMALL)
    with pytest.raises(
        FashionError, match="'steps' is no setting of the machine; those are device, checkpoint_every,"
    ):
        SMALL.on_this_machine(steps=3)
    with pytest.raises(FashionError, match="gradient_checkpointing=1 is not a truth value"):
        SMALL.on_this_machine(gradient_checkpointing=1)
    changed = PROFILES["paper"].with_options(steps=7).on_this_machine(gradient_checkpointing=True)
    assert changed.given == {"steps"} and changed.with_options(steps=8).training.gradient_checkpointing


@pytest.mark.parametrize("words", [(), ("--gradient-checkpointing",)])
def test_the_command_asks_for_it(words, monkeypatch):
    asked = []

    def told(method, profile, **_):
        asked.append(profile.training.gradient_checkpointing)
        raise FashionError("enough.")

    monkeypatch.setattr(runs, "load_or_train", told)
    assert main(["train", "asen", *words]) == 2 and asked == [bool(words)]


def test_auto_is_timed_as_it_will_be_trained(monkeypatch):
    """Where memory does not suffice without it, neither does the timing."""
    monkeypatch.setattr(precision, "_measured", {})
    model, seen = build_model("asen", SCHEMA, start="random"), []

    def seconds(trial, images, name):
        seen.append("forward" in vars(trial.backbone.layer1[0]))
        return 1.0

    monkeypatch.setattr(precision, "_seconds", seconds)
    for on in (False, True):
        precision.choose_precision("auto", model, torch.randn(2, 3, 32, 32), on)
    each = 2 * precision.ROUNDS  # fp32 and bf16 by turns
    assert seen == [False] * each + [True] * each and "forward" not in vars(model.backbone.layer1[0])


def test_a_model_without_blocks_is_refused_before_anything_is_written(tmp_path):
    model = build_model("triplet", SCHEMA, start="random")
    model.backbone = nn.Conv2d(3, 128, 8, 8)
    with pytest.raises(FashionError, match="has no residual or transformer blocks: leave it out"):
        loop.train(model, DATA, config(True), tmp_path / "new", task=RETRIEVAL, progress=False)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_two_ranks_compute_again_with_the_whole_batchs_statistics(tmp_path):
    cases = ("ag_mlan", "ipad.code")  # stage 4 and the views of the anchors are shared out, too
    again = [f"{case} again" for case in cases]
    done = started(
        "tests/ranked_steps.py", "gloo", str(tmp_path), *cases, *again, runs=tmp_path, seconds=300, STEPS="4"
    )  # stage 2 begins after three
    assert done.returncode == 0, done.stderr
    for rank in (torch.load(tmp_path / f"{number}.pt") for number in range(2)):
        assert rank["ranks"] == 2
        for case in cases:
            check_equal(rank[case], rank[f"{case} again"])
