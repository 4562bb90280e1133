"""One thread per run: the same bits whatever torch was told before, and a resumed run keeps its number."""

import os
import subprocess
import sys

import pytest
import torch
from tiny_data import SCHEMA, tiny_data

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.core.threads import choose_threads
from fashion_lib.course.doctor import _threads
from fashion_lib.methods.registry import build_model
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.history import threads_used
from fashion_lib.training.profiles import get_profile

CONFIG = TrainingConfig(
    steps=6, batch_size=12, groups=2, evaluations=1, precision="fp32", device="cpu", checkpoint_every=2
)


@pytest.fixture(scope="module")
def data():
    return tiny_data(90)


@pytest.fixture(autouse=True)
def torch_threads():
    """Torch's own number comes back, whatever a test did with it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def trained(data, folder, config=CONFIG):
    model = build_model("csn", SCHEMA, start="random")
    return model, loop.train(model, data, config, folder, task=RETRIEVAL, progress=False)


def same(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("setting", "cores", "seconds", "threads"),
    [
        ("", 1, None, 1),
        ("", 64, {1: 1.0, 64: 0.1}, 1),
        ("4", 8, None, 4),
        (" 4 ", 2, None, 4),
        ("auto", 8, None, 1),
        ("auto", 8, {}, 1),
        ("auto", 8, {8: 0.1}, 1),
        ("auto", 2, {1: 0.14, 2: 0.085}, 2),
        ("auto", 2, {1: 0.14, 2: 2.9}, 1),
        ("auto", 2, {1: 0.14, 2: 0.13}, 1),
        ("auto", 1, {1: 0.14}, 1),
        ("auto", 8, {1: 1.0, 4: 0.4, 8: 0.5}, 4),
    ],
)
def test_which_number_is_chosen(setting, cores, seconds, threads):
    assert choose_threads(setting, cores, seconds).threads == threads


@pytest.mark.parametrize("setting", ["0", "-1", "two", "1.5", "1025", "9" * 5000, "²", "auto 2", "4;ls"])
def test_a_setting_that_cannot_be_meant_is_one_sentence(setting, monkeypatch):
    with pytest.raises(FashionError, match="^FASHION_THREADS holds .*: give 'auto' or a whole number") as caught:
        choose_threads(setting, 2)
    assert len(str(caught.value)) < 200
    monkeypatch.setenv("FASHION_THREADS", setting)
    (finding,) = _threads()
    assert not finding.good and "give 'auto'" in str(finding)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("", "1 thread per run (the same bits"),
        ("3", "3 threads per run (FASHION_THREADS asks"),
        ("auto", "1 thread per run (FASHION_THREADS=auto measures"),
    ],
)
def test_the_doctor_says_what_was_chosen_and_why(setting, said, monkeypatch):
    monkeypatch.setenv("FASHION_THREADS", setting)
    monkeypatch.setattr(threads, "cores", lambda: 4)
    number, jobs = _threads()
    assert said in str(number) and "trains 4 runs at once" in str(jobs)


def test_a_run_computes_with_one_thread_whatever_torch_was_told(data, tmp_path):
    torch.set_num_threads(1)
    first, history = trained(data, tmp_path / "one")
    torch.set_num_threads(3)
    second, other = trained(data, tmp_path / "three")
    assert same(first, second) and torch.get_num_threads() == 3
    assert history.threads == other.threads == [[0, 1]]


def test_the_record_says_the_number(data, tmp_path):
    small = get_profile("smoke").with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")
    assert load_or_train("csn", data, profile=small, progress=False).record.config["threads"] == 1
    _, history = trained(data, tmp_path)
    history.threads = [[0, 2], [4, 1]]
    assert threads_used(history) == [[0, 2], [4, 1]]


class Killed(Exception):
    pass


def seen_threads(monkeypatch, killed_at=None):
    """step -> torch's number of threads while it was trained, filled as training goes on."""
    step, seen = loop.training_step, {}

    def noted(parts, number):
        if number == killed_at:
            raise Killed
        seen[number] = torch.get_num_threads()
        return step(parts, number)

    monkeypatch.setattr(loop, "training_step", noted)
    return seen


@pytest.mark.slow  # two threads, which wait for each other beside a busy process
def test_a_resumed_run_keeps_its_number_and_its_bits(data, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("FASHION_THREADS", "2")
    whole, history = trained(data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        seen_threads(patch, killed_at=5)
        with pytest.raises(Killed):
            trained(data, tmp_path / "killed")
    assert torch.get_num_threads() == 1
    monkeypatch.delenv("FASHION_THREADS")
    seen = seen_threads(monkeypatch)
    resumed, after = trained(data, tmp_path / "killed")
    assert seen == {4: 2, 5: 2} and same(whole, resumed)
    assert history.threads == after.threads == [[0, 2]]


@pytest.mark.slow  # two threads, which wait for each other beside a busy process
def test_a_measurement_leaves_the_run_as_it_is(data, tmp_path, monkeypatch):
    plain, _ = trained(data, tmp_path / "plain")
    monkeypatch.setenv("FASHION_THREADS", "auto")
    monkeypatch.setattr(threads, "cores", lambda: 2)
    monkeypatch.setattr(threads, "PAYS", 1e9)
    measured, taken = loop.step_seconds, []
    monkeypatch.setattr(loop, "step_seconds", lambda *parts: taken.append(measured(*parts)) or taken[-1])
    model, history = trained(data, tmp_path / "measured")
    assert same(plain, model) and history.threads == [[0, 1]]
    assert [set(seconds) for seconds in taken] == [{1, 2}] * 3  # at the start and at two checkpoints, not at the end


@pytest.mark.slow  # two threads, which wait for each other beside a busy process
def test_more_threads_only_while_they_pay_and_every_change_stands_in_the_checkpoint(data, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_THREADS", "auto")
    monkeypatch.setattr(threads, "cores", lambda: 2)
    timings = iter([{1: 1.0, 2: 0.5}, {1: 1.0, 2: 0.5}, {1: 1.0, 2: 9.0}])
    monkeypatch.setattr(loop, "step_seconds", lambda *parts: next(timings))
    with monkeypatch.context() as patch:
        seen = seen_threads(patch, killed_at=5)
        with pytest.raises(Killed):
            trained(data, tmp_path)
    assert seen == {0: 2, 1: 2, 2: 2, 3: 2, 4: 1}
    assert read_checkpoint(tmp_path / "last.safetensors")[1]["history"]["threads"] == [[0, 2], [4, 1]]
    seen = seen_threads(monkeypatch)
    _, history = trained(data, tmp_path)
    assert seen == {4: 1, 5: 1} and history.threads == [[0, 2], [4, 1]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "setting", "number"),
    [
        ("import torch, fashion_lib", "", "1"),
        ("import torch, fashion_lib", "2", "2"),
        ("import fashion_lib, torch", "", "1"),
        ("import fashion_lib, torch", "2", "2"),
        ("import fashion_lib, torch", "auto", "1"),
        ("import torch, fashion_lib", "nonsense", "1"),
    ],
)
def test_importing_the_library_sets_the_number(order, setting, number):
    code = f"{order}; import os; print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'])"
    inherited = {name: value for name, value in os.environ.items() if name not in threads.VARIABLES}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                         env=inherited | {"FASHION_THREADS": setting})  # fmt: skip
    assert run.stdout.split() == [number, number], run.stderr
