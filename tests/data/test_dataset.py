import json

import numpy as np
import pandas as pd
import pytest
from tiny_photographs import TINY, photograph

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.label_table import COLUMNS, encode
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.sets import DATASETS, REAL, DataSet, load_dataset
from fashion_lib.data.sets.folder import load_folder
from fashion_lib.data.splits import one_label_per_image
from fashion_lib.training.profiles import get_profile

SCHEMA = Schema(
    (Attribute("sleeve", ("short", "long")), Attribute("colour", ("red", "blue"), scope="global"))
)
IMAGES = tuple(f"set/{split}{number}.jpg" for split in ("train", "valid", "test") for number in range(4))


def table() -> pd.DataFrame:
    rows = []
    for image in IMAGES:
        split, number = image[4:-5], int(image[-5])
        role = "train" if split == "train" else ("query", "candidate")[number % 2]
        rows.append((image, split, role, "sleeve", ("short", "long")[number // 2]))
        rows.append((image, split, role, "colour", ("red", "blue")[number // 2]))
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def tiny(**changes) -> RetrievalData:
    facts = {
        "name": "tiny", "edition": "1", "schema": SCHEMA, "image_names": IMAGES,
        "pixels": np.zeros((12, 8, 8, 3), np.uint8), "labels": table(),
        "training_labels": one_label_per_image(table(), 0),
    }  # fmt: skip
    return RetrievalData(**(facts | changes))


def test_encoded_reads_one_label_an_image_in_train_unless_all_are_wanted():
    data = tiny()
    assert sorted(data.encoded("train").image) == [0, 1, 2, 3]
    assert sorted(data.encoded("train", labels="all").image) == [0, 0, 1, 1, 2, 2, 3, 3]
    query, candidate = data.encoded("test", "query"), data.encoded("test", "candidate")
    assert set(query.image) == {8, 10}
    assert set(candidate.image) == {9, 11}
    expected = encode(table(), SCHEMA, IMAGES, "test", "query")
    for field in ("image", "attribute", "value"):
        assert (getattr(query, field) == getattr(expected, field)).all()
    assert data.image_size == 8
    with pytest.raises(FashionError, match="labels='some'"):
        data.encoded("train", labels="some")


def test_shown_labels_are_the_label_table_s_unless_the_data_set_knows_more():
    one = table().drop_duplicates("image")  # every picture is labelled for its sleeve alone
    known, more = tiny(labels=one), tiny(labels=one, shown=lambda row: {"sleeve": "long", "colour": "red"})
    assert known.shown_labels("test").image.tolist() == [8, 9, 10, 11]
    assert known.shown_labels("test").attribute.max() == 0
    found = more.shown_labels("test")
    assert found.image.tolist() == [8, 8, 9, 9, 10, 10, 11, 11]
    assert found.attribute.tolist() == [0, 1] * 4 and found.value.tolist() == [1, 0] * 4
    assert len(more.encoded("test")) == 4  # what scores read stays as it is
    with pytest.raises(FashionError, match="there is no split 'tset'"):
        more.shown_labels("tset")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pixels": np.zeros((12, 8, 8, 3), np.float32)}, r"float32 \(12, 8, 8, 3\): give uint8"),
        ({"pixels": np.zeros((12, 8, 9, 3), np.uint8)}, r"\(12, 8, 9, 3\): give uint8"),
        ({"pixels": np.zeros((11, 8, 8, 3), np.uint8)}, "12 image names for 11 pictures"),
        ({"image_names": ("a",) * 12}, "image name twice"),
        ({"labels": table().drop(columns="role")}, "'labels' .* check_label_table"),
        ({"training_labels": table().head(0)}, "'training_labels' .* train split"),
        ({"training_labels": table()}, "'training_labels' .* train split"),
    ],
)
def test_parts_that_do_not_fit_together(changes, words):
    with pytest.raises(FashionError, match=words):
        tiny(**changes)


def test_the_registry_loads_by_name(monkeypatch):
    drawn = {"wardrobe", "wardrobe_darn", "wardrobe_deepfashion", "clothing"}
    assert set(DATASETS) == drawn | set(REAL)
    assert set(REAL) == {"fashionai", "darn", "deepfashion", "deepfashion_adde", "shopping100k", "zappos50k"}
    monkeypatch.setitem(DATASETS, "mine", DataSet(lambda profile: (profile, "loaded"), "", ""))
    assert load_dataset("mine", TINY) == (TINY, "loaded")
    with pytest.raises(FashionError, match="no data set 'wardrob': did you mean 'wardrobe'"):
        load_dataset("wardrob", TINY)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's folder: pictures, labels.csv, schema.json."""
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    for number, image in enumerate(IMAGES):
        photograph(tmp_path / image, number)
    table().to_csv(tmp_path / "labels.csv", columns=COLUMNS, index=False)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA.to_json()))
    return tmp_path


def load_own(own) -> RetrievalData:
    return load_folder("mine", own / "labels.csv", own, own / "schema.json", TINY.image_size)


def test_your_own_folder_becomes_a_data_set(own):
    data = load_own(own)
    assert data.schema == SCHEMA
    assert set(data.image_names) == set(IMAGES)
    assert data.labels.equals(table())
    for position, image in enumerate(data.image_names):
        assert (data.pixels[position] == decode_photograph(own / image, 16)).all()
    assert len(data.encoded("train")) == 4


def test_your_own_pictures_are_decoded_again_for_another_size(own):
    small = get_profile("smoke").with_options(image_size=16)
    data = load_folder("mine", own / "labels.csv", own, own / "schema.json", small.image_size)
    large = data.resized(32)
    assert large.labels.equals(data.labels) and large.training_labels.equals(data.training_labels)
    for position, image in enumerate(large.image_names):
        assert (large.pixels[position] == decode_photograph(own / image, 32)).all()


def test_missing_and_corrupt_images_of_your_own_are_named(own):
    (own / IMAGES[2]).write_bytes((own / IMAGES[2]).read_bytes()[:300])
    with pytest.raises(
        FashionError, match=r"1 of the 12 images .* cannot be read \(set/train2.jpg: .*\): replace"
    ):
        load_own(own)
    (own / IMAGES[5]).unlink()
    with pytest.raises(FashionError, match=r"1 of the 12 images .* are not in .* \(set/valid1.jpg\): add"):
        load_own(own)


def test_a_bad_schema_file_is_named(own):
    (own / "schema.json").write_text('[{"name": "sleeve", "values": ["short"')
    with pytest.raises(FashionError, match=r"schema.json is not readable JSON"):
        load_own(own)
    (own / "schema.json").unlink()
    with pytest.raises(FashionError, match=r"schema.json does not exist"):
        load_own(own)
