"""The attribute manipulation "like this one, but with long sleeves" as a vector of -1, 0 and +1.

Yao et al. 2026, section 3.2: the manipulation vector v_m is -1 at the value to remove, +1 at the value wanted
and 0 elsewhere. Several attributes may be changed at once, each of them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import described, value_blocks

NOTHING = "(none)"  # in ADDE's Shopping100k some queries lack the attribute that they ask for


@dataclass(frozen=True)
class Operation:
    """The change of one attribute: the value `remove` is replaced by the value `add`."""

    attribute: str
    remove: str
    add: str

    def __str__(self) -> str:
        name, remove, add = (text.replace("_", " ") for text in (self.attribute, self.remove, self.add))
        return f"{name}: {remove} → {add}"


def manipulation_vector(schema: Schema, operations: Sequence[Operation], labels: np.ndarray) -> np.ndarray:
    """Return v_m, int8 (V,), of operations on a picture.

    Args:
        schema: the attributes with their values.
        operations: one or more operations, on different attributes.
        labels: label vector of the picture, bool (V,).

    Raises:
        FashionError: if there is no operation, or an attribute or value is unknown. Also if a value is
            replaced by itself, or two operations change one attribute. Also if the picture lacks the
            attribute or the value to remove, or already has the value to add.
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
    """Return label vectors after manipulation: bool (..., V) and int8 (..., V) to bool (..., V)."""
    return (labels.astype(np.int8) + vectors) > 0


def operations_of(schema: Schema, vector: np.ndarray) -> tuple[Operation, ...]:
    """Return the operations that a manipulation vector (V,) represents, in the schema's order."""
    found = []
    for attribute, block in zip(schema, value_blocks(schema), strict=True):
        part = np.asarray(vector[block])
        if part.any():
            remove, add = (
                attribute.values[int(np.flatnonzero(part == sign)[0])] if (part == sign).any() else NOTHING
                for sign in (-1, 1)
            )
            found.append(Operation(attribute.name, remove, add))
    return tuple(found)


def in_words(schema: Schema, vector: np.ndarray) -> str:
    """Return a manipulation vector as text: "pattern: solid → dotted, colour: red → blue"."""
    return ", ".join(map(str, operations_of(schema, vector)))


def changed_attributes(vectors: np.ndarray, schema: Schema) -> np.ndarray:
    """Return which attributes each manipulation vector changes: int8 (Q, V) to bool (Q, A)."""
    return np.stack([vectors[:, block].any(axis=1) for block in value_blocks(schema)], axis=1)
