"""A new environment that has torch and nothing else, a clone from an address, and the first cell of a notebook.

pip is a stand-in there that writes down what it is asked for: tests need no network. What it installs in earnest is
what `make env` installs.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from fashion_lib.course import first_cell, fresh_machine

CLONE = Path(__file__).resolve().parents[2]
PIP = """
import json, os, re, sys
from pathlib import Path
asked = sys.argv[1:]
constraints = Path(asked[asked.index("--constraint") + 1]).read_text().split()
with open(os.environ["ASKED"], "a") as file:
    file.write(json.dumps([asked, constraints]) + "\\n")
sys.exit(os.environ.get("PIP_FAILS", "") == "yes")
"""
# Prints as JSON what the later cells of the notebook find.
LATER = """
import json, os, subprocess, sys
import fashion_lib, torch
from fashion_lib.core import paths
child = subprocess.run([sys.executable, "-c", "import fashion_lib as fl; print(fl.__file__)"], stdout=subprocess.PIPE)
print(json.dumps([os.getcwd(), fashion_lib.__file__, child.stdout.decode().strip(), torch.__version__,
                  str(paths.root()), os.path.isfile("../data/samples/own/labels.csv")]))
"""


def distribution(packages, name, version, source="", requirements=()):
    """A package of one file, as installed."""
    (packages / name).mkdir()
    (packages / name / "__init__.py").write_text(source)
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{name}/__init__.py,,\n")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A git repository of the working tree's files, as a reader clones it."""
    folder = tmp_path_factory.mktemp("address") / "course.git"
    git = ["git", "-c", "init.defaultBranch=main"]
    listed = [
        "git",
        "ls-files",
        "-z",
        "fashion_lib",
        "notebooks/conftest.py",
        "pyproject.toml",
        "data/samples",
    ]
    names = subprocess.run(listed, cwd=CLONE, check=True, capture_output=True).stdout.decode().split("\0")
    work = folder.parent / "work"
    for name in [*filter(None, names), "fashion_lib/course/fresh_machine.py"]:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes((CLONE / name).read_bytes())
    subprocess.run([*git, "init", "-q"], cwd=work, check=True)
    subprocess.run([*git, "add", "."], cwd=work, check=True)
    author = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, *author, "commit", "-qm", "course"], cwd=work, check=True)
    subprocess.run([*git, "clone", "-q", "--bare", work, folder], check=True)
    return folder


@pytest.fixture
def machine(tmp_path, address):
    """run(*further sources) executes the first cell and these in the environment, in an empty working directory."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    distribution(packages, "torch", "2.99.1", "__version__ = '2.99.1+cu999'")
    distribution(packages, "torchvision", "0.99.1")
    distribution(packages, "packaging", "25.0")
    (packages / "packaging" / "requirements.py").write_text(
        "class Requirement:\n    def __init__(self, text):\n        self.specifier, self.text = self, text\n"
        "    def contains(self, version, prereleases):\n        return not self.text.startswith('torchvision')\n"
    )
    (packages / "pip").mkdir()
    (packages / "pip" / "__main__.py").write_text(PIP)
    (tmp_path / "content").mkdir()

    def run(*sources, **environment):
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("FASHION_", "PYTHON"))
        }
        given = {"FASHION_COURSE": str(address), "ASKED": str(tmp_path / "asked")} | environment
        command = [
            tmp_path / "venv" / "bin" / "python",
            "-c",
            "\n".join([*sources, first_cell.SOURCE, LATER]),
        ]
        return subprocess.run(
            command, cwd=tmp_path / "content", env=kept | given, capture_output=True, text=True
        )

    run.asked = lambda: [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    run.packages, run.clone = packages, tmp_path / "content" / "fashion"
    return run


def test_the_cell_gets_the_course_and_leaves_torch_as_it_is(machine):
    done = machine()
    assert done.returncode == 0, done.stderr
    library = str(machine.clone / "fashion_lib" / "__init__.py")
    *said, found = done.stdout.splitlines()
    assert json.loads(found) == [
        str(machine.clone / "notebooks"), library, library, "2.99.1+cu999", str(machine.clone), True
    ]  # fmt: skip
    ((asked, constraints),) = machine.asked()
    assert sorted(constraints) == ["torch==2.99.1", "torchvision==0.99.1"]
    wanted = [text for text in asked if text[0].isalpha() and text != "install"]
    names = {text.partition(">")[0] for text in wanted}
    assert {
        "numpy",
        "pandas",
        "ipython",
        "matplotlib",
    } < names  # no kernel here: IPython is installed like the rest
    assert not {"torch", "torchvision", "jupyterlab", "fashion-lib"} & names
    assert said[-1].startswith(
        "torchvision 0.99.1 of this machine stays; the course is tested with torchvision>="
    )
    assert len(said) == 2


def test_a_restarted_session_finds_its_way_back_without_the_address(machine):
    first, second = machine(), machine(FASHION_COURSE="")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    assert len(machine.asked()) == 2


def test_a_second_execution_in_one_session_does_nothing(machine):
    done = machine(first_cell.SOURCE)
    assert done.returncode == 0, done.stderr
    assert len(machine.asked()) == 1
    assert json.loads(done.stdout.splitlines()[-1])[0] == str(machine.clone / "notebooks")


def test_a_failure_of_pip_is_one_sentence_and_the_next_execution_tries_again(machine):
    done = machine(PIP_FAILS="yes")
    assert (
        "RuntimeError: pip could not install what the course needs: read its lines"
        in done.stderr.splitlines()[-1]
    )
    assert machine().returncode == 0


def test_a_running_kernel_keeps_its_packages(machine):
    for name, version in (("ipykernel", "6.17.1"), ("traitlets", "5.7.1")):
        distribution(machine.packages, name, version)
    assert machine().returncode == 0
    ((asked, constraints),) = machine.asked()
    assert {"ipykernel==6.17.1", "traitlets==5.7.1"} < set(constraints)
    assert not [text for text in asked if text.startswith(("ipykernel", "traitlets"))]


def test_a_package_that_was_replaced_in_use_asks_for_a_restart(machine):
    distribution(machine.packages, "numpy", "2.0.2")
    upgrade = "import os, pathlib\nfound = pathlib.Path(__file__).parents[1] / 'numpy-2.0.2.dist-info'\n"
    (machine.packages / "pip" / "__main__.py").write_text(
        PIP.rpartition("\nsys.exit")[0] + f"\n{upgrade}"
        "os.rename(found, found.with_name('numpy-2.4.0.dist-info'))\n"
        "file = found.with_name('numpy-2.4.0.dist-info') / 'METADATA'\n"
        "file.write_text(file.read_text().replace('2.0.2', '2.4.0'))\n"
    )
    done = machine("import numpy")
    expected = (
        "RuntimeError: numpy was in use while pip replaced it: restart the session and run this cell again."
    )
    assert done.stderr.splitlines()[-1] == expected


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(
        RuntimeError, match=r"needs Python 3.11 or newer and this is 3.10: choose another machine"
    ):
        fresh_machine.main()
