"""pyproject.toml, requirements.lock and environment.yml say the same, on every supported Python and system."""

import re
import shutil
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fashion_lib import __version__
from fashion_lib.core import paths
from fashion_lib.course.doctor import SUPPORTED, locked_requirements

ROOT = paths.root()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = ROOT / "requirements.lock"
LOCKED = locked_requirements(LOCK)
WANTED = [
    Requirement(text) for text in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["test"]
]
PLATFORMS = {"linux": "Linux", "darwin": "Darwin"}
PYTHONS = ["3.11.7", "3.12.1", "3.13.0"]


def environment(python, platform):
    return {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": platform,
        "platform_system": PLATFORMS[platform],
        "platform_machine": "x86_64" if platform == "linux" else "arm64",
    }


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_locked_once_within_its_range(python, platform):
    here = environment(python, platform)
    applicable = [line for line in LOCKED if line.marker is None or line.marker.evaluate(here)]
    names = [canonicalize_name(line.name) for line in applicable]
    assert len(names) == len(set(names))
    locked = {name: str(line.specifier) for name, line in zip(names, applicable, strict=True)}
    for wanted in WANTED:
        version = locked[canonicalize_name(wanted.name)].removeprefix("==")
        assert wanted.specifier.contains(version), f"{wanted} is locked at {version}"


def test_every_locked_version_is_exact_and_has_a_hash():
    assert len(LOCKED) > 100
    for line in LOCKED:
        assert re.fullmatch(r"==[\w.!+]+", str(line.specifier)), line
    blocks = re.split(r"\n(?=\S)", LOCK.read_text().strip())
    assert len(blocks) == len(LOCKED)
    for block in blocks:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


def test_the_lock_names_no_address():
    text = LOCK.read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text


def test_torch_is_the_version_the_figures_were_made_with():
    (torch,) = [line for line in LOCKED if line.name == "torch"]
    (constraint,) = [Requirement(text) for text in PROJECT["tool"]["uv"]["constraint-dependencies"]]
    assert torch.specifier == constraint.specifier == SpecifierSet("==2.12.1")
    assert not next(wanted for wanted in WANTED if wanted.name == "torch").specifier.contains("2.13.0")


def test_pythons_agree():
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    for minor in range(8, 20):
        assert supported.contains(f"3.{minor}.4") == (SUPPORTED[0] <= (3, minor) <= SUPPORTED[1])
    assert all(supported.contains(python) for python in PYTHONS)
    assert str(SUPPORTED[0]) in (makefile := (ROOT / "Makefile").read_text())
    assert str(SUPPORTED[1]) in makefile


def test_conda_installs_a_supported_python_and_the_same_lock():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, rest = conda["dependencies"]
    assert python.startswith("python=")
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(python.removeprefix("python=") + ".1")
    assert pip == "pip"
    assert rest == {"pip": ["-r requirements.lock"]}
    assert conda["channels"] == ["conda-forge"]


def test_the_version_is_said_once_more_and_alike():
    assert PROJECT["project"]["version"] == __version__


@pytest.fixture
def makefile(tmp_path):
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)

    def make(*arguments):
        return subprocess.run(["make", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return make


def test_the_lock_without_torch_leaves_out_torch_and_what_only_cuda_needs(makefile, tmp_path):
    name = "build/requirements-without-torch.lock"
    result = makefile(name)
    assert result.returncode == 0, result.stderr
    kept = {line.name for line in locked_requirements(tmp_path / name)}
    gone = {line.name for line in LOCKED} - kept
    assert {"torch", "torchvision", "triton"} < gone
    assert all(re.match("nvidia-|cuda-", name) for name in gone - {"torch", "torchvision", "triton"})
    # What torch itself needs besides CUDA stays locked, with its hashes.
    assert {
        "numpy",
        "pillow",
        "sympy",
        "networkx",
        "jinja2",
        "fsspec",
        "filelock",
        "typing-extensions",
    } < kept
    assert set((tmp_path / name).read_text().splitlines()) < set(LOCK.read_text().splitlines())


def test_the_route_without_cuda_asks_the_named_index_for_the_locked_versions(makefile):
    commands = makefile("--dry-run", "env", "TORCH_INDEX=/wheels/cpu").stdout
    assert '--index-url "/wheels/cpu"' in commands
    assert "--require-hashes -r build/requirements-without-torch.lock" in commands
    assert "-r requirements.lock" not in commands


def test_an_unusable_python_is_one_sentence(makefile, tmp_path):
    result = makefile("env", "PYTHON=/nowhere/python3")
    assert result.returncode != 0
    assert "error: no usable Python 3.11, 3.12 or 3.13" in result.stderr
    assert "/nowhere/python3" in result.stderr
    assert not (tmp_path / ".venv").exists()
