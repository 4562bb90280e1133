"""Find the exercises of a notebook, or one exercise by its id."""

import importlib
import importlib.util
from pathlib import Path

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.course.exercises.exercise import Exercise

ROOM = "fashion_lib.course.exercises"


def notebooks() -> list[str]:
    """Return the number of every notebook that has exercises here, in order."""
    return sorted(path.stem[2:] for path in Path(__file__).parent.glob("nb[0-9][0-9]*.py"))


def exercises(notebook: str) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook, in order; () where none are written here.

    Args:
        notebook: its number, such as "04"; "04a" is an appendix.
    """
    return _module(notebook).EXERCISES if notebook in notebooks() else ()


def explorations(notebook: str) -> tuple[str, ...]:
    """Return what the notebook offers to try without a check, as Markdown."""
    return getattr(_module(notebook), "EXPLORE", ()) if notebook in notebooks() else ()


def find(identity: str) -> Exercise:
    """Return one exercise.

    Args:
        identity: such as "04.2".

    Raises:
        FashionError: for an id that no exercise has; the sentence names the nearest one.
    """
    number = identity.partition(".")[0] if isinstance(identity, str) else ""
    known = {one.id: one for one in exercises(number)}
    if identity in known:
        return known[identity]
    every = [one.id for notebook in notebooks() for one in exercises(notebook)] if not known else list(known)
    raise FashionError(f"there is no exercise {shortened(identity)}: {suggestion(str(identity), every)}")


def _module(notebook: str):
    return importlib.import_module(f"{ROOM}.nb{notebook}")
