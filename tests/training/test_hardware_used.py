"""A run names every machine that trained it, because another processor rounds in another way."""

import json

import pytest
import torch
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core.provenance import hardware
from fashion_lib.methods.registry import build_model
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.history import TrainingHistory, commits_used, hardware_used
from fashion_lib.training.profiles import get_profile

CONFIG = TrainingConfig(
    steps=6, batch_size=12, groups=2, evaluations=1, precision="fp32", device="cpu", checkpoint_every=2
)


@pytest.fixture(scope="module")
def data():
    return tiny_data(90)


def trained(data, folder):
    model = build_model("csn", SCHEMA, start="random")
    return loop.train(model, data, CONFIG, folder, task=RETRIEVAL, progress=False)


def test_a_run_that_goes_on_elsewhere_names_both_machines_and_commits(data, tmp_path, monkeypatch):
    step = loop.training_step

    def killed(parts, number):
        if number == 5:
            raise KeyboardInterrupt
        return step(parts, number)

    monkeypatch.setattr(loop, "hardware", lambda device: "A, 2 cores")
    monkeypatch.setattr(loop, "commit", lambda: "aaaaaaa")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "training_step", killed)
        trained(data, tmp_path)
    monkeypatch.setattr(loop, "hardware", lambda device: "B, 8 cores")
    monkeypatch.setattr(loop, "commit", lambda: "bbbbbbb")
    assert trained(data, tmp_path).hardware == ["A, 2 cores", "B, 8 cores"]
    monkeypatch.setattr(loop, "hardware", lambda device: "C, 4 cores")
    monkeypatch.setattr(loop, "commit", lambda: "ccccccc")
    again = trained(data, tmp_path)  # finished: it is only loaded
    assert hardware_used([again]) == "A, 2 cores; then B, 8 cores"
    assert commits_used([again]) == "aaaaaaa; then bbbbbbb"
    assert json.loads((tmp_path / "last.json").read_text())["history"]["hardware"] == again.hardware


def test_both_stages_count_and_a_history_without_machines_has_the_present_one():
    first, second, old = TrainingHistory(hardware=["A"]), TrainingHistory(hardware=["A", "B"]), TrainingHistory()
    assert hardware_used([first, first]) == "A" and hardware_used([first, second]) == "A; then B"
    assert hardware_used([old]) == hardware()


def test_a_record_names_the_machine(data, project):
    small = get_profile("smoke").with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")
    assert load_or_train("csn", data, profile=small, progress=False).record.hardware == hardware()


def test_a_record_has_the_commit_that_training_began_with(data, project, monkeypatch):
    """A colleague may commit while a run trains: the code that trains it was read before."""
    heads = iter(["begun"])
    monkeypatch.setattr(loop, "commit", lambda: next(heads))
    small = get_profile("smoke").with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")
    assert load_or_train("csn", data, profile=small, progress=False).record.commit == "begun"


def test_a_processor_that_trains_beside_a_gpu_is_named_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    hardware.cache_clear()
    try:
        assert hardware("cuda").startswith("a GPU; ") and not hardware("cpu").startswith("a GPU")
    finally:
        hardware.cache_clear()
