"""Drawing on machines that start no worker processes, and beside processes whose lock file was deleted."""

import errno
import multiprocessing
import multiprocessing.forkserver
import os
import subprocess
import sys
from concurrent.futures import process as futures
from multiprocessing import synchronize
from pathlib import Path

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data import cache
from fashion_lib.data.cache import discard, load_or_build


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def numbered(rows: range) -> np.ndarray:
    return np.stack([np.full((4, 4, 3), row, dtype=np.uint8) for row in rows])


def full_disk(rows: range) -> np.ndarray:
    raise OSError(errno.ENOSPC, "No space left on device")


def refuse(error):
    def raise_(*_, **__):
        raise error

    return raise_


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EACCES, "Permission denied"), OSError(errno.ENOENT, "No such file or directory"),
     OSError(errno.ENOSPC, "No space left on device"), OSError(errno.ENOSYS, "Function not implemented"),
     OSError(errno.EROFS, "Read-only file system"), OSError(errno.EMFILE, "Too many open files"),
     ImportError("This platform lacks a functioning sem_open implementation")],
)  # fmt: skip
@pytest.mark.parametrize("place", ["semaphore", "processes"])
def test_one_process_draws_where_no_workers_can_be_started(folder, monkeypatch, capsys, error, place):
    """/dev/shm missing, full, read-only or forbidden: semaphores live in it."""
    if place == "semaphore":
        monkeypatch.setattr(synchronize.SemLock, "__init__", refuse(error))
    else:
        monkeypatch.setattr(multiprocessing.forkserver._forkserver, "ensure_running", refuse(error))
    pixels = load_or_build("k", 20, 4, numbered, workers=2, chunk=5)
    assert (pixels[:, 0, 0, 0] == np.arange(20)).all()
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f"({error}); one process draws instead" in said


def test_a_system_without_semaphores_at_all(folder, monkeypatch, capsys):
    monkeypatch.setattr(futures, "_check_system_limits", refuse(NotImplementedError("no semaphores")))
    assert (load_or_build("k", 20, 4, numbered, workers=2, chunk=5)[:, 0, 0, 0] == np.arange(20)).all()
    assert "(no semaphores); one process draws instead" in capsys.readouterr().out


def test_a_full_disk_in_a_worker_is_not_taken_for_a_lack_of_workers(folder, capsys):
    with pytest.raises(FashionError, match=r"could not be drawn .*No space left"):
        load_or_build("k", 20, 4, full_disk, workers=2, chunk=5)
    assert "one process draws instead" not in capsys.readouterr().out


def test_the_part_of_a_living_process_is_left_alone(folder):
    """Emptying the cache folder takes the lock file along; the process that draws must still finish."""
    folder.mkdir()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        kept = {f"k~{living.pid}.part", f"k~{living.pid}.footer.part"}
        for name in kept | {f"k~{dead.pid}.part", f"k~{dead.pid}.footer.part", "k~abc.part", f"k~{'9' * 30}.part"}:
            (folder / name).write_bytes(b"x")
        load_or_build("k", 5, 4, numbered, workers=1)
        assert {file.name for file in folder.glob("*.part")} == kept
    finally:
        living.communicate(b"\n")


def test_a_second_process_without_the_lock_spoils_nothing(folder):
    """The lock file is deleted while pictures are drawn, and another process draws the same key to the end."""
    script = """if True:
        import numpy as np
        from fashion_lib.data.cache import load_or_build
        load_or_build("k", 5, 4, lambda rows: np.stack([np.full((4, 4, 3), row, np.uint8) for row in rows]), workers=1)
    """
    ended = []

    def interrupted(rows: range) -> np.ndarray:
        for file in folder.glob("*.lock"):
            file.unlink()
        environment = {**os.environ, "PYTHONPATH": str(Path(cache.__file__).parents[2])}
        ended.append(subprocess.run([sys.executable, "-c", script], env=environment, timeout=60))
        return numbered(rows)

    first = load_or_build("k", 5, 4, interrupted, workers=1)
    assert [process.returncode for process in ended] == [0]
    assert (first[:, 0, 0, 0] == np.arange(5)).all()
    assert (load_or_build("k", 5, 4, refuse(AssertionError), workers=1) == first).all()
    assert not list(folder.glob("*.part"))


def test_discarded_pictures_are_drawn_anew(folder):
    before = load_or_build("k", 5, 4, numbered, workers=1)
    discard("k")
    after = load_or_build("k", 5, 4, lambda rows: numbered(rows) + 1, workers=1)
    assert (before[:, 0, 0, 0] == np.arange(5)).all() and (after[:, 0, 0, 0] == np.arange(5) + 1).all()
    discard("k")
    discard("k")
