"""The Dockerfile as far as it can be examined without Docker: what it copies and calls is there, in a working order."""

import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
INSTRUCTIONS = [
    line.partition(" ")[::2]
    for line in re.sub(r"\\\n\s*", "", (CLONE / "docker" / "Dockerfile").read_text()).splitlines()
    if line and not line.startswith("#")
]
IGNORED = [
    line for line in (CLONE / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
]


def of(kind):
    return [text for name, text in INSTRUCTIONS if name == kind]


def is_ignored(name):
    """Return whether a path stays out of the image: the last pattern that fits it or a folder above decides."""
    verdict = False
    levels = [name, *map(str, Path(name).parents)]
    for pattern in IGNORED:
        kept, pattern = pattern.startswith("!"), pattern.removeprefix("!")
        if any(
            fnmatch(level, pattern) or fnmatch(f"/{level}", pattern.replace("**", "*")) for level in levels
        ):
            verdict = not kept
    return verdict


def test_the_instructions_are_dockers():
    assert INSTRUCTIONS[0][0] == "FROM"
    assert {name for name, _ in INSTRUCTIONS} <= {
        "FROM",
        "RUN",
        "WORKDIR",
        "ARG",
        "ENV",
        "COPY",
        "EXPOSE",
        "CMD",
    }


def test_the_base_image_has_a_python_that_the_course_supports():
    (image,) = of("FROM")
    version = re.fullmatch(r"python:(3\.\d+)-slim-\w+", image)[1]
    assert version in ("3.11", "3.12", "3.13")
    assert any(f"PYTHON=python{version}" in text for text in of("RUN"))


def test_one_argument_chooses_between_cuda_and_cpu_and_reaches_make():
    assert of("ARG") == ["TORCH_INDEX="]  # empty: torch's plain wheels, which bring CUDA
    (installing,) = [text for text in of("RUN") if text.startswith("make env")]
    assert 'TORCH_INDEX="$TORCH_INDEX"' in installing


def test_what_is_copied_is_there_and_what_make_env_reads_comes_before_it():
    before = INSTRUCTIONS[
        : next(k for k, (_, text) in enumerate(INSTRUCTIONS) if text.startswith("make env"))
    ]
    names = [name for kind, text in before if kind == "COPY" for name in text.split()[:-1]]
    assert [name for name in names if not (CLONE / name).is_file() or is_ignored(name)] == []
    assert {"Makefile", "requirements.lock", "pyproject.toml", "setup.py", "fashion_lib/__init__.py"} < set(
        names
    )
    assert INSTRUCTIONS.index(("COPY", ". .")) > len(before)


def test_the_command_is_a_target_of_the_makefile():
    program, target, *settings = json.loads(of("CMD")[-1])
    makefile = (CLONE / "Makefile").read_text()
    assert program == "make" and re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert [name for name in settings if f"\n{name.partition('=')[0]} ?=" not in makefile] == []


def test_all_of_the_repository_enters_the_image_so_that_its_commit_is_clean():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CLONE, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git repository")
    assert [name for name in filter(None, listed.stdout.split("\0")) if is_ignored(name)] == []
    assert not is_ignored(".git/HEAD")


@pytest.mark.parametrize(
    "name",
    [".venv/bin/python", "lab/00_tour.ipynb", "runs/a/b", "data/FashionAI/x.jpg", "data/.clothing-dataset-1/x",
     "fashion_lib/core/__pycache__/a.pyc", "fashion_lib.egg-info/PKG-INFO", "datasets.toml", "data/meta.json"],
)  # fmt: skip
def test_what_is_large_private_or_not_to_be_published_stays_out(name):
    assert is_ignored(name)
