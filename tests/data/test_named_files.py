"""Names in a table against files in a folder: spellings of one file, names that are not quite there, ways out."""

import json
import unicodedata

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_photographs import TINY, clothing, photograph

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.data.label_table import COLUMNS
from fashion_lib.data.named_files import NamedFiles, fold
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.data.sets import load_dataset
from fashion_lib.data.sets.folder import load_folder

SCHEMA = Schema((Attribute("colour", ("red", "blue"), scope="global"),))
NFC, NFD = unicodedata.normalize("NFC", "café.jpg"), unicodedata.normalize("NFD", "café.jpg")


@pytest.fixture
def folder(tmp_path):
    """A folder with coats/a.jpg, shown by other names in several ways."""
    (tmp_path / "mine" / "coats").mkdir(parents=True)
    (tmp_path / "mine" / "coats" / "a.jpg").write_bytes(b"a")
    (tmp_path / "outside.jpg").write_bytes(b"o")
    (tmp_path / "mine" / "link.jpg").symlink_to("coats/a.jpg")
    (tmp_path / "mine" / "jackets").symlink_to("coats")
    (tmp_path / "mine" / "out.jpg").symlink_to("../outside.jpg")
    (tmp_path / "mine" / "up").symlink_to("..")
    (tmp_path / "mine" / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "other").symlink_to("mine")
    return tmp_path / "mine"


@pytest.mark.parametrize(
    "name",
    ["coats/a.jpg", "./coats/a.jpg", "coats//a.jpg", "coats/./a.jpg", "coats/../coats/a.jpg", "link.jpg",
     "jackets/a.jpg", "jackets/../link.jpg", "{folder}/coats/a.jpg", "{folder}/link.jpg", "{parent}/other/coats/a.jpg",
     "../mine/coats/a.jpg"],
)  # fmt: skip
@pytest.mark.parametrize("seen_as", ["mine", "other"])
def test_spellings_of_one_file_are_one_image(folder, name, seen_as):
    name = name.format(folder=folder, parent=folder.parent)
    found = NamedFiles(folder.parent / seen_as).find(name)
    assert (found.file, found.difference) == ("coats/a.jpg", "")


@pytest.mark.parametrize(
    "name",
    ["../outside.jpg", "out.jpg", "up/outside.jpg", "coats/../../outside.jpg", "{parent}/outside.jpg", "/etc/hostname",
     "../nothing.jpg", "..", "OUT.jpg", "..\\outside.jpg", "coats\\..\\..\\outside.jpg"],
)  # fmt: skip
def test_names_that_leave_the_folder_are_refused(folder, name):
    name = name.format(parent=folder.parent)
    with pytest.raises(FashionError, match="leads out of the folder .*mine .*: put the file into the folder"):
        NamedFiles(folder).find(name)


@pytest.mark.parametrize(
    ("there", "name", "difference"),
    [
        (NFC, NFD, "another Unicode normal form"),
        (NFD, NFC, "another Unicode normal form"),
        ("a.jpg", "A.JPG", "another case"),
        ("Coats/A.JPG", "coats/a.jpg", "another case"),
        ("STRASSE.jpg", "straße.jpg", "another case"),
        ("coats/a.jpg", "coats\\a.jpg", "another separator"),
        ("coats/a.jpg", ".\\coats\\a.jpg", "another separator"),
        ("coats/a.jpg", "Coats\\A.jpg", "another separator and another case"),
        (f"Été/{NFD}", f"été\\{NFC}", "another separator and another case and another Unicode normal form"),
    ],
)
def test_a_name_that_is_not_there_is_found_in_another_spelling(tmp_path, there, name, difference):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(b"")
    found = NamedFiles(tmp_path).find(name)
    assert (found.file, found.difference) == (there, difference)


@pytest.mark.parametrize(
    "name", ["", " ", ".", "b.jpg", "coats", "coats/a.jpg/b", "loop.jpg", "a\0b", "\ud800", "x" * 5000]
)
def test_what_is_no_file_is_not_found(folder, name):
    assert NamedFiles(folder).find(name) is None


def test_two_files_that_fit_equally_well_are_not_guessed_between(tmp_path):
    for name in ("a.jpg", "A.jpg"):
        (tmp_path / name).write_bytes(b"")
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this disk does not tell cases apart")
    assert NamedFiles(tmp_path).find("a.JPG") is None
    assert NamedFiles(tmp_path).find("A.jpg").file == "A.jpg"


def test_a_backslash_may_be_part_of_a_files_own_name(tmp_path):
    (tmp_path / "a\\b.jpg").write_bytes(b"")
    assert NamedFiles(tmp_path).find("a\\b.jpg").difference == ""
    assert fold("a\\b.jpg") != fold("a/b.jpg")


# Tables -----------------------------------------------------------------------------------------------------


def rows(**renamed: str) -> pd.DataFrame:
    lines = []
    for split in ("train", "valid", "test"):
        for number in range(4):
            image = f"{split}{number}.jpg"
            role = "train" if split == "train" else ("query", "candidate")[number % 2]
            lines.append((renamed.get(image[:-4], image), split, role, "colour", ("red", "blue")[number // 2]))
    return pd.DataFrame(lines, columns=COLUMNS, dtype="str")


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    for number, image in enumerate(rows()["image"]):
        photograph(tmp_path / "pictures" / image, number)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA.to_json()))
    return tmp_path


def load(own, table: pd.DataFrame, encoding: str = "utf-8"):
    table.to_csv(own / "labels.csv", index=False, encoding=encoding)
    return load_folder("mine", own / "labels.csv", own / "pictures", own / "schema.json", TINY.image_size)


def test_another_spelling_is_loaded_and_the_sentence_says_which_file(own, capsys):
    expected = load(own, rows())
    assert capsys.readouterr().out == ""
    (own / "pictures" / "train0.jpg").rename(own / "pictures" / "Train0.JPG")
    data = load(own, rows(train1=".\\train1.jpg"))
    said = capsys.readouterr().out
    assert said.startswith("mine: 2 of the names in ")
    assert "'train0.jpg' is the file 'Train0.JPG', another case" in said
    assert "'.\\train1.jpg' is the file 'train1.jpg', another separator" in said
    assert data.notes == (said.removeprefix("mine: ").strip(),)
    assert (np.sort(data.pixels.sum((1, 2, 3))) == np.sort(expected.pixels.sum((1, 2, 3)))).all()
    row = data.image_names.index("Train0.JPG")
    assert (data.pixels[row] == decode_photograph(own / "pictures" / "Train0.JPG", 16)).all()


@pytest.mark.parametrize("spelling", ["./train0.jpg", "link.jpg", "{pictures}/train0.jpg", "TRAIN0.jpg"])
def test_two_spellings_of_one_file_cannot_hide_a_leak(own, spelling):
    second = Schema((*SCHEMA, Attribute("hem", ("short", "long"))))
    (own / "schema.json").write_text(json.dumps(second.to_json()))
    (own / "pictures" / "link.jpg").symlink_to("train0.jpg")
    spelling = spelling.format(pictures=own / "pictures")
    other = pd.DataFrame([(spelling, "valid", "query", "hem", "short")], columns=COLUMNS)
    with pytest.raises(FashionError, match=r"line 14 of .*: this image is also in 'train' \(leakage\)"):
        load(own, pd.concat([rows(), other]))
    with pytest.raises(FashionError, match=r"line 3 of .*: this image already has a row for 'colour'"):
        load(own, rows(train1=spelling))


def test_two_spellings_are_one_image_of_the_data_set(own):
    second = Schema((*SCHEMA, Attribute("hem", ("short", "long"))))
    (own / "schema.json").write_text(json.dumps(second.to_json()))
    more = rows().assign(attribute="hem", value=lambda table: table["value"].map({"red": "short", "blue": "long"}))
    more["image"] = "./" + more["image"]
    data = load(own, pd.concat([rows(), more]))
    assert len(data.image_names) == len(data.pixels) == 12
    assert data.labels.groupby("image")["attribute"].nunique().eq(2).all()


def test_a_name_that_leaves_the_folder_is_refused_with_its_line(own):
    Image.new("RGB", (9, 9)).save(own / "outside.jpg")
    with pytest.raises(FashionError, match=r"^line 4 of .*labels.csv: the image '../outside.jpg' leads out"):
        load(own, rows(train2="../outside.jpg"))


def test_a_photograph_of_the_clothing_set_in_another_case(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FASHION_CLOTHING", str(clothing(tmp_path / "clothing")))
    expected = load_dataset("clothing", TINY)
    (tmp_path / "clothing" / "images" / "p001.jpg").rename(tmp_path / "clothing" / "images" / "P001.JPG")
    capsys.readouterr()
    data = load_dataset("clothing", TINY)
    assert "'p001.jpg' is the file 'P001.JPG', another case" in capsys.readouterr().out
    assert (data.pixels == expected.pixels).all() and data.labels.equals(expected.labels)
    lines = (tmp_path / "clothing" / "images.csv").read_text() + "P001,1,Polo,False\n"
    (tmp_path / "clothing" / "images.csv").write_text(lines)
    with pytest.raises(FashionError, match="'p001' and 'P001' of .*images.csv are one file"):
        load_dataset("clothing", TINY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_text_may_begin_with_a_byte_order_mark(own, encoding):
    marked = encoding.endswith(("le", "be"))
    table = rows().to_csv(index=False)
    (own / "labels.csv").write_bytes(("\ufeff" * marked + table).encode(encoding))
    (own / "schema.json").write_bytes(("\ufeff" * marked + json.dumps(SCHEMA.to_json())).encode(encoding))
    data = load_folder("mine", own / "labels.csv", own / "pictures", own / "schema.json", TINY.image_size)
    assert data.schema == SCHEMA and data.labels.equals(rows())


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\xffabc", b"[" * 100_000, b"9" * 5000, b"\xef\xbb\xbf", b""])
def test_a_schema_file_of_any_content_is_one_sentence(own, content):
    (own / "schema.json").write_bytes(content)
    with pytest.raises(FashionError, match="schema"):
        load_folder("mine", own / "labels.csv", own / "pictures", own / "schema.json", TINY.image_size)
