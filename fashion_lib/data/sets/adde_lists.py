"""ADDE's released splits (Hou et al. 2021): pictures, label vectors, training triplets and test queries.

They stand in splits/DeepFashion and splits/Shopping100k of the authors' code, through Git LFS: a clone without git-lfs
has pointers in their place. Files: attr_num.txt (values per attribute), imgs_{train,test}.txt (paths),
labels_{train,test}.txt (0/1 per value), triplet_train.txt (reference positive negative), triplet_train_ind.txt and
indfull_test.txt (+1 wanted, -1 removed), ref_test.txt (queries) and gt_test.txt (label vectors wanted).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.words import listed
from fashion_lib.data.sets.list_file import (
    Fault,
    ListFile,
    check_no_pointer,
    first_fault,
    read_list,
    read_names,
)
from fashion_lib.data.sets.list_file import read_numbers as read_number_rows
from fashion_lib.data.sets.set_layout import Tree

FILES = (
    "attr_num.txt", "imgs_train.txt", "imgs_test.txt", "labels_train.txt", "labels_test.txt", "triplet_train.txt",
    "triplet_train_ind.txt", "ref_test.txt", "indfull_test.txt", "gt_test.txt",
)  # fmt: skip
LINES = 20_000  # lines per piece: all cells of the largest file as text would need gigabytes


@dataclass(frozen=True, eq=False)
class AddeLists:
    """One released split. N train and M test pictures, V values in all, T triplets, Q queries.

    Attributes:
        folder: where the files are.
        sizes: number of values per attribute.
        train, test: paths of the pictures.
        train_labels, test_labels: bool (N, V) and (M, V).
        triplets: int64 (T, 3), rows of train: reference, positive, negative.
        triplet_vectors: int8 (T, V).
        reference: int64 (Q,), rows of test.
        vectors: int8 (Q, V).
        targets: bool (Q, V).
    """

    folder: Path
    sizes: tuple[int, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    train_labels: np.ndarray
    test_labels: np.ndarray
    triplets: np.ndarray
    triplet_vectors: np.ndarray
    reference: np.ndarray
    vectors: np.ndarray
    targets: np.ndarray


def find_adde(tree: Tree, name: str, begins: tuple[str, ...]) -> Path | None:
    """Return the shallowest folder with a split of the data set.

    Args:
        tree: where to search.
        name: the split's folder in the authors' code, which decides where the lists are Git LFS pointers.
        begins: what its paths begin with.
    """
    for file in tree.named("imgs_test.txt", "triplet_train.txt"):
        found = read_list(file)
        if found.pointer:
            if file.parent.name.lower() == name.lower():
                return file.parent
        elif file.name.startswith("imgs") and found.lines and found.lines[0].startswith(begins):
            return file.parent
    return None


def sized(schema: Schema, lists: AddeLists) -> Schema:
    """Return a schema with as many values per attribute as attr_num.txt counts, values shown by number.

    Args:
        schema: of the released split; returned as it is where the counts are the same.
        lists: the split.

    Raises:
        FashionError: attr_num.txt has another number of attributes.
    """
    if len(lists.sizes) != len(schema):
        raise FashionError(
            f"{lists.folder / 'attr_num.txt'} counts the values of {len(lists.sizes)} attributes instead of "
            f"{len(schema)}: use the file of the same split."
        )
    if tuple(len(attribute.values) for attribute in schema) == lists.sizes:
        return schema
    return Schema(
        tuple(
            Attribute(a.name, tuple(map(str, range(count))), a.scope, a.kind)
            for a, count in zip(schema, lists.sizes, strict=True)
        )
    )


def matrix(path: Path, width: int, allowed: tuple[int, ...]) -> np.ndarray:
    """Read rows of `width` small numbers as int8 (rows, width).

    Args:
        path: the file.
        width: numbers per row.
        allowed: the numbers that a row may hold.

    Raises:
        FashionError: for the first line of another form, and for a pointer.
    """
    file = read_list(path)
    check_no_pointer(file)
    pieces = []
    for start in range(0, len(file.lines), LINES):
        lines = file.lines[start : start + LINES]
        piece = _single_digits(lines, width)
        if piece is None or not np.isin(piece, allowed).all():
            first_fault(file, matrix_faults(file, width, allowed))
            raise FashionError(f"{path} has rows that are not {width} single digits: get the list again.")
        pieces.append(piece)
    return np.concatenate(pieces) if pieces else np.zeros((0, width), np.int8)


def _single_digits(lines: Sequence[str], width: int) -> np.ndarray | None:
    """Return rows of single digits with signs as int8 (rows, width); None for lines of another form.

    The largest file has 157 million numbers, too many for a text per number.
    """
    code = np.frombuffer(("\n".join(lines).replace("\t", " ") + "\n").encode("utf-8"), np.uint8)
    digit, minus = (code >= ord("0")) & (code <= ord("9")), code == ord("-")
    gap = (code == ord(" ")) | (code == ord("\n"))
    before = np.concatenate([[True], gap[:-1]])  # whether a gap precedes
    signed = np.concatenate([[False], minus[:-1]])
    if not (digit | minus | gap).all() or (digit & ~before & ~signed).any() or (minus & ~before).any():
        return None
    if not digit[np.flatnonzero(minus) + 1].all():
        return None
    row = np.cumsum(code == ord("\n"), dtype=np.int32)[digit]
    if not (np.bincount(row, minlength=len(lines)) == width).all():
        return None
    values = (code[digit] - ord("0")).astype(np.int8)
    return np.where(signed[digit], -values, values).reshape(len(lines), width)


def matrix_faults(file: ListFile, width: int, allowed: tuple[int, ...]) -> list[Fault]:
    """Return the lines that are no `width` numbers of `allowed`."""
    words, faults = {str(number) for number in allowed}, []
    for number, line in enumerate(file.lines, start=1):
        cells = line.split()
        if len(cells) != width:
            faults.append(Fault(number, f"has {len(cells)} numbers instead of {width}"))
        elif strange := set(cells) - words:
            known = ", ".join(sorted(words))
            faults.append(Fault(number, f"holds {sorted(strange)[0]!r}, which is not one of {known}"))
    return faults


def read_adde(folder: Path) -> AddeLists:
    """Read a released split.

    Raises:
        FashionError: a file is missing or a pointer, a line is at fault, or two files do not fit together. A picture
            in both train and test is such a fault, because it could train and be in the gallery.
    """
    sizes = tuple(read_number_rows(folder / "attr_num.txt", 1)[:, 0].tolist())
    if min(sizes) < 2:
        raise FashionError(
            f"line {sizes.index(min(sizes)) + 1} of {folder / 'attr_num.txt'} gives an attribute {min(sizes)} values, "
            "at least 2 are needed: get it again."
        )
    width = sum(sizes)
    images = {split: read_names(folder / f"imgs_{split}.txt") for split in ("train", "test")}
    if both := sorted({*images["train"]} & {*images["test"]}):
        raise FashionError(
            f"{folder} names {listed(both)} in both imgs_train.txt and imgs_test.txt, but a picture may be in one of "
            "them only: get both again."
        )
    labels = {split: matrix(folder / f"labels_{split}.txt", width, (0, 1)).astype(bool) for split in images}
    triplets = read_number_rows(folder / "triplet_train.txt", 3)
    triplet_vectors = matrix(folder / "triplet_train_ind.txt", width, (-1, 0, 1))
    reference = read_number_rows(folder / "ref_test.txt", 1)[:, 0]
    vectors = matrix(folder / "indfull_test.txt", width, (-1, 0, 1))
    targets = matrix(folder / "gt_test.txt", width, (0, 1)).astype(bool)
    for split in images:
        _same(folder, f"labels_{split}.txt", len(labels[split]), f"imgs_{split}.txt", len(images[split]))
    _same(folder, "triplet_train_ind.txt", len(triplet_vectors), "triplet_train.txt", len(triplets))
    for name, part in (("indfull_test.txt", vectors), ("gt_test.txt", targets)):
        _same(folder, name, len(part), "ref_test.txt", len(reference))
    for name, rows, count in (("triplet_train.txt", triplets, "train"), ("ref_test.txt", reference, "test")):
        outside = (rows < 0) | (rows >= len(images[count]))
        if outside.any():
            line = int(np.flatnonzero(outside.reshape(len(rows), -1).any(axis=1))[0]) + 1
            raise FashionError(
                f"line {line} of {folder / name} names a picture outside 0 to {len(images[count]) - 1}: get it again."
            )
    return AddeLists(folder, sizes, images["train"], images["test"], labels["train"], labels["test"], triplets,
                     triplet_vectors, reference, vectors, targets)  # fmt: skip


def _same(folder: Path, name: str, rows: int, other: str, wanted: int) -> None:
    if rows != wanted:
        raise FashionError(
            f"{folder / name} has {rows:,} rows and {other} has {wanted:,}: one of them is cut off, get both again."
        )
