"""Files of DeepFashion's Category and Attribute Prediction Benchmark (Liu et al., CVPR 2016).

Line 1 of a list is the number of rows, line 2 a header; then come rows padded with runs of spaces. Names of attributes
and categories hold spaces, so their rows are split once from the right. Names of pictures hold commas, quotes, dots and
literal HTML entities (`Caf&eacute;_...`), which are kept as they are.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.typed import shortened
from fashion_lib.data.named_files import fold
from fashion_lib.data.sets.list_file import (
    Fault,
    ListFile,
    check_no_pointer,
    first_fault,
    opened_list,
    read_list,
)
from fashion_lib.data.sets.set_layout import PictureFiles, Tree

ALIASES = ("DeepFashion", "Attr_Predict", "Category and Attribute Prediction Benchmark")
TYPES = ("texture", "fabric", "shape", "part", "style")  # types 1 to 5
ATTRIBUTE_NAMES, ATTRIBUTE_ROWS = "list_attr_cloth.txt", "list_attr_img.txt"
CATEGORY_NAMES, CATEGORY_ROWS = "list_category_cloth.txt", "list_category_img.txt"
PARTITION = "list_eval_partition.txt"
ANSWERS = {"1", "-1", "0"}  # yes, no, unknown
FINE = 26  # attributes of Anno_fine, which has a list of the same name
HEADER = 2  # lines before the rows
LOOKED_AT = 50  # folders of a picture folder that may be empty or foreign before one with pictures


@dataclass(frozen=True)
class BenchmarkAttributes:
    """The rows of list_attr_cloth.txt.

    Attributes:
        names: the name of each row.
        types: the type of each row, from 1.
    """

    names: tuple[str, ...]
    types: tuple[int, ...]

    def ids(self) -> tuple[tuple[int, int], ...]:
        """Return (attribute id, value id) of each row: the type less one, and the rank among rows of that type."""
        seen, found = dict.fromkeys(self.types, 0), []
        for kind in self.types:
            found.append((kind - 1, seen[kind]))
            seen[kind] += 1
        return tuple(found)

    def named(self, schema: Schema) -> Schema:
        """Return a schema with these names for its values, as far as they go; a name used twice gets its id behind.

        Args:
            schema: five attributes whose values are numbers.
        """
        values = [list(attribute.values) for attribute in schema]
        for name, (attribute, value) in zip(self.names, self.ids(), strict=True):
            if value < len(values[attribute]):
                values[attribute][value] = f"{name} ({value})" if name in values[attribute] else name
        return Schema(
            tuple(Attribute(a.name, tuple(v), a.scope, a.kind) for a, v in zip(schema, values, strict=True))
        )

    def known(self, schema: Schema) -> int:
        """Return how many values of a schema get a name."""
        sizes = [len(attribute.values) for attribute in schema]
        return sum(value < sizes[attribute] for attribute, value in self.ids())


def rows_with_header(file: ListFile) -> tuple[list[tuple[int, str]], list[Fault]]:
    """Return the rows behind the two header lines with their line numbers, and what is wrong with the header."""
    if len(file.lines) < HEADER:
        return [], [Fault(0, "is cut off: it has no header")]
    rows = [(number, line) for number, line in enumerate(file.lines[HEADER:], start=HEADER + 1) if line]
    first = file.lines[0].strip()
    if not first.isdecimal():
        return rows, [Fault(1, f"is {shortened(first)} instead of the number of rows")]
    if int(first) != len(rows):
        return rows, [Fault(1, f"announces {int(first):,} rows, but {len(rows):,} follow: it is cut off")]
    return rows, []


def attribute_rows(file: ListFile) -> tuple[BenchmarkAttributes, list[Fault]]:
    """Return the rows of list_attr_cloth.txt, and the lines at fault."""
    rows, faults = rows_with_header(file)
    names, types = [], []
    for number, line in rows:
        name, _, kind = line.rpartition(" ")
        if name.strip() and kind in ("1", "2", "3", "4", "5"):
            names.append(name.strip())
            types.append(int(kind))
        else:
            faults.append(Fault(number, f"is {shortened(line)} instead of a name and a type from 1 to 5"))
    return BenchmarkAttributes(tuple(names), tuple(types)), faults


def read_attributes(path: Path) -> BenchmarkAttributes:
    """Read list_attr_cloth.txt. Raises FashionError for its first line at fault."""
    file = read_list(path)
    check_no_pointer(file)
    found, faults = attribute_rows(file)
    first_fault(file, faults)
    return found


def attribute_names_file(tree: Tree) -> Path | None:
    """Return the benchmark's list_attr_cloth.txt, not the one of Anno_fine, whose 26 attributes are others."""
    files = [file for file in tree.named(ATTRIBUTE_NAMES) if "fine" not in file.parent.name.lower()]
    return next((file for file in files if read_list(file).lines[:1] != (str(FINE),)), None)


def labels_of_images(path: Path, attributes: int) -> Iterator[tuple[str, list[int]]]:
    """Read list_attr_img.txt row by row, because the file has half a gigabyte.

    Args:
        path: the file.
        attributes: numbers per row.

    Yields:
        The picture's path, and the attributes that it has (1); -1 is no and 0 unknown.

    Raises:
        FashionError: a row of another form, or fewer rows than the first line announces.
    """
    with opened_list(path) as file:
        announced, count = file.readline().strip(), 0
        if announced.startswith("version https://git-lfs"):
            check_no_pointer(read_list(path))
        file.readline()
        for line in file:
            cells = line.rstrip().split(None, 1)
            if not cells:
                continue
            count += 1
            name, held = cells[0], _held(cells[-1], attributes)
            if held is None:
                raise FashionError(
                    f"line {count + HEADER} of {path} is {shortened(line.strip())}, not a path and {attributes} "
                    "numbers -1, 0 or 1: get the list again, or correct it."
                )
            yield name, held
    if announced != str(count):
        raise FashionError(
            f"line 1 of {path} announces {shortened(announced)} rows, but {count} follow: get the list again."
        )


def _held(text: str, attributes: int) -> list[int] | None:
    """Return the attributes with a 1 in a row of numbers -1, 0 and 1; None for a row of another form."""
    code = np.frombuffer(text.rjust(3 * attributes).encode("ascii", "replace"), np.uint8)
    if len(code) == 3 * attributes:  # numbers of width 2 behind a space
        gap, sign, digit = code.reshape(attributes, 3).T
        one, minus = digit == ord("1"), sign == ord("-")
        padded = (gap == ord(" ")).all() and (minus | (sign == ord(" "))).all()
        if padded and (one | ~minus & (digit == ord("0"))).all():
            return np.flatnonzero(one & ~minus).tolist()
    answers = text.split()
    if len(answers) != attributes or not set(answers) <= ANSWERS:
        return None
    return [i for i, answer in enumerate(answers) if answer == "1"]


def named_rows(path: Path) -> dict[str, str]:
    """Read a list of picture or category names with one further cell: name -> cell.

    Args:
        path: list_category_cloth.txt, list_category_img.txt or list_eval_partition.txt. A name may hold spaces.

    Raises:
        FashionError: for the first line at fault.
    """
    file = read_list(path)
    check_no_pointer(file)
    rows, faults = rows_with_header(file)
    found = {}
    for number, line in rows:
        cells = line.rsplit(None, 1)
        if len(cells) != 2:
            faults.append(Fault(number, f"is {shortened(line)} instead of a name and one further cell"))
        else:
            found[cells[0]] = cells[1]
    first_fault(file, faults)
    return found


def picture_folders(tree: Tree) -> tuple[Path, ...]:
    """Return the benchmark's picture folders, img/ or img_highres/, in any of its layouts."""
    return tuple(folder for folder in (tree.folder, *tree.folders) if _holds_items(folder))


def _holds_items(folder: Path) -> bool:
    name = folder.name.lower()
    if not name.startswith("img") or (name == "img" and (folder / "img").is_dir()):
        return False
    try:
        items = islice((entry for entry in folder.iterdir() if entry.is_dir()), LOOKED_AT)
        return any(file.name.startswith("img_") for item in items for file in item.iterdir())
    except OSError:
        return False


def alike(part: str) -> str:
    """Return a key that is equal for the spellings of one folder: unpackers decode HTML entities such as `&eacute;`."""
    return fold(html.unescape(part))


def picture_finder(folders: Sequence[Path]) -> Callable[[str], Path | None]:
    """Return a function from a picture's name (img/<item>/img_<number>.jpg) to its file below any of the folders."""
    finders = [PictureFiles(folder, alike) for folder in folders]

    def file_of(name: str) -> Path | None:
        for finder in finders:
            if file := finder.find(name.replace("\\", "/").removeprefix("./").removeprefix("img/")):
                return finder.root / file
        return None

    return file_of
