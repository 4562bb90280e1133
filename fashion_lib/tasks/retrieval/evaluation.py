"""Evaluation of a model on a data set: every metric of every attribute, under a memory budget.

One attribute is one retrieval task (ASEN's protocol, Ma et al. 2020). Queries and candidates are embedded
*for that attribute* (`embedding`) and ranked by cosine similarity (`ranking`). A candidate is relevant when it has
the query's value.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_has
from fashion_lib.tasks.retrieval.embedding import (
    checked_attributes,
    embed_images,
    embed_wanted,
    visit_features,
)
from fashion_lib.tasks.retrieval.metrics import average_precision, ndcg_at_k, recall_at_k
from fashion_lib.tasks.retrieval.ranking import SELF_MATCH, TIES, rank, ranking_device

AVERAGES = {
    "overall": "mean over all queries of all attributes, so that an attribute weighs by its number of queries",
    "macro": "mean of the attributes' means",
    "local": "mean of the local attributes' means",
}
CUTOFFS = (1, 10)
METRICS = ("map", *(f"recall@{k}" for k in CUTOFFS), "ndcg@10")
Rerank = Callable[[Tensor, Tensor, np.ndarray], np.ndarray]
# Whoever evaluates needs all of these, so this module also hands out what it is made of.
__all__ = [
    "AVERAGES", "CUTOFFS", "METRICS", "SELF_MATCH", "TIES", "Evaluation", "embed_images", "embed_wanted", "evaluate",
    "rank", "score_attribute", "visit_features",
]


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one split, in [0, 1].

    A query without a relevant candidate scores 0 and stays in the means.

    Attributes:
        split: name of the split.
        scores: metric ("map", "recall@1", "recall@10", "ndcg@10") -> attribute name or one of AVERAGES ->
            value.
        queries: number of queries per attribute name.
        candidates: number of candidates per attribute name.
        without_relevant: number of queries without a relevant candidate, per attribute name.
        self_matches: number of queries whose own image is a candidate, per attribute name.
    """

    split: str
    scores: dict[str, dict[str, float]]
    queries: dict[str, int]
    candidates: dict[str, int]
    without_relevant: dict[str, int]
    self_matches: dict[str, int]

    def of(self, metric: str) -> dict[str, float]:
        """Return attribute name -> value of a metric, without the three averages."""
        return {name: self.scores[metric][name] for name in self.queries}

    @property
    def map(self) -> dict[str, float]:
        """Return attribute name -> mean average precision."""
        return self.of("map")

    @property
    def recall(self) -> dict[int, dict[str, float]]:
        """Return k -> attribute name -> Recall@k."""
        return {k: self.of(f"recall@{k}") for k in CUTOFFS}

    @property
    def ndcg(self) -> dict[str, float]:
        """Return attribute name -> NDCG@10."""
        return self.of("ndcg@10")

    @property
    def overall(self) -> float:
        """Return the mean average precision over all queries."""
        return self.scores["map"]["overall"]

    @property
    def macro(self) -> float:
        """Return the mean of the attributes' mean average precisions."""
        return self.scores["map"]["macro"]

    @property
    def local(self) -> float:
        """Return the mean average precision over the local attributes; nan where the data set has none."""
        return self.scores["map"].get("local", float("nan"))

    def percent(self) -> dict[str, dict[str, float]]:
        """Return the scores times 100, the unit of result records and of the papers' tables."""
        return {metric: {name: 100 * value for name, value in row.items()} for metric, row in self.scores.items()}


def score_attribute(
    query, gallery, queries, candidates, *, budget_mib: float = 64, rerank: Rerank | None = None, device="cpu",
) -> dict[str, np.ndarray]:
    """Compute every metric of one attribute for each of its queries.

    Args:
        query: embeddings of the queries for the attribute, (Q, D).
        gallery: embeddings of the candidates for the attribute, (N, D).
        queries: the `Labels` of the query rows.
        candidates: the `Labels` of the gallery rows.
        budget_mib: memory for one chunk of the ranking, in MiB.
        rerank: changes the order of each chunk of queries. Its arguments are the chunk's embeddings, the
            gallery's, and the order by similarity, int64 (q, N). Self-matches are not passed to it and stay
            last.
        device: where the ranking is computed, see rank. The order does not depend on it.

    Returns:
        Metric -> float64 (Q,), and "answerable" -> bool (Q,), False where no candidate is relevant.
    """
    scores = {metric: np.zeros(len(queries)) for metric in METRICS} | {"answerable": np.zeros(len(queries), bool)}
    met = bool(np.isin(queries.image, candidates.image).any())
    images = {"query_images": queries.image, "gallery_images": candidates.image} if met else {}
    for rows, order in rank(query, gallery, budget_mib=budget_mib, device=device, **images):
        if rerank is not None:
            own = candidates.image[order] == queries.image[rows, None]  # self-matches are all at the end
            free = order.shape[1] - int(own.sum(axis=1).max(initial=0))
            order = np.concatenate([rerank(query[rows], gallery, order[:, :free]), order[:, free:]], axis=1)
        relevance = candidates.value[order] == queries.value[rows, None]  # (q, N), rank order
        if met:
            relevance &= candidates.image[order] != queries.image[rows, None]
        scores["map"][rows] = average_precision(relevance)
        for k in CUTOFFS:
            scores[f"recall@{k}"][rows] = recall_at_k(relevance, k)
        scores["ndcg@10"][rows] = ndcg_at_k(relevance, 10)
        scores["answerable"][rows] = relevance.any(axis=1)
    return scores


def evaluate(
    model, data, split: str = "valid", *, batch_size: int | None = None, precision: str = "fp32",
    budget_mib: float = 64, progress: str | None = None, rerank: Rerank | None = None,
    attributes: Collection[int] | None = None,
) -> Evaluation:
    """Embed, rank and score every attribute of a split; each image passes through the backbone once.

    Attributes without a query in the split are left out.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        split: "valid" or "test".
        batch_size: see visit_features.
        precision: "fp32", "bf16" or "fp16", for the backbone.
        budget_mib: memory for one chunk of the ranking, in MiB.
        progress: label of a progress bar; None shows none.
        rerank: see score_attribute.
        attributes: ids of the attributes to score; None scores all.

    Raises:
        FashionError: if the split has no query of these attributes, for an attribute that is no id of the schema,
            and for what is no model or no data set.
    """
    check_has(model, ("features", "attend"), "model", "give the model of a run, such as run.model")
    check_has(data, ("schema", "encoded"), "data set", "give one that fl.load_dataset returned")
    queries, candidates = data.encoded(split, "query"), data.encoded(split, "candidate")
    scored = range(len(data.schema)) if attributes is None else sorted(checked_attributes(data.schema, attributes))
    present = [a for a in scored if len(queries.of(a))]
    if not present:
        raise FashionError(f"the split {split!r} of {data.name} has no query, so nothing can be evaluated:"
                           " give some of its rows the role 'query' in the label table.")
    tasks = {a: (queries.of(a), candidates.of(a)) for a in present}
    wanted = {a: np.concatenate([q.image, c.image]) for a, (q, c) in tasks.items()}
    embedded = embed_wanted(model, data, wanted, batch_size=batch_size, precision=precision, progress=progress)
    results, counts = {}, {key: {} for key in ("queries", "candidates", "without_relevant", "self_matches")}
    for a, (q, c) in tasks.items():
        name = data.schema.names[a]
        vectors = embedded.pop(a)
        result = score_attribute(vectors[:len(q)], vectors[len(q):], q, c, budget_mib=budget_mib,
                                 rerank=rerank, device=ranking_device(model))
        counts["queries"][name], counts["candidates"][name] = len(q), len(c)
        counts["without_relevant"][name] = int((~result.pop("answerable")).sum())
        counts["self_matches"][name] = int(np.isin(q.image, c.image).sum())
        results[name] = result
    return Evaluation(split, {metric: averaged(results, metric, data.schema) for metric in METRICS}, **counts)


def averaged(results: Mapping[str, Mapping[str, np.ndarray]], metric: str, schema) -> dict[str, float]:
    """Return the means of a metric per attribute, and those of AVERAGES.

    Args:
        results: attribute name -> metric -> float64 (Q,), in id order.
        metric: one of METRICS.
        schema: the attributes.
    """
    means = {name: float(result[metric].mean()) for name, result in results.items()}
    local = [means[name] for name in schema.local if name in means]
    averages = {"overall": float(np.concatenate([result[metric] for result in results.values()]).mean()),
                "macro": float(np.mean(list(means.values())))}
    return means | averages | ({"local": float(np.mean(local))} if local else {})
