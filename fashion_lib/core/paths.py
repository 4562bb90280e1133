"""Where the project keeps things: one function per folder, and what a folder or file may be called.

Naming a folder creates nothing: reading works on a clone that nobody may write to. Writers create theirs (`made`).
FASHION_ROOT, FASHION_CACHE and FASHION_RUNS move a folder elsewhere, for example to a larger disk. They are
read at every call, so that a test or a notebook can set them at any moment.
"""

import os
import re
from pathlib import Path

from fashion_lib.core.errors import FashionError, shortened

FOLDERS = ("FASHION_ROOT", "FASHION_CACHE", "FASHION_RUNS", "FASHION_CLOTHING", "FASHION_DATA", "FASHION_WEIGHTS")
LEDGER_ALONE = "FASHION_LEDGER_ALONE"  # set: tables leave out this machine's runs that are not in the ledger
NUMBERED = re.compile(r"(\d\d[a-z]?)_")  # how the name of a notebook of the course begins
# What a wheel carries of the clone's data/: ledger, published numbers, list of runs, start weights (setup.py).
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"


def installed() -> bool:
    """Return whether the library was installed from a wheel, so that no clone lies around it."""
    return SHIPPED.is_dir()


def user_folder() -> Path:
    """Return where an installed library keeps runs, cache and build: $XDG_DATA_HOME/fashion_lib.

    Without that variable, the folder is ~/.local/share/fashion_lib.
    """
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return user_path(base, "XDG_DATA_HOME") / "fashion_lib"


def data_file(*parts: str) -> Path:
    """Return a file or folder of data/: the project's own, or the wheel's where a wheel came and there is no own.

    Args:
        parts: names below data/.
    """
    own = root().joinpath("data", *parts)
    return SHIPPED.joinpath(*parts) if installed() and not own.exists() else own


def root() -> Path:
    """Return the project folder: $FASHION_ROOT, else the first folder above this file that holds pyproject.toml.

    A library that was installed from a wheel takes `user_folder()` instead of a clone.

    Raises:
        FashionError: none of them is a folder.
    """
    if chosen := os.environ.get("FASHION_ROOT"):
        folder = user_path(chosen, "FASHION_ROOT")
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


def user_path(text: str | Path, what: str, *, follow: bool = True) -> Path:
    """Return a path that a user wrote as an absolute one, "~" being the home folder. Nothing has to be there.

    Args:
        text: the path.
        what: what gives it, for the error sentence: "FASHION_RUNS", "the folder of the data set 'pictures'".
        follow: whether links are followed.

    Raises:
        FashionError: no system takes it as a path: it is too long, holds a NUL, or names a user who is not there.
    """
    try:
        path = Path(text).expanduser()
        path = path.resolve() if follow else path.absolute()
        path.exists()  # a name that is too long shows only here
    except PermissionError:
        pass  # it may well be there; whoever opens it says so
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise FashionError(
            f"{what} is {shortened(str(text), 85)}, which is no path ({reason}): name another folder."
        ) from error
    return path


def made(folder: Path) -> Path:
    """Create a folder if need be and return it, before something is written into it.

    Raises:
        FashionError: the folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "permission denied")
    return folder


def usable(folder: Path) -> Path:
    """Check, without creating anything, that a folder can be written to or created.

    Returns:
        The folder, or the nearest one above it that exists.

    Raises:
        FashionError: it cannot be written to.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise _unwritable(folder, f"{there} is no folder")
    if not os.access(there, os.W_OK):
        raise _unwritable(folder, "permission denied")
    return there


def _unwritable(folder: Path, reason: str) -> FashionError:
    return FashionError(
        f"The folder {folder} cannot be written to ({reason}): make it writable, free some space, "
        "or point FASHION_CACHE and FASHION_RUNS to another folder."
    )


def cache_dir() -> Path:
    """Return the folder of pixel caches, which may be deleted at any time ($FASHION_CACHE, else cache/)."""
    return _from_environment("FASHION_CACHE") or root() / "cache"


def runs_dir() -> Path:
    """Return the folder of this machine's checkpoints and records ($FASHION_RUNS, else runs/)."""
    return _from_environment("FASHION_RUNS") or root() / "runs"


def build_dir() -> Path:
    """Return the folder of executed notebooks and reports."""
    return root() / "build"


def figures_dir() -> Path:
    """Return the folder of committed pictures, of the README and the notebooks."""
    return root() / "figures"


def ledger_dir() -> Path:
    """Return the folder of the committed results ledger, one CSV file per variant of a method."""
    return data_file("results")


def weights_dir() -> Path:
    """Return the folder of the start weights that ship with the course."""
    return data_file("weights")


def shipped_runs_dir() -> Path:
    """Return the folder of the small trained runs that ship with the course, for the explorer."""
    return data_file("explorer")


def published_results_file() -> Path:
    """Return the file of the papers' own numbers."""
    return data_file("published_results.csv")


def run_list_file() -> Path:
    """Return the file that says how the runs behind the ledger were made."""
    return data_file("runs.csv")


def notebooks_dir() -> Path:
    """Return the folder of the numbered notebooks."""
    return root() / "notebooks"


def texts() -> list[str]:
    """Return the course's Markdown pages beside docs/ that are here, as names below the root."""
    names = ("README.md", "CONTRIBUTING.md", "data/paper_costs.md", "batch/README.md")
    return [name for name in names if (root() / name).is_file()]


def numbered_notebooks(folder: Path | None = None) -> list[Path]:
    """Return the notebooks whose names begin with a number, in reading order.

    An appendix, such as 09a_gates.ipynb, stands behind its notebook, 09_ag_mlan.ipynb.

    Args:
        folder: where to look; None is `notebooks_dir()`.
    """
    folder = folder or notebooks_dir()
    return sorted(path for path in folder.glob("[0-9][0-9]*.ipynb") if NUMBERED.match(path.name))


def notebook_number(path: Path) -> str:
    """Return two digits, and an appendix's letter, such as "09" or "09a"; "" for a name without a number."""
    found = NUMBERED.match(path.name)
    return found[1] if found else ""


def lab_dir() -> Path:
    """Return the folder of a reader's own copies of the notebooks."""
    return root() / "lab"


def absolute_settings() -> dict[str, str]:
    """Return the FASHION_* variables that name folders and are set, as absolute paths.

    After a change of the working directory, a relative path means another folder. So commands make theirs absolute
    at their start. Kernels work in the folder of their notebook and receive absolute ones.
    """
    there = {name: os.environ[name] for name in FOLDERS if os.environ.get(name)}
    return {name: str(user_path(folder, name, follow=False)) for name, folder in there.items()}


def _from_environment(variable: str) -> Path | None:
    chosen = os.environ.get(variable)
    return user_path(chosen, variable) if chosen else None


LONGEST = 200  # bytes of a name: file systems take 255, and unfinished files and locks have longer names
FORBIDDEN = '/\\:*?"<>|'  # separators, and what Windows refuses
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def plain_name(name: str, what: str) -> str:
    """Return a name that is safe as one folder or file on every system; it never leads to another folder.

    Args:
        name: the name, such as a data set's or a variant's.
        what: what it names, for the error sentence: "data set", "variant".

    Raises:
        FashionError: the name is empty, too long, or a device's name. Also if it begins or ends with a space or a
            dot, or holds a separator or a character that some file system refuses.
    """
    fault = _fault_of_name(name)
    if fault:
        raise FashionError(
            f"the {what} {shortened(name)} cannot be the name of a folder ({fault}): use letters, digits, '_', '-' and "
            f"'=', at most {LONGEST} characters."
        )
    return name


def _fault_of_name(name: str) -> str:
    if not isinstance(name, str):
        return "it is no text"
    if not name:
        return "it is empty"
    if bad := [c for c in name if c in FORBIDDEN or ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000]:
        return f"it holds {bad[0]!r}"
    if len(name.encode()) > LONGEST:
        return f"it has {len(name.encode())} bytes"
    if name.strip(" .") != name:
        return "it begins or ends with a space or a dot"
    if name.split(".")[0].rstrip().lower() in DEVICES:
        return "it is the name of a device on Windows"
    return ""
