"""Damaged, disguised, equal and nearly equal pictures, each found and named."""

import io
import shutil

import numpy as np
import pytest
from check_layouts import LAYOUTS, POINTER, jpeg, write
from PIL import Image

from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.near_duplicates import NEAR, check_near, nearly_equal
from fashion_lib.data.checks.picture_checks import Look, look_at
from fashion_lib.tasks.retrieval.metrics import random_average_precision


def examined(dataset, folder, pictures="all"):
    return examine_folder(dataset, folder, random_average_precision, pictures=pictures)


def encoded(form, mode="RGB", side=48, **options):
    """A picture whose coded bytes are many enough to be cut."""
    pixels = np.random.default_rng(3).integers(0, 256, (side, side, 3), dtype=np.uint8)
    memory = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(memory, form, **options)
    return memory.getvalue()


JPEG = encoded("JPEG")
BROKEN = {
    "zero bytes": (b"", "zero bytes"),
    "web page": (b"<html><head><title>404</title></head></html>", "web page"),
    "web page with a mark": (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html></html>", "web page"),
    "pointer": (POINTER, "Git LFS pointer"),
    "cut in half": (JPEG[: len(JPEG) // 2], "cut off"),
    "cut in the header": (JPEG[:30], "no picture that can be read"),
    "noise": (bytes(range(256)) * 8, "no picture that can be read"),
    "an error in JSON": (b'{"error": "not found"}', "no picture that can be read"),
    "a ZIP file": (b"PK\x03\x04" + b"\0" * 99, "ZIP by its first bytes"),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_picture_is_an_error_that_names_it(tmp_path, damage):
    content, words = BROKEN[damage]
    write("darn addresses", tmp_path)
    name = next(name for name in LAYOUTS["darn addresses"][1] if name.endswith(".jpg"))
    (tmp_path / name).write_bytes(content)
    found = [f for f in examined("darn", tmp_path).findings if f.severity == "error"]
    assert [f.file for f in found] == [name]
    assert words in found[0].what and str(tmp_path) not in found[0].what


DISGUISED = {
    "PNG": (encoded("PNG"), "warning", "it is a PNG picture under the name of a JPEG"),
    "GIF": (encoded("GIF"), "warning", "it is a GIF picture under the name of a JPEG"),
    "WebP": (encoded("WEBP"), "warning", "it is a WebP picture under the name of a JPEG"),
    "without end": (JPEG[:-2] + bytes(64), "warning", "no end marker"),
    "CMYK": (encoded("JPEG", "CMYK"), "note", "mode is CMYK"),
    "grey": (encoded("JPEG", "L"), "note", "mode is L"),
}


@pytest.mark.parametrize("disguise", DISGUISED)
def test_a_picture_that_still_decodes_is_no_error(tmp_path, disguise):
    content, severity, words = DISGUISED[disguise]
    (tmp_path / "a.jpg").write_bytes(content)
    done = examined("mine", tmp_path)
    assert done.good and done.looked == 1
    assert any(f.severity == severity and f.file == "a.jpg" and words in f.what for f in done.findings)


def test_a_good_picture_has_no_finding_and_many_of_one_fault_are_one_finding(tmp_path):
    for i in range(9):
        (tmp_path / f"{i} ä.jpg").write_bytes(b"" if i > 2 else jpeg(i))
    empty, *others = [f for f in examined("mine", tmp_path).findings if "no labels.csv" not in f.what]
    assert others == [] and empty.file == "3 ä.jpg" and len(empty.also) == 5


def test_equal_files_are_found_across_splits_and_within_one(tmp_path):
    write("fashionai lists", tmp_path)
    files = [
        name for name in LAYOUTS["fashionai lists"][1] if name.endswith(".jpg")
    ]  # 12 per split, train first
    clean = {f.what for f in examined("fashionai", tmp_path).findings}
    assert not any("same bytes" in what for what in clean)
    shutil.copyfile(tmp_path / files[0], tmp_path / files[30])
    shutil.copyfile(tmp_path / files[13], tmp_path / files[14])
    found = [f for f in examined("fashionai", tmp_path).findings if "same bytes" in f.what]
    assert [(f.severity, {f.file, f.what.split(" as ")[1]}) for f in found] == [
        ("warning", {files[0], files[30]}),
        ("note", {files[13], files[14]}),
    ]


def test_a_resized_and_recompressed_copy_in_another_split_is_found(tmp_path):
    write("fashionai lists", tmp_path)
    files = [name for name in LAYOUTS["fashionai lists"][1] if name.endswith(".jpg")]
    assert not any("looks like" in f.what for f in examined("fashionai", tmp_path).findings)
    (tmp_path / files[5]).write_bytes(jpeg(5, side=240))
    with Image.open(tmp_path / files[5]) as image:
        image.resize((120, 120)).save(tmp_path / files[29], quality=50)
    (found,) = [f for f in examined("fashionai", tmp_path).findings if "looks like" in f.what]
    assert found.file == files[29] and found.what == f"it looks like {files[5]}, which is in train"


def test_nearly_equal_is_the_number_of_different_bits():
    rng = np.random.default_rng(1)
    marks, others = (rng.integers(0, 2**63, (n, 2), dtype=np.uint64) for n in (150, 90))
    others[40] = marks[7] ^ np.array([1 << 3, 1 << 60], dtype=np.uint64)
    others[41] = marks[90] ^ np.array([0xFF, 0], dtype=np.uint64)
    others[42] = marks[91] ^ np.array([0xFF, 1], dtype=np.uint64)  # nine bits
    brute = [
        (row, column)
        for row in range(150)
        for column in range(90)
        if sum(int(a ^ b).bit_count() for a, b in zip(marks[row], others[column], strict=True)) <= NEAR
    ]
    assert list(nearly_equal(marks, others)) == brute == [(7, 40), (90, 41)]


def test_plain_pictures_are_not_called_near(tmp_path):
    for name in ("white.jpg", "black.jpg"):
        Image.new("RGB", (40, 40), name[:5]).save(tmp_path / name)
    looks = [look_at(tmp_path / name) for name in ("white.jpg", "black.jpg")]
    assert looks[0].mark.bits == looks[1].mark.bits == (0, 0)
    split_of = {"white.jpg": "train", "black.jpg": "test"}.get
    assert list(check_near(["white.jpg", "black.jpg"], [look.mark for look in looks], split_of)) == []


def test_the_same_pattern_in_another_colour_is_not_called_near(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 200, (6, 6, 3), dtype=np.uint8)
    for name, shift in (("a.png", 0), ("b.png", 2), ("c.png", 40)):
        Image.fromarray(pixels + np.uint8(shift)).resize((40, 40)).save(tmp_path / name)
    files = ["a.png", "b.png", "c.png"]
    marks = [look_at(tmp_path / name).mark for name in files]
    assert marks[0].bits == marks[1].bits == marks[2].bits
    (found,) = check_near(files, marks, {"a.png": "train", "b.png": "test", "c.png": "test"}.get)
    assert (found.file, found.also) == ("b.png", ())


def test_a_folder_or_nothing_in_place_of_a_picture(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    assert look_at(tmp_path / "a.jpg") == Look("it cannot be read (it is a folder)", "unreadable")
    assert look_at(tmp_path / "b.jpg").kind == "unreadable"


@pytest.mark.parametrize(("pictures", "looked"), [("none", 0), ("sample", 3), ("all", 5)])
def test_a_sample_is_spread_over_all_pictures(tmp_path, monkeypatch, pictures, looked):
    monkeypatch.setattr("fashion_lib.data.checks.examination.SAMPLE", 4)
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i))
    done = examined("mine", tmp_path, pictures)
    assert (done.found, done.looked) == (5, looked)


def test_shares_are_counted_per_split_and_attribute(tmp_path):
    write("darn lists", tmp_path)
    files = [name for name in LAYOUTS["darn lists"][1] if name.endswith(".jpg")]
    for name in files[24:28]:  # rows 0 to 3 of test, attributes 0, 1, 2, 0
        (tmp_path / name).unlink()
    done = examined("darn", tmp_path)
    assert done.good  # dead links are no error
    assert done.shares["test"] == {
        "clothes category": (2, 4),
        "clothes button": (3, 4),
        "clothes color": (3, 4),
    }
    assert done.shares["train"] == {
        "clothes category": (4, 4),
        "clothes button": (4, 4),
        "clothes color": (4, 4),
    }
    (missing,) = [f for f in done.findings if "not here: " in f.what]
    assert missing.line == 1 and len(missing.also) == 3 and "4 of its 12 pictures (33.3%)" in missing.what


def test_other_spellings_are_found_and_said(tmp_path):
    write("deepfashion lists", tmp_path)
    (tmp_path / "DeepFashion/img/Caf&eacute;_Tank").rename(tmp_path / "DeepFashion/img/café_tank")
    done = examined("deepfashion", tmp_path)
    assert done.good and done.named == done.found == 36
    assert sum("under another spelling" in f.what for f in done.findings) == 3


def test_pictures_in_no_list_are_counted(tmp_path):
    write("adde", tmp_path)
    (tmp_path / "img/extra.jpg").write_bytes(jpeg(5))
    assert [f.file for f in examined("deepfashion_adde", tmp_path).findings if "in no list" in f.what] == [
        "img/extra.jpg"
    ]


def test_copies_without_a_split_are_told_to_stay_together(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg(i, side=200))
    with Image.open(tmp_path / "1.jpg") as image:
        image.resize((100, 100)).save(tmp_path / "z.png")
    (found,) = [f for f in examined("mine", tmp_path).findings if "looks like" in f.what]
    assert (found.severity, found.file, found.what, found.also) == (
        "note",
        "z.png",
        "it looks like 1.jpg",
        (),
    )
