"""Rankings by cosine similarity: exact, with ties in the table's order, in chunks under a memory budget.

On a CPU whole-number keys are sorted, on another device the similarities, by a stable sort. In float64 both are exact,
so they give the same order.
"""

from collections.abc import Iterator
from numbers import Real

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError, shortened

TIES = "candidates of equal similarity keep the order of the label table (lower row first)"
SELF_MATCH = "a candidate that is the query's own image is ranked last and never counted as relevant"
STEPS_PER_UNIT = 2.0**25
BYTES_PER_PAIR = 48  # order and values in rank order (8 bytes each), and the metrics' arrays per hit
KEY_BITS = 64
PAIRS_PER_BLOCK = 2**18  # their similarities take 2 MiB, so they are still in the cache during the sort
TYPES = ("float64", "float32")


def _fixed_point(embeddings) -> Tensor:
    """Return unit vectors as whole numbers of 2**-25, held in float64; (N, D).

    Products are then whole numbers. By Cauchy-Schwarz every partial sum stays near or below 2**50 < 2**53, so
    a float64 matmul is *exact in any order of its additions*. Therefore a chunk of one row gives exactly the
    same similarities as the full matrix, and equal embeddings tie exactly. The step 2**-25 is finer than
    float32's own.
    """
    return _unit_vectors(embeddings, torch.float64).mul_(STEPS_PER_UNIT).round_()


def _unit_vectors(embeddings, dtype: torch.dtype) -> Tensor:
    """Return rows of length 1 on the CPU, (N, D): another device may round them differently."""
    rows = torch.as_tensor(embeddings, dtype=dtype, device="cpu").detach()
    if rows.ndim != 2:
        raise FashionError(f"embeddings have shape {tuple(rows.shape)}, but (images, dimensions) is needed:"
                           " pass one row per image.")
    finite = np.isfinite(rows.numpy()).all(axis=1)
    if not finite.all():
        raise FashionError(f"the embedding of row {int(np.argmin(finite))} is not finite, so it cannot be ranked:"
                           " the training has diverged, lower the learning rate or the precision's risk (fp32).")
    return torch.nn.functional.normalize(rows, dim=1)


def sort_rows(distance: np.ndarray, order: np.ndarray) -> None:
    """Write a stable sort of each row into `order`: smallest distance first, equal distances by column.

    Each pair becomes one key, a whole number of 64 bits: the distance in the upper bits, the column in the
    lower bits. Such keys are all different, so any sort is stable, and numpy sorts them with vector
    instructions. Where the two do not fit, the lowest bits of the distance are left out. The result is then
    checked against the full distances. The few rows in which the missing bits decide are sorted again by a
    stable sort.

    Args:
        distance: float64 (q, N), whole numbers from 0 to below 2**53.
        order: int64 (q, N), overwritten.
    """
    column_bits = max(0, distance.shape[1] - 1).bit_length()
    left_out = max(0, int(distance.max(initial=0)).bit_length() + column_bits - KEY_BITS)
    np.multiply(distance, 2.0**-left_out, out=order, casting="unsafe")  # rounds down: equal or smaller stays so
    keys = order.view(np.uint64)  # the same memory; unsigned, because a distance may reach the bit of the sign
    keys <<= column_bits
    keys |= np.arange(distance.shape[1], dtype=np.uint64)
    keys.sort(axis=1)
    keys &= (1 << column_bits) - 1
    if left_out:
        found = np.take_along_axis(distance, order, axis=1)
        wrong = (found[:, 1:] < found[:, :-1]).any(axis=1)
        order[wrong] = np.argsort(distance[wrong], axis=1, stable=True)


def queries_per_chunk(budget_mib: float, gallery: int, bytes_per_pair: int) -> int:
    """Return how many queries are ranked at a time, at least 1.

    Args:
        budget_mib: memory for one chunk, in MiB.
        gallery: number of rows of the gallery.
        bytes_per_pair: memory of a query with one row.

    Raises:
        FashionError: if the budget is no finite number from 0.
    """
    if not (isinstance(budget_mib, Real) and 0 <= budget_mib < np.inf):
        raise FashionError(f"budget_mib={shortened(budget_mib)} is no memory: give a finite number of MiB from 0.")
    return max(1, int(budget_mib * 2**20 / (bytes_per_pair * max(1, gallery))))


def ranking_device(model) -> torch.device:
    """Return where a model's embeddings are ranked: on CUDA with the model, else on the CPU, as float64 is needed."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return device if device.type == "cuda" else torch.device("cpu")


def sorted_on_device(similarity: Tensor, same: Tensor | None) -> np.ndarray:
    """Return the order of each row by a stable sort on its device: largest first, equal ones by column.

    Args:
        similarity: (q, N), overwritten.
        same: bool (q, N), the self-matches, which come last; None if there are none.

    Returns:
        int64 (q, N).
    """
    similarity.add_(0.0)  # a sort by bits, as on CUDA, would tell -0.0 from 0.0
    if same is not None:
        similarity.masked_fill_(same.to(similarity.device), -torch.inf)
    return similarity.sort(dim=1, descending=True, stable=True).indices.cpu().numpy()


def rank(
    query, gallery, *, query_images=None, gallery_images=None, budget_mib: float = 64,
    device: torch.device | str = "cpu", dtype: str = "float64",
) -> Iterator[tuple[slice, np.ndarray]]:
    """Rank the gallery for every query by cosine similarity, one chunk of queries at a time.

    The chunks are as large as the budget allows (at least one query), and the result does not depend on them.
    A self-match is a row of the gallery that is the query's own image. With both image arguments,
    self-matches come last.

    Args:
        query: (Q, D), Tensor or array, any float type.
        gallery: (N, D), Tensor or array, any float type.
        query_images: (Q,), the image of each query, or None.
        gallery_images: (N,), the image of each gallery row, or None.
        budget_mib: memory for one chunk, in MiB.
        device: where similarities are computed and sorted; it also holds the whole gallery.
        dtype: "float64" is exact: the order is the same on every device. "float32" is faster on GPUs with few float64
            units. Its similarities are rounded, so candidates that differ by less than about 1e-6 may change places
            (1e-3 where TF32 is on).

    Yields:
        (slice of the queries, order). The order is int64 (q, N): gallery rows, best first, equal similarities
        by lower row.

    Raises:
        FashionError: if an embedding is not finite, the shapes do not fit together, dtype is unknown, or the budget is
            no finite number from 0.
    """
    if dtype not in TYPES:
        raise FashionError(f"dtype={dtype!r} is unknown for ranking: choose one of {', '.join(TYPES)}.")
    by_keys = dtype == "float64" and torch.device(device).type == "cpu"
    queries, candidates = (
        (_fixed_point(side) if dtype == "float64" else _unit_vectors(side, torch.float32)).to(device)
        for side in (query, gallery)
    )
    if queries.shape[1] != candidates.shape[1]:
        raise FashionError(f"queries have {queries.shape[1]} dimensions and the gallery {candidates.shape[1]}:"
                           " embed both with the same model.")
    own = None
    if query_images is not None and gallery_images is not None:
        own = np.asarray(query_images), np.asarray(gallery_images)
        if own[0].shape != (len(queries),) or own[1].shape != (len(candidates),):
            raise FashionError(f"there are {own[0].shape} query_images for {len(queries)} queries and {own[1].shape}"
                               f" gallery_images for {len(candidates)} candidates: give one image per embedding.")
    step = queries_per_chunk(budget_mib, len(candidates), BYTES_PER_PAIR)
    block = max(1, PAIRS_PER_BLOCK // max(1, len(candidates)))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        if not by_keys:
            same = None if own is None else torch.from_numpy(own[0][rows, None] == own[1][None])
            yield rows, sorted_on_device(queries[rows] @ candidates.T, same)
            continue
        order = np.empty((rows.stop - start, len(candidates)), dtype=np.int64)
        for first in range(start, rows.stop, block):
            part = slice(first, min(first + block, rows.stop))
            similarity = (queries[part] @ candidates.T).numpy()  # (q, D) @ (D, N) -> (q, N), exact whole numbers
            distance = similarity.max(axis=1, keepdims=True, initial=-np.inf) - similarity
            if own is not None:
                same = own[0][part, None] == own[1][None]
                distance[same] = distance.max(initial=0) + 1  # larger than the distance of any other image
            sort_rows(distance, order[first - start:part.stop - start])
        yield rows, order
