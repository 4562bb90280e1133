"""ADDE's released tuples and CSN's released triplets reach training and test as they are."""

import numpy as np
import pytest
from real_layouts import adde_split, deepfashion_lists, picture, write, zappos

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import find_real, load_dataset, real_module
from fashion_lib.tasks.manipulation.manipulation_data import load_manipulation
from fashion_lib.tasks.manipulation.manipulation_task import TupleSampler
from fashion_lib.tasks.retrieval.triplet_prediction import fixed_lists

ADDE, ZAPPOS = real_module("deepfashion_adde"), real_module("zappos50k")


class Tiny:
    image_size = 16


def deepfashion_split(root, count=40):
    images = [f"img/Caf&eacute;_Tank/img_{i:08d}.jpg" for i in range(count)]
    for i, path in enumerate(images):
        picture(root / "Img" / path, i)
    test = images[3 * count // 4 :]
    return images, adde_split(root / "splits" / "DeepFashion", images[: 3 * count // 4], test)


def test_the_released_tuples_are_read_to_the_row(tmp_path, monkeypatch):
    images, made = deepfashion_split(tmp_path)
    monkeypatch.setenv("FASHION_DATA", str(tmp_path))
    data = load_dataset("deepfashion_adde", Tiny)
    assert data.image_names == tuple(images) and data.schema.names == ("category", "texture", "shape")
    tuples = data.tuples
    assert tuples.train.tolist() == [list(row[:3]) for row in made.train]
    assert tuples.train_vectors.tolist() == [row[3] for row in made.train]
    assert tuples.test.tolist() == [30 + row[0] for row in made.asked]
    assert tuples.test_vectors.tolist() == [row[3] for row in made.asked]
    assert tuples.test_targets.astype(int).tolist() == [made.labels["test"][row[1]] for row in made.asked]
    assert tuples.labels.matrix.astype(int).tolist() == made.labels["train"] + made.labels["test"]
    assert tuples.split.tolist() == ["train"] * 30 + ["test"] * 10
    notes = " ".join(data.notes)
    assert "30 train and 10 test pictures, 40 training tuples, 12 test queries" in notes
    assert "In 0 test queries" in notes
    train = data.labels[data.labels["split"] == "train"]
    assert train["image"].nunique() == 27 and not set(train["image"]) & set(images[30:])


def test_manipulation_trains_and_tests_on_the_released_tuples(tmp_path):
    _, made = deepfashion_split(tmp_path)
    data = ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    ready = load_manipulation("deepfashion_adde", Tiny, data=data)
    batch = TupleSampler(ready, 60).batch(np.random.default_rng(0))
    drawn = set(zip(*(part.tolist() for part in batch.images.reshape(3, 20)), strict=True))
    assert drawn <= {tuple(row[:3]) for row in made.train[:36]}
    test, valid = ready.queries("test"), ready.queries("valid")
    assert len(test) == 12 and test.gallery.tolist() == list(range(30, 40)) and (test.matches >= 1).all()
    assert valid.query.tolist() == [row[0] for row in made.train[36:]]
    chosen = load_manipulation("deepfashion_adde", Tiny, ["shape", "category"], data=data)
    assert chosen.given is None and chosen.schema.names == ("shape", "category")


def test_a_tuple_whose_picture_is_missing_is_left_out_and_counted(tmp_path):
    images, made = deepfashion_split(tmp_path)
    (tmp_path / "Img" / images[made.train[0][0]]).unlink()
    data = ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    kept = [row for row in made.train if made.train[0][0] not in row[:3]]
    names = np.array(data.image_names)
    assert names[data.tuples.train].tolist() == [[images[i] for i in row[:3]] for row in kept]
    assert f"{len(kept)} of 40 training tuples and 12 of 12 test queries" in " ".join(data.notes)


def test_an_unreadable_picture_is_in_no_tuple_and_not_in_the_gallery(tmp_path):
    images, made = deepfashion_split(tmp_path)
    train, test = made.train[0][0], made.asked[0][0]
    for picture_at in (train, 30 + test):
        (tmp_path / "Img" / images[picture_at]).write_bytes(b"no picture")
    data = ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    assert data.image_names == tuple(images) and data.unreadable == {images[train], images[30 + test]}
    assert data.tuples.train.tolist() == [list(row[:3]) for row in made.train if train not in row[:3]]
    assert data.tuples.test.tolist() == [30 + row[0] for row in made.asked if row[0] != test]
    counts = f"{len(data.tuples.train)} of 40 training tuples and {len(data.tuples.test)} of 12 test queries"
    assert counts in " ".join(data.notes)
    gallery = load_manipulation("deepfashion_adde", Tiny, data=data).queries("test").gallery.tolist()
    assert gallery == [row for row in range(30, 40) if row != 30 + test]


def test_a_picture_that_is_listed_twice_is_in_one_split(tmp_path):
    images, made = deepfashion_split(tmp_path)
    folder = tmp_path / "splits" / "DeepFashion"
    write(folder / "imgs_train.txt", [*images[:25], *images[:5]])
    data = ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    assert (data.labels.groupby("image")["split"].nunique() == 1).all()
    assert data.labels.groupby("split")["image"].nunique().to_dict() == {"test": 10, "train": 23, "valid": 2}
    write(folder / "imgs_train.txt", [*images[:29], images[30]])
    with pytest.raises(FashionError, match="in both imgs_train.txt and imgs_test.txt"):
        ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)


def test_columns_get_the_names_of_the_benchmarks_values_with_the_same_pictures(tmp_path):
    images, made = deepfashion_split(tmp_path)
    rows = made.labels["train"] + made.labels["test"]
    # Columns 3 and 4 are "dots" and "lines", column 5 is "wide"; "narrow" lacks some of column 6's pictures.
    names = [("lines", 1), ("wide", 3), ("dots", 1), ("narrow", 3), ("wool", 2)]
    held = {
        path: [i for i, column in enumerate((4, 5, 3, 6)) if row[column] and (i != 3 or number != rows.index(row))]
        for number, (path, row) in enumerate(zip(images, rows, strict=True))
    }
    deepfashion_lists(tmp_path, held | {"img/other/img_1.jpg": [0, 1, 2, 3, 4]}, names)
    data = ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    assert data.schema.attribute("texture").values == ("dots", "lines")
    assert data.schema.attribute("shape").values == ("wide", "1")
    assert data.schema.attribute("category").values == ("0", "1", "2")  # the benchmark's four have other pictures
    assert any("3 of 7 values are named" in note for note in data.notes)


def test_pointers_and_files_that_do_not_fit_together_are_named(tmp_path):
    _, _ = deepfashion_split(tmp_path)
    folder = tmp_path / "splits" / "DeepFashion"
    whole = {file: file.read_bytes() for file in folder.iterdir()}

    def fault(name, lines, words):
        write(folder / name, lines)
        with pytest.raises(FashionError, match=words):
            ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
        for file, content in whole.items():
            file.write_bytes(content)

    pointer = ["version https://git-lfs.github.com/spec/v1", "oid sha256:ab", "size 12"]
    for name in ("imgs_train.txt", "triplet_train_ind.txt", "attr_num.txt"):
        fault(name, pointer, f"{name} is a Git LFS pointer")
    for file in folder.iterdir():
        write(file, pointer)
    with pytest.raises(FashionError, match="is a Git LFS pointer, not the list itself: install git-lfs"):
        ADDE.load_found(find_real("deepfashion_adde", tmp_path), 16)
    for file, content in whole.items():
        file.write_bytes(content)
    fault("ref_test.txt", ["0", "99"], "ref_test.txt has 2 rows|indfull_test.txt has 12 rows and ref_test.txt has 2")
    fault("attr_num.txt", ["3", "4"], "has 7 numbers|counts the values of 2 attributes")
    lines = whole[folder / "labels_train.txt"].decode().split("\n")[:-1]
    fault("labels_train.txt", [*lines[:4], "0 0 1", *lines[5:]], "line 5 of .*has 3 numbers instead of 7")
    fault("labels_train.txt", [*lines[:4], "0 0 1 0 7 0 0", *lines[5:]], "line 5 .*holds '7', which is not one of 0, 1")
    fault("labels_train.txt", lines[:-1], "labels_train.txt has 29 rows and imgs_train.txt has 30")
    triplets = whole[folder / "triplet_train.txt"].decode().split("\n")[:-1]
    fault("triplet_train.txt", ["0 1 30", *triplets[1:]], "line 1 of .*names a picture outside 0 to 29")


def test_shopping100k_has_the_same_format(tmp_path):
    sizes = tuple(len(attribute.values) for attribute in real_module("shopping100k").SCHEMA)
    images = [f"{('Female', 'Male')[i % 2]}/9_Jeans/{i:07d}_8.jpg" for i in range(20)]
    for i, path in enumerate(images):
        picture(tmp_path / path, i)
    folder = tmp_path / "splits" / "Shopping100k"
    adde_split(folder, images[:15], images[15:], sizes)
    found = find_real("shopping100k", tmp_path)
    assert found.layout == "ADDE's split; pictures in Female; pictures in Male"
    assert find_real("deepfashion_adde", tmp_path) is None
    data = real_module("shopping100k").load_found(found, 16)
    assert len(data.schema) == 12 and data.image_names == tuple(images) and len(data.tuples.train) > 0


@pytest.mark.parametrize("square", [False, True])
def test_the_triplets_of_zappos_are_read_to_the_row(square, tmp_path, monkeypatch):
    made = zappos(tmp_path, square=square)
    monkeypatch.setenv("FASHION_DATA", str(tmp_path))
    data = load_dataset("zappos50k", Tiny)
    assert data.image_names == tuple(made.names) and data.schema.names == ("class", "closure", "gender", "heel")
    for split, written in (("train", "train"), ("valid", "val"), ("test", "test")):
        for condition in data.schema.names:
            assert data.triplets[split][condition].tolist() == made.triplets[written, condition]
    assert fixed_lists(data)["heel"].tolist() == made.triplets["test", "heel"]
    split = data.labels.groupby("image")["split"].first()
    assert [split.get(name) for name in made.names] == ["train"] * 70 + ["valid"] * 10 + ["test"] * 20
    labels = data.labels.set_index(["image", "attribute"])["value"]
    assert labels[made.names[0], "class"] == "Shoes" and labels[made.names[2], "class"] == "Boots"
    assert labels[made.names[1], "heel"] == "Under 1in" and (made.names[2], "heel") not in labels.index
    assert data.schema.attribute("closure").values[-1] != "Hook and Loop;Lace up"
    assert any("hold several values and give no label" in note for note in data.notes)


def test_a_row_of_the_table_of_shoes_is_named_by_its_line(tmp_path):
    zappos(tmp_path)
    file = tmp_path / "meta-data.csv"
    header, *rows = file.read_text().splitlines()
    write(file, [header, "", *rows[:2], "100627-72,Shoes", *rows[2:]])
    with pytest.raises(FashionError, match="line 5 of .*meta-data.csv has 2 cells instead of 9"):
        ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)


def test_zappos_without_lists_is_not_the_papers_protocol(tmp_path):
    zappos(tmp_path, lists=False)
    data = ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)
    assert data.edition.startswith("1-own-") and data.card["splitting rule"].startswith("NOT the papers' protocol")
    assert data.triplets == {} and set(fixed_lists(data)) == {"class", "closure", "gender", "heel"}
    assert data.labels.groupby("split")["image"].nunique().to_dict() == {"train": 70, "valid": 10, "test": 20}


def test_zappos_without_its_labels_knows_classes_alone(tmp_path):
    made = zappos(tmp_path, meta=False)
    (tmp_path / "ut-zap50k-images" / made.names[99]).unlink()
    data = ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)
    assert set(data.labels["attribute"]) == {"class"} and len(data.image_names) == 99
    kept = [row for row in made.triplets["test", "class"] if 99 not in row]
    assert data.triplets["test"]["class"].tolist() == kept
    assert any("Triplets whose pictures are there" in note for note in data.notes)


def test_an_unreadable_picture_is_in_no_triplet(tmp_path):
    made = zappos(tmp_path)
    (tmp_path / "ut-zap50k-images" / made.names[99]).write_bytes(b"no picture")
    data = ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)
    assert data.image_names == tuple(made.names) and data.unreadable == {made.names[99]}
    kept = [row for row in made.triplets["test", "class"] if 99 not in row]
    assert data.triplets["test"]["class"].tolist() == kept
    of_test = sum(99 not in row for (split, _), rows in made.triplets.items() if split == "test" for row in rows)
    assert any(f"{of_test} of 204 in test" in note for note in data.notes)


def test_a_triplet_at_fault_is_named(tmp_path):
    zappos(tmp_path)
    file = tmp_path / "tripletlists" / "gender_tripletlist_val.txt"
    write(file, ["70 71 72", "70 71 100"])
    with pytest.raises(FashionError, match="line 2 of .*gender_tripletlist_val.txt .*filenames.json has 100 lines"):
        ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)
    file.unlink()
    with pytest.raises(FashionError, match="gender_tripletlist_val.txt does not exist"):
        ZAPPOS.load_found(find_real("zappos50k", tmp_path), 16)
