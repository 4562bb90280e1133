"""Exact similarities of a few queries to millions of stored vectors, read from disk block by block.

The vectors lie in half precision, 2 bytes per number, row after row. They are read through small buffers instead of a
memory map: pages of a map count as memory of the process, until it holds the whole file. A block of 256 rows stays in
the processor's cache between the read, the conversion to float32 and the product. Each thread takes its own share of
the rows. Measured in benchmarks/gallery_search.py.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError

BLOCK = 256  # rows that are read and multiplied at once
BYTES = 2  # of a number in half precision

Measure = Callable[[Tensor, Tensor], Tensor]


def cosine(block: Tensor, queries: Tensor) -> Tensor:
    """Return dot products, which are cosines for unit vectors: (B, D) and (Q, D) to (Q, B)."""
    return (block @ queries.T).T


def negative_distance(block: Tensor, queries: Tensor) -> Tensor:
    """Return minus the Euclidean distances: (B, D) and (Q, D) to (Q, B)."""
    return -torch.cdist(queries, block, compute_mode="donot_use_mm_for_euclid_dist")


MEASURES: dict[str, Measure] = {"cosine": cosine, "distance": negative_distance}


def scan(
    file: str | os.PathLike,
    queries: Tensor,
    rows: int,
    *,
    measure: str = "cosine",
    workers: int | None = None,
) -> Tensor:
    """Compute the similarity of every stored vector to each query.

    Beside the result, 4 bytes per row and query, the memory is that of one block per thread.

    Args:
        file: vectors in half precision, row after row, without a header.
        queries: float (Q, D).
        rows: number of rows to read.
        measure: a name of MEASURES.
        workers: threads; None takes one per processor.

    Returns:
        float32 (Q, rows), larger is nearer.

    Raises:
        FashionError: the file is shorter than `rows` rows, or a query is not finite.
    """
    queries = queries.detach().float().cpu().contiguous()
    if not queries.isfinite().all():
        raise FashionError(
            "the vector of the query is not finite, so it ranks nothing: the training has diverged."
        )
    found, width = torch.empty(len(queries), rows), queries.shape[1]
    if (held := os.path.getsize(file)) < rows * width * BYTES:
        raise FashionError(
            f"{file} holds {held} bytes instead of {rows * width * BYTES}: make the index again."
        )
    workers = max(1, min(workers or threads.cores(), -(-rows // BLOCK)))
    edges = [rows * k // workers for k in range(workers + 1)]
    before = torch.get_num_threads()

    def share(start: int, stop: int) -> None:
        torch.set_num_threads(1)  # of this thread's products; the rows are divided already
        half = torch.empty(BLOCK, width, dtype=torch.float16)
        block = torch.empty(BLOCK, width)
        with open(file, "rb", buffering=0) as stream, torch.no_grad():
            stream.seek(start * width * BYTES)
            for row in range(start, stop, BLOCK):
                count = min(BLOCK, stop - row)
                _read(stream, half[:count])
                block[:count].copy_(half[:count])
                found[:, row : row + count] = MEASURES[measure](block[:count], queries)

    try:
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(share, *part) for part in zip(edges, edges[1:], strict=False)]:
                done.result()
    finally:
        torch.set_num_threads(before)
    return found


def _read(stream, half: Tensor) -> None:
    wanted = memoryview(half.numpy()).cast("B")
    while wanted:
        taken = stream.readinto(wanted)
        if not taken:
            raise FashionError(
                f"{stream.name} became shorter while it was read: search again when it is at rest."
            )
        wanted = wanted[taken:]


def append_halves(stream, vectors: Tensor, what: str) -> None:
    """Write vectors in half precision at the place where a file stands.

    Args:
        stream: a binary file.
        vectors: float (B, D).
        what: names the vectors in the error sentence.

    Raises:
        FashionError: a number is not finite, or too large for half precision.
    """
    halves = vectors.detach().cpu().to(torch.float16).contiguous()
    if not halves.isfinite().all():
        raise FashionError(
            f"{what} holds a number that is not finite or above {torch.finfo(torch.float16).max:g}: the training has "
            "diverged, or the model's features are too large for an index."
        )
    stream.write(memoryview(halves.numpy()).cast("B"))


def nearest(similarity: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of the `count` largest similarities and of all that equal the last one, best first.

    Equal similarities are ordered by row. Rows of minus infinity are left out.

    Args:
        similarity: float (N,).
        count: at least 1.
    """
    if len(similarity) > count:
        least = np.partition(similarity, len(similarity) - count)[len(similarity) - count]
        rows = np.flatnonzero(similarity >= least)
    else:
        rows = np.arange(len(similarity))
    rows = rows[similarity[rows] > -np.inf]
    return rows[np.argsort(-similarity[rows], kind="stable")]


def rows_in(file: str | os.PathLike, width: int) -> int:
    """Return the number of whole rows of `width` numbers in a file; 0 where there is none."""
    path = Path(file)
    return path.stat().st_size // (width * BYTES) if path.is_file() else 0
