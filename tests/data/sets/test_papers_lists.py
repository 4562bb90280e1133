"""ASEN's lists become the papers' split, query and candidate lists to the row, in every layout."""

import json
import shutil

import numpy as np
import pytest
from real_layouts import asen_lists, deepfashion_lists, expected_rows, picture, write

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sampling import InBatchSampler
from fashion_lib.data.sets import find_real, load_dataset, real_module
from fashion_lib.data.sets.asen_lists import read_asen_lists
from fashion_lib.data.sets.fashionai import SCHEMA

SETS = {"fashionai": "FashionAI", "darn": "DARN", "deepfashion": "DeepFashion"}
NUMBERS = {name: real_module(name).SCHEMA for name in SETS}


class Tiny:
    image_size = 16


def value_of(name):
    schema = NUMBERS[name]
    return lambda attribute, value: schema.attributes[attribute].values[value]


def rows(data):
    return list(data.labels[["image", "split", "role", "attribute", "value"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("name", SETS)
def test_the_lists_are_kept_to_the_row(name, tmp_path, monkeypatch):
    made = asen_lists(tmp_path / "data" / SETS[name], SETS[name])
    monkeypatch.setenv("FASHION_DATA", str(tmp_path))
    data = load_dataset(name, Tiny)
    assert rows(data) == expected_rows(made, value_of(name))
    assert data.image_names == tuple(dict.fromkeys(path for of in made.filenames.values() for path in of))
    assert data.edition.startswith("1-papers-") and "NOT" not in data.card["splitting rule"]
    assert data.training_labels.equals(data.labels[data.labels["split"] == "train"].reset_index(drop=True))
    assert data.pixels.shape == (len(data.image_names), 16, 16, 3) and data.pixels.any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_marks_change_nothing(name, end, tmp_path, monkeypatch):
    made = asen_lists(tmp_path / "kept elsewhere" / "lists", SETS[name], end=end)
    for file in made.folder.glob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().rstrip() + b"  ")
    monkeypatch.setenv("FASHION_DATA", str(made.folder))  # the set itself, under another name
    assert rows(load_dataset(name, Tiny)) == expected_rows(made, value_of(name))


def test_the_set_is_found_below_data_of_the_project(project):
    asen_lists(project / "data" / "FashionAI", "FashionAI")
    (project / "data" / "deepfashion_old").mkdir()
    assert load_dataset("fashionai", Tiny).image_size == 16
    with pytest.raises(FashionError, match=r"'darn' is not in .*data/darn: download the pictures .* FASHION_DATA"):
        load_dataset("darn", Tiny)


def test_a_path_that_stands_twice_is_one_picture_with_all_its_rows(tmp_path):
    made = asen_lists(tmp_path / "DeepFashion", "DeepFashion")
    data = real_module("deepfashion").load_found(find_real("deepfashion", tmp_path), 16)
    twice = made.filenames["valid"][-1]
    assert len(data.image_names) == 239 and (data.labels["image"] == twice).sum() == 2
    assert len(data.encoded("valid", "query")) == 12 and len(data.encoded("valid", "candidate")) == 48
    assert any("name 1 path(s) twice" in note and twice in note for note in data.notes)


def test_a_path_in_two_splits_is_an_error_or_counted(tmp_path):
    made = asen_lists(tmp_path / "DARN", "DARN")
    train, valid, test = (made.filenames[split] for split in ("train", "valid", "test"))
    write(made.folder / "filenames_valid.txt", [*train[:2], *valid[2:]])
    notes = real_module("darn").load_found(find_real("darn", tmp_path), 16).notes
    assert any("2 picture(s) in both train and valid" in note and train[1] in note for note in notes)
    assert not any("twice" in note or "train and test" in note for note in notes)
    write(made.folder / "filenames_valid.txt", [test[5], *valid[1:]])
    with pytest.raises(FashionError, match=f"names {test[5]} in both filenames_valid.txt and filenames_test.txt"):
        real_module("darn").load_found(find_real("darn", tmp_path), 16)


def test_fashionai_keeps_two_pictures_with_one_path_below_train1_and_train2(tmp_path):
    made = asen_lists(tmp_path / "FashionAI", "FashionAI")
    same = made.filenames["train"][0].replace("train1", "train2")
    for file, old in (("filenames_train.txt", made.filenames["train"][9]),):
        path = made.folder / file
        path.write_text(path.read_text().replace(old, same))
    picture(made.folder / same, 999)
    data = real_module("fashionai").load_found(find_real("fashionai", tmp_path), 16)
    one, other = (data.image_names.index(name) for name in (made.filenames["train"][0], same))
    assert one != other and (data.pixels[one] != data.pixels[other]).any()


def test_archives_may_lie_anywhere(tmp_path):
    made = asen_lists(tmp_path / "lists" / "FashionAI", "FashionAI")
    expected = real_module("fashionai").load_found(find_real("fashionai", tmp_path / "lists"), 16)
    for top, place in (("fashionAI_attributes_train1", "disk1/zip"), ("fashionAI_attributes_train2", "disk2")):
        (tmp_path / place).mkdir(parents=True)
        shutil.move(made.folder / top, tmp_path / place / top)
    moved = real_module("fashionai").load_found(find_real("fashionai", tmp_path), 16)
    assert moved.labels.equals(expected.labels) and np.array_equal(moved.pixels, expected.pixels)


def test_pictures_of_darn_may_lack_pic_and_their_ending(tmp_path):
    made = asen_lists(tmp_path / "DARN", "DARN")
    expected = real_module("darn").load_found(find_real("darn", tmp_path), 16)
    for folder in (made.folder / "pic").iterdir():
        for number, file in enumerate(sorted(folder.iterdir())):
            if number % 2:
                file.rename(file.with_suffix(""))
        shutil.move(folder, tmp_path / folder.name)
    (made.folder / "pic").rmdir()
    found = find_real("darn", tmp_path)
    assert "pictures in <category>" in found.layout
    data = real_module("darn").load_found(found, 16)
    assert data.labels.equals(expected.labels) and np.array_equal(data.pixels, expected.pixels)


def test_dead_links_of_darn_leave_a_subset_whose_shares_are_given(tmp_path, capsys):
    made = asen_lists(tmp_path / "DARN", "DARN")
    for path in made.filenames["test"][:6]:
        (made.folder / path).unlink()
    write(made.folder / made.filenames["train"][0], ["<html><body>not found</body></html>"])
    data = real_module("darn").load_found(find_real("darn", tmp_path), 16)
    assert len(data.labels) == len(expected_rows(made, value_of("darn"))) - 6 - 2
    notes = " ".join(data.notes)
    assert "233 of 240 pictures are there, so scores are those of a SUBSET" in notes
    assert "test 90.0 % of 60" in notes and "clothes category 85.7 % of 7" in notes
    assert made.filenames["train"][0] in notes and "SUBSET" in capsys.readouterr().out


def test_a_list_of_urls_alone_is_recognised_and_says_what_to_do(tmp_path):
    write(tmp_path / "darn_url.txt", ["50025145/0_01_1 http://img.example.com/a.jpg"])
    found, module = find_real("darn", tmp_path), real_module("darn")
    assert found.layout == "list of URLs"
    with pytest.raises(FashionError, match="neither DARN's pictures nor ASEN's lists"):
        module.load_found(found, 16)


def test_without_lists_the_folders_of_darn_give_its_category(tmp_path):
    asen_lists(tmp_path / "DARN", "DARN")
    for file in tmp_path.rglob("*.txt"):
        file.unlink()
    data = real_module("darn").load_found(find_real("darn", tmp_path), 16)
    assert data.schema.names == ("clothes category",) and len(data.image_names) == 240
    assert data.edition.startswith("1-own-") and "NOT the papers' split" in data.card["splitting rule"]
    value = data.labels.set_index("image")["value"]
    assert set(value[value.index.str.startswith("pic/52318008/")]) == {"19"}
    assert data.labels.groupby("split")["image"].nunique().to_dict() == {"train": 192, "valid": 24, "test": 24}


def test_items_of_darn_in_both_train_and_test_are_counted(tmp_path):
    for i in range(60):
        picture(tmp_path / "pic" / ("50025145", "50048628")[i % 2] / f"0_{i // 6:02d}_{i}.jpg", i)
    data = real_module("darn").load_found(find_real("darn", tmp_path), 16)
    train, test = (set(data.labels.loc[data.labels["split"] == s, "image"]) for s in ("train", "test"))
    known = [name for name in test if any(other.startswith(name.rsplit("_", 1)[0] + "_") for other in train)]
    items = {name.rsplit("_", 1)[0] for name in known}
    words = f"{len(items)} items are in both train and test. {len(known)} of {len(test)} test pictures"
    assert known and any(words in note for note in data.notes)


def test_only_picture_files_of_darns_folders_are_pictures(tmp_path):
    folder = tmp_path / "pic" / "50025145"
    for name in ("0_01_1.jpg", "0_01_2.PNG", "0_01_3", "list.txt", ".DS_Store", "._0_01_1.jpg"):
        write(folder / name, ["x"])
    (folder / "0_01_4.jpg").mkdir()
    names = real_module("darn").category_pictures(find_real("darn", tmp_path))
    assert names == [f"pic/50025145/0_01_{name}" for name in ("1.jpg", "2.PNG", "3.jpg")]


def test_the_benchmark_names_the_values_of_deepfashion(tmp_path):
    made = asen_lists(tmp_path / "DeepFashion", "DeepFashion")
    names = [("a-line", 3), ("abstract", 1), ("abstract chevron print", 1), ("acid wash", 2), ("abstract", 1)]
    deepfashion_lists(tmp_path / "Category and Attribute Prediction Benchmark", {"img/x/img_1.jpg": [0]}, names)
    found = find_real("deepfashion", tmp_path)
    data = real_module("deepfashion").load_found(found, 16)
    texture, shape = data.schema.attribute("texture-related"), data.schema.attribute("shape-related")
    assert texture.values[:4] == ("abstract", "abstract chevron print", "abstract (2)", "3")
    assert len(texture.values) == 156
    assert shape.values[:2] == ("a-line", "1")
    numbered = [row[:4] for row in expected_rows(made, value_of("deepfashion"))]
    assert [row[:4] for row in rows(data)] == numbered
    assert any("names 5 of the 1,000 values" in note for note in data.notes)


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("query_test.txt", "99 0 0", "line 3 of .*query_test.txt is '99 0 0': there is no image 99, the filenames"),
        ("candidate_valid.txt", "1 8 0", "line 3 of .*there is no attribute 8, there are 8"),
        ("label_train.txt", "1 0 6", "line 3 of .*attribute 0 has no value 6, it has 6"),
        ("label_train.txt", "1 0", "line 3 of .*it must be `image attribute value` with any number of pairs"),
        ("query_valid.txt", "1 0 1 2 2", "line 3 of .*it must be `image attribute value`"),
        ("query_valid.txt", "1 -1 1", "line 3 of .*there is no attribute -1"),
        ("candidate_test.txt", "one two three", "line 3 of .*not a row of whole numbers"),
        ("filenames_train.txt", "", "line 3 of .*is empty, so that later rows have other numbers"),
    ],
)
def test_a_line_at_fault_is_named(file, line, words, tmp_path):
    made = asen_lists(tmp_path / "FashionAI", "FashionAI", pictures=False)
    lines = (made.folder / file).read_text().split("\n")
    write(made.folder / file, [*lines[:2], line, *lines[3:]])
    with pytest.raises(FashionError, match=words):
        read_asen_lists(made.folder, "FashionAI", SCHEMA)


@pytest.mark.parametrize("name", SETS)
def test_damaged_lists_are_not_passed_over(name, tmp_path):
    made = asen_lists(tmp_path / SETS[name], SETS[name])
    file = made.folder / "filenames_train.txt"
    for lines, words in (
        (["version https://git-lfs.github.com/spec/v1", "oid sha256:0", "size 9"], "filenames_train.txt is a Git LFS"),
        ([], "filenames_train.txt is empty|no image 0, the filenames have 0 lines"),
        (["<html>"], "the filenames have 1 lines"),
    ):
        write(file, lines, last=False)
        with pytest.raises(FashionError, match=words):
            real_module(name).load_found(find_real(name, tmp_path), 16)
    file.unlink()
    with pytest.raises(FashionError, match="filenames_train.txt does not exist"):
        real_module(name).load_found(find_real(name, tmp_path), 16)


def test_a_group_of_a_batch_holds_an_image_once_though_it_has_two_values(tmp_path):
    asen_lists(tmp_path / "DeepFashion", "DeepFashion")
    data = real_module("deepfashion").load_found(find_real("deepfashion", tmp_path), 16)
    labels = data.encoded("train")
    pairs = np.stack([labels.image, labels.attribute])
    assert np.unique(pairs, axis=1).shape[1] < len(labels)  # some images do have two values of one attribute
    sampler = InBatchSampler(labels, 48, groups=4)
    for seed in range(20):
        batch = sampler.batch(np.random.default_rng(seed))
        drawn = np.stack([batch.images[batch.rows], batch.attributes])
        assert np.unique(drawn, axis=1).shape == drawn.shape and 30 < len(batch.images) <= 48


def test_an_image_of_train_may_have_no_label(tmp_path):
    made = asen_lists(tmp_path / "FashionAI", "FashionAI", pictures=False)
    lines = (made.folder / "label_train.txt").read_text().split("\n")
    write(made.folder / "label_train.txt", ["0", *lines[1:]])
    rows = read_asen_lists(made.folder, "FashionAI", SCHEMA).rows["train", "train"]
    assert rows.tolist() == [list(row) for row in made.rows["train", "train"][1:]]


def test_a_missing_list_a_pointer_and_another_meta_file_are_named(tmp_path):
    made = asen_lists(tmp_path / "FashionAI", "FashionAI", pictures=False)
    write(made.folder / "label_train.txt", ["version https://git-lfs.github.com/spec/v1", "oid sha256:0", "size 9"])
    with pytest.raises(FashionError, match="label_train.txt is a Git LFS pointer.*git lfs pull"):
        read_asen_lists(made.folder, "FashionAI", SCHEMA)
    (made.folder / "label_train.txt").unlink()
    with pytest.raises(FashionError, match="label_train.txt does not exist"):
        read_asen_lists(made.folder, "FashionAI", SCHEMA)
    meta = json.loads((tmp_path / "meta.json").read_text())
    meta["FashionAI"]["ATTRIBUTES"].reverse()
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(FashionError, match="meta.json has other attributes or numbers of values for FashionAI"):
        read_asen_lists(made.folder, "FashionAI", SCHEMA)
    (tmp_path / "meta.json").write_text("[1")
    with pytest.raises(FashionError, match="cannot be read as ASEN's meta.json"):
        read_asen_lists(made.folder, "FashionAI", SCHEMA)


@pytest.mark.parametrize("name", SETS)
def test_lists_without_pictures_are_one_sentence(name, tmp_path):
    asen_lists(tmp_path / SETS[name], SETS[name], pictures=False)
    with pytest.raises(FashionError, match=f"none of the .* pictures of '{name}' is below"):
        real_module(name).load_found(find_real(name, tmp_path), 16)
