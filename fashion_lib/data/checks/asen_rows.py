"""The lists that ASEN's authors released and RPF, IPAD and AG-MAN share: filenames, label_train, query and candidate.

A row of query and candidate is `image attribute value`, of label_train `image attribute value [attribute value ...]`;
image is a line of filenames_<split>, counted from 0, attribute a position in meta.json, value counts from 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath

import numpy as np

from fashion_lib.data.checks.listings import Around, Listing, whole

SPLITS = ("train", "valid", "test")
NAMES = (
    *(f"filenames_{split}.txt" for split in SPLITS),
    "label_train.txt",
    *(f"{role}_{split}.txt" for split in SPLITS[1:] for role in ("query", "candidate")),
)

AGAIN = "take the released file again: `data.zip` or `meta_data.tar.gz` of the authors' read-me"


def evaluation_row(line: str) -> tuple[int, ...]:
    """Parse a row of query or candidate."""
    cells = line.split()
    if len(cells) != 3:
        raise ValueError(f"the line has {len(cells)} cells instead of 3 (image attribute value)")
    return tuple(whole(cell) for cell in cells)


def training_row(line: str) -> tuple[int, ...]:
    """Parse a row of label_train: the image, then pairs."""
    cells = line.split()
    if len(cells) < 3 or len(cells) % 2 == 0:
        raise ValueError(
            f"the line has {len(cells)} cells: an image and pairs (attribute value) make 3, 5, 7, ..."
        )
    return tuple(whole(cell) for cell in cells)


def attributes_of(listing: Listing, around: Around) -> dict[str, int]:
    """Return attribute -> number of values: from the meta.json in or above the list's folder, else as released."""
    for folder in (listing.folder, str(PurePosixPath(listing.folder).parent)):
        for meta in around.of_kind("ASEN meta", folder):
            counts = attribute_counts(meta.rows[0], around.facts["folder"])
            if counts:
                return counts
    return around.facts["attributes"]


def attribute_counts(content: object, key: str) -> dict[str, int] | None:
    """attribute -> number of values in the order of ATTRIBUTES; None where the entry has another form."""
    entry = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entry, dict):
        return None
    names, numbers = entry.get("ATTRIBUTES"), entry.get("ATTRIBUTES_NUM")
    if not isinstance(names, list) or not isinstance(numbers, dict) or not names:
        return None
    good = all(
        isinstance(name, str) and type(numbers.get(name)) is int and numbers[name] > 1 for name in names
    )
    return {name: numbers[name] for name in names} if good and len(set(names)) == len(names) else None


def relevance_counts(queries: Listing, candidates: Listing, attributes: int) -> list[tuple[np.ndarray, int]]:
    """Count the relevant candidates of each query, from the lists alone.

    Args:
        queries, candidates: the two lists of one split.
        attributes: number of attributes.

    Returns:
        For each attribute: int64 (Q,), the relevant candidates of each of its queries, and its number of candidates.
    """
    having = Counter(row[1:] for _, row in candidates.numbered())
    length = Counter(row[1] for _, row in candidates.numbered())
    relevant = defaultdict(list)
    for _, row in queries.numbered():
        relevant[row[1]].append(having[row[1:]])
    return [(np.array(relevant[a], dtype=np.int64), length[a]) for a in range(attributes)]
