"""Authors' files are read without running code; what is damaged or holds other objects is refused in one sentence."""

import argparse
import collections
import hashlib
import pickle

import numpy as np
import pytest
import released_files as written
import torch
from released_files import SMALL
from tiny_data import SCHEMA

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.released.authors_file import read_authors_files

GIVEN = written.values(written.csn(SCHEMA, SMALL))


def saved(path, content, **options):
    torch.save(content, path, **options)
    return path


def refused(*files):
    with pytest.raises(FashionError) as caught:
        read_authors_files(files)
    text = str(caught.value)
    assert text.endswith(".") and ". " not in text
    return text


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("score", [0.61, np.float64(61.5), np.float32(0.5), torch.tensor(0.25), None])
def test_tensors_epoch_score_and_digest_are_read(tmp_path, zipped, score):
    content = {"state_dict": collections.OrderedDict(GIVEN), "epoch": 49, "prec": score, "arch": "csn"}
    path = saved(tmp_path / "model_best.pth.tar", content, _use_new_zipfile_serialization=zipped)
    held = read_authors_files([path])
    assert held.tensors.keys() == GIVEN.keys()
    assert all(torch.equal(held.tensors[name], tensor) for name, tensor in GIVEN.items())
    assert held.epoch == 49 and held.score == (None if score is None else float(score))
    assert held.source == f"model_best.pth.tar, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("content", [{"model": GIVEN, "epoch": 3, "mAP": 0.5}, GIVEN], ids=["entry", "bare"])
def test_tensors_may_be_an_entry_or_the_file_itself(tmp_path, content):
    held = read_authors_files([saved(tmp_path / "a.pth", content)])
    assert held.tensors.keys() == GIVEN.keys()


def test_the_prefix_of_data_parallel_is_taken_off(tmp_path):
    content = {"state_dict": {f"module.{name}": tensor for name, tensor in GIVEN.items()}}
    assert read_authors_files([saved(tmp_path / "a.pth", content)]).tensors.keys() == GIVEN.keys()


def test_several_files_are_one_checkpoint(tmp_path):
    parts = {"a.pth": {"backbone.bias": torch.zeros(2)}, "b.pth": {"Memory.weight": torch.ones(2)}}
    files = [saved(tmp_path / name, part) for name, part in parts.items()]
    held = read_authors_files(files)
    assert held.tensors.keys() == {"backbone.bias", "Memory.weight"} and held.source.count("sha256") == 2
    assert "both hold backbone.bias" in refused(files[0], files[0])


class Harmful:
    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_in_a_file_never_runs(tmp_path):
    Harmful.path = str(tmp_path / "was_here")
    for name, content in {"a.pth": {"state_dict": GIVEN, "epoch": Harmful()}, "b.pth": Harmful()}.items():
        text = refused(saved(tmp_path / name, content))
        assert "other objects than tensors and numbers" in text
    (tmp_path / "c.pth").write_bytes(pickle.dumps(Harmful()))
    refused(tmp_path / "c.pth")
    assert not (tmp_path / "was_here").exists()


def test_other_objects_are_refused(tmp_path):
    text = refused(saved(tmp_path / "a.pth", {"state_dict": GIVEN, "args": argparse.Namespace(lr=1e-4)}))
    assert "other objects than tensors and numbers" in text
    assert "holds a list" in refused(saved(tmp_path / "b.pth", [torch.zeros(2)]))
    assert "its entry 'lr' is no tensor" in refused(saved(tmp_path / "c.pth", GIVEN | {"lr": 0.1}))
    assert "it is empty" in refused(saved(tmp_path / "d.pth", {"model": {}}))
    assert "'x' is no plain tensor" in refused(saved(tmp_path / "e.pth", {"x": torch.eye(2).to_sparse()}))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_and_infinity_are_refused_by_name(tmp_path, bad):
    given = {name: tensor.clone() for name, tensor in GIVEN.items()}
    given["embeddingnet.embed_fc.bias"][3] = bad
    text = refused(saved(tmp_path / "a.pth", {"state_dict": given}))
    assert "'embeddingnet.embed_fc.bias' holds NaN or infinity" in text


@pytest.mark.parametrize("score", [10**400, 10**50, -(10**400), 1e300, torch.zeros(1, device="meta"), torch.ones(2)])
def test_a_number_that_is_none_is_left_out(tmp_path, score):
    held = read_authors_files([saved(tmp_path / "a.pth", {"state_dict": GIVEN, "epoch": score, "prec": score})])
    assert held.epoch is None and held.score is None


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, zipped, share):
    path = saved(tmp_path / "a.pth", {"state_dict": GIVEN}, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "a.pth" in refused(path)


def test_what_is_no_file_is_named(tmp_path):
    assert "there is no checkpoint" in refused(tmp_path / "none.pth")
    assert "there is no checkpoint" in refused(tmp_path)
    (tmp_path / "page.pth").write_text("<html>not found</html>")
    assert "page.pth" in refused(tmp_path / "page.pth")
