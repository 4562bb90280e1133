"""The data sets by name. Add one: a new file in this folder, and one line in DATASETS.

A folder of your own pictures is a data set too: `remember_folder` gives it a name, in the project's datasets.toml, and
from then on that name works wherever the name of a data set does.

Real data sets whose licence forbids a download (REAL) are read from a folder that people have: FASHION_DATA, or
`data/<name>`. Each is a module of this folder with the same names:

    SCHEMA         the attributes with their values' names, in the order of the authors' lists
    GEOMETRY       how the papers' code makes a picture square, see picture_geometry
    CARD           source, licence, how to get it, what the papers used
    find(tree)     set_layout.Tree -> set_layout.Found: which layout and which parts are there; None without any
    load_found(found, size, geometry)
                   RetrievalData: the papers' lists to the row where they are there, else our own split
    ALIASES, HOW_TO_GET
                   other names that its folder has, and how people get it

`find_real` returns the Found of any of them, for a folder or for the usual places; `locate` raises an error instead of
returning None. A list's rows with the lines at
fault come from asen_lists.row_faults, fashionai_labels.raw_rows, deepfashion_benchmark.attribute_rows,
zappos_lists.triplet_rows and adde_lists.matrix_faults; the readers raise the first one.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.files import write_atomically
from fashion_lib.core.words import one_line, suggestion
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.picture_geometry import PAPERS, WHOLE

if TYPE_CHECKING:
    from fashion_lib.data.sets.set_layout import Found

TABLE, SCHEMA = "labels.csv", "schema.json"  # what a folder of your own pictures holds beside them
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
DRAWN = "is drawn when first needed"
DERIVED = "_manipulation"  # a record's name of the data set adds this for that task; no data set may end in it


class DataSettings(Protocol):
    """What a data set reads of a profile: side of the pictures in pixels; count and seed of the drawn wardrobe.

    It may have a text `geometry`, one of `picture_geometry.CHOICES`; see `geometry_of`.
    """

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
    real: bool = False  # read from a folder that people have; the module of its name is as described above


# Imports wait inside the loaders so that loading one data set never needs the files or libraries of another.
def _wardrobe(settings: DataSettings, table: str = "wardrobe") -> RetrievalData:
    from fashion_lib.data.sets.wardrobe import load_wardrobe

    return load_wardrobe(settings.image_size, settings.wardrobe_images, settings.wardrobe_seed, table)


def _clothing(settings: DataSettings) -> RetrievalData:
    from fashion_lib.data.sets.clothing import load_clothing

    return load_clothing(settings.image_size)


def _real(name: str, settings: DataSettings) -> RetrievalData:
    return real_module(name).load_found(locate(name), settings.image_size, geometry_of(name, settings))


def geometry_of(name: str, settings: DataSettings) -> str:
    """Return how a data set's pictures become squares, a key of `picture_geometry.FITS`.

    Real data sets follow the papers' code where a profile's `geometry` is "papers". All others are whole: no paper has
    used them.
    """
    papers = name in REAL and getattr(settings, "geometry", WHOLE) == PAPERS
    return real_module(name).GEOMETRY if papers else WHOLE


def real_module(name: str) -> ModuleType:
    """Return the module of a real data set, see above. Raises FashionError for another name."""
    if name not in REAL:
        raise FashionError(f"{name!r} is no real data set with a reader: {suggestion(name, REAL)}")
    return import_module(f"{__name__}.{name}")


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
    "fashionai": DataSet(
        partial(_real, "fashionai"),
        "photographs, FashionAI (Alibaba 2018)",
        "non-commercial research, signed terms",
        "Tianchi competition 231671, and ASEN's lists",
        real=True,
    ),
    "darn": DataSet(
        partial(_real, "darn"),
        "shop photographs, DARN (Huang et al. 2015)",
        "none found; do not re-distribute",
        "download the pictures of darn_url.txt, and ASEN's lists",
        real=True,
    ),
    "deepfashion": DataSet(
        partial(_real, "deepfashion"),
        "photographs, DeepFashion attribute benchmark (Liu et al. 2016)",
        "non-commercial research and education",
        "the benchmark's authors, and ASEN's lists",
        real=True,
    ),
    "deepfashion_adde": DataSet(
        partial(_real, "deepfashion_adde"),
        "DeepFashion as ADDE and Yao et al. 2026 use it",
        "pictures as deepfashion; splits CC BY-NC 4.0",
        "DeepFashion, and splits/DeepFashion of ADDE's code by git-lfs",
        real=True,
    ),
    "shopping100k": DataSet(
        partial(_real, "shopping100k"),
        "shop photographs, Shopping100k (Ak et al. 2018), ADDE's split",
        "non-commercial; splits CC BY-NC 4.0",
        "ask its author for the pictures; splits/Shopping100k of ADDE's code",
        real=True,
    ),
    "zappos50k": DataSet(
        partial(_real, "zappos50k"),
        "shoes, UT-Zap50K (Yu and Grauman 2014)",
        "academic, non-commercial",
        "vision.cs.utexas.edu/projects/finegrained/utzap50k, and CSN's triplet lists",
        real=True,
    ),
}
REAL = tuple(name for name, entry in DATASETS.items() if entry.real)


def known_names() -> tuple[str, ...]:
    """Return the names of all data sets: the registry's, then those of your own folders."""
    return (*DATASETS, *own_folders())


def check_known(name: str) -> None:
    """Raise FashionError for a name, as DATASET gives it, that no data set has."""
    if name not in known_names():
        raise FashionError(f"DATASET names {shortened(name)}, which is no data set: {suggestion(name, known_names())}")


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
        raise FashionError(f"there is no data set {shortened(name)}: {suggestion(name, (*DATASETS, *folders))}")
    return load_own_folder(name, folders[name], profile.image_size)


def load_own_folder(name: str, folder: Path, size: int) -> RetrievalData:
    """Load a folder that holds labels.csv, the pictures that the table names and, if wanted, schema.json.

    Args:
        name: the data set's name in records and tables.
        folder: where they are.
        size: side of the square pictures, in pixels.
    """
    from fashion_lib.data.sets.folder import load_folder

    folder = Path(folder)
    if not folder.is_dir():
        raise FashionError(
            f"the data set '{name}' is the folder {folder}, which is not there: put it back, or remove its lines from"
            f" {names_file()}."
        )
    schema = folder / SCHEMA
    return load_folder(name, folder / TABLE, folder, schema if schema.exists() else None, size)


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
            raise FashionError(
                f'{file} has {shortened(name)} in another form than [name] and folder = "...": correct it.'
            )
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
            f"{shortened(name)} cannot name a data set: use up to 40 small letters, digits, - and _, first a letter or"
            " digit."
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
    if not one_line(str(folder)):
        raise FashionError(f"the folder {shortened(str(folder), 120)} has a name that no text can hold: rename it.")
    if name not in folders:
        file = names_file()
        there = file.read_text(encoding="utf-8-sig").rstrip("\n") if file.exists() else "# Your own data sets."
        # A JSON text is a TOML text, too. What its owner wrote into the file stays.
        write_atomically(file, f"{there}\n\n[{name}]\nfolder = {json.dumps(str(folder), ensure_ascii=False)}\n")


def find_real(name: str, folder: Path | None = None) -> "Found | None":
    """Return where a real data set is and what of it; None where nothing of it is there.

    Args:
        name: one of REAL.
        folder: the folder to search; None searches FASHION_DATA, else data/<name>.
    """
    from fashion_lib.data.sets.set_layout import Tree, search

    module = real_module(name)
    return search(name, module.find, module.ALIASES) if folder is None else module.find(Tree(folder))


def locate(name: str) -> "Found":
    """Return where a real data set is, in FASHION_DATA or else in data/<name>.

    Raises:
        FashionError: it is not there; the sentence says where it was looked for and how people get it.
    """
    from fashion_lib.data.sets.set_layout import VARIABLE

    if found := find_real(name):
        return found
    chosen = os.environ.get(VARIABLE)
    place = f"the folder {chosen} ({VARIABLE})" if chosen else f"{paths.root() / 'data' / name}"
    raise FashionError(
        f"the data set '{name}' is not in {place}: {real_module(name).HOW_TO_GET}, then set {VARIABLE} to its folder "
        "or the folder above."
    )


def is_here(name: str) -> bool:
    """Return whether a known data set can be loaded on this machine; only real ones can be absent."""
    return name in known_names() and (name not in REAL or find_real(name) is not None)


def _how_to_get(name: str, entry: DataSet) -> str:
    if not entry.real:
        return entry.how_to_get
    try:
        found = find_real(name)
    except FashionError as error:  # FASHION_DATA names no folder
        return str(error)
    return f"here: {found.layout}" if found else f"not here: {entry.how_to_get}; then set FASHION_DATA to the folder"


def as_table() -> pd.DataFrame:
    """Return the data sets as a table, name -> source, licence, how to get it; your own folders stand below.

    A real data set says whether it is here, and in which layout.
    """
    rows = {name: (entry.source, entry.licence, _how_to_get(name, entry)) for name, entry in DATASETS.items()}
    rows |= {name: ("your own pictures", "yours", str(folder)) for name, folder in own_folders().items()}
    columns = ["source", "licence", "how to get it"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set")
