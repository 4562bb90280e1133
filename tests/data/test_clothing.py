import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_photographs import TINY, clothing, photograph

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import check_label_table
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.sets import load_dataset
from fashion_lib.data.sets.clothing import SCHEMA, clothing_folder, derived_labels

SHARED = paths.root().parent / "shared" / "data" / "clothing-dataset"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FASHION_CLOTHING", str(tmp_path / "clothing"))
    return clothing(tmp_path / "clothing")


@pytest.mark.parametrize(
    ("label", "kids", "expected"),
    [
        (
            "Polo",
            "False",
            {"sleeve_length": "short", "neck": "collar", "category": "polo", "audience": "adult"},
        ),
        ("Shirt", "True", {"neck": "collar", "category": "shirt", "audience": "kids"}),
        ("Undershirt", "", {"sleeve_length": "none", "neck": "plain", "category": "undershirt"}),
        (
            "Hoodie",
            "False",
            {"sleeve_length": "long", "neck": "hood", "category": "hoodie", "audience": "adult"},
        ),
        (
            "Blazer",
            "False",
            {"sleeve_length": "long", "neck": "lapel", "category": "blazer", "audience": "adult"},
        ),
        (
            "T-Shirt",
            "False",
            {"sleeve_length": "short", "neck": "plain", "category": "t-shirt", "audience": "adult"},
        ),
        ("Longsleeve", "", {"sleeve_length": "long", "neck": "plain", "category": "longsleeve"}),
        ("Shorts", "True", {"leg_length": "short", "category": "shorts", "audience": "kids"}),
        ("Pants", "True", {"leg_length": "long", "category": "pants", "audience": "kids"}),
        ("Dress", "False", {"category": "dress", "audience": "adult"}),
        ("Blouse", "False", {"audience": "adult"}),
        ("Not sure", "True", {}),
        ("Skip", "False", {}),
        ("Other", "False", {}),
    ],
)
def test_a_label_decides_only_what_it_can(label, kids, expected):
    rows = pd.DataFrame([("a", "1", label, kids)], columns=["image", "sender_id", "label", "kids"])
    table = derived_labels(rows)
    assert dict(zip(table["attribute"], table["value"], strict=True)) == expected
    for attribute, value in expected.items():
        SCHEMA.value_index(attribute, value)


def test_loading_a_tiny_set(folder, capsys):
    data = load_dataset("clothing", TINY)
    rows = pd.read_csv(folder / "images.csv", dtype=str).set_index("image")
    assert data.schema is SCHEMA
    assert set(data.image_names) == set(rows.index[rows["label"] != "Not sure"])
    for position in (0, 57):
        file = folder / "images" / f"{data.image_names[position]}.jpg"
        assert (data.pixels[position] == decode_photograph(file, 16)).all()
    check_label_table(data.labels, SCHEMA, data.image_names)
    crossing = data.labels.assign(sender=rows.loc[data.labels["image"], "sender_id"].to_numpy())
    assert crossing.groupby("sender")["split"].nunique().max() == 1
    assert not data.training_labels["image"].duplicated().any()
    assert capsys.readouterr().out == f"clothing: {data.notes[0]}\n"
    assert (
        "0 rows without an image, 0 images without a row, 24 without a garment label, 0 unreadable"
        in data.notes[0]
    )
    again = load_dataset("clothing", TINY)
    assert again.labels.equals(data.labels)
    assert again.training_labels.equals(data.training_labels)
    assert again.version == data.version


def test_missing_orphaned_and_corrupt_photographs_are_reported_and_left_out(folder, capsys):
    (folder / "images" / "p011.jpg").unlink()
    photograph(folder / "images" / "orphan.jpg", 1)
    (folder / "images" / "notes.txt").write_text("no picture")
    for name in ("p020", "p022"):
        file = folder / "images" / f"{name}.jpg"
        os.truncate(file, file.stat().st_size // 2)
    data = load_dataset("clothing", TINY)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert (
        "1 rows without an image, 1 images without a row, 24 without a garment label, 2 unreadable (p020: "
        in out
    )
    assert "p022: " in out
    assert "truncated" in out
    assert data.notes[1] == "Rows without an image: p011."
    assert not set(data.labels["image"]) & {"p011", "p020", "p022", "orphan"}
    assert {"p020", "p022"} <= set(data.image_names)  # rows of the cache, but no label leads to them
    used = np.concatenate([data.encoded(split, labels="all").image for split in ("train", "valid", "test")])
    assert data.pixels[used].reshape(len(used), -1).any(axis=1).all()


def test_unreadable_lists(folder):
    text = (folder / "images.csv").read_text()
    (folder / "images.csv").write_text(text + "p100,3,Polo\n")
    with pytest.raises(FashionError, match="line 242 of .*images.csv has 3 columns instead of 4"):
        load_dataset("clothing", TINY)
    (folder / "images.csv").write_text(text + "p100,3,Polo,False\n")
    with pytest.raises(FashionError, match="line 242 of .*images.csv repeats the image 'p100'"):
        load_dataset("clothing", TINY)
    (folder / "images.csv").write_text("image,sender_id,label,kids\nother,3,Polo,False\n")
    with pytest.raises(FashionError, match="no photograph in .* has a label"):
        load_dataset("clothing", TINY)


def test_where_the_photographs_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("FASHION_CLOTHING", raising=False)
    project = tmp_path / "work" / "project"
    project.mkdir(parents=True)
    monkeypatch.setattr(paths, "root", lambda: project)
    with pytest.raises(FashionError) as caught:
        clothing_folder()
    for part in ("project/data/clothing-dataset", "work/shared/data/clothing-dataset",
                 "python -m fashion_lib download clothing", "FASHION_CLOTHING"):  # fmt: skip
        assert part in str(caught.value)

    def make(folder: Path) -> Path:
        (folder / "images").mkdir(parents=True)
        (folder / "images.csv").write_text("image,sender_id,label,kids\n")
        return folder

    beside = make(tmp_path / "work" / "shared" / "data" / "clothing-dataset")
    assert clothing_folder() == beside
    inside = make(project / "data" / "clothing-dataset")
    assert clothing_folder() == inside
    monkeypatch.setenv("FASHION_CLOTHING", str(tmp_path / "nowhere"))
    with pytest.raises(FashionError, match="nowhere"):
        clothing_folder()
    monkeypatch.setenv("FASHION_CLOTHING", str(make(tmp_path / "chosen")))
    assert clothing_folder() == tmp_path / "chosen"


@pytest.mark.real_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data/clothing-dataset is not beside this project")
def test_the_real_photographs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path))
    monkeypatch.setenv("FASHION_CLOTHING", str(SHARED))
    data = load_dataset("clothing", TINY)
    assert data.notes[0] == (
        "5096 labelled photographs of 344 senders; left out: 5 rows without an image, 358 images without a row, "
        "302 without a garment label, 0 unreadable."
    )
    assert capsys.readouterr().out == f"clothing: {data.notes[0]}\n"
    assert data.edition == "1-3e030f8371b9"  # as in the list of runs behind the ledger
    shares = data.labels.groupby("split")["image"].nunique() / 5096
    assert abs(shares - pd.Series({"train": 0.8, "valid": 0.1, "test": 0.1})).max() < 0.01
    evaluated = data.labels[data.labels["split"] != "train"]
    for attribute in ("sleeve_length", "neck", "leg_length"):
        values = evaluated[evaluated["attribute"] == attribute].groupby(["split", "value"])["role"]
        assert values.nunique().min() == 2
        assert len(values) == 2 * len(SCHEMA.attribute(attribute).values)
