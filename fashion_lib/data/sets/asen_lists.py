"""The lists that ASEN released and ASEN++, AG-MLAN, RPF and IPAD share: splits, training labels, queries, candidates.

Per data set: `filenames_{train,valid,test}.txt` has one path per line. `label_train.txt` has rows
`image attribute value [attribute value ...]`; `query_{valid,test}.txt` and `candidate_{valid,test}.txt` have rows
`image attribute value`. All numbers begin at 0; an image is a line of the filenames of the same split. `meta.json`
(beside the folder) names the attributes and counts their values; it names no value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.words import listed
from fashion_lib.data.label_table import COLUMNS
from fashion_lib.data.sets.list_file import Fault, ListFile, first_fault, number_rows, read_list, read_names
from fashion_lib.data.sets.set_layout import Tree
from fashion_lib.data.text_file import read_text

EVALUATED = ("valid", "test")
FILES = (
    "filenames_train.txt",
    "label_train.txt",
    *(f"{kind}_{split}.txt" for split in EVALUATED for kind in ("filenames", "query", "candidate")),
)


@dataclass(frozen=True, eq=False)
class AsenLists:
    """The lists of one data set.

    Attributes:
        folder: where they are.
        filenames: split -> paths, in the order of the file.
        rows: (split, role) -> int64 (rows, 3), the columns image, attribute, value, in the order of the file; the
            keys are ("train", "train") and split "valid", "test" with role "query", "candidate".
    """

    folder: Path
    filenames: Mapping[str, tuple[str, ...]]
    rows: Mapping[tuple[str, str], np.ndarray]

    def table(self, schema: Schema) -> pd.DataFrame:
        """Return the rows as a label table with the columns COLUMNS, in the lists' order.

        Rows of training that are listed twice are kept once; those of valid and test stay as they are.
        """
        names = [attribute.name for attribute in schema]
        parts = []
        for (split, role), rows in self.rows.items():
            files = self.filenames[split]
            cells = [
                (files[image], split, role, names[a], schema.attributes[a].values[v])
                for image, a, v in rows.tolist()
            ]
            part = pd.DataFrame(cells, columns=list(COLUMNS), dtype="str")
            parts.append(part.drop_duplicates() if split == "train" else part)
        return pd.concat(parts, ignore_index=True)

    @property
    def images(self) -> tuple[str, ...]:
        """Return every path once, in the order of the lists."""
        return tuple(dict.fromkeys(path for names in self.filenames.values() for path in names))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences on paths that stand twice in one split, and on paths of train in valid or test."""
        seen, twice, notes = set(), [], []
        for split, path in ((split, path) for split, names in self.filenames.items() for path in names):
            (twice.append if (split, path) in seen else seen.add)((split, path))
        if twice:
            paths = listed([path for _, path in twice])
            notes.append(f"The lists name {len(twice)} path(s) twice ({paths}): one picture, all rows kept.")
        for split in EVALUATED:
            if both := sorted({*self.filenames["train"]} & {*self.filenames[split]}):
                notes.append(
                    f"The lists name {len(both):,} picture(s) in both train and {split} ({listed(both)}): a method has "
                    f"trained on them, so its scores on {split} are too high."
                )
        return tuple(notes)


def find_lists(tree: Tree, dataset: str, begins: Sequence[str]) -> Path | None:
    """Return the shallowest folder with lists of a data set.

    The first line of a list of names decides, because people rename folders. Where it begins otherwise (a Git LFS
    pointer, a damaged file, absolute paths), the folder's own name does, so that reading the lists says what is wrong.

    Args:
        tree: where to search.
        dataset: the name of the folder in the authors' code.
        begins: what the data set's paths begin with.
    """
    places = sorted(
        {file.parent for file in tree.named(*FILES)}, key=lambda place: (len(place.parts), str(place))
    )
    for place in places:
        if _first_name(place).replace("\\", "/").removeprefix("./").startswith(tuple(begins)):
            return place
    return next((place for place in places if place.name.lower() == dataset.lower()), None)


def _first_name(place: Path) -> str:
    files = (place / name for name in FILES if name.startswith("filenames"))
    lines = next((read_list(file).lines for file in files if file.is_file()), ())
    return lines[0] if lines else ""


def row_faults(
    file: ListFile, images: int, schema: Schema, pairs: bool
) -> tuple[list[list[int]], list[Fault]]:
    """Return a list's rows as numbers, and the lines at fault.

    Args:
        file: label_train, query or candidate.
        images: lines of the filenames of the same split.
        schema: the attributes with their values.
        pairs: whether a row may have several pairs of attribute and value or none, as in label_train.
    """
    sizes = [len(attribute.values) for attribute in schema]

    def fits(row: Sequence[int]) -> str:
        if len(row) % 2 == 0 or (len(row) != 3 and not pairs):
            return "it must be `image attribute value`" + (" with any number of pairs" if pairs else "")
        if not 0 <= row[0] < images:
            return f"there is no image {row[0]}, the filenames have {images} lines"
        for attribute, value in zip(row[1::2], row[2::2], strict=True):
            if not 0 <= attribute < len(sizes):
                return f"there is no attribute {attribute}, there are {len(sizes)}"
            if not 0 <= value < sizes[attribute]:
                return f"attribute {attribute} has no value {value}, it has {sizes[attribute]}"
        return ""

    return number_rows(file, fits)


def read_asen_lists(folder: Path, dataset: str, schema: Schema) -> AsenLists:
    """Read the lists of a data set.

    Args:
        folder: has FILES.
        dataset: its name in meta.json: "FashionAI", "DARN" or "DeepFashion".
        schema: the attributes with their values, in the lists' order.

    Raises:
        FashionError: a file is missing, valid and test share a picture, or the first line at fault.
    """
    check_meta(folder, dataset, schema)
    filenames = {split: read_names(folder / f"filenames_{split}.txt") for split in ("train", *EVALUATED)}
    if both := sorted({*filenames["valid"]} & {*filenames["test"]}):  # the released lists share none
        raise FashionError(
            f"{folder} names {listed(both)} in both filenames_valid.txt and filenames_test.txt, but a picture may be "
            "in one of them only: get the lists again."
        )
    rows = {}
    for split, role in [("train", "train"), *((s, r) for s in EVALUATED for r in ("query", "candidate"))]:
        file = read_list(folder / ("label_train.txt" if split == "train" else f"{role}_{split}.txt"))
        found, faults = row_faults(file, len(filenames[split]), schema, split == "train")
        first_fault(file, faults)
        triples = [[row[0], a, v] for row in found for a, v in zip(row[1::2], row[2::2], strict=True)]
        rows[split, role] = np.array(triples, dtype=np.int64).reshape(-1, 3)
    return AsenLists(folder, filenames, rows)


def check_meta(folder: Path, dataset: str, schema: Schema) -> None:
    """Check that meta.json, beside the lists or one folder above, numbers attributes as the schema does.

    Nothing is checked where there is no such file.

    Raises:
        FashionError: it cannot be read, or it has other attributes or counts of values.
    """
    file = next((f for f in (folder / "meta.json", folder.parent / "meta.json") if f.is_file()), None)
    if file is None:
        return
    try:
        entry = json.loads(read_text(file))[dataset]
        found = {name: int(entry["ATTRIBUTES_NUM"][name]) for name in entry["ATTRIBUTES"]}
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise FashionError(
            f"{file} cannot be read as ASEN's meta.json for {dataset} ({type(error).__name__}: {error}): get it again."
        ) from error
    wanted = {attribute.name: len(attribute.values) for attribute in schema}
    if list(found.items()) != list(wanted.items()):
        raise FashionError(
            f"{file} has other attributes or numbers of values for {dataset} than the released file "
            f"({', '.join(f'{name} {count}' for name, count in wanted.items())}): get it again."
        )
