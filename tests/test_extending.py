"""What CONTRIBUTING.md promises: a method is one new file, a data set is one new file and one line."""

import importlib
import sys
from pathlib import Path

import pytest
import torch
from tiny_data import tiny_data

import fashion_lib as fl
from fashion_lib.data.sets import DATASETS, DataSet
from fashion_lib.methods import registry
from fashion_lib.training.profiles import SMOKE

PROFILE = SMOKE.with_options(steps=2, batch_size=16, start="random")


def code_of_contributing(word):
    """The Python block of CONTRIBUTING.md that holds a word."""
    text = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = [part.split("```")[0] for part in text.split("```python\n")[1:] if word in part.split("```")[0]]
    return block


@pytest.fixture
def new_method(tmp_path, monkeypatch):
    """The method of CONTRIBUTING.md as a file in a folder that the methods' package reads, too."""
    (tmp_path / "average.py").write_text(code_of_contributing("@method("), encoding="utf-8")
    package = importlib.import_module("fashion_lib.methods")
    registry.import_methods()  # before the copy, which the new file alone joins
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    importlib.invalidate_caches()
    yield "average"
    sys.modules.pop("fashion_lib.methods.average", None)
    if hasattr(package, "average"):
        delattr(package, "average")


def test_a_method_is_one_file(new_method, tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    assert new_method in fl.methods("retrieval").index and new_method not in fl.methods("manipulation").index
    data = tiny_data(120)
    model = fl.build_model(new_method, data.schema)
    vectors = model.embed(torch.zeros(2, 3, 64, 64), torch.tensor([0, 1]))
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))
    run = fl.load_or_train(new_method, data, profile=PROFILE, progress=False)
    assert run.history.step == 2 and 0 < run.score("map") <= 100
    again = fl.load_or_train(new_method, data, profile=PROFILE, progress=False)
    assert again.record.created == run.record.created


def test_a_method_with_a_taken_name_is_refused(new_method):
    registry.import_methods()

    def build(*arguments, **options):
        raise AssertionError

    build.__module__ = "somewhere.else"
    with pytest.raises(fl.FashionError, match="two files register the method 'average'"):
        fl.method("average", reference="twice")(build)


def test_a_data_set_is_one_file_and_one_line(tmp_path, monkeypatch, project):
    (tmp_path / "stripes.py").write_text(code_of_contributing("def load_stripes"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def _stripes(settings):
        from stripes import load_stripes

        return load_stripes(settings.image_size)

    monkeypatch.setitem(DATASETS, "stripes", DataSet(_stripes, "drawn", "CC0"))
    assert fl.datasets().loc["stripes", "licence"] == "CC0"
    data = fl.load_dataset("stripes", PROFILE)
    assert data.name == "stripes" and data.image_size == PROFILE.image_size
    run = fl.load_or_train("triplet", dataset="stripes", profile=PROFILE, progress=False)
    assert run.record.dataset == "stripes" and run.history.step == 2
    with pytest.raises(fl.FashionError, match="reserved"):
        fl.load_folder(tmp_path, "stripes")
