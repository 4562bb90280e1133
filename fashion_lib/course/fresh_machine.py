"""Make the course usable in this process, on a machine that has torch and a running kernel already, such as Colab.

The first cell of a notebook clones the course and runs this file (`first_cell.py`), so it stands on Python alone and
imports nothing of the library. torch, torchvision and the kernel's own packages stay in the versions that are there:
another torch may not fit the machine's driver, and another kernel would break the session that is running.

The library itself is put on the path, not installed: a restarted session then runs this again, in a moment, and is
back in the folder of the notebooks.
"""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
TORCH = ("torch", "torchvision")
# Left as they are where they are installed.
KEPT = (*TORCH, "ipython", "ipykernel", "jupyter-client", "jupyter-core", "traitlets", "pyzmq", "tornado")
NOT_NEEDED = ("jupyterlab",)  # the notebook is open already
OLDEST = (3, 11)  # of Python


def main() -> None:
    """Install what the course needs, put the clone on the path and enter its folder of notebooks.

    Raises:
        RuntimeError: Python is too old, pip failed, or the session must be restarted.
    """
    if sys.version_info[:2] < OLDEST:
        found, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        raise RuntimeError(
            f"The course needs Python {oldest} or newer and this is {found}: choose another machine."
        )
    before = _versions_in_use()
    needed = _needed()
    _install(needed)
    # A module that was imported before pip replaced it goes on as a mixture of two versions.
    changed = sorted(name for name, version in before.items() if metadata.version(name) != version)
    if changed:
        raise RuntimeError(
            f"{', '.join(changed)} was in use while pip replaced it: restart the session and run this cell again."
        )
    _say_untested(needed)
    sys.path.insert(0, str(CLONE))
    # For what a notebook starts: further Pythons, such as the processes of torchrun.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(CLONE), os.environ.get("PYTHONPATH")]))
    os.chdir(CLONE / "notebooks")


def _needed() -> dict[str, str]:
    """Return the requirements of pyproject.toml, name -> whole text."""
    import tomllib

    project = tomllib.loads((CLONE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.match(r"[\w.-]+", text)[0].lower(): text for text in project["dependencies"]}


def _install(needed: dict[str, str]) -> None:
    """Install what is needed and not kept, with pip.

    Args:
        needed: name -> whole requirement.

    Raises:
        RuntimeError: pip failed; its own words stand above.
    """
    kept = {name: version for name in KEPT if (version := _version(name))}
    wanted = [text for name, text in needed.items() if name not in kept and name not in NOT_NEEDED]
    print("Installing what the course needs takes a minute or two, once per machine ...", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        done = subprocess.run([*pip, "--constraint", str(constraints), *wanted])
    if done.returncode:
        raise RuntimeError(
            "pip could not install what the course needs: read its lines above and run this cell again."
        )
    importlib.invalidate_caches()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _versions_in_use() -> dict[str, str]:
    """Return name -> version of the installed packages that this process has imported."""
    owners = metadata.packages_distributions()
    names = {owner for module in list(sys.modules) for owner in owners.get(module, [])}
    return {name: metadata.version(name) for name in names}


def _say_untested(needed: dict[str, str]) -> None:
    """Say where torch or torchvision has a version that the course does not ask for."""
    from packaging.requirements import Requirement  # pip has just seen to it that it is there

    for name in TORCH:
        version = _version(name)
        if not Requirement(needed[name]).specifier.contains(version, prereleases=True):
            print(f"{name} {version} of this machine stays; the course is tested with {needed[name]}.")


if __name__ == "__main__":
    main()
