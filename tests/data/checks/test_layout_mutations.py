"""Faults of whole layouts, as unpacking, renaming and mixing downloads make them: found, and read or refused."""

import gzip
import itertools
import json
import os
import shutil

import numpy as np
import pytest
from check_layouts import POINTER
from PIL import Image
from real_layouts import (
    ITEMS,
    adde_split,
    asen_lists,
    deepfashion_lists,
    fashionai_archive,
    picture,
    write,
    zappos,
)

from fashion_lib.core.errors import FashionError
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.sets import find_real, locate, real_module
from fashion_lib.tasks.retrieval.metrics import random_average_precision

pytestmark = pytest.mark.slow  # `make quick` leaves it out


def benchmark(root):
    images = {f"img/{ITEMS[i % 5]}/img_{i:08d}.jpg": [i % 15, (i * 7 + 3) % 15] for i in range(300)}
    for seed, path in enumerate(images):
        picture(root / path, seed)
    deepfashion_lists(root, images, [(f"name{i}", i % 5 + 1) for i in range(15)])


def tuples(root):
    images = [f"img/{ITEMS[i % 5]}/img_{i:08d}.jpg" for i in range(36)]
    for seed, path in enumerate(images):
        picture(root / path, seed)
    adde_split(root / "splits" / "DeepFashion", images[:24], images[24:])


LAYOUTS = {
    "fashionai": ("fashionai", lambda root: asen_lists(root / "FashionAI", "FashionAI")),
    "darn": ("darn", lambda root: asen_lists(root / "DARN", "DARN", train=135, evaluated=90)),
    "deepfashion": ("deepfashion", lambda root: asen_lists(root / "DeepFashion", "DeepFashion")),
    "raw": ("fashionai", lambda root: fashionai_archive(root / "fashionAI_attributes_train1", 96)),
    "benchmark": ("deepfashion", benchmark),
    "adde": ("deepfashion_adde", tuples),
    "zappos": ("zappos50k", zappos),
}


def edit(file, change):
    """Return a mutation that changes the bytes of one file."""
    return lambda root: (root / file).write_bytes(change((root / file).read_bytes()))


def rows(file, change):
    """Return a mutation that changes the rows of one file."""

    def changed(content):
        end = b"\r\n" if b"\r\n" in content else b"\n"
        return end.join(change(content.rstrip(b"\r\n").split(end))) + end

    return edit(file, changed)


def each(file, change):
    """Return a mutation that changes every row of one file, cell by cell."""
    return rows(file, lambda lines: [b" ".join(change(line.split())) for line in lines])


def every_triplet(change):
    def mutate(root):
        for file in (root / "tripletlists").iterdir():
            each(file.name, change)(file.parent)

    return mutate


def pictures(change):
    """Return a mutation of the first picture."""
    return lambda root: change(min(root.rglob("*.jpg")))


def pipe(file):
    file.unlink()
    os.mkfifo(file)


def folder(file):
    file.unlink()
    file.mkdir()


def two_spellings(file):
    for seed, ending in enumerate((".JPG", ".Jpg")):
        picture(file.with_suffix(".png"), seed).rename(file.with_suffix(ending))
    file.unlink()


def capitals(root):
    for file in list(root.rglob("*.txt")):
        file.rename(file.with_name(file.name.upper()))


def archived(root):
    shutil.make_archive(str(root / "data"), "zip", root / "FashionAI", ".")
    for file in (root / "FashionAI").glob("*.txt"):
        file.unlink()


def second_download(root):
    for file in (root / "FashionAI").glob("*.txt"):
        (root / "FashionAI (1)").mkdir(exist_ok=True)
        shutil.copy(file, root / "FashionAI (1)")


def other_lists(root):
    shutil.rmtree(root / "FashionAI")
    asen_lists(root / "DARN", "DARN").folder.rename(root / "FashionAI")


def from_macos(root):
    for file in [file for file in root.rglob("*") if file.is_file()]:
        copy = root / "__MACOSX" / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.with_name(f"._{file.name}").write_bytes(b"\0\5\26\7" + bytes(200))


def copied(source, target):
    return lambda root: shutil.copy(root / source, root / target)


def exchanged(one, other):
    def mutate(root):
        first, second = (root / one).read_bytes(), (root / other).read_bytes()
        (root / one).write_bytes(second)
        (root / other).write_bytes(first)

    return mutate


def answers_of_another_row(lines):
    return [line.rsplit(b",", 1)[0] + b"," + lines[i - 1].rsplit(b",", 1)[1] for i, line in enumerate(lines)]


LISTS, SPLIT, ANNO = "FashionAI/", "splits/DeepFashion/", "Anno/list_attr_img.txt"
LABELS = "fashionAI_attributes_train1/Annotations/label.csv"
READ = ""  # the reader reads it
# layout, mutation, words of a finding ("" for none: nothing is wrong), words of the reader's sentence
MUTATIONS = {
    "names in capitals": ("fashionai", capitals, "capital letters", "filenames_train.txt does not exist"),
    "capitals in ADDE": ("adde", capitals, "capital letters", "is not in the folder"),
    "lists still in an archive": ("fashionai", archived, "nothing that labels them", "but no labels"),
    "a second download": ("fashionai", second_download, "the reader takes those of FashionAI", READ),
    "another set's lists": ("fashionai", other_lists, "no attribute 8", "no attribute 8"),
    "files of macOS": ("fashionai", from_macos, "", READ),
    "gzip": ("fashionai", edit(LISTS + "label_train.txt", gzip.compress), "gzip data", "not a row of whole numbers"),
    "backslashes": ("fashionai", edit(LISTS + "filenames_train.txt", lambda c: c.replace(b"/", b"\\")),
                    "another spelling", READ),
    "paths from the root": ("fashionai", rows(LISTS + "filenames_train.txt", lambda r: [b"/data/" + x for x in r]),
                            "leads out of the folder", "too few"),
    "dots before paths": ("fashionai", rows(LISTS + "filenames_train.txt", lambda r: [b"./" + x for x in r]),
                          "another spelling", READ),
    "quotes": ("fashionai", rows(LISTS + "filenames_test.txt", lambda r: [b'"' + x + b'"' for x in r]),
               "does not end as the name of a picture", "too few"),
    "images from 1": ("fashionai", each(LISTS + "label_train.txt", lambda r: [b"%d" % (int(r[0]) + 1), *r[1:]]),
                      "no image 120", "no image 120"),
    "commas": ("fashionai", edit(LISTS + "candidate_test.txt", lambda c: c.replace(b" ", b",")), "1 cells instead of 3",
               "not a row of whole numbers"),
    "names in another order": ("fashionai", rows(LISTS + "filenames_train.txt", lambda r: r[3:] + r[:3]),
                               "the picture lies in", READ),
    "queries of valid": ("fashionai", copied(LISTS + "query_valid.txt", LISTS + "query_test.txt"),
                         "is a candidate, too", READ),
    "train is test": ("fashionai", copied(LISTS + "filenames_train.txt", LISTS + "filenames_test.txt"),
                      "is also in filenames_train.txt", READ),
    "a pipe": ("fashionai", pictures(pipe), "it is no plain file", "it is no plain file"),
    "a folder": ("fashionai", pictures(folder), "not here: 1 of its 120", "it is no plain file"),
    "two spellings of a picture": ("fashionai", pictures(two_spellings), "not here: 1 of its 120", READ),
    "one pixel": ("fashionai", pictures(lambda file: Image.new("RGB", (1, 1)).save(file)), "shorter side has 1", READ),
    "a strip": ("darn", pictures(lambda file: Image.new("RGB", (900, 2)).save(file)), "shorter side has 2", READ),
    "HTML entities decoded": ("deepfashion", edit("DeepFashion/filenames_train.txt",
                              lambda c: c.replace(b"&eacute;", "\u00e9".encode())), "another spelling", READ),
    "large pictures": ("deepfashion", lambda root: (root / "DeepFashion/img").rename(root / "DeepFashion/img_highres"),
                       "another spelling", READ),
    "semicolons": ("raw", edit(LABELS, lambda c: c.replace(b",", b";")), "1 cells instead of 3", "no attribute"),
    "capital answers": ("raw", edit(LABELS, lambda c: c.replace(b",y", b",Y")), "other letters than n, m and y",
                        "with one y"),
    "answers of another row": ("raw", rows(LABELS, answers_of_another_row), "letters", "letters"),
    "no image has an attribute": ("benchmark", edit(ANNO, lambda c: c.replace(b"  1", b" -1")), "no 1 is in any row",
                                  "gives no picture an attribute"),
    "a column less": ("benchmark", rows(ANNO, lambda r: [*r[:2], *(x.rstrip().rsplit(None, 1)[0] for x in r[2:])]),
                      "14 labels", "not a path and 15 numbers"),
    "one name twice": ("benchmark", edit("Anno/list_attr_cloth.txt", lambda c: c.replace(b"name5 ", b"name0 ")),
                       "stands already", READ),
    "sizes in one line": ("adde", edit(SPLIT + "attr_num.txt", lambda c: b"3 2 2\n"), "not a whole number", "3 2 2"),
    "an attribute without values": ("adde", edit(SPLIT + "attr_num.txt", lambda c: b"7\n0\n0\n"), "of 0 values",
                                    "line 2 of .*attr_num.txt gives an attribute 0 values"),
    "labels moved by a row": ("adde", rows(SPLIT + "labels_train.txt", lambda r: r[1:] + r[:1]),
                              "the change does not lead", READ),
    "wanted labels that no picture has": ("adde", each(SPLIT + "gt_test.txt", lambda r: [b"0"] * 7),
                                          "no test picture has the labels", READ),
    "one pointer": ("adde", edit(SPLIT + "triplet_train_ind.txt", lambda c: POINTER), "LFS pointer", "LFS pointer"),
    "JSON": ("zappos", edit("filenames.json", lambda c: json.dumps(c.decode().split("\n")).encode()),
             "no image", "filenames.json has 1 lines"),
    "test's triplets in train": ("zappos", copied("tripletlists/heel_tripletlist_test.txt",
                                 "tripletlists/heel_tripletlist_train.txt"), "both train and test", READ),
    "a fifth condition": ("zappos", copied("tripletlists/heel_tripletlist_test.txt",
                          "tripletlists/colour_tripletlist_test.txt"), "is not one of class", READ),
    "the folder of triplets renamed": ("zappos", lambda root: (root / "tripletlists").rename(root / "triplets"),
                                       "the reader does not take them", READ),
    "names made dates by Excel": ("zappos", edit("meta-data.csv", lambda c: c.replace(b"900003-13", b"Mar 13")),
                                  "'Mar 13' is no number of a shoe", READ),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_of_a_layout_is_found_and_the_reader_reads_or_says_one_sentence(name, tmp_path, monkeypatch):
    layout, mutate, words, sentence = MUTATIONS[name]
    dataset, build = LAYOUTS[layout]
    build(tmp_path)
    before = set(examine_folder(dataset, tmp_path, random_average_precision, pictures="all").findings)
    mutate(tmp_path)
    found = set(examine_folder(dataset, tmp_path, random_average_precision, pictures="all").findings) - before
    assert any(words in finding.what for finding in found) if words else not found
    monkeypatch.setenv("FASHION_DATA", str(tmp_path))
    if sentence != READ:
        with pytest.raises(FashionError, match=sentence) as caught:
            real_module(dataset).load_found(locate(dataset), 16)
        assert "\n" not in str(caught.value)
    else:
        data = real_module(dataset).load_found(locate(dataset), 16)
        assert data.pixels[len(data.image_names) - 1].shape == (16, 16, 3)


SHUFFLED = np.random.default_rng(0).permutation(100)


def triplets_by_value(root):
    """Write all triplets of closure whose close picture has the anchor's value and whose far picture has another."""
    shoes = (root / "meta-data.csv").read_text().splitlines()[1:]
    value = [row.split(",")[5] for row in shoes]
    anchors = [i for i in range(80, 100) if ";" not in value[i] and value[i]]
    found = [
        (anchor, far, close)
        for anchor, far, close in itertools.permutations(anchors, 3)
        if value[close] == value[anchor] != value[far]
    ]
    write(root / "tripletlists/closure_tripletlist_test.txt", [" ".join(map(str, row)) for row in found])


@pytest.mark.parametrize(
    ("mutate", "against"),
    [
        (lambda root: None, False),
        (every_triplet(lambda row: [row[0], row[2], row[1]]), True),
        (
            exchanged(
                "tripletlists/closure_tripletlist_test.txt", "tripletlists/gender_tripletlist_test.txt"
            ),
            True,
        ),
        (rows("filenames.json", lambda lines: [lines[i] for i in SHUFFLED]), True),
    ],
    ids=["as drawn", "far and close exchanged", "another condition's list", "names in another order"],
)
def test_triplets_are_compared_with_the_table_of_the_shoes(mutate, against, tmp_path):
    zappos(tmp_path)
    triplets_by_value(tmp_path)
    mutate(tmp_path)
    done = examine_folder("zappos50k", tmp_path, random_average_precision, pictures="none")
    found = [f for f in done.findings if "the far picture has the anchor's value" in f.what]
    assert any(f.file.endswith("closure_tripletlist_test.txt") for f in found) == against


def test_a_picture_without_a_row_in_the_table_of_the_shoes_is_counted(tmp_path):
    zappos(tmp_path)
    rows("meta-data.csv", lambda lines: lines[:-3])(tmp_path)
    done = examine_folder("zappos50k", tmp_path, random_average_precision, pictures="none")
    (found,) = [f for f in done.findings if "has no row in meta-data.csv" in f.what]
    assert (found.severity, found.file, found.line, len(found.also)) == ("warning", "filenames.json", 98, 2)
    notes = real_module("zappos50k").load_found(find_real("zappos50k", tmp_path), 16).notes
    assert any(note.startswith("3 pictures have no row in meta-data.csv") for note in notes)
