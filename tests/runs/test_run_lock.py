"""Several processes on one run: one trains, the others wait and load."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.run_lock import lock_file, run_lock

ONE_RUN = """
import sys
sys.path.insert(0, "tests")
from tiny_data import tiny_data
from fashion_lib.runs import run
from fashion_lib.training.profiles import get_profile

train = run.train

def counted(model, data, config, folder, **settings):
    print("LOADS" if (folder / "result.json").exists() else "TRAINS", flush=True)
    return train(model, data, config, folder, **settings)

run.train = counted
settings = dict(image_size=16, steps=6, batch_size=12, groups=2, start="random")
profile, data = get_profile("smoke").with_options(**settings), tiny_data(90)
print("READY", flush=True)
sys.stdin.readline()
made = run.load_or_train("csn", data, profile=profile, progress=False)
weights = sum(float(p.double().sum()) for p in made.model.parameters())
print("MAP", made.record.metrics["map"]["overall"], weights)
"""
ROOT = Path(__file__).resolve().parents[2]


def begin(code):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ, **pipes)


@pytest.mark.slow
def test_three_processes_on_one_run_train_once_and_agree(project):
    processes = [begin(ONE_RUN) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "READY\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told
    lines = [line for out, _ in told for line in out.splitlines()]
    assert lines.count("TRAINS") == 1 and lines.count("LOADS") == 2
    assert len({line for line in lines if line.startswith("MAP ")}) == 1
    (folder,) = (project / "runs" / "tiny" / "smoke").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["seed0", "seed0.lock"]
    assert not list((folder / "seed0").glob("*.part"))


@pytest.mark.slow
def test_a_killed_process_locks_nobody_out(tmp_path):
    folder = tmp_path / "seed0"
    code = (
        "import sys, pathlib; from fashion_lib.runs.run_lock import run_lock\n"
        f"with run_lock(pathlib.Path({str(folder)!r})): print('held', flush=True); sys.stdin.read()"
    )
    holder = begin(code)
    assert holder.stdout.readline() == "held\n"
    entered = []

    def wait():
        with run_lock(folder):
            entered.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    assert entered == []
    killed = time.monotonic()
    holder.kill()
    waiting.join(timeout=30)
    holder.communicate()
    assert entered and entered[0] >= killed


def test_waiting_is_said_once(tmp_path, capsys):
    folder = tmp_path / "csn.prein" / "seed0"
    with run_lock(folder):
        waiting = threading.Thread(target=lambda: run_lock(folder).__enter__())
        waiting.start()
        time.sleep(0.3)
    waiting.join(timeout=30)
    assert capsys.readouterr().out == "Waiting for another process that trains csn.prein seed0 ...\n"


def test_the_lock_lies_beside_the_folder_and_makes_none(tmp_path):
    folder = tmp_path / "new" / "seed0"
    with run_lock(folder):
        assert lock_file(folder).is_file() and not folder.exists()
    with pytest.raises(ZeroDivisionError), run_lock(folder):
        raise ZeroDivisionError
    with run_lock(folder):  # the error freed it
        pass


def test_a_folder_that_cannot_be_locked_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "seed0"
    with pytest.raises(FashionError, match="cannot be locked .*point FASHION_RUNS"), run_lock(folder):
        raise AssertionError("the lock was not taken")


def test_a_finished_run_on_a_read_only_disk_needs_no_lock(tmp_path, monkeypatch):
    folder = tmp_path / "seed0"
    folder.mkdir()

    def refused(*arguments, **options):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    monkeypatch.setattr("fashion_lib.runs.run_lock.os.access", lambda path, mode: False)
    with pytest.raises(FashionError, match="Read-only file system"), run_lock(folder):
        raise AssertionError("there is nothing to read")
    (folder / "result.json").write_text("{}")
    with run_lock(folder):
        pass
