"""Label vectors, one per picture (Yao et al. 2026, section 3).

A label vector has one number per value of every attribute: 1 where the picture has the value, else 0. The
values of one attribute form a block of the vector. A block without any 1 is *missing*: a close-up shows no
sleeve length, and no code guesses one. A block may hold several 1s, as DeepFashion's texture and shape do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema


def value_blocks(schema: Schema) -> tuple[slice, ...]:
    """Return, for each attribute, its columns in a label vector."""
    ends = np.cumsum([len(attribute.values) for attribute in schema])
    return tuple(slice(int(end) - len(a.values), int(end)) for a, end in zip(schema, ends, strict=True))


@dataclass(frozen=True, eq=False)
class LabelVectors:
    """The label vectors of N pictures.

    Args:
        schema: the attributes with their values.
        matrix: bool (N, V), one row per picture; V is the number of values of all attributes of `schema`.

    Raises:
        FashionError: if the matrix has another shape, or numbers other than 0 and 1.
    """

    schema: Schema
    matrix: np.ndarray

    def __post_init__(self) -> None:
        matrix, width = np.asarray(self.matrix), self.blocks[-1].stop
        if matrix.ndim != 2 or matrix.shape[1] != width:
            raise FashionError(
                f"the label vectors are {matrix.shape} for {width} values in the schema: give one column per value."
            )
        if matrix.dtype != bool:
            if not np.isin(matrix, (0, 1)).all():
                raise FashionError("a label vector holds a number other than 0 and 1: write 1 for each value it has.")
            matrix = matrix.astype(bool)
        object.__setattr__(self, "matrix", matrix)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Return, for each attribute, its columns in the matrix."""
        return value_blocks(self.schema)

    @cached_property
    def known(self) -> np.ndarray:
        """Return bool (N, A): False where an attribute is missing."""
        return known_attributes(self.matrix, self.blocks)

    @cached_property
    def single(self) -> bool:
        """Return whether no picture has two values of one attribute."""
        return all(self.matrix[:, block].sum(1).max(initial=0) <= 1 for block in self.blocks)

    def __len__(self) -> int:
        return len(self.matrix)

    def values(self, row: int) -> dict[str, tuple[str, ...]]:
        """Return attribute name -> the values that a picture has, without the missing attributes."""
        return described(self.schema, self.matrix[row])


def known_attributes(matrix: np.ndarray, blocks: Sequence[slice]) -> np.ndarray:
    """Return which attributes are not missing: label vectors bool (N, V) to bool (N, A)."""
    return np.stack([matrix[:, block].any(axis=1) for block in blocks], axis=1)


def described(schema: Schema, vector: np.ndarray) -> dict[str, tuple[str, ...]]:
    """Return one label vector (V,) as attribute name -> its values; missing attributes are left out."""
    found = {}
    for attribute, block in zip(schema, value_blocks(schema), strict=True):
        held = tuple(value for value, has in zip(attribute.values, vector[block], strict=True) if has)
        if held:
            found[attribute.name] = held
    return found


def vectors_of(schema: Schema, rows: Sequence[Mapping[str, str | Sequence[str]]]) -> LabelVectors:
    """Build the label vectors of pictures given as attribute -> value or values.

    Args:
        schema: the attributes of the vectors.
        rows: one mapping per picture, to a value or several; attributes outside the schema are left out.

    Raises:
        FashionError: if a value is not in the schema.
    """
    matrix = np.zeros((len(rows), value_blocks(schema)[-1].stop), bool)
    place = {(a.name, v): block.start + k for a, block in zip(schema, value_blocks(schema), strict=True)
             for k, v in enumerate(a.values)}  # fmt: skip
    for number, row in enumerate(rows):
        for attribute, held in row.items():
            for value in [held] if isinstance(held, str) else held:
                if attribute in schema.names:
                    schema.value_index(attribute, value)  # raises a FashionError that names an unknown value
                    matrix[number, place[attribute, value]] = True
    return LabelVectors(schema, matrix)
