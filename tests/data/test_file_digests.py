"""Caches of photographs follow the content of the files, whatever their names, sizes and dates say."""

import json
import os
import time

import numpy as np
import pytest
from PIL import Image

from fashion_lib.core.errors import FashionError
from fashion_lib.data import file_digests as module
from fashion_lib.data import photographs
from fashion_lib.data.file_digests import file_digest, file_digests
from fashion_lib.data.photographs import cached_photographs, decode_photograph


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "SETTLED", -1000.0)  # files of this moment are remembered
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        bitmap(tmp_path / "pictures" / f"{number}.bmp", 50 * number + 20)
    return tmp_path / "pictures"


def bitmap(path, grey: int) -> None:
    Image.new("L", (8, 8), grey).save(path)  # every grey makes a file of one size


NAMES = [f"{number}.bmp" for number in range(3)]


@pytest.fixture
def read(monkeypatch):
    """The names of the files whose bytes were read for a digest."""
    names = []
    monkeypatch.setattr(module, "file_digest", lambda path: names.append(path.name) or file_digest(path))
    return names


def rewritten(path):
    facts = path.stat()
    bitmap(path, 200)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)


def replaced(path):
    facts = path.stat()
    bitmap(path.with_suffix(".new.bmp"), 200)
    os.utime(path.with_suffix(".new.bmp"), ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.replace(path.with_suffix(".new.bmp"), path)


@pytest.mark.parametrize("change", [rewritten, replaced, lambda path: bitmap(path, 200)])
def test_an_edit_that_keeps_name_size_and_date_makes_a_new_cache(folder, change):
    before, _, mark = cached_photographs("t", folder, NAMES, 8, workers=1)
    time.sleep(0.02)  # the clock of a file system ticks every few milliseconds
    change(folder / "1.bmp")
    after, _, other = cached_photographs("t", folder, NAMES, 8, workers=1)
    assert other != mark
    assert (before[1] == 70).all() and (after[1] == 200).all()


def test_a_new_date_alone_keeps_the_cache(folder, read):
    first = cached_photographs("t", folder, NAMES, 8, workers=1)
    os.utime(folder / "1.bmp", (1, 1))
    read.clear()
    again = cached_photographs("t", folder, NAMES, 8, workers=1)
    assert again[2] == first[2]
    assert read == ["1.bmp"]
    assert len(list((folder.parent / "cache").glob("*.pixels"))) == 1


def test_untouched_files_are_not_read_again_and_the_digests_are_right(folder, read):
    first = file_digests(folder, NAMES)
    assert first == [file_digest(folder / name) for name in NAMES]
    assert read == NAMES
    read.clear()
    assert file_digests(folder, list(reversed(NAMES))) == first[::-1]
    assert read == []


def test_a_file_of_this_moment_is_not_remembered(folder, read, monkeypatch):
    monkeypatch.setattr(module, "SETTLED", 2.0)
    file_digests(folder, NAMES)
    file_digests(folder, NAMES)
    assert read == 2 * NAMES


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"format": 1}', b'{"format": 1, "files": []}',
     b'{"format": 2, "files": {}}', b'{"format": 1, "files": {"0.bmp": 5, "1.bmp": [1, 2, 3, 4, 5]}}'],
)  # fmt: skip
def test_a_damaged_memory_of_digests_only_costs_time(folder, read, content):
    first = file_digests(folder, NAMES)
    (memory,) = (folder.parent / "cache").glob("digests-*.json")
    memory.write_bytes(content)
    read.clear()
    assert file_digests(folder, NAMES) == first
    assert read == NAMES
    assert set(json.loads(memory.read_text())["files"]) >= set(NAMES)


def test_digests_do_not_need_a_disk_to_be_remembered_on(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "replace", full)
    assert file_digests(folder, NAMES) == [file_digest(folder / name) for name in NAMES]
    assert list((folder.parent / "cache").iterdir()) == []


def test_a_file_that_vanished_is_named(folder):
    with pytest.raises(FashionError, match=r"image .*gone.bmp cannot be opened \(No such file"):
        cached_photographs("t", folder, ["0.bmp", "gone.bmp"], 8, workers=1)


def test_a_name_that_leaves_the_cache_folder_is_refused_first(folder):
    with pytest.raises(FashionError, match="'../t' cannot be a file name"):
        cached_photographs("../t", folder, ["gone.bmp"], 8, workers=1)


def test_a_file_that_changes_between_digest_and_decoding_makes_no_cache(folder, monkeypatch):
    def changed_afterwards(where, files):
        digests = file_digests(where, files)
        bitmap(folder / "2.bmp", 99)
        return digests

    monkeypatch.setattr(photographs, "file_digests", changed_afterwards)
    with pytest.raises(FashionError, match="2.bmp was changed while"):
        cached_photographs("t", folder, NAMES, 8, workers=1)
    assert not list((folder.parent / "cache").glob("*.pixels"))


def test_a_photograph_that_failed_for_a_moment_is_not_black_for_ever(folder, monkeypatch, capsys):
    moments = [FashionError("no memory")]

    def fails_once(path, size, geometry):
        if moments and str(path).endswith("1.bmp"):
            raise moments.pop()
        return decode_photograph(path, size, geometry)

    monkeypatch.setattr(photographs, "decode_photograph", fails_once)
    pixels, unreadable, _ = cached_photographs("t", folder, NAMES, 8, workers=1)
    assert unreadable == {}
    assert (np.asarray(pixels)[:, 0, 0, 0] == [20, 70, 120]).all()
