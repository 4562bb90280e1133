"""UT-Zap50K's meta-data.csv and CSN's triplet lists.

A row of `tripletlists/<condition>_tripletlist_<split>.txt` is `anchor far close`, three lines of filenames.json from 0:
its second picture is the dissimilar one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets.list_file import (
    Fault,
    ListFile,
    check_no_pointer,
    comma_cells,
    first_fault,
    number_rows,
    read_list,
)

CONDITIONS = ("class", "closure", "gender", "heel")  # CSN's conditions 0 to 3
COLUMNS_OF = {"class": "Category", "closure": "Closure", "gender": "Gender", "heel": "HeelHeight"}
FILES_OF_SPLITS = {"train": "train", "valid": "val", "test": "test"}


def cid_of(name: str) -> str:
    """Return the number of a shoe in meta-data.csv, `100627-72` for a picture 100627.72.jpg."""
    return name.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace(".", "-")


def triplet_rows(file: ListFile, images: int) -> tuple[list[list[int]], list[Fault]]:
    """Return a triplet list's rows (anchor, far, close), and the lines at fault.

    Args:
        file: the list.
        images: lines of filenames.json.
    """

    def fits(row: Sequence[int]) -> str:
        if len(row) != 3:
            return "it must be `anchor far close`"
        return "" if all(0 <= cell < images for cell in row) else f"filenames.json has {images} lines, from 0"

    return number_rows(file, fits)


def read_triplets(folder: Path, images: int) -> dict[str, dict[str, np.ndarray]]:
    """Read CSN's lists: split -> condition -> int64 (T, 3), numbers of pictures as anchor, far, close.

    Raises:
        FashionError: for a missing list, or the first line at fault.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for split, written in FILES_OF_SPLITS.items():
        for condition in CONDITIONS:
            file = read_list(folder / "tripletlists" / f"{condition}_tripletlist_{written}.txt")
            rows, faults = triplet_rows(file, images)
            first_fault(file, faults)
            found.setdefault(split, {})[condition] = np.array(rows, np.int64).reshape(-1, 3)
    return found


def read_meta(path: Path) -> dict[str, dict[str, str]]:
    """Read meta-data.csv: number of the shoe -> column -> text; several values of one column are joined by ";".

    Raises:
        FashionError: a column is missing, or a row has another number of cells.
    """
    file = read_list(path)
    check_no_pointer(file)
    numbered, faults = comma_cells(file)
    first_fault(file, faults)
    rows = [cells for _, cells in numbered]
    header = [cell.strip() for cell in rows[0]] if rows else []
    if missing := [name for name in ("CID", *COLUMNS_OF.values()) if name not in header]:
        raise FashionError(f"line 1 of {path} has no column {missing[0]}: use UT-Zap50K's own meta-data.csv.")
    first_fault(file, [Fault(line, f"has {len(row)} cells instead of {len(header)}") for line, row in numbered
                       if len(row) != len(header)])  # fmt: skip
    return {row[header.index("CID")].strip(): dict(zip(header, row, strict=True)) for row in rows[1:]}


def labels_of(images: Sequence[str], meta: Mapping[str, Mapping[str, str]]) -> tuple[pd.DataFrame, int]:
    """Return the labels that are one value (columns image, attribute, value), and how many cells hold several."""
    cells, several = [], 0
    for image in images:
        row = meta.get(cid_of(image), {"Category": image.split("/")[0]})
        for attribute, column in COLUMNS_OF.items():
            values = [value.strip() for value in row.get(column, "").split(";") if value.strip()]
            several += len(values) > 1
            if len(values) == 1:
                cells.append((image, attribute, values[0]))
    return pd.DataFrame(cells, columns=["image", "attribute", "value"], dtype="str"), several


def image_split(triplets: Mapping[str, Mapping[str, np.ndarray]], images: int) -> tuple[np.ndarray, int]:
    """Return the split of each picture from the lists that it stands in, "" for none, and how many stand in several."""
    split, several = np.full(images, "", dtype="<U5"), np.zeros(images, int)
    for name in ("test", "valid", "train"):
        used = np.unique(np.concatenate([rows.ravel() for rows in triplets[name].values()]))
        several[used] += 1
        split[used] = name
    return split, int((several > 1).sum())
