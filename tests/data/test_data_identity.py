"""What decides a number is part of the data's version and of a run's identity: each change is another version."""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest
from tiny_data import SCHEMA, tiny_data
from tiny_manipulation import tiny_manipulation

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import RESERVED, Attribute, Schema
from fashion_lib.data.dataset import pixel_digest
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.start_files import start_digest
from fashion_lib.runs.reranked import ReasoningConfig, load_or_rerank
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.tasks.manipulation.tuples import training_tuples
from fashion_lib.tasks.retrieval.protocol import protocol_card
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL, untrained_attributes
from fashion_lib.training import loop
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.profiles import get_profile

train = partial(loop.train, task=RETRIEVAL)
PROFILE = get_profile("smoke").with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")


def config():
    return TrainingConfig(steps=2, batch_size=12, groups=2, evaluations=1, precision="fp32", device="cpu")


def another_value(table: pd.DataFrame) -> pd.DataFrame:
    first, others = table.iloc[0], SCHEMA.attribute(table.iloc[0]["attribute"]).values
    return table.assign(value=[next(v for v in others if v != first["value"]), *table["value"][1:]])


def swapped_splits(table: pd.DataFrame) -> pd.DataFrame:
    names = {"valid": "test", "test": "valid"}
    return table.assign(split=table["split"].replace(names))


def swapped_roles(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(role=table["role"].replace({"query": "candidate", "candidate": "query"}))


def renamed_value(data):
    last = SCHEMA.attributes[-1]
    renamed = Attribute(last.name, (*last.values, "never seen"), last.scope, last.kind)
    return {"schema": Schema((*SCHEMA.attributes[:-1], renamed))}


CHANGES = {
    "a label": lambda d: {"labels": another_value(d.labels)},
    "a training label": lambda d: {"training_labels": another_value(d.training_labels)},
    "one training label less": lambda d: {"training_labels": d.training_labels.iloc[:-1].reset_index(drop=True)},
    "splits": lambda d: {"labels": swapped_splits(d.labels)},
    "roles": lambda d: {"labels": swapped_roles(d.labels)},
    "the order of rows": lambda d: {"training_labels": d.training_labels.iloc[::-1].reset_index(drop=True)},
    "schema": renamed_value,
    "scope": lambda d: {
        "schema": Schema(tuple(dataclasses.replace(a, scope="global") for a in SCHEMA)),
    },
    "names of pictures": lambda d: {
        "image_names": tuple(n.replace("000.png", "zzz.png") for n in d.image_names),
        "labels": d.labels.replace("000.png", "zzz.png"),
        "training_labels": d.training_labels.replace("000.png", "zzz.png"),
    },
    "senders": lambda d: {"senders": ("somebody",) * len(d.image_names)},
    "edition": lambda d: {"edition": "2"},
}


@pytest.fixture(scope="module")
def data():
    return tiny_data(90)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    train(build_model("csn", SCHEMA, start="random"), data, config(), folder, progress=False)
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_labels_is_another_version_and_never_the_old_model(change, data, trained):
    other = dataclasses.replace(data, **CHANGES[change](data))
    assert other.version != data.version
    assert tiny_data(90).version == data.version
    with pytest.raises(FashionError, match="choose another folder, or delete that one"):
        train(build_model("csn", other.schema, start="random"), other, config(), trained, progress=False)


@pytest.mark.parametrize("place", [(0, 0, 0, 0), (89, 15, 15, 2), (45, 7, 3, 1)])
def test_one_changed_pixel_is_never_the_old_model(place, data, trained):
    pixels = data.pixels.copy()
    pixels[place] ^= 1
    other = dataclasses.replace(data, pixels=pixels)
    assert other.pixel_digest != data.pixel_digest
    with pytest.raises(FashionError, match="data pixels"):
        train(build_model("csn", SCHEMA, start="random"), other, config(), trained, progress=False)


def test_the_digest_of_many_pictures_does_not_depend_on_how_they_are_stored(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (1203, 4, 4, 3), dtype=np.uint8)
    pixels.tofile(tmp_path / "pixels")
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "r", shape=pixels.shape)
    assert pixel_digest(mapped) == pixel_digest(np.asfortranarray(pixels)) == pixel_digest(pixels)
    assert pixel_digest(pixels[:-1]) != pixel_digest(pixels)


def test_a_change_of_the_manipulation_data_is_another_version():
    data = tiny_manipulation()
    changes = (
        {"role": data.role[::-1].copy()}, {"split": np.where(data.split == "valid", "test", data.split)},
        {"changes": 2}, {"seed": data.seed + 1}, {"edition": "2"},
    )  # fmt: skip
    versions = [dataclasses.replace(data, _queries={}, **change).version for change in changes]
    assert len({*versions, data.version}) == len(changes) + 1
    assert MANIPULATION.departures(data) == data.departures


def test_tuples_that_came_with_the_data_are_part_of_its_version():
    drawn = tiny_manipulation()
    rows, of = drawn.rows("train"), {split: drawn.queries(split) for split in ("valid", "test")}
    tuples = training_tuples(drawn.labels, rows, np.random.default_rng(0), 12)
    data = dataclasses.replace(drawn, given=tuples, _queries=dict(of))
    turned = {split: dataclasses.replace(asked, query=asked.query[::-1].copy()) for split, asked in of.items()}
    changes = (
        {"given": None}, {"given": dataclasses.replace(tuples, negative=tuples.negative[::-1].copy())},
        {"given": dataclasses.replace(tuples, vectors=-tuples.vectors)},
        {"_queries": of | {"valid": turned["valid"]}}, {"_queries": of | {"test": turned["test"]}},
    )  # fmt: skip
    versions = [dataclasses.replace(data, **change).version for change in changes]
    assert len({*versions, data.version}) == len(changes) + 1
    assert dataclasses.replace(data).version == data.version
    assert drawn.version == versions[0] == "1+272356c9346e", "the ledger's: tuples are drawn"


def test_start_weights_are_known_by_their_content(tmp_path, monkeypatch):
    shipped = {start: start_digest("small", start) for start in ("pretext", "reconstruction", "random")}
    assert len(set(shipped.values())) == 3 and shipped["random"] == ""
    assert build_model("asen", SCHEMA).start_digest == shipped["pretext"]
    for start in ("pretext", "reconstruction"):
        content = (paths.weights_dir() / f"start_{start}.safetensors").read_bytes()
        (tmp_path / f"start_{start}.safetensors").write_bytes(content)
    monkeypatch.setattr(paths, "weights_dir", lambda: tmp_path)
    assert start_digest("small", "pretext") == shipped["pretext"]
    (tmp_path / "start_pretext.safetensors").write_bytes((tmp_path / "start_reconstruction.safetensors").read_bytes())
    assert start_digest("small", "pretext") == shipped["reconstruction"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "/tmp/x", "a b", "ä", "a.b", "x" * 65, None, "a\0", "-x", "a+fr"])
def test_a_name_that_is_no_folder_name_is_refused_first(name):
    with pytest.raises(FashionError, match="cannot be the name of a data set"):
        tiny_data(30, name=name)


@pytest.mark.parametrize("name", RESERVED)
def test_no_attribute_takes_the_name_of_an_average(name):
    with pytest.raises(FashionError, match=f"cannot be called '{name}'"):
        Schema((Attribute(name, ("a", "b")),))


def test_an_attribute_without_a_triplet_is_named_and_gets_no_map(data, project):
    name = SCHEMA.names[0]
    values = SCHEMA.attributes[0].values
    one = data.training_labels.copy()
    one.loc[one["attribute"] == name, "value"] = values[0]  # a single value: nothing to tell apart
    flat = dataclasses.replace(data, training_labels=one)
    assert list(untrained_attributes(flat)) == [name] and untrained_attributes(data) == {}
    with pytest.warns(UserWarning, match=f"{name} of tiny cannot be trained and gets no MAP"):
        run = load_or_train("csn", flat, profile=PROFILE, progress=False)
    for row in (run.record.metrics["map"], run.record.metrics["triplet_accuracy"]):
        assert name not in row and SCHEMA.names[1] in row
    answers = run.record.metrics["triplet_accuracy"]  # each condition has as many triplets
    assert answers["overall"] == pytest.approx(np.mean([answers[other] for other in SCHEMA.names[1:]]))
    again = load_or_rerank(run, ReasoningConfig(samples=20, nodes=4, steps=1)).record.metrics["map"]
    assert list(again) == list(run.record.metrics["map"])
    assert run.record.counts["untrained"][name] > 0 and name not in run.record.counts["queries"]
    assert f"{name}: the training labels hold no triplet" in protocol_card(flat)
    assert "not trained" not in protocol_card(data)
    assert name in load_or_train("random", flat, profile=PROFILE, progress=False).record.metrics["map"]
