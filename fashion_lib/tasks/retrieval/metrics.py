"""Retrieval metrics as pure functions over arrays already in rank order (best candidate first).

Every function takes one row per query and one column per rank, and returns one float64 per query. So averages
(an attribute's mean, the query-weighted overall mean) are the caller's visible decision.
"""

import numpy as np

from fashion_lib.core.errors import FashionError

AP_DENOMINATOR = "the number of relevant candidates in the whole list (no cut-off)"
IDEALS = ("list", "ones")
GAINS = ("linear", "exponential")


def _checked(array, name: str) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim != 2:
        raise FashionError(f"{name} has shape {array.shape}, but one row per query and one column per rank is needed:"
                           f" pass a (queries, candidates) array.")
    return array


def _checked_cutoff(k: int) -> int:
    if k < 1:
        raise FashionError(f"the cut-off k is {k}, but it counts candidates: use 1 or more.")
    return int(k)


def average_precision(relevance) -> np.ndarray:
    """Compute the average precision of each query.

    It is the precision at every relevant rank, averaged over the relevant candidates. The denominator is the
    number of relevant candidates in the whole list, without a cut-off (the protocol of ASEN's code).

    Args:
        relevance: bool or 0/1, (Q, N), in rank order.

    Returns:
        float64 (Q,) in [0, 1]. A query without a relevant candidate scores 0; count those with
        `without_relevant`.
    """
    relevance = _checked(relevance, "relevance").astype(bool, copy=False)
    flat = np.flatnonzero(relevance)  # row by row, ranks ascending: later lines handle hits only
    row_start = np.arange(len(relevance) + 1) * relevance.shape[1]
    bounds = np.searchsorted(flat, row_start)  # where each query's hits start and end in the flat list
    hits = np.diff(bounds)
    position = flat - np.repeat(row_start[:-1] - 1, hits)
    hit_number = np.arange(1, len(flat) + 1) - np.repeat(bounds[:-1], hits)
    query = np.repeat(np.arange(len(relevance)), hits)
    total = np.bincount(query, weights=hit_number / position, minlength=len(relevance))
    return total / np.maximum(hits, 1)


def without_relevant(relevance) -> int:
    """Return the number of queries without a relevant candidate; relevance is (Q, N)."""
    return int((~_checked(relevance, "relevance").astype(bool, copy=False).any(axis=1)).sum())


def recall_at_k(relevance, k: int) -> np.ndarray:
    """Return 1 where at least one of the first k candidates is relevant, else 0.

    This is what image retrieval calls Recall@k (a hit rate). In text retrieval the same word means the share
    of all relevant candidates.

    Args:
        relevance: bool or 0/1, (Q, N), in rank order.
        k: number of candidates to consider, at least 1.

    Returns:
        float64 (Q,).

    Raises:
        FashionError: if k is below 1.
    """
    relevance = _checked(relevance, "relevance")
    return relevance[:, :_checked_cutoff(k)].astype(bool, copy=False).any(axis=1).astype(np.float64)


def ndcg_at_k(gains, k: int, ideal: str = "list", gain: str = "linear") -> np.ndarray:
    """Compute the normalised discounted cumulative gain (NDCG) of each query.

    It is the sum of gain / log2(rank + 1) over k ranks, divided by the ideal sum.

    Args:
        gains: (Q, N) in rank order, binary or graded, at least 0.
        k: number of ranks, at least 1.
        ideal: "list" takes the best order of the query's own whole list (Järvelin and Kekäläinen 2002).
            "ones" takes a gain of 1 at each of the k ranks, as some fashion papers do. Then a query with
            fewer than k relevant candidates cannot reach 1.
        gain: "linear" uses the numbers as they are (trec_eval, scikit-learn). "exponential" uses 2 ** g - 1 of
            each number g (Burges et al. 2005; the released code of ADDE, with the ideal "ones").

    Returns:
        float64 (Q,); a query without any gain scores 0.

    Raises:
        FashionError: if `ideal` or `gain` is unknown, k is below 1 or a gain is negative.
    """
    gains = _checked(gains, "gains")
    k = _checked_cutoff(k)
    if ideal not in IDEALS:
        raise FashionError(f"ideal={ideal!r} is unknown: choose one of {', '.join(IDEALS)}.")
    if gain not in GAINS:
        raise FashionError(f"gain={gain!r} is unknown: choose one of {', '.join(GAINS)}.")
    if gains.dtype != bool and gains.size and gains.min() < 0:
        row, column = np.argwhere(gains < 0)[0]
        raise FashionError(f"the gain of query {row} at rank {column + 1} is {gains[row, column]}, but gains"
                           " cannot be negative: shift them so that 0 means no use at all.")
    if gain == "exponential" and gains.dtype != bool:  # of 0 and 1 the two gains are the same
        gains = np.exp2(gains.astype(np.float64)) - 1
    discount = 1 / np.log2(np.arange(2, k + 2))
    reached = gains[:, :k] @ discount[:gains.shape[1]]
    if ideal == "ones":
        best = np.full(len(gains), discount.sum())
    elif gains.dtype == bool:  # the count alone decides the ideal order, so long lists need no sorting
        best = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(gains.sum(axis=1), k)]
    else:
        best = -np.sort(-gains.astype(np.float64), axis=1)[:, :k] @ discount[:gains.shape[1]]
    return np.divide(reached, best, out=np.zeros(len(gains)), where=best > 0)


def random_average_precision(relevant, candidates: int) -> np.ndarray:
    """Compute the expected average precision of a random order: the floor of a score.

    With R relevant ones of N candidates it is (R - 1) / (N - 1) + H / N * (N - R) / (N - 1), where H is the sum
    1 + 1/2 + ... + 1/N. It lies above the share R / N, most in short lists.

    Args:
        relevant: int, any shape: the number of relevant candidates of each query, 0 to `candidates`.
        candidates: length of each query's list, at least 1.

    Returns:
        float64 in [0, 1], of the shape of `relevant`. A query without a relevant candidate scores 0, as in
        `average_precision`.

    Raises:
        FashionError: if there is no candidate, or a number of relevant ones is negative or above `candidates`.
    """
    relevant, total = _checked_relevant(relevant, candidates)
    if total == 1:
        return relevant.astype(np.float64)
    harmonic = (1 / np.arange(1, total + 1)).sum()
    expected = (relevant - 1) / (total - 1) + harmonic / total * (total - relevant) / (total - 1)
    return np.where(relevant > 0, expected, 0.0)


def random_recall_at_k(relevant, candidates: int, k: int) -> np.ndarray:
    """Compute the probability that a random order has a relevant candidate among the first k.

    It is the expected `recall_at_k`, the papers' Top-k accuracy. A miss needs k irrelevant candidates in a row: the
    first with probability (N - R) / N, the next with (N - R - 1) / (N - 1), and so on.

    Args:
        relevant: int, any shape: the number of relevant candidates of each query, 0 to `candidates`.
        candidates: length N of each query's list, at least 1.
        k: number of candidates to consider, at least 1.

    Returns:
        float64 in [0, 1], of the shape of `relevant`.

    Raises:
        FashionError: if k is below 1, there is no candidate, or a number of relevant ones is negative or above
            `candidates`.
    """
    relevant, total = _checked_relevant(relevant, candidates)
    place = np.arange(min(_checked_cutoff(k), total))
    return 1 - (np.clip(total - relevant[..., None] - place, 0, None) / (total - place)).prod(-1)


def _checked_relevant(relevant, candidates: int) -> tuple[np.ndarray, int]:
    relevant, total = np.asarray(relevant), int(candidates)
    if total < 1:
        raise FashionError(f"a random order of {total} candidates has no score: give 1 or more.")
    if relevant.size and not (relevant.min() >= 0 and relevant.max() <= total):
        wrong = relevant.min() if relevant.min() < 0 else relevant.max()
        raise FashionError(f"{wrong} of {total} candidates cannot be relevant: give numbers from 0 to {total}.")
    return relevant, total
