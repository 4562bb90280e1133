"""`python -m fashion_lib doctor`: one line per thing that the course needs, and what to do where it is missing."""

import importlib.util
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from fashion_lib.core import paths, threads
from fashion_lib.core.errors import FashionError

SUPPORTED = ((3, 11), (3, 13))
NEEDED_GIB = 2


@dataclass(frozen=True)
class Finding:
    """Hold the state of one thing. `advice` is "" when all is well; `optional` advice leaves the installation sound."""

    subject: str
    state: str
    advice: str = ""
    optional: bool = False

    @property
    def good(self) -> bool:
        """Return whether the installation is sound in this point."""
        return not self.advice or self.optional

    def __str__(self) -> str:
        mark = "ok" if not self.advice else "note" if self.optional else "problem"
        return f"{mark:<8} {self.subject:<16} {self.state}" + (f": {self.advice}" if self.advice else "")


def examine() -> list[Finding]:
    """Check everything, and return the findings in the order in which trouble should be mended."""
    checks = (_python, _project, _lock, _torch, _threads, _kernel, _folders, _weights, _photographs, _results)
    return [finding for check in checks for finding in check()]


def lock_differences() -> list[str]:
    """Return the packages that differ from requirements.lock on this platform, as "name installed (locked)"."""
    found = []
    for requirement in locked_requirements(paths.root() / "requirements.lock"):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            installed = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            installed = "missing"
        # A locked 2.12.1 also admits the local build 2.12.1+cpu, which is how a CPU-only torch calls itself.
        if installed == "missing" or not requirement.specifier.contains(installed, prereleases=True):
            found.append(f"{requirement.name} {installed} ({str(requirement.specifier).removeprefix('==')})")
    return found


def locked_requirements(lock) -> list[Requirement]:
    """Return the requirements of a lock file, without their hashes."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip("\\ ")) for line in lines if line and not line.startswith((" ", "#"))]


def _python() -> Iterator[Finding]:
    fits = SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]
    advice = "" if fits else "install Python 3.11, 3.12 or 3.13 and run `make env PYTHON=python3.12`"
    yield Finding("python", f"{platform.python_version()} at {sys.prefix}", advice)


def _project() -> Iterator[Finding]:
    if paths.installed():
        state = "installed from a wheel, with the committed results; notebooks are in a clone only"
        yield Finding("project", f"{state}; runs, cache and build go to {paths.root()} (FASHION_ROOT moves it)")
    else:
        yield Finding("project", f"{paths.root()}")


def _lock() -> Iterator[Finding]:
    if not (paths.root() / "requirements.lock").is_file() and paths.installed():
        yield Finding("lock", "none here: pip chose the versions within the ranges of the package")
        return
    differing = lock_differences()
    gpu_only = all(re.match(r"(nvidia-|cuda-|triton )\S* ?missing", item) for item in differing)
    if not differing:
        yield Finding("lock", "every locked package has its version")
    elif gpu_only:
        yield Finding("lock", "every locked package has its version; CUDA libraries are left out")
    else:
        state = f"{len(differing)} packages differ from requirements.lock, first {differing[0]}"
        yield Finding("lock", state, "run `make env`, and remove .venv before if that is not enough")


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:
        yield Finding("torch", f"cannot be imported ({error})", "run `make env`")
        return
    yield Finding("torch", torch.__version__)
    if torch.cuda.is_available():
        yield Finding("accelerator", torch.cuda.get_device_name())
    else:
        yield Finding("accelerator", "no CUDA device; the laptop profile is made for the processor")


def _threads() -> Iterator[Finding]:
    try:
        choice = threads.chosen()
    except FashionError as error:
        yield Finding("threads", "cannot be chosen", str(error))
        return
    number = "1 thread" if choice.threads == 1 else f"{choice.threads} threads"
    yield Finding("threads", f"{number} per run ({choice.why})")
    cores = threads.cores()
    yield Finding("jobs", f"`make reproduce` trains {cores} runs at once, one per core; JOBS= chooses another number")


def _kernel() -> Iterator[Finding]:
    needed = ("ipykernel", "papermill", "nbconvert")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    state = f"{', '.join(missing)} missing" if missing else f"notebooks run in {sys.executable}"
    yield Finding("notebooks", state, "run `make env`" if missing else "")
    try:
        metadata.version("fashion-lib")
    except metadata.PackageNotFoundError:
        yield Finding(
            "fashion_lib",
            "is not installed, so JupyterLab will not find it",
            "run `pip install --no-deps --no-build-isolation -e .` in the project folder",
        )


def _folders() -> Iterator[Finding]:
    for name, folder in (("cache", paths.cache_dir), ("runs", paths.runs_dir), ("build", paths.build_dir)):
        try:
            place = folder()
            there = paths.usable(place)
        except FashionError as error:
            yield Finding(name, "unusable", str(error))
            continue
        used = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 2**30
        free = shutil.disk_usage(there).free / 2**30
        advice = "" if free >= NEEDED_GIB else f"free some space: {NEEDED_GIB} GiB are needed"
        yield Finding(name, f"{place} holds {used:.1f} GiB, {free:.0f} GiB free", advice)


def _weights() -> Iterator[Finding]:
    for start in ("pretext", "reconstruction"):
        file = paths.weights_dir() / f"start_{start}.safetensors"
        there = file.is_file()
        yield Finding(f"start {start}", str(file), "" if there else "is missing, so restore it from git")


def _photographs() -> Iterator[Finding]:
    yield Finding("wardrobe", "is drawn when first needed")
    try:
        from fashion_lib.data.sets.clothing import clothing_folder

        yield Finding("clothing", str(clothing_folder()))
    except FashionError:
        advice = "run `python -m fashion_lib download clothing` for the photographs"
        yield Finding("clothing", "not downloaded", advice, optional=True)
    except ImportError as error:
        yield Finding("clothing", f"cannot be read ({error})", "run `make env`")


def _results() -> Iterator[Finding]:
    try:
        from fashion_lib.runs.ledger import local_records, read_ledger

        rows, runs = len(read_ledger()), len(local_records())
        yield Finding("results", f"{rows} rows in the ledger, {runs} runs on this machine")
    except FashionError as error:
        yield Finding("results", "unreadable", str(error))
    except ImportError as error:
        yield Finding("results", f"cannot be read ({error})", "run `make env`")
