"""Training tuples (query, operation, target, negative) and test queries, drawn from labels alone.

Yao et al. 2026, section 4: 780,336 training and 204,221 test tuples, about nine per picture. The paper does
not say how they were drawn. Here an operation changes attributes drawn uniformly among those of the query. A
target is any picture that has every label of the query after the operation. A negative is any picture that
does not.
"""

from dataclasses import dataclass

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import LabelVectors, value_blocks
from fashion_lib.tasks.manipulation.manipulation_metrics import matches
from fashion_lib.tasks.manipulation.operations import changed_attributes, target_labels

TUPLES_PER_IMAGE = 9  # 780,336 tuples divided by four fifths of 113,948 pictures
ATTEMPTS = 1000  # with hundreds of values, no picture has the target of most operations


@dataclass(frozen=True, eq=False)
class Tuples:
    """T training tuples.

    Attributes:
        query: int64 (T,), rows of the data set.
        vectors: manipulation vectors, int8 (T, V).
        target: int64 (T,), rows of the data set.
        negative: int64 (T,), rows of the data set.
    """

    query: np.ndarray
    vectors: np.ndarray
    target: np.ndarray
    negative: np.ndarray

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True, eq=False)
class TestQueries:
    """Q queries against one gallery, with the correct answers.

    Attributes:
        query: int64 (Q,), rows of the data set.
        vectors: manipulation vectors, int8 (Q, V).
        targets: bool (Q, V), the label vectors wanted.
        matches: int64 (Q,), number of gallery pictures that have all labels of the target, at least one.
        gallery: int64 (G,), rows of the data set.
        excluded: attributes changed -> number of drawn queries that no gallery picture matches.
    """

    __test__ = False  # pytest would collect it as a test because of its name

    query: np.ndarray
    vectors: np.ndarray
    targets: np.ndarray
    matches: np.ndarray
    gallery: np.ndarray
    excluded: dict[str, int]

    def __len__(self) -> int:
        return len(self.query)

    @property
    def drawn(self) -> int:
        """Return the number of drawn queries, the excluded ones included."""
        return len(self) + sum(self.excluded.values())


def draw_vector(schema: Schema, labels: np.ndarray, rng: np.random.Generator, changes: int = 1) -> np.ndarray | None:
    """Draw a manipulation vector for a picture.

    The `changes` different attributes are uniform among those that the picture has. Each loses a value that
    it has and gets one that it has not.

    Args:
        schema: the attributes with their values.
        labels: label vector of the picture, bool (V,).
        rng: source of the random draws.
        changes: number of attributes to change.

    Returns:
        int8 (V,); None if the picture has too few attributes.
    """
    blocks = value_blocks(schema)
    usable = [block for block in blocks if 0 < labels[block].sum() < block.stop - block.start]
    if len(usable) < changes:
        return None
    vector = np.zeros(len(labels), np.int8)
    for place in rng.permutation(len(usable))[:changes]:
        block = usable[place]
        for sign, held in ((-1, True), (1, False)):
            vector[block.start + rng.choice(np.flatnonzero(labels[block] == held))] = sign
    return vector


def distinct_vectors(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different label vectors of pictures, and which one each picture has.

    The wardrobe's 28,800 training pictures have 552, so that a target is compared with 552 vectors only.

    Args:
        matrix: bool (N, V).

    Returns:
        bool (U, V) without repeats, and int64 (N,): picture n has the vector of that row.
    """
    different, which = np.unique(matrix, axis=0, return_inverse=True)
    return different, which.reshape(-1)


def training_tuples(
    labels: LabelVectors,
    rows: np.ndarray,
    rng: np.random.Generator,
    count: int,
    changes: int = 1,
    *,
    distinct: tuple[np.ndarray, np.ndarray] | None = None,
) -> Tuples:
    """Draw `count` tuples among the pictures `rows`, as a pure function of the generator.

    A query is drawn again when no picture has its target.

    Args:
        labels: the label vectors of the data set.
        rows: int rows of the pictures to draw from.
        rng: source of the random draws.
        count: number of tuples.
        changes: number of attributes that one tuple changes.
        distinct: `distinct_vectors` of the pictures `rows`, for who draws often; None finds them.

    Raises:
        FashionError: if some tuples still have no target after ATTEMPTS attempts.
    """
    rows = np.asarray(rows)
    different, which = distinct_vectors(labels.matrix[rows]) if distinct is None else distinct
    query = rng.integers(len(rows), size=count)
    vectors, target = np.zeros((count, different.shape[1]), np.int8), np.empty(count, np.int64)
    negative = np.empty(count, np.int64)
    open_places = np.arange(count)
    for attempt in range(ATTEMPTS):
        if attempt:
            query[open_places] = rng.integers(len(rows), size=len(open_places))
        held = different[which[query[open_places]]]
        drawn = [draw_vector(labels.schema, vector, rng, changes) for vector in held]
        usable = np.array([vector is not None for vector in drawn])
        vectors[open_places] = [np.zeros(different.shape[1]) if vector is None else vector for vector in drawn]
        fits = matches(target_labels(held, vectors[open_places]), different, labels.blocks)  # (open places, U)
        left = []
        for place, fitting, ready in zip(open_places, fits, usable, strict=True):
            row = fitting[which]  # bool (N,)
            right, wrong = np.flatnonzero(row), np.flatnonzero(~row)
            if ready and len(right) and len(wrong):
                target[place], negative[place] = rng.choice(right), rng.choice(wrong)
            else:
                left.append(place)
        open_places = np.array(left, np.int64)
        if not left:
            return Tuples(rows[query], vectors, rows[target], rows[negative])
    raise FashionError(
        f"after {ATTEMPTS} attempts {len(open_places)} of {count} tuples have no target among {len(rows)} pictures:"
        " choose fewer attributes or more pictures."
    )


def test_queries(
    labels: LabelVectors,
    query_rows: np.ndarray,
    gallery_rows: np.ndarray,
    seed: int,
    *,
    per_image: int = TUPLES_PER_IMAGE,
    changes: int = 1,
) -> TestQueries:
    """Draw up to `per_image` different manipulations of each query picture.

    A manipulation drawn twice is kept once. A query that no gallery picture matches is excluded and counted.

    Args:
        labels: the label vectors of the data set.
        query_rows: int rows of the query pictures.
        gallery_rows: int rows of the gallery.
        seed: decides the draws.
        per_image: draws per query picture.
        changes: number of attributes that one query changes.

    Raises:
        FashionError: if no query has a match.
    """
    rng = np.random.default_rng(seed)
    query, vectors = [], []
    for row in np.asarray(query_rows).tolist():
        drawn = [draw_vector(labels.schema, labels.matrix[row], rng, changes) for _ in range(per_image)]
        different = list({vector.tobytes(): vector for vector in drawn if vector is not None}.values())
        query += [row] * len(different)
        vectors += different
    query, vectors = np.array(query, np.int64), np.array(vectors, np.int8).reshape(-1, labels.matrix.shape[1])
    return given_queries(labels, query, vectors, target_labels(labels.matrix[query], vectors), np.asarray(gallery_rows))


test_queries.__test__ = False
AT_ONCE = 1_000  # queries that are compared with the gallery in one step


def given_queries(
    labels: LabelVectors, query: np.ndarray, vectors: np.ndarray, targets: np.ndarray, gallery: np.ndarray
) -> TestQueries:
    """Return queries with the number of their matches; those that no gallery picture matches are excluded and counted.

    Args:
        labels: the label vectors of the data set.
        query: int64 (Q,), rows of the data set.
        vectors: manipulation vectors int8 (Q, V).
        targets: bool (Q, V), the label vectors wanted.
        gallery: int64 (G,), rows of the data set.

    Raises:
        FashionError: if no query has a match.
    """
    offered = labels.matrix[gallery]
    parts = [targets[start : start + AT_ONCE] for start in range(0, len(targets), AT_ONCE)]
    found = np.concatenate([np.zeros(0, int), *(matches(p, offered, labels.blocks).sum(axis=1) for p in parts)])
    if not found.any():
        raise FashionError(
            f"none of the {len(query)} queries drawn has a match among {len(gallery)} gallery pictures:"
            " choose fewer attributes, or a larger gallery."
        )
    answerable = found > 0
    names = [changed_names(labels.schema, row) for row in changed_attributes(vectors, labels.schema)]
    excluded = dict.fromkeys(sorted(set(names)), 0)
    for name, kept in zip(names, answerable, strict=True):
        excluded[name] += int(not kept)
    return TestQueries(
        query[answerable], vectors[answerable], targets[answerable], found[answerable], gallery, excluded
    )


def changed_names(schema: Schema, changed: np.ndarray) -> str:
    """Return the changed attributes, bool (A,), as one name: "colour", or "pattern+colour" for two."""
    return "+".join(name for name, one in zip(schema.names, changed, strict=True) if one)
