"""Write the exercises into notebook files: the course's own in place, or copies of them as an edition."""

import os
from pathlib import Path

import nbformat

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.course import sources
from fashion_lib.course.exercises import catalogue
from fashion_lib.course.exercises.cells import write_exercises
from fashion_lib.course.exercises.editions import EDITIONS, notes, write_edition


def write_in_place(path: Path) -> bool:
    """Write the exercises into a notebook; one without exercises in this library stays as it is.

    Args:
        path: a notebook whose name begins with its number.

    Returns:
        Whether the file changed. If a code cell did, it has to be executed again.

    Raises:
        FashionError: there is no such notebook, it cannot be read, or it has no section of exercises.
    """
    notebook, number = sources.read(path), paths.notebook_number(path)
    before = nbformat.writes(notebook)
    if number in catalogue.notebooks():
        write_exercises(notebook, catalogue.exercises(number), catalogue.explorations(number))
    text = nbformat.writes(notebook)
    if text == before:
        return False
    _replace(path, text)
    return True


def write_copy(path: Path, edition: str, folder: Path | None = None) -> Path:
    """Write a copy of a notebook as an edition has it; beside the solutions a text of notes, NAME.notes.md.

    Args:
        path: a notebook whose name begins with its number.
        edition: one of EDITIONS.
        folder: where the copy goes; None is build/<edition>.

    Returns:
        The file of the copy.

    Raises:
        FashionError: there is no such edition or notebook, or the copy would replace the notebook itself.
    """
    if edition not in EDITIONS:
        raise FashionError(f"there is no edition {shortened(edition)}: {suggestion(edition, EDITIONS)}")
    notebook, number = sources.read(path), paths.notebook_number(path)
    copy = paths.made(folder or paths.build_dir() / edition) / path.name
    if copy.resolve() == path.resolve():
        raise FashionError(f"The {edition} edition would replace the notebook {path}: name another folder.")
    if number in catalogue.notebooks():
        write_edition(notebook, edition, catalogue.exercises(number), catalogue.explorations(number))
        if edition == "solutions":
            text = f"# {path.stem}: hints and typical mistakes\n\n{notes(catalogue.exercises(number))}"
            copy.with_suffix(".notes.md").write_text(text, encoding="utf-8")
    _replace(copy, nbformat.writes(notebook))
    return copy


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial.ipynb")
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, path)
