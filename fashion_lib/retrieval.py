"""From a model and a data set to rankings and scores, under a memory budget.

One attribute is one retrieval task (ASEN's protocol, Ma et al. 2020): queries and candidates are embedded *for that
attribute*, ranked by cosine similarity, and a candidate is relevant when it has the query's value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fashion_lib.data.augmentation import normalise
from fashion_lib.errors import FashionError
from fashion_lib.metrics import average_precision, ndcg_at_k, recall_at_k
from fashion_lib.precision import autocast
from fashion_lib.progress import bar as progress_bar

TIES = "candidates of equal similarity keep the order of the label table (lower row first)"
SELF_MATCH = "a candidate that is the query's own image is ranked last and never counted as relevant"
AVERAGES = {
    "overall": "mean over all queries of all attributes, so that an attribute weighs by its number of queries",
    "macro": "mean of the attributes' means",
    "local": "mean of the local attributes' means",
}
CUTOFFS = (1, 10)
METRICS = ("map", *(f"recall@{k}" for k in CUTOFFS), "ndcg@10")
Rerank = Callable[[Tensor, Tensor, np.ndarray], np.ndarray]
STEPS_PER_UNIT = 2.0**25
BYTES_PER_PAIR = 48  # similarities, sorted similarities, order and values in rank order (8 bytes each), and the hits


def _fixed_point(embeddings) -> Tensor:
    """Unit vectors as whole numbers of 2**-25, held in float64; (N, D).

    Products are then whole numbers, and by Cauchy-Schwarz every partial sum stays near or below 2**50 < 2**53, so a
    float64 matmul is *exact in whatever order it adds*. That is why a chunk of one row gives the very same
    similarities as the full matrix, and why equal embeddings tie exactly. The step is finer than float32's own.
    """
    rows = torch.as_tensor(embeddings, dtype=torch.float64, device="cpu").detach()
    if rows.ndim != 2:
        raise FashionError(f"embeddings have shape {tuple(rows.shape)}, but (images, dimensions) is needed:"
                           " pass one row an image.")
    bad = ~torch.isfinite(rows).all(dim=1)
    if bad.any():
        raise FashionError(f"the embedding of row {int(bad.nonzero()[0])} is not finite, so it cannot be ranked:"
                           " the training has diverged, lower the learning rate or the precision's risk (fp32).")
    return torch.round(torch.nn.functional.normalize(rows, dim=1) * STEPS_PER_UNIT)


def rank(
    query, gallery, *, query_images=None, gallery_images=None, budget_mib: float = 64,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Rank the gallery for every query by cosine similarity, a chunk of queries at a time.

    query: (Q, D), gallery: (N, D), Tensor or array, any float type. Yields (slice of the queries, order) with order
    int64 (q, N): gallery rows, best first; equal similarities by lower row. The chunks are as large as `budget_mib`
    MiB allow (at least one query), and the result does not depend on them. With query_images (Q,) and
    gallery_images (N,), the rows where both are the same image (self-matches) come last.
    """
    queries, candidates = _fixed_point(query), _fixed_point(gallery)
    if queries.shape[1] != candidates.shape[1]:
        raise FashionError(f"queries have {queries.shape[1]} dimensions and the gallery {candidates.shape[1]}:"
                           " embed both with the same model.")
    step = max(1, int(budget_mib * 2**20 / (BYTES_PER_PAIR * max(1, len(candidates)))))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        similarity = queries[rows] @ candidates.T  # (q, D) @ (D, N) -> (q, N), exact whole numbers
        if query_images is not None and gallery_images is not None:
            same = np.asarray(query_images)[rows, None] == np.asarray(gallery_images)[None]
            similarity.masked_fill_(torch.from_numpy(same), -torch.inf)
        yield rows, torch.sort(similarity, dim=1, descending=True, stable=True).indices.numpy()


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one split, in [0, 1].

    scores: metric ("map", "recall@1", "recall@10", "ndcg@10") -> attribute name or one of AVERAGES -> value.
    The four counts are per attribute name. A query without a relevant candidate scores 0 and stays in the means.
    """

    split: str
    scores: dict[str, dict[str, float]]
    queries: dict[str, int]
    candidates: dict[str, int]
    without_relevant: dict[str, int]
    self_matches: dict[str, int]

    def of(self, metric: str) -> dict[str, float]:
        """Attribute name -> value, without the three averages."""
        return {name: self.scores[metric][name] for name in self.queries}

    @property
    def map(self) -> dict[str, float]:
        return self.of("map")

    @property
    def recall(self) -> dict[int, dict[str, float]]:
        """k -> attribute name -> Recall@k."""
        return {k: self.of(f"recall@{k}") for k in CUTOFFS}

    @property
    def ndcg(self) -> dict[str, float]:
        return self.of("ndcg@10")

    @property
    def overall(self) -> float:
        return self.scores["map"]["overall"]

    @property
    def macro(self) -> float:
        return self.scores["map"]["macro"]

    @property
    def local(self) -> float:
        """Mean average precision over the local attributes; nan where the data set has none."""
        return self.scores["map"].get("local", float("nan"))

    def percent(self) -> dict[str, dict[str, float]]:
        """The scores times 100, as result records and the papers' tables hold them."""
        return {metric: {name: 100 * value for name, value in row.items()} for metric, row in self.scores.items()}


def visit_features(
    model, data, wanted: Mapping[int, np.ndarray], visit: Callable[[int, slice, object, Tensor], None], *,
    batch_size: int | None = None, precision: str = "fp32", progress: str | None = None,
) -> None:
    """Pass every image that some attribute wants through the backbone once, and show each attribute its share.

    wanted: attribute id -> int64 image rows, ascending without repeats. visit(attribute, part, features, attributes)
    is called without gradients and in eval mode; `part` is the slice of wanted[attribute] that `features` belong to
    and attributes the int64 (B,) ids ready for `model.attend`. The model's train modes come back at the end.
    batch_size: images at once; default 256, and 32 on a CPU, whose cache then holds what its attributes read.
    """
    if precision not in ("fp32", "bf16"):
        raise FashionError(f"precision={precision!r} is unknown for embedding: use fp32 or bf16.")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    batch_size = batch_size or (32 if device.type == "cpu" else 256)
    images = np.unique(np.concatenate([np.zeros(0, np.int64), *wanted.values()]))
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            starts = range(0, len(images), batch_size)
            for start in progress_bar(starts, desc=progress, unit="batch", disable=progress is None):
                chunk = images[start:start + batch_size]
                with autocast(precision, device):
                    features = model.features(normalise(np.asarray(data.pixels[chunk])).to(device))
                for attribute, rows in wanted.items():
                    part = slice(*np.searchsorted(rows, (chunk[0], chunk[-1] + 1)))
                    inside = np.searchsorted(chunk, rows[part])
                    if len(inside) == 0:
                        continue
                    share = features  # an attribute that wants the whole chunk is spared the copy
                    if len(inside) < len(chunk):
                        share = model.select(features, torch.from_numpy(inside).to(device))
                    visit(attribute, part, share, torch.full((len(inside),), attribute, device=device))
    finally:
        for module, training in modes:
            module.training = training


def embed_wanted(
    model, data, wanted: Mapping[int, np.ndarray], *, batch_size: int | None = None, precision: str = "fp32",
    progress: str | None = None,
) -> dict[int, Tensor]:
    """Embed for each attribute id the image rows it asks for; each image passes the backbone once for all of them.

    wanted: attribute id -> int image rows (may repeat). Returns attribute id -> float32 (rows, D) on the CPU, in the
    order asked. precision: "fp32" or "bf16", for the backbone. progress: a label for a text bar, None for silence.
    """
    found = {a: np.unique(np.asarray(rows, dtype=np.int64), return_inverse=True) for a, rows in wanted.items()}
    embedded = {a: torch.empty(len(unique), model.embedding_dim) for a, (unique, _) in found.items()}

    def keep(attribute: int, part: slice, features, attributes: Tensor) -> None:
        embedded[attribute][part] = model.embed_features(features, attributes).float().cpu()

    visit_features(model, data, {a: unique for a, (unique, _) in found.items()}, keep,
                   batch_size=batch_size, precision=precision, progress=progress)
    return {a: embedded[a][torch.from_numpy(inverse)] for a, (_, inverse) in found.items()}


def embed_images(
    model, data, image_rows, attribute_ids: Sequence[int], batch_size: int | None = None, progress: str | None = None,
    precision: str = "fp32",
) -> dict[int, Tensor]:
    """Embed the same images for several attributes: attribute id -> float32 (len(image_rows), D) on the CPU."""
    rows = np.asarray(image_rows, dtype=np.int64)
    return embed_wanted(model, data, {int(a): rows for a in attribute_ids},
                        batch_size=batch_size, precision=precision, progress=progress)


def score_attribute(
    query, gallery, queries, candidates, *, budget_mib: float = 64, rerank: Rerank | None = None,
) -> dict[str, np.ndarray]:
    """Every metric of one attribute for each of its queries.

    query (Q, D), gallery (N, D): embeddings for the attribute; queries, candidates: the `Labels` of their rows.
    rerank: changes the order of each chunk of queries, given their embeddings, the gallery's and the order by
    similarity, int64 (q, N); self-matches are kept from it and stay last.
    Returns metric -> float64 (Q,), and "answerable": bool (Q,), False where no candidate is relevant.
    """
    scores = {metric: np.zeros(len(queries)) for metric in METRICS} | {"answerable": np.zeros(len(queries), bool)}
    met = bool(np.isin(queries.image, candidates.image).any())
    images = {"query_images": queries.image, "gallery_images": candidates.image} if met else {}
    for rows, order in rank(query, gallery, budget_mib=budget_mib, **images):
        if rerank is not None:
            own = candidates.image[order] == queries.image[rows, None]  # self-matches, all at the end
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
) -> Evaluation:
    """Embed, rank and score every attribute of a split ("valid" or "test"); each image passes the backbone once.

    rerank: see score_attribute. Attributes without a query in the split are left out. Raises FashionError when the
    split has no query at all.
    """
    queries, candidates = data.encoded(split, "query"), data.encoded(split, "candidate")
    present = [a for a in range(len(data.schema)) if len(queries.of(a))]
    if not present:
        raise FashionError(f"the split {split!r} of {data.name} has no query, so nothing can be evaluated:"
                           " give some of its rows the role 'query' in the label table.")
    tasks = {a: (queries.of(a), candidates.of(a)) for a in present}
    wanted = {a: np.concatenate([asked.image, offered.image]) for a, (asked, offered) in tasks.items()}
    embedded = embed_wanted(model, data, wanted, batch_size=batch_size, precision=precision, progress=progress)
    results, counts = {}, {key: {} for key in ("queries", "candidates", "without_relevant", "self_matches")}
    for a, (asked, offered) in tasks.items():
        name = data.schema.names[a]
        vectors = embedded.pop(a)
        result = score_attribute(vectors[:len(asked)], vectors[len(asked):], asked, offered, budget_mib=budget_mib,
                                 rerank=rerank)
        counts["queries"][name], counts["candidates"][name] = len(asked), len(offered)
        counts["without_relevant"][name] = int((~result.pop("answerable")).sum())
        counts["self_matches"][name] = int(np.isin(asked.image, offered.image).sum())
        results[name] = result
    return Evaluation(split, {metric: _averaged(results, metric, data.schema) for metric in METRICS}, **counts)


def _averaged(results: dict[str, dict[str, np.ndarray]], metric: str, schema) -> dict[str, float]:
    means = {name: float(result[metric].mean()) for name, result in results.items()}
    local = [means[name] for name in schema.local if name in means]
    averages = {"overall": float(np.concatenate([result[metric] for result in results.values()]).mean()),
                "macro": float(np.mean(list(means.values())))}
    return means | averages | ({"local": float(np.mean(local))} if local else {})
