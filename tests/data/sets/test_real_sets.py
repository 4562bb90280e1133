"""The registry of real data sets: absent files are one sentence, present ones train and evaluate."""

import numpy as np
import pytest
from real_layouts import adde_split, asen_lists, picture, zappos

import fashion_lib as fl
from fashion_lib.data.sets import REAL, find_real, is_here, load_dataset, real_module
from fashion_lib.data.sets.set_layout import Found, Tree
from fashion_lib.tasks.retrieval.protocol import protocol_card
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL, untrained_attributes
from fashion_lib.training.profiles import SMOKE

pytestmark = pytest.mark.slow  # `make quick` leaves it out

PROFILE = SMOKE.with_options(steps=2, batch_size=24, start="random", image_size=32, evaluations=1)


@pytest.mark.parametrize("name", REAL)
def test_an_absent_data_set_says_how_to_get_it(name, project, tmp_path, monkeypatch):
    module = real_module(name)
    with pytest.raises(fl.FashionError) as error:
        fl.load_dataset(name, "smoke")
    sentence = str(error.value)
    assert f"'{name}' is not in {project / 'data' / name}" in sentence and module.HOW_TO_GET in sentence
    assert sentence.count(". ") <= 3 and not is_here(name) and find_real(name) is None
    assert fl.datasets().loc[name, "how to get it"].startswith("not here: ")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("FASHION_DATA", str(empty))
    with pytest.raises(fl.FashionError, match=r"is not in the folder .*empty \(FASHION_DATA\)"):
        fl.load_dataset(name, "smoke")
    monkeypatch.setenv("FASHION_DATA", str(empty / "gone"))
    with pytest.raises(fl.FashionError, match="FASHION_DATA names .*gone, which is not a folder"):
        fl.load_dataset(name, "smoke")
    assert "is not a folder" in fl.datasets().loc[name, "how to get it"]


@pytest.mark.parametrize("name", REAL)
def test_every_module_has_what_the_registry_promises(name):
    module = real_module(name)
    assert name == module.NAME and len(module.SCHEMA) >= 3 and isinstance(module.ALIASES, tuple)
    assert set(module.CARD) == {"source", "licence", "how to get it", "in the papers"}
    assert all(callable(getattr(module, what)) for what in ("find", "load_found"))


def make(name, root):
    if name in ("fashionai", "darn", "deepfashion"):
        asen_lists(root / {"fashionai": "FashionAI", "darn": "DARN", "deepfashion": "DeepFashion"}[name],
                   {"fashionai": "FashionAI", "darn": "DARN", "deepfashion": "DeepFashion"}[name])  # fmt: skip
    elif name == "zappos50k":
        zappos(root)
    else:
        sizes = (3, 2, 2) if name == "deepfashion_adde" else tuple(len(a.values) for a in real_module(name).SCHEMA)
        top = "img/a" if name == "deepfashion_adde" else "Male/9_Jeans"
        images = [f"{top}/img_{i:08d}.jpg" for i in range(160)]
        for i, path in enumerate(images):
            picture(root / path, i)
        folder = "DeepFashion" if name == "deepfashion_adde" else "Shopping100k"
        adde_split(root / "splits" / folder, images[:120], images[120:], sizes)


@pytest.mark.filterwarnings("ignore:.*cannot be trained and gets no MAP")  # few pictures for twelve attributes
@pytest.mark.parametrize("name", REAL)
def test_a_run_trains_and_is_scored(name, tmp_path, monkeypatch):
    make(name, tmp_path / "sets")
    monkeypatch.setenv("FASHION_DATA", str(tmp_path / "sets"))
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    found = find_real(name)
    assert isinstance(found, Found) and found.protocol == "papers" and is_here(name)
    assert fl.datasets().loc[name, "how to get it"] == f"here: {found.layout}"
    run = fl.load_or_train("triplet", dataset=name, profile=PROFILE, progress=False)
    assert run.record.dataset == name and run.history.step == 2 and 0 < run.score("map") <= 100
    data = load_dataset(name, PROFILE)
    assert data.resized(16).labels.equals(data.labels)
    card = protocol_card(data)
    assert real_module(name).CARD["licence"] in card and "layout found" in card
    if name == "zappos50k":
        assert 0 <= run.score("triplet_accuracy") <= 100


@pytest.mark.filterwarnings("ignore:.*cannot be trained and gets no MAP")
@pytest.mark.parametrize("method", ["csn", "rpf"])
@pytest.mark.parametrize("meta", [True, False])
def test_zappos_trains_on_the_released_triplets(method, meta, tmp_path, monkeypatch):
    zappos(tmp_path / "sets", meta=meta)
    monkeypatch.setenv("FASHION_DATA", str(tmp_path / "sets"))
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    profile = PROFILE.with_options(sampling="triplet_list")
    data = load_dataset("zappos50k", profile)
    sampler, config = RETRIEVAL.sampler(data, profile.training), profile.training
    listed = {(a, *row) for a, name in enumerate(data.schema.names) for row in data.triplets["train"][name].tolist()}
    batch = sampler.batch(np.random.default_rng(0))
    anchor, close, far = batch.images[batch.triplets].T
    assert set(zip(batch.attributes[: len(anchor)], anchor, far, close, strict=True)) <= listed
    assert untrained_attributes(data, sampling="triplet_list") == {}
    assert set(untrained_attributes(data)) == (set() if meta else {"closure", "gender", "heel"})
    assert "released triplets**: 204 in train" in protocol_card(data, profile)
    run = fl.load_or_train(method, dataset="zappos50k", profile=profile, progress=False)
    assert set(run.record.metrics["triplet_accuracy"]) == {"overall", *data.schema.names} and config.steps == 2
    assert "untrained" not in run.record.counts


@pytest.mark.parametrize("name", ["deepfashion_adde"])
def test_a_manipulation_run_trains_and_is_scored(name, tmp_path, monkeypatch):
    make(name, tmp_path / "sets")
    monkeypatch.setenv("FASHION_DATA", str(tmp_path / "sets"))
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    run = fl.load_or_train("adde_m", dataset=name, profile=PROFILE, progress=False)
    assert run.record.dataset == f"{name}_manipulation" and 0 <= run.score("top10_acc") <= 100


def test_several_sets_below_one_folder_are_kept_apart(tmp_path):
    for name in ("fashionai", "darn", "deepfashion", "zappos50k"):
        make(name, tmp_path)
    for name in ("deepfashion_adde", "shopping100k"):
        make(name, tmp_path / name)
    for name in REAL:
        found = find_real(name, tmp_path)
        assert found.name == name and found.protocol == "papers"
    assert len({find_real(name, tmp_path).lists for name in REAL}) == len(REAL)


def test_the_sets_may_lie_below_folders_with_the_names_of_picture_folders(tmp_path):
    for name in ("fashionai", "darn"):
        make(name, tmp_path / "Images" / "pic")
        assert find_real(name, tmp_path).protocol == "papers"
    data = real_module("darn").load_found(find_real("darn", tmp_path), 16)
    assert len(data.image_names) == 240


def test_a_tree_follows_links_once_and_searches_no_pictures(tmp_path):
    make("deepfashion", tmp_path / "disk")
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "DeepFashion").symlink_to(tmp_path / "disk" / "DeepFashion")
    (tmp_path / "disk" / "DeepFashion" / "loop").symlink_to(tmp_path / "disk")
    tree = Tree(tmp_path / "sets")
    assert not any(file.suffix == ".jpg" for file in tree.files) and len(tree.named("filenames_test.txt")) == 1
    assert not any(folder.parent.name == "img" for folder in tree.folders)
    data = real_module("deepfashion").load_found(find_real("deepfashion", tmp_path / "sets"), 16)
    assert len(data.image_names) == 239
