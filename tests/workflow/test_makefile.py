"""What is typed after `make reproduce` reaches the command as it was typed: nothing is executed, split or expanded."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fashion_lib.core import paths

MAKE = shutil.which("make")
VARIABLES = ("PROFILE", "METHODS", "SEEDS", "DATASET", "NOTEBOOKS", "JOBS")
VALUES = (
    "a; touch x",
    "a && touch x",
    "a | touch x",
    "$(touch x)",
    "$(shell touch x)",
    "${shell touch x}",
    "`touch x`",
    "$$(touch x)",
    "$HOME",
    "$@ $< %",
    "two words",
    "  spaces around  ",
    "it's",
    '"quoted"',
    "\\",
    "--force",
    "-x",
    "#comment",
    "*",
    "~",
    "a:b=c?d",
    "ü±²",
    "a\nb",
)
pytestmark = pytest.mark.skipif(MAKE is None, reason="there is no make")


@pytest.fixture
def place(tmp_path):
    """A copy of the Makefile whose environment counts as built, with a command that writes down its arguments."""
    shutil.copy(paths.root() / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").write_text("")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").write_text("")
    (tmp_path / ".venv-batch").mkdir()
    (tmp_path / "batch").mkdir()
    (tmp_path / "batch" / "requirements.lock").write_text("")
    (tmp_path / ".venv-batch" / ".installed").write_text("")
    (tmp_path / ".venv-site").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "requirements.lock").write_text("")
    (tmp_path / ".venv-site" / ".installed").write_text("")
    (tmp_path / "told.py").write_text("import json, sys; json.dump(sys.argv[1:], open('told.json', 'w'))")
    return tmp_path


def told(place, *arguments, **environment):
    """The arguments that `make` gives to the command."""
    clean = {name: value for name, value in os.environ.items() if name not in VARIABLES and "MAKE" not in name}
    command = [MAKE, "--silent", "-C", str(place), f"COURSE={sys.executable} told.py", f"PYTHON={sys.executable}"]
    run = subprocess.run([*command, *arguments], capture_output=True, text=True, env=clean | environment)
    assert run.returncode == 0, run.stderr
    assert not (place / "x").exists()
    return json.loads((place / "told.json").read_text())


def test_the_defaults_arrive(place):
    assert told(place, "reproduce") == [
        "reproduce", "--profile=laptop", "--methods=random,triplet,csn,asen", "--seeds=0,1,2", "--dataset=wardrobe",
        "--notebooks=00-07", "--jobs="]  # fmt: skip
    assert told(place, "reproduce", "FORCE=1")[-1] == "--force"


@pytest.mark.parametrize("value", VALUES)
def test_what_is_typed_is_passed_on_untouched(place, value):
    if "\n" not in value:  # make itself reads a newline as the end of a variable on its command line
        typed = [f"{name}={value}" for name in VARIABLES]
        expected = [f"--{name.lower()}={value.lstrip()}" for name in VARIABLES]  # make drops spaces after its "="
        assert told(place, "reproduce", *typed)[1:] == expected
    inherited = dict.fromkeys(VARIABLES, value)
    assert told(place, "reproduce", **inherited)[1:] == [f"--{name.lower()}={value}" for name in VARIABLES]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_typed_reaches_the_plan_of_a_batch_untouched(place, value):
    typed = dict.fromkeys((*VARIABLES, "BATCH"), value)
    expected = [f"--{name.lower()}={value}" for name in VARIABLES]
    assert told(place, "batch", "SNAKEMAKE=true", **typed) == ["batch-plan", *expected]


def test_a_batch_starts_snakemake_with_profile_cores_and_plan(place):
    (place / "told.py").write_text("print('the plan.json')")
    engine = f"SNAKEMAKE={sys.executable} -c 'import json, sys; json.dump(sys.argv[1:], open(\"told.json\", \"w\"))'"
    command = [MAKE, "--silent", "-C", str(place), f"COURSE={sys.executable} told.py", engine, "batch"]
    found = {}
    for typed in ("JOBS=8", "BATCH=slurm JOBS=64", "DRY=1 BATCH_CONFIG=threads=4 BATCH_ARGS=--keep-going"):
        clean = {name: text for name, text in os.environ.items() if name not in VARIABLES and "MAKE" not in name}
        run = subprocess.run([*command, *typed.split()], capture_output=True, text=True, env=clean)
        assert run.returncode == 0, run.stderr
        found[typed] = json.loads((place / "told.json").read_text())
    shared = ["--snakefile", "batch/Snakefile", "--workflow-profile"]
    plan = ["--config", "plan=the plan.json"]
    assert list(found.values()) == [
        [*shared, "batch/profiles/local", "--cores", "8", *plan],
        [*shared, "batch/profiles/slurm", "--jobs", "64", *plan],
        [*shared, "batch/profiles/local", "--dry-run", "--keep-going", *plan, "threads=4"],
    ]


def test_no_recipe_lets_make_expand_a_variable_of_the_user():
    text = Path(paths.root() / "Makefile").read_text()
    recipes = [line for line in text.splitlines() if line.startswith("\t")]
    for name in VARIABLES:
        assert not [line for line in recipes if re.search(rf"(?<!\$)\$[({{]{name}[)}}]", line)]


def test_quick_leaves_out_what_takes_long():
    text = Path(paths.root() / "Makefile").read_text()
    assert "quick: lint\n" in text and '-m "not slow and not notebook and not real_data"' in text
