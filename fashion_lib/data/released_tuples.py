"""Tuples of attribute manipulation that came with a data set, as ADDE released them (Hou et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fashion_lib.data.label_vectors import LabelVectors


@dataclass(frozen=True, eq=False)
class ReleasedTuples:
    """What training and test of manipulation read, in place of tuples drawn here.

    Attributes:
        labels: the label vectors of the data set's N pictures, bool (N, V).
        split: str (N,), "train" or "test".
        train: int64 (T, 3), rows of the data set: query, target, negative.
        train_vectors: manipulation vectors int8 (T, V): +1 is wanted, -1 removed.
        test: int64 (Q,), rows of the queries; the gallery is every test picture, the query's own included.
        test_vectors: manipulation vectors int8 (Q, V).
        test_targets: bool (Q, V), the label vectors wanted.
    """

    labels: LabelVectors
    split: np.ndarray
    train: np.ndarray
    train_vectors: np.ndarray
    test: np.ndarray
    test_vectors: np.ndarray
    test_targets: np.ndarray

    def content(self) -> list[bytes]:
        """Return the bytes of all arrays, for the version of the data set."""
        arrays = (
            self.train,
            self.train_vectors,
            self.test,
            self.test_vectors,
            self.test_targets,
            self.labels.matrix,
        )
        return [self.split.astype("S5").tobytes(), *(array.tobytes() for array in arrays)]
