"""What an attribute manipulation is: "like this one, but with long sleeves" as a vector of -1, 0 and +1.

Yao et al. 2026, section 3.2: the manipulation vector v_m is -1 at the value to remove, +1 at the value wanted and 0
elsewhere. Several attributes may be changed at once, each of them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import described, value_blocks


@dataclass(frozen=True)
class Operation:
    """Change one attribute: the value `remove` goes, the value `add` comes."""

    attribute: str
    remove: str
    add: str

    def __str__(self) -> str:
        name, remove, add = (text.replace("_", " ") for text in (self.attribute, self.remove, self.add))
        return f"{name}: {remove} → {add}"


def manipulation_vector(schema: Schema, operations: Sequence[Operation], labels: np.ndarray) -> np.ndarray:
    """v_m, int8 (V,), of the operations on a picture with the label vector `labels`, bool (V,).

    Raises FashionError for no operation, an unknown attribute or value, a value replaced by itself, several operations
    on one attribute, an attribute that the picture has not, a value to remove that it does not have, and a
    value wanted that it has already.
    """
    if not operations:
        raise FashionError("a manipulation needs at least one operation: name an attribute, a value and a new value.")
    vector, blocks, held = np.zeros(len(labels), np.int8), value_blocks(schema), described(schema, labels)
    for operation in operations:
        name, block = operation.attribute, blocks[schema.index(operation.attribute)]
        remove, add = (schema.value_index(name, value) for value in (operation.remove, operation.add))
        if remove == add:
            raise FashionError(f"the operation '{operation}' changes nothing: name two different values.")
        if vector[block].any():
            raise FashionError(f"two operations change '{name}': keep one of them.")
        if name not in held:
            raise FashionError(f"the query has no '{name}', so it cannot be changed: choose one of {', '.join(held)}.")
        if operation.remove not in held[name]:
            raise FashionError(
                f"the operation '{operation}' removes a value that the query does not have"
                f" (its '{name}' is {', '.join(held[name])}): remove one that it has."
            )
        if operation.add in held[name]:
            raise FashionError(f"the query already has what '{operation}' adds: choose another value.")
        vector[block.start + remove], vector[block.start + add] = -1, 1
    return vector


def target_labels(labels: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Label vectors after manipulation: bool (..., V) and int8 (..., V) to bool (..., V)."""
    return (labels.astype(np.int8) + vectors) > 0


def operations_of(schema: Schema, vector: np.ndarray) -> tuple[Operation, ...]:
    """The operations that a manipulation vector (V,) stands for, in the schema's order."""
    found = []
    for attribute, block in zip(schema, value_blocks(schema), strict=True):
        part = np.asarray(vector[block])
        if part.any():
            remove, add = (attribute.values[int(np.flatnonzero(part == sign)[0])] for sign in (-1, 1))
            found.append(Operation(attribute.name, remove, add))
    return tuple(found)


def in_words(schema: Schema, vector: np.ndarray) -> str:
    """A manipulation vector for the eye: "pattern: solid → dotted, colour: red → blue"."""
    return ", ".join(map(str, operations_of(schema, vector)))


def changed_attributes(vectors: np.ndarray, schema: Schema) -> np.ndarray:
    """Manipulation vectors int8 (Q, V) to bool (Q, A): which attributes each of them changes."""
    return np.stack([vectors[:, block].any(axis=1) for block in value_blocks(schema)], axis=1)
