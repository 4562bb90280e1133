"""The data sets by name. Add one: a new file in this folder, and one line in DATASETS.

A folder of your own pictures is a data set too: `remember_folder` gives it a name, in the project's datasets.toml, and
from then on that name works wherever the name of a data set does.
"""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.core.words import suggestion
from fashion_lib.data.dataset import RetrievalData

TABLE, SCHEMA = "labels.csv", "schema.json"  # what a folder of your own pictures holds beside them
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DRAWN = "is drawn when first needed"
DERIVED = "_manipulation"  # a record's name of the data set adds this for that task; no data set may end in it


class DataSettings(Protocol):
    """What a data set reads of a profile: side of the pictures in pixels; count and seed of the drawn wardrobe."""

    image_size: int
    wardrobe_images: int
    wardrobe_seed: int


@dataclass(frozen=True)
class DataSet:
    """One line of the registry. load: from settings to the data. The texts are for the table of data sets."""

    load: Callable[[DataSettings], RetrievalData]
    source: str
    licence: str
    how_to_get: str = ""


# Imports wait inside the loaders so that loading one data set never needs the files or libraries of another.
def _wardrobe(settings: DataSettings, table: str = "wardrobe") -> RetrievalData:
    from fashion_lib.data.sets.wardrobe import load_wardrobe

    return load_wardrobe(settings.image_size, settings.wardrobe_images, settings.wardrobe_seed, table)


def _clothing(settings: DataSettings) -> RetrievalData:
    from fashion_lib.data.sets.clothing import load_clothing

    return load_clothing(settings.image_size)


DATASETS: dict[str, DataSet] = {
    "wardrobe": DataSet(_wardrobe, "drawn by this library", "MIT, as the library", DRAWN),
    "wardrobe_darn": DataSet(
        partial(_wardrobe, table="wardrobe_darn"), "the same pictures, labelled as DARN", "MIT, as the library", DRAWN
    ),
    "wardrobe_deepfashion": DataSet(
        partial(_wardrobe, table="wardrobe_deepfashion"),
        "the same pictures, labelled as DeepFashion",
        "MIT, as the library",
        DRAWN,
    ),
    "clothing": DataSet(
        _clothing, "photographs, Clothing dataset", "CC0 1.0", "run `python -m fashion_lib download clothing`"
    ),
}


def known_names() -> tuple[str, ...]:
    """Return the names of all data sets: the registry's, then those of your own folders."""
    return (*DATASETS, *own_folders())


def load_dataset(name: str, profile: DataSettings) -> RetrievalData:
    """Load a data set by name at the size that a profile names; build it once, then read the cache.

    Args:
        name: one of the registry, or the name of an own folder (`remember_folder`).
        profile: what is read of it, see `DataSettings`.

    Raises:
        FashionError: for an unknown name; the sentence names the nearest known one.
    """
    if name in DATASETS:
        return DATASETS[name].load(profile)
    folders = own_folders()
    if name not in folders:
        raise FashionError(f"there is no data set '{name}': {suggestion(name, (*DATASETS, *folders))}")
    return load_own_folder(name, folders[name], profile.image_size)


def load_own_folder(name: str, folder: Path, size: int) -> RetrievalData:
    """Load a folder that holds labels.csv, schema.json and the pictures that the table names.

    Args:
        name: the data set's name in records and tables.
        folder: where the three are.
        size: side of the square pictures, in pixels.
    """
    from fashion_lib.data.sets.folder import load_folder

    folder = Path(folder)
    if not folder.is_dir():
        raise FashionError(
            f"the data set '{name}' is the folder {folder}, which is not there: put it back, or remove its lines from"
            f" {names_file()}."
        )
    return load_folder(name, folder / TABLE, folder, folder / SCHEMA, size)


def names_file() -> Path:
    """Return where the names of own folders are kept, one file per project, not under version control."""
    return paths.root() / "datasets.toml"


def own_folders() -> dict[str, Path]:
    """Return name -> folder of every entry in datasets.toml, {} where there is no such file.

    Raises:
        FashionError: for a file that is not readable TOML, and for a name that no data set may have.
    """
    file = names_file()
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise FashionError(f"{file} cannot be read as TOML ({error}): correct it or delete it.") from error
    found = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != {"folder"} or not isinstance(entry["folder"], str):
            raise FashionError(f'{file} has {name!r} in another form than [name] and folder = "...": correct it.')
        check_name(name)
        written = Path(entry["folder"])
        written = written if entry["folder"].startswith("~") else file.parent / written
        found[name] = paths.user_path(written, f"the folder of {name!r} in {file}", follow=False)
    return found


def check_name(name: str) -> None:
    """Check that a name may stand for own pictures in folders, records and tables.

    Raises:
        FashionError: for other characters than small letters, digits, - and _, and for a reserved name.
    """
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise FashionError(
            f"{name!r} cannot name a data set: use up to 40 small letters, digits, - and _, first a letter or digit."
        )
    paths.plain_name(name, "data set")  # con and aux are devices on Windows
    if name in DATASETS or name.endswith(DERIVED):
        raise FashionError(f"the name '{name}' is reserved for a data set of the course: choose another name.")


def remember_folder(name: str, folder: Path) -> None:
    """Write an own folder into datasets.toml, so that its name works on the command line and in every notebook.

    Args:
        name: a name that `check_name` accepts.
        folder: the folder; its absolute path is stored.

    Raises:
        FashionError: for a reserved name, and for a name that belongs to another folder.
    """
    check_name(name)
    folders, folder = own_folders(), paths.user_path(folder, f"the folder of {name!r}")
    if name in folders and folders[name].resolve() != folder:
        raise FashionError(
            f"the name '{name}' belongs to the folder {folders[name]}: give another name, or remove its lines from"
            f" {names_file()}."
        )
    if name not in folders:
        # A JSON text is a TOML text, too.
        lines = [f"[{key}]\nfolder = {json.dumps(str(path))}\n" for key, path in (folders | {name: folder}).items()]
        write_atomically(names_file(), "# Your own data sets, written by fl.load_folder.\n" + "\n".join(lines))


def as_table() -> pd.DataFrame:
    """Return the data sets as a table, name -> source, licence, how to get it; your own folders stand below."""
    rows = {name: (entry.source, entry.licence, entry.how_to_get) for name, entry in DATASETS.items()}
    rows |= {name: ("your own pictures", "yours", str(folder)) for name, folder in own_folders().items()}
    columns = ["source", "licence", "how to get it"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set")
