import multiprocessing
import os
import shutil
import subprocess
import sys
import textwrap
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data import cache
from fashion_lib.data.cache import load_or_build

SIZE = 4


def numbered(rows: range) -> np.ndarray:
    """Picture i is filled with i modulo 251; its first pixel says whether a worker process drew it."""
    pictures = np.stack([np.full((SIZE, SIZE, 3), row % 251, dtype=np.uint8) for row in rows])
    pictures[:, 0, 0, 0] = multiprocessing.parent_process() is not None
    return pictures


def never(rows: range) -> np.ndarray:
    raise AssertionError("the cache should have been read")


def ends_the_worker(rows: range) -> np.ndarray:
    if multiprocessing.parent_process() is not None:
        os._exit(1)
    return numbered(rows)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def expected(count: int) -> np.ndarray:
    return np.stack([np.full((SIZE, SIZE, 3), row % 251, dtype=np.uint8) for row in range(count)])


def without_mark(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1)[:, 1:]


def assert_right(pixels: np.ndarray, count: int) -> None:
    assert (without_mark(pixels) == without_mark(expected(count))).all()
    assert pixels.shape == (count, SIZE, SIZE, 3)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"k.lock"}


def test_drawn_once_then_read_and_read_only(folder):
    first = load_or_build("k", 300, SIZE, numbered, workers=1, chunk=7)
    again = load_or_build("k", 300, SIZE, never)
    assert_right(first, 300)
    assert isinstance(again, np.memmap)
    assert again.dtype == np.uint8
    assert (again == first).all()
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 1
    assert names(folder) == {"k.pixels", "k.json"}


def test_worker_processes_draw_the_same_pictures(folder):
    pixels = load_or_build("k", 20, SIZE, numbered, workers=2, chunk=6)
    assert_right(pixels, 20)
    assert (pixels[:, 0, 0, 0] == 1).all()


def test_workers_that_die_are_replaced_by_one_process(folder, capsys):
    pixels = load_or_build("k", 9, SIZE, ends_the_worker, workers=2, chunk=3)
    assert_right(pixels, 9)
    assert "one process draws instead" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda f: os.truncate(f / "k.pixels", 100), "100 bytes instead of 1440"),
        (lambda f: (f / "k.pixels").write_bytes((f / "k.pixels").read_bytes() + b"x"), "1441 bytes"),
        (lambda f: (f / "k.json").unlink(), "footer is missing or damaged"),
        (lambda f: os.truncate(f / "k.json", 20), "footer is missing or damaged"),
        (lambda f: (f / "k.json").write_text("[1]"), "footer is missing or damaged"),
        (
            lambda f: (f / "k.json").write_text((f / "k.json").read_text().replace(": 4,", ": 5,")),
            "other pictures",
        ),
        (lambda f: (f / "k.pixels").write_bytes(bytes(1440)), "checksum differs"),
    ],
)
def test_a_damaged_cache_is_noticed_and_drawn_again_with_one_line(folder, capsys, damage, reason):
    load_or_build("k", 30, SIZE, numbered, workers=1)
    damage(folder)
    capsys.readouterr()
    assert_right(load_or_build("k", 30, SIZE, numbered, workers=1), 30)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert reason in lines[0]
    assert "drawn again" in lines[0]
    load_or_build("k", 30, SIZE, never)
    assert capsys.readouterr().out == ""


def test_another_count_or_size_under_the_same_key_is_drawn_again(folder):
    load_or_build("k", 30, SIZE, numbered, workers=1)
    assert_right(load_or_build("k", 40, SIZE, numbered, workers=1), 40)


def test_a_failed_drawing_leaves_nothing_behind(folder):
    def breaks(rows):
        if rows.start >= 10:
            raise RuntimeError("out of paint")
        return numbered(rows)

    with pytest.raises(RuntimeError, match="out of paint"):
        load_or_build("k", 30, SIZE, breaks, workers=1, chunk=10)
    assert names(folder) == set()
    assert_right(load_or_build("k", 30, SIZE, numbered, workers=1), 30)


def test_leftovers_of_a_killed_process_go_but_other_keys_stay(folder):
    folder.mkdir()
    for name in ("k~123.part", "k~123.footer.part", "k.2~123.part", "kk~123.part"):
        (folder / name).write_bytes(b"x")
    load_or_build("k", 5, SIZE, numbered, workers=1)
    assert names(folder) == {"k.pixels", "k.json", "k.2~123.part", "kk~123.part"}


def test_too_little_space_is_said_before_drawing(folder, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(FashionError, match="needs 0 MiB but .* free: free some space"):
        load_or_build("k", 30, SIZE, never, workers=1)
    assert names(folder) == set()


def test_a_disk_that_fills_up_while_drawing(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_draw_into", full)
    with pytest.raises(FashionError, match=r"No space left on device.*FASHION_CACHE"):
        load_or_build("k", 30, SIZE, numbered, workers=1)
    assert names(folder) == set()


def test_a_cache_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(FashionError):
        load_or_build("k", 3, SIZE, numbered, workers=1)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (
            lambda rows: np.zeros((len(rows), SIZE, SIZE, 3)),
            r"pictures 0 to 2 were drawn as float64 \(3, 4, 4, 3\)",
        ),
        (
            lambda rows: np.zeros((1, SIZE, SIZE, 3), np.uint8),
            r"uint8 \(1, 4, 4, 3\) instead of uint8 \(3, 4, 4, 3\)",
        ),
        (lambda rows: Path("/nowhere/at/all").read_bytes(), "pictures 0 to 2 could not be drawn"),
    ],
)
def test_a_wrong_drawing_function_is_named(folder, draw, words):
    with pytest.raises(FashionError, match=words):
        load_or_build("k", 3, SIZE, draw, workers=1)


def test_impossible_requests(folder):
    with pytest.raises(FashionError, match="'a/b' cannot be a file name"):
        load_or_build("a/b", 3, SIZE, numbered)
    with pytest.raises(FashionError, match="0 pictures of 4 px"):
        load_or_build("k", 0, SIZE, numbered)


def run_script(folder: Path, script: Path, count: int) -> list[subprocess.CompletedProcess]:
    environment = {
        **os.environ,
        "FASHION_CACHE": str(folder),
        "PYTHONPATH": str(Path(cache.__file__).parents[2]),
    }
    started = [
        subprocess.Popen(
            [sys.executable, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(count)
    ]
    ended = []
    for process in started:
        out, err = process.communicate(timeout=100)
        ended.append(subprocess.CompletedProcess(script, process.returncode, out.decode(), err.decode()))
    return ended


@pytest.mark.slow
def test_two_processes_at_once_draw_once(folder, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import os, time
        import numpy as np
        from fashion_lib.data.cache import load_or_build

        def slow(rows):
            time.sleep(1)
            with open({str(tmp_path / "drawn.txt")!r}, "a") as file:
                file.write(f"{{rows}} ")
            return np.full((len(rows), 4, 4, 3), 7, np.uint8)

        pixels = load_or_build("k", 20, 4, slow, workers=1, chunk=10)
        assert pixels.shape == (20, 4, 4, 3) and (pixels == 7).all()
        """)
    )
    for ended in run_script(folder, script, 2):
        assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "drawn.txt").read_text() == "range(0, 10) range(10, 20) "


def test_a_script_without_a_main_guard_still_gets_its_pictures(folder, tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np
        from fashion_lib.data.cache import load_or_build
        from fashion_lib.data.photographs import PhotographReader

        pixels = load_or_build("k", 20, 4, PhotographReader(("missing.jpg",) * 20, 4), workers=2, chunk=10)
        assert pixels.shape == (20, 4, 4, 3)
        """)
    )
    (ended,) = run_script(folder, script, 1)
    assert ended.returncode == 0, ended.stderr
    assert "one process draws instead" in ended.stdout
    assert "if __name__ == '__main__':" in ended.stderr
