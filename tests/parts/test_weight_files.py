"""Weights from files are finite tensors under their names, or refused in one sentence."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.backbones import build_backbone, load_backbone_weights
from fashion_lib.parts.start_files import read_weights

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch warns of damage, too
NAN = torch.tensor([1.0, float("nan")])
CONTENTS = {
    "a list": [torch.ones(1)],
    "a number": 7,
    "a text": "weights",
    "nothing": None,
    "a tensor": torch.ones(2),
    "an empty dictionary": {},
    "a dictionary inside": {"state_dict": {"a": torch.ones(1)}},
    "a number inside": {"a": torch.ones(1), "epoch": 3},
    "a list inside": {"a": [torch.ones(1)]},
    "numbers as names": {0: torch.ones(1)},
    "a sparse tensor": {"a": torch.ones(2, 2).to_sparse()},
    "complex numbers": {"a": torch.ones(2, dtype=torch.complex64)},
    "NaN": {"a": NAN},
    "infinity": {"a": torch.ones(2), "b": torch.tensor(float("inf"))},
    "NaN in half precision": {"a": NAN.half()},
    "more numbers than the file holds": {"a": torch.ones(1).expand(10**13)},
    "no numbers at all": {"a": torch.ones(2, device="meta")},
    "eight bits per number": {"a": torch.ones(2).to(torch.float8_e4m3fn)},
    "tensors of several lengths": {"a": torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])},
    "quantised numbers": {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)},
    "a negative variance": {"bn1.running_var": -torch.ones(2)},
    "a name of two lines": {"a\nb": torch.ones(2)},
}


def refused(path):
    with pytest.raises(FashionError, match=f"The start weights {path}") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value) and str(caught.value).endswith("fetch the file again.")


@pytest.mark.parametrize("content", CONTENTS)
def test_a_pth_file_of_something_else_is_one_sentence(content, tmp_path):
    torch.save(CONTENTS[content], tmp_path / "w.pth")
    refused(tmp_path / "w.pth")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_safetensors_file_that_is_not_finite_is_one_sentence(value, tmp_path):
    save_file({"a": torch.tensor([float(value)])}, tmp_path / "w.safetensors")
    refused(tmp_path / "w.safetensors")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("damage", [
    lambda c: b"", lambda c: c[:1], lambda c: c[:20], lambda c: c[: len(c) // 2], lambda c: c[:-1],
    lambda c: bytes(len(c)),
    lambda c: b"hello", lambda c: b"PK\x03\x04", lambda c: b"\x80\x04N.", lambda c: b"\x80\x99" + c, lambda c: b"[]",
    lambda c: pickle.dumps({"a": 1}), lambda c: c[:8] + b"[1]" + c[11:],
])  # fmt: skip
def test_a_damaged_file_is_one_sentence(damage, suffix, tmp_path):
    path = tmp_path / f"w.{suffix}"
    weights = {"a": torch.ones(300)}
    torch.save(weights, path) if suffix == "pth" else save_file(weights, path)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    try:
        read = read_weights(path)
    except FashionError:
        refused(path)
    else:  # a zip's last bytes and unread places decide nothing
        assert torch.equal(read["a"], weights["a"])


def test_weights_of_another_kind_or_shape_do_not_fit(tmp_path):
    backbone = build_backbone("small", "random")
    own = backbone.state_dict()
    for change in (
        {"conv1.weight": own["conv1.weight"].long()},
        {"conv1.weight": own["conv1.weight"] > 0},
        {"conv1.weight": own["conv1.weight"][:1]},
        {"more": torch.ones(1)},
    ):
        with pytest.raises(FashionError, match="do not fit this backbone"):
            load_backbone_weights(backbone, own | change, tmp_path / "w.pth")
    with pytest.raises(FashionError, match="do not fit this backbone .*found nothing"):
        load_backbone_weights(backbone, {k: v for k, v in own.items() if k != "conv1.weight"}, tmp_path / "w.pth")
    load_backbone_weights(backbone, {k: v.half() if v.is_floating_point() else v for k, v in own.items()}, tmp_path)
