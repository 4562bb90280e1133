"""A checkpoint is whole or not there, says what it was made for, and never runs code."""

import json
import os
import pickle

import pytest
import torch
from tiny_data import SCHEMA

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.methods.registry import build_model
from fashion_lib.training.checkpoint import (
    load_model_tensors,
    load_optimiser_tensors,
    model_tensors,
    optimiser_tensors,
    read_checkpoint,
    write_checkpoint,
)


def a_model(method="csn", schema=SCHEMA, **options):
    return build_model(method, schema, start="random", **options)


def state_of(model):
    return {"architecture": model.architecture, "attributes": list(model.schema.names)}


def test_round_trip_and_the_copy_for_readers(tmp_path):
    path = tmp_path / "run" / "last.safetensors"
    tensors = {
        "model.a": torch.randn(2, 3),
        "model.b": torch.randn(1, 4, 5, 6).contiguous(memory_format=torch.channels_last),
    }
    state = {"step": 3, "score": 0.1 + 0.2, "names": ["é"]}
    write_checkpoint(path, tensors, state)
    read, read_state = read_checkpoint(path)
    assert read_state == state == json.loads((tmp_path / "run" / "last.json").read_text())
    assert all(torch.equal(read[name], tensors[name]) for name in tensors) and len(read) == 2
    assert sorted(p.name for p in path.parent.iterdir()) == ["last.json", "last.safetensors"]


def test_a_model_comes_back_bit_for_bit(tmp_path):
    source, target = a_model(), a_model(seed=1)
    write_checkpoint(tmp_path / "best.safetensors", model_tensors(source), state_of(source))
    load_model_tensors(target, *read_checkpoint(tmp_path / "best.safetensors"), "best")
    assert all(
        torch.equal(a, b)
        for a, b in zip(source.state_dict().values(), target.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_an_optimiser_goes_on_as_if_never_stopped(kind):
    def parts():
        torch.manual_seed(0)
        module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 2))
        module = module.to(memory_format=torch.channels_last)
        return module, kind(module.parameters(), lr=0.01, weight_decay=0.1, fused=True)

    def step(module, optimiser, number):
        torch.manual_seed(number)
        optimiser.zero_grad()
        module(torch.randn(5, 3, 8, 8)).square().mean().backward()
        optimiser.step()

    module, optimiser = parts()
    for number in range(3):
        step(module, optimiser, number)
    resumed, other = parts()
    resumed.load_state_dict(module.state_dict())
    load_optimiser_tensors(
        other, {k: v.clone().contiguous() for k, v in optimiser_tensors(optimiser).items()}
    )
    step(module, optimiser, 3)
    step(resumed, other, 3)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), resumed.parameters(), strict=True))
    assert other.state_dict()["state"][0]["exp_avg"].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_checkpoint_whole(tmp_path, monkeypatch, failing):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"model.a": torch.zeros(3)}, {"step": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(
        FashionError, match="last.safetensors could not be written .No space left on device.: free disk space"
    ):
        write_checkpoint(path, {"model.a": torch.ones(3)}, {"step": 2})
    tensors, state = read_checkpoint(path)
    assert state == {"step": 1} and not tensors["model.a"].any()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.json", "last.safetensors"]


def test_killed_between_the_two_files_the_state_still_belongs_to_the_tensors(tmp_path, monkeypatch):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"model.a": torch.zeros(1)}, {"step": 1})
    replace = os.replace
    monkeypatch.setattr(
        os, "replace", lambda a, b: replace(a, b) if str(b).endswith("safetensors") else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        write_checkpoint(path, {"model.a": torch.ones(1)}, {"step": 2})
    assert json.loads(path.with_suffix(".json").read_text()) == {"step": 1}
    tensors, state = read_checkpoint(path)
    assert tensors["model.a"].item() == 1 and state == {"step": 2}


def test_an_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FashionError, match="could not be written"):
        write_checkpoint(tmp_path / "file" / "last.safetensors", {"a": torch.zeros(1)}, {})


def test_a_cut_off_file_is_named(tmp_path):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, {"model.a": torch.zeros(1000)}, {"step": 1})
    content = path.read_bytes()
    for length in (0, 5, 60, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(FashionError, match="last.safetensors is cut off or damaged"):
            read_checkpoint(path)


def test_a_pickled_file_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    path = tmp_path / "last.safetensors"
    for write in (lambda: torch.save({"a": Trap()}, path), lambda: path.write_bytes(pickle.dumps(Trap()))):
        write()
        with pytest.raises(FashionError, match="last.safetensors is a pickled file"):
            read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


def test_missing_and_foreign_files_are_named(tmp_path):
    from safetensors.torch import save_file

    with pytest.raises(FashionError, match="There is no checkpoint .*none.safetensors"):
        read_checkpoint(tmp_path / "none.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(FashionError, match="foreign.safetensors holds tensors but no training state"):
        read_checkpoint(tmp_path / "foreign.safetensors")


def test_what_does_not_fit_says_what_was_found_and_expected():
    model = a_model()
    tensors, state = model_tensors(model), state_of(model)
    fewer = Schema(SCHEMA.attributes[:2])
    for target, given, words in (
        (a_model("asen"), tensors, "best holds csn prein on small but this model is asen v2 on small"),
        (
            a_model(variant="fixed"),
            tensors,
            "holds csn prein on small but this model is csn fixed on small",
        ),
        (
            a_model(schema=fewer),
            tensors,
            r"trained for 3 attributes \(collar, hem, colour\) but this model has 2 \(collar, hem\)",
        ),
        (model, tensors | {"model.masks": torch.zeros(3, 7)}, r"masks: found \(3, 7\), expected \(3, 128\)"),
        (model, {k: v for k, v in tensors.items() if k != "model.masks"}, "masks: found nothing"),
        (model, tensors | {"model.extra": torch.zeros(1)}, r"extra: found \(1,\), expected nothing"),
    ):
        before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
        with pytest.raises(FashionError, match=words):
            load_model_tensors(target, given, state, "best")
        assert all(torch.equal(before[name], tensor) for name, tensor in target.state_dict().items())
