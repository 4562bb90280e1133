"""Approximate search with faiss, for galleries past a million pictures; its recall against exact search is measured.

faiss is an optional library: `pip install "fashion-lib[faiss]"`. The vectors are divided into cells by k-means (an
inverted file), and a search reads the cells nearest to the query only. The number of cells read is the smallest that
finds RECALL of the true neighbours of sample pictures. It is chosen on one sample and measured on another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import parsed_json, replace_file, written_whole
from fashion_lib.core.typed import check_type
from fashion_lib.tasks.retrieval.vector_scan import nearest, scan
from fashion_lib.tasks.retrieval.vector_store import VectorStore, unwritable

RECALL = 0.95
SAMPLES = 50  # pictures per sample
NEIGHBOURS = 20  # true neighbours that are looked for
PER_CELL = 39  # training vectors per cell; with fewer, faiss warns
CHUNK = 8192  # vectors that are added at once


@dataclass
class Made:
    """What is stored beside a faiss index: the store's generation, cells, cells read, and the measured recall."""

    generation: int
    cells: int
    read: int
    recall: float
    neighbours: int
    samples: int


@dataclass(frozen=True, eq=False)
class ApproximateIndex:
    """A faiss index of one kind of vectors, mapped from disk. Make it with `of`."""

    index: object
    made: Made
    distance: bool

    @classmethod
    @threads.restored()
    def of(cls, store: VectorStore, kind: str) -> ApproximateIndex:
        """Read the faiss index of a store, or make it where there is none for these vectors.

        Making it holds the vectors in half precision in memory once, plus a sample for k-means.

        Args:
            store: of a gallery.
            kind: of the vectors.

        Raises:
            FashionError: faiss is not installed, the index of the gallery is not finished, or the disk refuses.
        """
        faiss = _faiss()
        if not store.facts.finished:
            raise FashionError(
                f"the index in {store.folder} is not finished: run `index` again, or search exactly."
            )
        file = store.vectors(kind).with_suffix(".faiss")
        distance = store.facts.measure == "distance"
        made = _read_made(_beside(file), store.facts.generation) if file.is_file() else None
        if made is None:
            try:
                with written_whole(file) as part:
                    made = _make(faiss, store, kind, part, distance)
                replace_file(_beside(file), json.dumps(asdict(made), indent=1).encode())
            except OSError as error:
                raise unwritable(store.folder, error) from error
        return cls(_mapped(faiss, file, made.read), made, distance)

    @threads.restored()
    def search(self, query: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows (k,) and similarities (k,) of the nearest vectors found, k <= count, best first.

        Args:
            query: float (D,).
            count: number of rows wanted.
        """
        _faiss()
        values, rows = self.index.search(query.detach().float().cpu().numpy()[None], count)
        found = rows[0] >= 0
        values = -np.sqrt(np.maximum(values[0], 0)) if self.distance else values[0]
        return rows[0][found], values[found].astype(np.float32)

    def __str__(self) -> str:
        made = self.made
        return (
            f"Approximate search reads {made.read} of {made.cells} cells: recall@{made.neighbours} against exact "
            f"search is {100 * made.recall:.1f} % over {made.samples} pictures of the gallery."
        )


def _faiss():
    """Return faiss with a thread per core; its number is torch's too, so a caller restores it."""
    try:
        import faiss
    except ImportError as error:
        raise FashionError(
            "approximate search needs the library faiss, which is not installed: run "
            '`pip install "fashion-lib[faiss]"`, or search exactly.'
        ) from error
    faiss.omp_set_num_threads(threads.cores())
    return faiss


def _mapped(faiss, file: Path, read: int):
    index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
    faiss.extract_index_ivf(index).nprobe = read
    return index


def _make(faiss, store: VectorStore, kind: str, file: Path, distance: bool) -> Made:
    """Divide the vectors into cells, write them to `file` and measure the recall."""
    width, source = store.facts.width, store.vectors(kind)
    used = np.array(
        sorted({entry.row for entry in store.entries.values() if entry.row is not None}), dtype=np.int64
    )
    rng = np.random.default_rng(0)
    cells = max(1, min(round(2 * len(used) ** 0.5), len(used) // PER_CELL))
    vectors = np.memmap(source, np.float16, "r", shape=(store.rows, width))
    quantizer = faiss.IndexFlatL2(width) if distance else faiss.IndexFlatIP(width)
    metric = faiss.METRIC_L2 if distance else faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFScalarQuantizer(quantizer, width, cells, faiss.ScalarQuantizer.QT_fp16, metric)
    chosen = rng.permutation(used)[: PER_CELL * cells]
    index.train(vectors[np.sort(chosen)].astype(np.float32))
    for start in range(0, len(used), CHUNK):
        part = used[start : start + CHUNK]
        index.add_with_ids(vectors[part].astype(np.float32), part)
    faiss.write_index(index, str(file))
    first, second = np.array_split(rng.permutation(used)[: 2 * SAMPLES], 2)
    if len(second) == 0:
        second = first
    truths = _truths(store, kind, vectors, used, first), _truths(store, kind, vectors, used, second)
    read, recall = 1, 0.0
    while True:
        faiss.extract_index_ivf(index).nprobe = read
        recall = _recall(index, vectors, first, truths[0])
        if recall >= RECALL or read >= cells:
            break
        read = min(2 * read, cells)
    recall = _recall(index, vectors, second, truths[1])
    return Made(
        store.facts.generation, cells, read, recall, min(NEIGHBOURS, max(1, len(used) - 1)), len(second)
    )


def _truths(store: VectorStore, kind: str, vectors, used: np.ndarray, rows: np.ndarray) -> list[set[int]]:
    """Return the true neighbours of stored vectors, without the vectors themselves."""
    truths = []
    hidden = np.ones(store.rows, dtype=bool)
    hidden[used] = False
    for part in np.array_split(rows, max(1, len(rows) // 8)):  # 8 x 4 MB of similarities per million
        queries = torch.from_numpy(vectors[part].astype(np.float32))
        found = scan(store.vectors(kind), queries, store.rows, measure=store.facts.measure).numpy()
        for row, similarity in zip(part.tolist(), found, strict=True):
            similarity[hidden] = similarity[row] = -np.inf
            truths.append(set(nearest(similarity, NEIGHBOURS)[:NEIGHBOURS].tolist()))
    return truths


def _recall(index, vectors, rows: np.ndarray, truths: list[set[int]]) -> float:
    _, found = index.search(vectors[rows].astype(np.float32), NEIGHBOURS + 1)
    shares = [
        len(truth & (set(one.tolist()) - {row})) / len(truth)
        for row, one, truth in zip(rows.tolist(), found, truths, strict=True)
        if truth
    ]
    return float(np.mean(shares)) if shares else 1.0


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _read_made(file: Path, generation: int) -> Made | None:
    """Return what was stored of a faiss index of this generation; None for another, or a damaged file."""
    try:
        content = parsed_json(file.read_text(encoding="utf-8"))
        check_type(content, Made)
        made = Made(**content)
    except (OSError, ValueError, TypeError):
        return None
    return made if made.generation == generation else None
