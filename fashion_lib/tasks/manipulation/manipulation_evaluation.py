"""Evaluation of manipulation (Yao et al. 2026, section 3.2).

The gallery is embedded once, the queries are manipulated, the gallery is ranked by Euclidean distance and
scored.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.tasks.manipulation.manipulation_metrics import METRICS, scores
from fashion_lib.tasks.manipulation.operations import changed_attributes
from fashion_lib.tasks.manipulation.tuples import TestQueries, changed_names
from fashion_lib.tasks.retrieval.embedding import unique_rows, visit_features
from fashion_lib.tasks.retrieval.ranking import queries_per_chunk, sort_rows

BYTES_PER_PAIR = 96  # distances, their order, agreement per attribute, and graded relevance twice


def represent_rows(model, data, rows, *, batch_size: int = 256, precision: str = "fp32") -> Tensor:
    """Return the features that the gallery stores; each picture passes through the backbone once.

    Args:
        model: a manipulation method.
        data: ManipulationData.
        rows: int image rows (may repeat).
        batch_size: images per batch.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        float32 (len(rows), F) on the CPU.

    Raises:
        FashionError: if an image row is outside the data set.
    """
    unique, inverse = unique_rows(rows, data)
    stored = torch.empty(len(unique), model.width)

    def keep(attribute: int, part: slice, features, attributes: Tensor) -> None:
        stored[part] = model.represent(features).float().cpu()

    visit_features(model, data, {0: unique}, keep, batch_size=batch_size, precision=precision)
    return stored[torch.from_numpy(inverse)]


def rank_by_distance(queries, gallery, *, budget_mib: float = 64) -> Iterator[tuple[slice, np.ndarray]]:
    """Rank the gallery for every query by Euclidean distance, one chunk of queries at a time.

    Features are rounded to whole numbers whose squared distances stay below 2**53. So sums in float64 are
    exact, and the result does not depend on the chunks. Rows are sorted as in retrieval, see `sort_rows`.

    Args:
        queries: (Q, F), any float type.
        gallery: (G, F), any float type.
        budget_mib: memory for one chunk, in MiB; a chunk has at least one query.

    Yields:
        (slice of the queries, order). The order is int64 (q, G), nearest first, equal distances by lower row.

    Raises:
        FashionError: if the shapes do not fit together, a feature is not finite, or the budget is no finite number from
            0.
    """
    queries, gallery = (torch.as_tensor(part, device="cpu").detach().double() for part in (queries, gallery))
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise FashionError(f"queries {tuple(queries.shape)} and gallery {tuple(gallery.shape)} do not fit together:"
                           " give one feature of the same width per row.")
    if not (torch.isfinite(queries).all() and torch.isfinite(gallery).all()):
        raise FashionError("a feature is not finite, so it cannot be ranked: lower the learning rate.")
    largest = max([float(part.abs().max()) for part in (queries, gallery) if part.numel()], default=1.0) or 1.0
    # The dot product of two features is at most F * (2**25 / sqrt(F))**2 = 2**50 in absolute value.
    scale = 2.0**25 / (largest * queries.shape[1] ** 0.5)
    queries, gallery = (torch.round(part * scale) for part in (queries, gallery))
    length = gallery.square().sum(1)  # (G,)
    step = queries_per_chunk(budget_mib, len(gallery), BYTES_PER_PAIR)
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        # The query's own squared length is left out: it is equal for the whole gallery and changes no order.
        distance = (length - 2 * queries[rows] @ gallery.T).numpy()  # (q, F) @ (F, G) -> (q, G)
        distance -= distance.min(axis=1, keepdims=True, initial=np.inf)  # whole numbers from 0 on
        order = np.empty(distance.shape, dtype=np.int64)
        sort_rows(distance, order)
        yield rows, order


@dataclass(frozen=True)
class ManipulationScores:
    """Scores of one model on the queries of one split.

    Attributes:
        scores: metric -> "overall", "macro" or the name of what was changed -> mean over its queries, in [0,
            1]. "overall" weighs queries alike, "macro" weighs the names alike.
        queries: number of queries per name of what was changed.
        excluded: number of queries left out per name, because no gallery picture matches.
    """

    scores: dict[str, dict[str, float]]
    queries: dict[str, int]
    excluded: dict[str, int]

    @property
    def top10(self) -> float:
        """Return the overall Top-10 accuracy, in [0, 1]."""
        return self.scores["top10_acc"]["overall"]


@torch.no_grad()
def manipulated(model, represented: Tensor, vectors: np.ndarray) -> Tensor:
    """Return the queries' features after manipulation. `comparable` of the model makes them ready for ranking.

    Args:
        model: a manipulation method.
        represented: stored features (Q, F).
        vectors: manipulation vectors int8 (Q, V).

    Returns:
        float32 (Q, F) on the CPU.
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return model.manipulate(represented.to(device), torch.from_numpy(vectors).to(device).float()).float().cpu()


def evaluate_manipulation(
    model, data, split: str = "valid", *, precision: str = "fp32", batch_size: int = 256, budget_mib: float = 64
) -> ManipulationScores:
    """Score a model on the queries of a split; each picture passes through the backbone once.

    Args:
        model: a manipulation method.
        data: ManipulationData.
        split: "valid" or "test".
        precision: "fp32", "bf16" or "fp16", for the backbone.
        batch_size: images per batch.
        budget_mib: memory for one chunk of the ranking, in MiB.
    """
    queries = data.queries(split)
    rows = np.concatenate([queries.query, queries.gallery])
    with in_eval_mode(model):
        stored = represent_rows(model, data, rows, batch_size=batch_size, precision=precision)
        moved = manipulated(model, stored[: len(queries)], queries.vectors)
    ranked = (model.comparable(part) for part in (moved, stored[len(queries) :]))
    return score_queries(queries, *ranked, data, budget_mib=budget_mib)


def score_queries(queries: TestQueries, moved: Tensor, gallery: Tensor, data, *, budget_mib=64) -> ManipulationScores:
    """Score manipulated query features against the gallery.

    Args:
        queries: the queries with their targets.
        moved: manipulated features of the queries (Q, F), as they are compared.
        gallery: features (G, F), as they are compared.
        data: ManipulationData.
        budget_mib: memory for one chunk of the ranking, in MiB.
    """
    changed = changed_attributes(queries.vectors, data.schema)
    labels = data.labels.matrix[queries.gallery]
    found = {metric: np.zeros(len(queries)) for metric in METRICS}
    for rows, order in rank_by_distance(moved, gallery, budget_mib=budget_mib):
        for metric, values in scores(order, queries.targets[rows], labels, changed[rows], data.schema).items():
            found[metric][rows] = values
    names = np.array([changed_names(data.schema, row) for row in changed])
    means = {metric: _averaged(values, names) for metric, values in found.items()}
    counts = {name: int((names == name).sum()) for name in dict.fromkeys(names.tolist())}
    return ManipulationScores(means, counts, queries.excluded)


def _averaged(values: np.ndarray, names: np.ndarray) -> dict[str, float]:
    """Return means over the queries of each name and over all; a name without a finite value is left out."""
    kept = np.isfinite(values)
    parts = {name: values[kept & (names == name)] for name in dict.fromkeys(names.tolist())}
    means = {name: float(part.mean()) for name, part in parts.items() if len(part)}
    if not means:
        return {}
    return means | {"overall": float(values[kept].mean()), "macro": float(np.mean(list(means.values())))}
