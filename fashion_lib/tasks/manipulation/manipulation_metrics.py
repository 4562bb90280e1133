"""Scores of attribute manipulation, computed from label vectors and a ranking.

The scores are those of Yao et al. 2026, section 4.2. A target is the label vector of the query after the
operation. A picture is a hit when it has every label of the target. Its relevance is the fraction of the
target's attributes that it has right. If the target has no label for an attribute, both scores ignore that
attribute. Where nothing is missing, a hit is a picture whose label vector equals the target's, as in the
paper's tables.
"""

from collections.abc import Sequence

import numpy as np

from fashion_lib.core.schema import Schema
from fashion_lib.data.label_vectors import known_attributes, value_blocks
from fashion_lib.tasks.retrieval.metrics import ndcg_at_k, recall_at_k

# The paper's tables begin at 10, of a gallery of about 22,790 pictures. Our galleries are smaller: ten of the laptop's
# 2,880 pictures are one in 288. So we add 1 and 5.
CUTOFFS = (1, 5, 10, 20, 30, 50)
NDCG_CUTOFF = 30
# NDCG divides by the gain of an ideal ranking. ndcg30: the ideal is the best order of this gallery, as in
# textbooks. ndcg30_ones: the ideal is 30 pictures of relevance 1. The paper prints "NDCG@30" and does not say
# which. Both have linear gain: a picture's gain is its relevance.
IDEALS = {"ndcg30": "list", "ndcg30_ones": "ones"}
# NDCG as the released code of ADDE (Hou et al. 2021) computes it: gain 2 ** relevance - 1 and the ideal "ones".
# The code prints it for the whole target, for the changed attribute and for the other attributes.
EXPONENTIAL = ("ndcg30_exponential", "ndcg30_exponential_changed", "ndcg30_exponential_others")
METRICS = (*(f"top{k}_acc" for k in CUTOFFS), *IDEALS, "ndcg30_changed", "ndcg30_others", *EXPONENTIAL)
RETRIEVAL_METRICS = ("top10_acc", "top20_acc", "top30_acc", "top50_acc", "ndcg30")
# NDCG is a fraction, as the paper prints it.
PERCENT = ("accuracy", "accuracy_stage1", *(f"top{k}_acc" for k in CUTOFFS))


def equal_blocks(targets: np.ndarray, gallery: np.ndarray, blocks: Sequence[slice]) -> np.ndarray:
    """Return whether all labels of an attribute are equal, bool (Q, G, A); two missing labels are equal.

    Args:
        targets: bool (Q, V).
        gallery: bool (G, V).
        blocks: the columns of each attribute.
    """
    equal = np.empty((len(targets), len(gallery), len(blocks)), bool)
    for a, block in enumerate(blocks):
        wanted, offered = targets[:, block].astype(np.float32), gallery[:, block].astype(np.float32)
        shared = wanted @ offered.T  # (Q, G): number of common values
        equal[:, :, a] = (shared == wanted.sum(1)[:, None]) & (shared == offered.sum(1)[None])
    return equal


def agreement(targets: np.ndarray, gallery: np.ndarray, blocks: Sequence[slice]) -> tuple[np.ndarray, np.ndarray]:
    """Compute which attributes of each target each gallery picture has right.

    Args:
        targets: bool (Q, V).
        gallery: bool (G, V).
        blocks: the columns of each attribute.

    Returns:
        `right`, bool (Q, G, A), False where the target has no label for the attribute. `known`, bool (Q, A),
        True where it has one.
    """
    known = known_attributes(targets, blocks)
    return equal_blocks(targets, gallery, blocks) & known[:, None], known


def matches(targets: np.ndarray, gallery: np.ndarray, blocks: Sequence[slice]) -> np.ndarray:
    """Return the gallery pictures that have every label of the target; none for a target without any label.

    Args:
        targets: bool (Q, V).
        gallery: bool (G, V).
        blocks: the columns of each attribute.

    Returns:
        bool (Q, G).
    """
    right, known = agreement(targets, gallery, blocks)
    return (right.sum(2) == known.sum(1)[:, None]) & known.any(1)[:, None]


def relevance(right: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the fraction of the counted attributes that are right, float64 (Q, G).

    Args:
        right: bool (Q, G, A).
        counted: bool (Q, A), the attributes of each target that count, such as those it has labels for.
    """
    return (right & counted[:, None]).sum(2) / np.maximum(counted.sum(1), 1)[:, None]


def scores(
    order: np.ndarray, targets: np.ndarray, gallery: np.ndarray, changed: np.ndarray, schema: Schema
) -> dict[str, np.ndarray]:
    """Compute every metric of METRICS for each query.

    "ndcg30_changed" takes the changed attributes alone, "ndcg30_others" the others alone. In both the ideal
    is the best order of the gallery. The metrics of EXPONENTIAL count every attribute of the schema, as ADDE's
    code does: a picture agrees with a target that misses an attribute if it misses it, too.

    Args:
        order: int64 (Q, G), gallery positions, best first.
        targets: bool (Q, V).
        gallery: bool (G, V).
        changed: bool (Q, A), the attributes that the operation changed.
        schema: the attributes with their values.

    Returns:
        Metric -> float64 (Q,) in [0, 1]. A query without other attributes scores nan in "ndcg30_others" and
        "ndcg30_exponential_others".
    """
    blocks = value_blocks(schema)
    known = known_attributes(targets, blocks)
    equal = equal_blocks(targets, gallery, blocks)
    equal = np.take_along_axis(equal, order[:, :, None], axis=1)  # in rank order
    right = equal & known[:, None]
    whole = relevance(right, known)
    found = {f"top{k}_acc": recall_at_k(whole == 1, k) for k in CUTOFFS}
    found |= {name: ndcg_at_k(whole, NDCG_CUTOFF, ideal) for name, ideal in IDEALS.items()}
    for name, part in (("ndcg30_changed", known & changed), ("ndcg30_others", known & ~changed)):
        graded = ndcg_at_k(relevance(right, part), NDCG_CUTOFF)
        found[name] = np.where(part.any(1), graded, np.nan)
    for name, part in zip(EXPONENTIAL, (np.ones_like(changed), changed, ~changed), strict=True):
        graded = ndcg_at_k(relevance(equal, part), NDCG_CUTOFF, "ones", "exponential")
        found[name] = np.where(part.any(1), graded, np.nan)
    return found
