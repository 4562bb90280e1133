"""A wheel, installed outside the clone: names, results, protocol card and a small run work in an empty folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fashion_lib.core import paths

pytestmark = pytest.mark.slow
CLONE = Path(__file__).resolve().parents[1]
TINY_RUN = """
import fashion_lib as fl
profile = fl.profile("smoke").with_options(steps=2, wardrobe_images=1_200, image_size=32)
run = fl.load_or_train("triplet", profile=profile, progress=False)
assert 0 < run.score("map") < 100
print(run.folder)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder of packages that holds the installed wheel, built from a copy so that the clone stays as it is."""
    base = tmp_path_factory.mktemp("wheel")
    source = base / "source"
    leave = shutil.ignore_patterns("__pycache__", "clothing-dataset*", ".clothing-dataset*")
    for name in ("fashion_lib", "data"):
        shutil.copytree(CLONE / name, source / name, ignore=leave)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copyfile(CLONE / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q"]
    options = ["--no-deps", "--no-index"]
    wheels, target = base / "wheels", base / "packages"
    subprocess.run([*pip, "wheel", *options, "--no-build-isolation", "-w", str(wheels), str(source)], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", *options, "--target", str(target), str(wheel)], check=True)
    shutil.rmtree(source)
    return target


@pytest.fixture
def run(installed, tmp_path):
    """Runs Python in an empty folder, with the wheel's packages first and the clone nowhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FASHION_")}
    empty = tmp_path / "empty"
    empty.mkdir()
    # -P keeps the present folder off the path; PYTHONPATH stands before site-packages and any editable installation.
    environment = kept | {"PYTHONPATH": str(installed), "XDG_DATA_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}

    def python(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-P", *arguments]
        result = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True)
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        assert list(empty.iterdir()) == []  # nothing is strewn about
        return result.stderr if code else result.stdout

    return python


def test_the_wheel_carries_what_results_need(installed):
    shipped = installed / "fashion_lib" / "shipped"
    for own in (paths.run_list_file(), paths.published_results_file(), *paths.ledger_dir().glob("*.csv")):
        assert (shipped / own.relative_to(CLONE / "data")).read_bytes() == own.read_bytes()
    assert {file.name for file in (shipped / "weights").iterdir()} >= {"start_pretext.safetensors"}


def test_commands_work_in_an_empty_folder(run, installed, tmp_path):
    where = run("-c", "import fashion_lib; print(fashion_lib.__file__)")
    assert where.startswith(str(installed))
    assert run("-m", "fashion_lib", "methods").count("\n") == 15
    assert "74.1 ± 0.5" in run("-m", "fashion_lib", "results", "--profile", "laptop")
    assert "74.11 ± 0.53" in run("-m", "fashion_lib", "trace", "asen")
    card = run("-m", "fashion_lib", "protocol", "wardrobe", "--profile", "smoke")
    assert "wardrobe" in card
    advice = run("-m", "fashion_lib", "doctor")
    assert str(tmp_path / "home" / "fashion_lib") in advice and "problem" not in advice


@pytest.mark.parametrize("command", ["keep", "readme", "figures", "reproduce", "start-weights"])
def test_what_needs_a_clone_says_so_in_one_sentence(run, command):
    said = run("-m", "fashion_lib", command, code=2)
    assert "run it in a clone" in said and said.count("\n") == 1


def test_a_small_run_lands_in_the_users_folder(run, tmp_path):
    folder = Path(run("-c", TINY_RUN).splitlines()[-1])
    assert folder.is_relative_to(tmp_path / "home" / "fashion_lib" / "runs")
    assert (folder / "result.json").is_file()
