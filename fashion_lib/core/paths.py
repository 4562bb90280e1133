"""Where the project keeps things: one function a folder, made when first asked for.

FASHION_ROOT, FASHION_CACHE and FASHION_RUNS move a folder elsewhere, for example to a larger disk. They are
read at every call, so that a test or a notebook can set them at any moment.
"""

import os
from pathlib import Path

from fashion_lib.core.errors import FashionError

FOLDERS = ("FASHION_ROOT", "FASHION_CACHE", "FASHION_RUNS", "FASHION_CLOTHING", "FASHION_WEIGHTS")
# What a wheel carries of the clone's data/: ledger, published numbers, list of runs, start weights (setup.py).
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"


def installed() -> bool:
    """Return whether the library was installed from a wheel, so that no clone lies around it."""
    return SHIPPED.is_dir()


def user_folder() -> Path:
    """Where an installed library keeps runs, cache and build: fashion_lib in $XDG_DATA_HOME or ~/.local/share."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().resolve() / "fashion_lib"


def data_file(*parts: str) -> Path:
    """Return a file or folder of data/: the project's own where it is there or no wheel came, else the wheel's."""
    own = root().joinpath("data", *parts)
    return SHIPPED.joinpath(*parts) if installed() and not own.exists() else own


def root() -> Path:
    """The project folder: $FASHION_ROOT, else the first folder above this file that holds pyproject.toml.

    A library that was installed from a wheel takes `user_folder()` instead of a clone. Raises FashionError where none
    of them is a folder.
    """
    if chosen := os.environ.get("FASHION_ROOT"):
        folder = Path(chosen).expanduser().resolve()
        if not folder.is_dir():
            raise FashionError(
                f"FASHION_ROOT names {folder}, which is not a folder: create it or unset the variable."
            )
        return folder
    if installed():
        return user_folder()
    for folder in Path(__file__).resolve().parents:
        if (folder / "pyproject.toml").is_file():
            return folder
    raise FashionError(
        f"No project folder with pyproject.toml lies above {Path(__file__).resolve().parent}: "
        "work in a clone of the repository or set FASHION_ROOT to it."
    )


def made(folder: Path) -> Path:
    """`folder`, created if need be; FashionError where it cannot be created or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
        reason = "permission denied"
    except OSError as error:
        writable, reason = False, error.strerror or str(error)
    if not writable:
        raise FashionError(
            f"The folder {folder} cannot be written to ({reason}): make it writable, free some space, "
            "or point FASHION_CACHE and FASHION_RUNS to another folder."
        )
    return folder


def cache_dir() -> Path:
    """Pixel caches, which may be deleted at any time ($FASHION_CACHE, else cache/)."""
    return made(_from_environment("FASHION_CACHE") or root() / "cache")


def runs_dir() -> Path:
    """Checkpoints and result records of this machine ($FASHION_RUNS, else runs/)."""
    return made(_from_environment("FASHION_RUNS") or root() / "runs")


def build_dir() -> Path:
    """Executed notebooks and reports."""
    return made(root() / "build")


def figures_dir() -> Path:
    """Committed pictures of the README and the notebooks."""
    return made(root() / "figures")


def ledger_dir() -> Path:
    """The committed results ledger, one CSV a data set."""
    return data_file("results") if installed() else made(root() / "data" / "results")


def weights_dir() -> Path:
    """The start weights that ship with the course. Read only, so never created."""
    return data_file("weights")


def published_results_file() -> Path:
    """The papers' own numbers. Read only, so never created."""
    return data_file("published_results.csv")


def run_list_file() -> Path:
    """How the runs behind the ledger were made."""
    return data_file("runs.csv")


def notebooks_dir() -> Path:
    """The numbered notebooks. Read only, so never created."""
    return root() / "notebooks"


def absolute_settings() -> dict[str, str]:
    """The FASHION_* variables that name folders and are set, as absolute paths.

    A relative one means another folder after a change of the working directory, so commands make theirs absolute at
    their start, and kernels, which work in the folder of their notebook, are given absolute ones.
    """
    there = {name: os.environ[name] for name in FOLDERS if os.environ.get(name)}
    return {name: str(Path(folder).expanduser().absolute()) for name, folder in there.items()}


def _from_environment(variable: str) -> Path | None:
    chosen = os.environ.get(variable)
    return Path(chosen).expanduser().resolve() if chosen else None
