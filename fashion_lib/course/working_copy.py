"""A reader's own copy of the notebooks in lab/, which git ignores: running one never changes the committed file.

lab/ stands beside notebooks/, so that relative paths lead to the same places, and the kernel imports the same library.
"""

import hashlib
import json
import time
from itertools import count
from pathlib import Path

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.files import parsed_json, replace_file, write_atomically

RECORD = (
    ".copied.json"  # file name -> SHA-256 of what was copied: a copy that still has it holds nobody's work
)


def bring() -> list[Path]:
    """Copy every notebook that lab/ lacks, and renew the copies on which nobody has worked.

    Returns:
        The copies with a reader's work whose notebook has changed in the course since they were made.

    Raises:
        FashionError: lab/ cannot be written to.
    """
    copied, outdated = _record(), []
    for committed in _committed():
        copy, wanted = paths.lab_dir() / committed.name, _digest(committed)
        present, made_from = _digest(copy), copied.get(copy.name)
        if present in ("", made_from) and present != wanted:
            _copy(committed, copy)
        elif wanted not in (present, made_from):
            outdated.append(copy)
    return outdated


def reset(numbers: list[str]) -> list[Path]:
    """Replace copies by fresh ones. A copy on which somebody has worked is kept beside, with the date in its name.

    Args:
        numbers: of the notebooks, such as ["03", "09a"]; [] means all.

    Returns:
        The files in which readers' work is kept.

    Raises:
        FashionError: a number has no notebook, or lab/ cannot be written to.
    """
    committed = _committed()
    if unknown := set(numbers) - {paths.notebook_number(path) for path in committed}:
        raise FashionError(
            f"There is no notebook {shortened(min(unknown))}: give numbers such as 03,09a."
        )
    copied, kept = _record(), []
    for path in committed:
        copy = paths.lab_dir() / path.name
        if numbers and paths.notebook_number(path) not in numbers:
            continue
        if _digest(copy) not in ("", copied.get(copy.name), _digest(path)):
            kept.append(_free_name(copy))
            copy.rename(kept[-1])
        _copy(path, copy)
    return kept


def _committed() -> list[Path]:
    return paths.numbered_notebooks()


def _copy(committed: Path, copy: Path) -> None:
    """Copy one notebook and record it. The record comes first: stopped between the two, an old copy counts as work."""
    paths.made(copy.parent)
    write_atomically(
        copy.with_name(RECORD), json.dumps(_record() | {copy.name: _digest(committed)}, indent=1)
    )
    replace_file(copy, committed.read_bytes())


def _record() -> dict[str, str]:
    try:
        return dict(parsed_json((paths.lab_dir() / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError):  # without a record, every copy counts as work
        return {}


def _digest(file: Path) -> str:
    """Return a file's SHA-256, or "" where there is none."""
    return "" if not file.exists() else hashlib.sha256(file.read_bytes()).hexdigest()


def _free_name(copy: Path) -> Path:
    """Return a name beside a copy, with the present time in it, that no file has."""
    stem = f"{copy.stem}.{time.strftime('%Y-%m-%d_%H%M%S')}"
    names = (copy.with_name(f"{stem}{f'_{number}' if number else ''}.ipynb") for number in count())
    return next(name for name in names if not name.exists())
