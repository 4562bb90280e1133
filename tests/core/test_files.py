"""Files are written whole, by one writer at a time, and nobody deletes what another one is writing."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fashion_lib.core import files
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import one_writer, parsed_json, remove_leftovers, write_atomically, written_whole


def test_text_comes_back_as_it_was_written(tmp_path):
    path = write_atomically(tmp_path / "deep" / "file.txt", "é\r\nb\n")
    assert path.read_bytes() == "é\r\nb\n".encode() and [p.name for p in path.parent.iterdir()] == ["file.txt"]
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode  # what the user's mask allows


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_content_alone(failing, tmp_path, monkeypatch):
    path = write_atomically(tmp_path / "file", "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(FashionError, match="file cannot be written .No space left on device.: free some space"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_block_that_ends_in_an_exception_writes_nothing(error, tmp_path):
    with pytest.raises(error), written_whole(tmp_path / "file") as part:
        part.write_text("half")
        raise error
    assert not list(tmp_path.iterdir())


def test_two_writers_of_one_file_do_not_share_an_unfinished_one(tmp_path):
    with written_whole(tmp_path / "file") as first, written_whole(tmp_path / "file") as second:
        assert first != second and str(os.getpid()) in first.name
        first.write_text("1"), second.write_text("2")
    assert (tmp_path / "file").read_text() == "1"


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with written_whole(tmp_path / "last.safetensors") as mine:
        mine.write_text("being written")
        left = mine.with_name(mine.name.replace(f".{os.getpid()}.part", f".{dead.pid}.part"))
        elsewhere = mine.with_name(mine.name.replace(files._HOST, "another-machine"))
        parent = mine.with_name(mine.name.replace(f".{os.getpid()}.part", f".{os.getppid()}.part"))
        names = ("a.part", "a.x.part", ".part", "x.9²9.part", f"a.0@{files._HOST}.{'9' * 30}.part")
        gone = [left, *(tmp_path / name for name in (*names, f"a.json.{dead.pid}.part"))]  # last: of earlier versions
        stay = [elsewhere, parent, tmp_path / f"a.json.{os.getpid()}.part", tmp_path / "last.safetensors"]
        for file in (*gone, *stay):
            file.touch()
        remove_leftovers(tmp_path)
        assert mine.exists() and {*tmp_path.iterdir()} == {mine, *stay}


def _count(path: str, times: int) -> None:
    for _ in range(times):
        with one_writer(Path(path)):
            number = int(Path(path).read_text())
            write_atomically(Path(path), str(number + 1))


def test_nothing_is_lost_between_processes(tmp_path):
    path = write_atomically(tmp_path / "count", "0")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(str(path), 10)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert path.read_text() == "30"


def test_nothing_is_lost_between_threads(tmp_path):
    path = write_atomically(tmp_path / "count", "0")
    workers = [threading.Thread(target=_count, args=(str(path), 20)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert path.read_text() == "80"


def test_a_lock_that_is_held_for_ever_or_cannot_be_made_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    with (
        one_writer(tmp_path / "ledger"),
        pytest.raises(FashionError, match=r"another process has held .*\.ledger\.lock for 0.1 seconds"),
        one_writer(tmp_path / "ledger"),
    ):
        pass
    with one_writer(tmp_path / "ledger"):
        pass  # it is free again
    (tmp_path / "file").touch()
    with pytest.raises(FashionError, match="file/ledger cannot be written"), one_writer(tmp_path / "file" / "ledger"):
        pass


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "-Infinity", "1e999", "[1e400]", "9" * 41, "9" * 5000,
                                  "[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000, "\0", "'a'"])
def test_json_that_no_number_or_depth_allows_is_a_value_error(text):
    with pytest.raises(ValueError) as caught:
        parsed_json(text)
    assert not isinstance(caught.value, FashionError) and len(str(caught.value)) < 200


def test_plain_json_is_read_exactly():
    assert parsed_json('{"a": [1, -2.5, 1e3, true, null, "x"], "b": 12345678901234567890}') == {
        "a": [1, -2.5, 1000.0, True, None, "x"], "b": 12345678901234567890}  # fmt: skip
    value = 0.1 + 0.2
    assert parsed_json(repr(value)) == value
