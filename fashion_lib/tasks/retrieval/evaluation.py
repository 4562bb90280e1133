"""Evaluation of a model on a data set: embeddings, rankings and scores, under a memory budget.

One attribute is one retrieval task (ASEN's protocol, Ma et al. 2020). Queries and candidates are embedded
*for that attribute* and ranked by cosine similarity. A candidate is relevant when it has the query's value.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.core.typed import check_has
from fashion_lib.data.augmentation import normalise
from fashion_lib.parts.precision import autocast
from fashion_lib.tasks.retrieval.metrics import average_precision, ndcg_at_k, recall_at_k

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
BYTES_PER_PAIR = 48  # order and values in rank order (8 bytes each), and the metrics' arrays per hit
KEY_BITS = 64
PAIRS_PER_BLOCK = 2**18  # their similarities take 2 MiB, so they are still in the cache during the sort


def _fixed_point(embeddings) -> Tensor:
    """Return unit vectors as whole numbers of 2**-25, held in float64; (N, D).

    Products are then whole numbers. By Cauchy-Schwarz every partial sum stays near or below 2**50 < 2**53, so
    a float64 matmul is *exact in any order of its additions*. Therefore a chunk of one row gives exactly the
    same similarities as the full matrix, and equal embeddings tie exactly. The step 2**-25 is finer than
    float32's own.
    """
    rows = torch.as_tensor(embeddings, dtype=torch.float64, device="cpu").detach()
    if rows.ndim != 2:
        raise FashionError(f"embeddings have shape {tuple(rows.shape)}, but (images, dimensions) is needed:"
                           " pass one row an image.")
    finite = np.isfinite(rows.numpy()).all(axis=1)
    if not finite.all():
        raise FashionError(f"the embedding of row {int(np.argmin(finite))} is not finite, so it cannot be ranked:"
                           " the training has diverged, lower the learning rate or the precision's risk (fp32).")
    return torch.nn.functional.normalize(rows, dim=1).mul_(STEPS_PER_UNIT).round_()


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


def rank(
    query, gallery, *, query_images=None, gallery_images=None, budget_mib: float = 64,
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

    Yields:
        (slice of the queries, order). The order is int64 (q, N): gallery rows, best first, equal similarities
        by lower row.

    Raises:
        FashionError: if an embedding is not finite or the shapes do not fit together.
    """
    queries, candidates = _fixed_point(query), _fixed_point(gallery)
    if queries.shape[1] != candidates.shape[1]:
        raise FashionError(f"queries have {queries.shape[1]} dimensions and the gallery {candidates.shape[1]}:"
                           " embed both with the same model.")
    known = query_images is not None and gallery_images is not None
    step = max(1, int(budget_mib * 2**20 / (BYTES_PER_PAIR * max(1, len(candidates)))))
    block = max(1, PAIRS_PER_BLOCK // max(1, len(candidates)))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        order = np.empty((rows.stop - start, len(candidates)), dtype=np.int64)
        for first in range(start, rows.stop, block):
            part = slice(first, min(first + block, rows.stop))
            similarity = (queries[part] @ candidates.T).numpy()  # (q, D) @ (D, N) -> (q, N), exact whole numbers
            distance = similarity.max(axis=1, keepdims=True, initial=-np.inf) - similarity
            if known:
                same = np.asarray(query_images)[part, None] == np.asarray(gallery_images)[None]
                distance[same] = distance.max(initial=0) + 1  # larger than the distance of any other image
            sort_rows(distance, order[first - start:part.stop - start])
        yield rows, order


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


def visit_features(
    model, data, wanted: Mapping[int, np.ndarray], visit: Callable[[int, slice, object, Tensor], None], *,
    batch_size: int | None = None, precision: str = "fp32", progress: str | None = None,
) -> None:
    """Run the backbone once per needed image; call `visit` with the rows that each attribute needs.

    The calls are made without gradients and in eval mode. The train modes of the model are restored at the
    end.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        wanted: attribute id -> int64 image rows, ascending without repeats.
        visit: called as visit(attribute, part, features, attributes). `part` is the slice of
            wanted[attribute] to which `features` belong. `attributes` are int64 (B,) ids, ready for
            `model.attend`.
        batch_size: images per batch. Default 256, and 32 on a CPU, whose cache then holds the features of a
            batch while all attributes read them.
        precision: "fp32" or "bf16", for the backbone.
        progress: label of a progress bar; None shows none.

    Raises:
        FashionError: if the precision is unknown.
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
                    share = features  # an attribute that needs the whole chunk needs no copy
                    if len(inside) < len(chunk):
                        share = model.select(features, torch.from_numpy(inside).to(device))
                    visit(attribute, part, share, torch.full((len(inside),), attribute, device=device))
    finally:
        for module, training in modes:
            module.training = training


def _attribute_id(schema, asked) -> int:
    if isinstance(asked, str):
        raise FashionError(f"the attribute {asked!r} is given by name, but its id {schema.index(asked)} is needed:"
                           " use schema.index(name).")
    try:
        attribute = index(asked)
    except TypeError:  # a float, a list, None
        attribute = -1
    if not 0 <= attribute < len(schema):
        known = ", ".join(f"{i} ({name})" for i, name in enumerate(schema.names))
        raise FashionError(f"{asked!r} is not an attribute id of the model: choose one of {known}.")
    return attribute


def _image_rows(rows, count: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.size and rows.dtype.kind not in "iu":  # a float would be truncated, a mask read as rows 0 and 1
        raise FashionError(f"the image rows are {rows.dtype}, but whole numbers from 0 to {count - 1} are needed:"
                           " use np.flatnonzero for a mask, data.image_names.index for a name.")
    outside = rows[(rows < 0) | (rows >= count)] if rows.size else rows
    if outside.size:
        raise FashionError(f"the image row {outside.flat[0]} is not in the data set:"
                           f" choose rows from 0 to {count - 1}.")
    return rows.astype(np.int64)


def embed_wanted(
    model, data, wanted: Mapping[int, np.ndarray], *, batch_size: int | None = None, precision: str = "fp32",
    progress: str | None = None, vectors: Callable[[object, Tensor], Tensor] | None = None,
) -> dict[int, Tensor]:
    """Embed, for each attribute id, the image rows listed for it.

    Each image passes through the backbone once, for all attributes together.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        wanted: attribute id -> int image rows (may repeat).
        batch_size: see visit_features.
        precision: "fp32" or "bf16", for the backbone.
        progress: label of a progress bar; None shows none.
        vectors: the model's method that makes the vectors (B, D) of features and attribute ids; None is its
            embed_features.

    Returns:
        Attribute id -> float32 (rows, D) on the CPU, in the order of `wanted`.

    Raises:
        FashionError: if the model's schema lacks an attribute id, or an image row is outside the data set.
    """
    found = {_attribute_id(model.schema, a): np.unique(_image_rows(rows, len(data.pixels)), return_inverse=True)
             for a, rows in wanted.items()}
    embedded = {a: torch.empty(len(unique), model.embedding_dim) for a, (unique, _) in found.items()}

    def keep(attribute: int, part: slice, features, attributes: Tensor) -> None:
        embedded[attribute][part] = (vectors or model.embed_features)(features, attributes).float().cpu()

    visit_features(model, data, {a: unique for a, (unique, _) in found.items()}, keep,
                   batch_size=batch_size, precision=precision, progress=progress)
    return {a: embedded[a][torch.from_numpy(inverse)] for a, (_, inverse) in found.items()}


def embed_images(
    model, data, image_rows, attribute_ids: Sequence[int], batch_size: int | None = None, progress: str | None = None,
    precision: str = "fp32",
) -> dict[int, Tensor]:
    """Embed the same images for several attributes.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        image_rows: int image rows (may repeat).
        attribute_ids: list of ids, not names.
        batch_size: see visit_features.
        progress: label of a progress bar; None shows none.
        precision: "fp32" or "bf16", for the backbone.

    Returns:
        Attribute id -> float32 (len(image_rows), D) on the CPU.

    Raises:
        FashionError: if `attribute_ids` is not a list, the model's schema lacks an attribute id, or an image
            row is outside the data set.
    """
    if isinstance(attribute_ids, str) or not np.iterable(attribute_ids):
        raise FashionError(f"attribute_ids is {attribute_ids!r}, but a list of ids is needed:"
                           " write [schema.index(name)].")
    rows = np.asarray(image_rows)
    return embed_wanted(model, data, {_attribute_id(model.schema, a): rows for a in attribute_ids},
                        batch_size=batch_size, precision=precision, progress=progress)


def score_attribute(
    query, gallery, queries, candidates, *, budget_mib: float = 64, rerank: Rerank | None = None,
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

    Returns:
        Metric -> float64 (Q,), and "answerable" -> bool (Q,), False where no candidate is relevant.
    """
    scores = {metric: np.zeros(len(queries)) for metric in METRICS} | {"answerable": np.zeros(len(queries), bool)}
    met = bool(np.isin(queries.image, candidates.image).any())
    images = {"query_images": queries.image, "gallery_images": candidates.image} if met else {}
    for rows, order in rank(query, gallery, budget_mib=budget_mib, **images):
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
        precision: "fp32" or "bf16", for the backbone.
        budget_mib: memory for one chunk of the ranking, in MiB.
        progress: label of a progress bar; None shows none.
        rerank: see score_attribute.
        attributes: ids of the attributes to score; None scores all.

    Raises:
        FashionError: if the split has no query at all, and for what is no model or no data set.
    """
    check_has(model, ("features", "attend"), "model", "give the model of a run, such as run.model")
    check_has(data, ("schema", "encoded"), "data set", "give one that fl.load_dataset returned")
    queries, candidates = data.encoded(split, "query"), data.encoded(split, "candidate")
    scored = range(len(data.schema)) if attributes is None else sorted(attributes)
    present = [a for a in scored if len(queries.of(a))]
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
