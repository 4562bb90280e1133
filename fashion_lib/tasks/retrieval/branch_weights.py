"""The value of each branch of a two-branch model, and their mixture for every beta (IPAD figures 2 and 6).

A similarity of the mixture is beta times the region branch's plus 1 - beta times the patch branch's. So one
pass over the pictures serves all values of beta, and nothing is trained again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.two_branch import TwoBranchModel, check_beta, weigh
from fashion_lib.tasks.retrieval.embedding import checked_attribute, unique_rows, visit_features
from fashion_lib.tasks.retrieval.evaluation import score_attribute
from fashion_lib.tasks.retrieval.ranking import ranking_device

BETAS = tuple(k / 10 for k in range(11))  # figure 6


def embed_parts(
    model: TwoBranchModel,
    data,
    wanted: Mapping[int, np.ndarray],
    *,
    batch_size: int | None = None,
    precision: str = "fp32",
) -> dict[int, dict[str, Tensor]]:
    """Embed images with each branch separately.

    Args:
        model: a model with a region and a patch branch.
        data: RetrievalData.
        wanted: attribute id -> image rows (may repeat).
        batch_size: see visit_features.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        Attribute id -> "region" or "patch" -> unit vectors float32 (rows, C) on the CPU, in the order of
        `wanted`.

    Raises:
        FashionError: if the model does not have two branches, its schema lacks an attribute id, or an image row
            is outside the data set.
    """
    found = {checked_attribute(model.schema, a): unique_rows(rows, data) for a, rows in wanted.items()}
    parts: dict[int, dict[str, list[Tensor]]] = {a: {} for a in found}

    def keep(attribute: int, part: slice, features, attributes: Tensor) -> None:
        for name, vectors in model.attend(features, attributes).parts.items():
            parts[attribute].setdefault(name, []).append(vectors.cpu())

    visit_features(
        model, data, {a: unique for a, (unique, _) in found.items()}, keep, batch_size=batch_size, precision=precision
    )
    if any(set(named) != {"region", "patch"} for named in parts.values()):
        raise FashionError(
            f"{type(model).__name__} does not have a region and a patch branch to weigh: take rpf, asen_pp or an ipad "
            "with both branches."
        )
    return {
        a: {name: torch.cat(chunks)[found[a][1]] for name, chunks in named.items()} for a, named in parts.items()
    }


def wanted_rows(data, split: str) -> dict[int, np.ndarray]:
    """Return attribute id -> image rows of its queries, then of its candidates.

    Attributes without a query are left out.
    """
    q, c = data.encoded(split, "query"), data.encoded(split, "candidate")
    present = [a for a in range(len(data.schema)) if len(q.of(a))]
    return {a: np.concatenate([q.of(a).image, c.of(a).image]) for a in present}


def beta_curve(
    model: TwoBranchModel, data, betas: Sequence[float] = BETAS, split: str = "test", **embedding
) -> pd.DataFrame:
    """Compute MAP in percent for each beta.

    beta 1 is the region branch alone, beta 0 the patch branch alone.

    Args:
        model: a model with a region and a patch branch.
        data: RetrievalData.
        betas: weights of the region branch, in [0, 1].
        split: "valid" or "test".
        **embedding: batch_size and precision of `embed_parts`.

    Returns:
        Rows betas, columns the attributes of the split and "overall" (mean over queries).

    Raises:
        FashionError: if a beta is out of range, or the model does not have two branches.
    """
    for beta in betas:
        check_beta(beta)
    parts = embed_parts(model, data, wanted_rows(data, split), **embedding)
    return score_betas(parts, data, betas, split, device=ranking_device(model))


def score_betas(
    parts: Mapping[int, Mapping[str, Tensor]],
    data,
    betas: Sequence[float] = BETAS,
    split: str = "test",
    *,
    device: torch.device | str = "cpu",
) -> pd.DataFrame:
    """Compute `beta_curve` from embeddings that exist already.

    Args:
        parts: the result of `embed_parts` for the `wanted_rows` of the split.
        data: RetrievalData.
        betas: weights of the region branch, in [0, 1].
        split: "valid" or "test".
        device: where the rankings are computed, see rank. The order does not depend on it.

    Returns:
        As `beta_curve`.
    """
    lines = {}
    for beta, scored in scores_by_beta(parts, data, betas, split, device=device):
        found = {name: 100 * scores["map"] for name, scores in scored.items()}
        lines[beta] = {name: values.mean() for name, values in found.items()}
        lines[beta]["overall"] = np.concatenate([*found.values()]).mean()
    return pd.DataFrame(lines).T.rename_axis("beta")


def scores_by_beta(
    parts: Mapping[int, Mapping[str, Tensor]],
    data,
    betas: Iterable[float],
    split: str,
    *,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[float, dict[str, dict[str, np.ndarray]]]]:
    """Compute every metric of every attribute, one beta after another.

    Args:
        parts, data, betas, split, device: see `score_betas`.

    Yields:
        A beta, and attribute name -> what `score_attribute` returns.
    """
    q, c = data.encoded(split, "query"), data.encoded(split, "candidate")
    for beta in betas:
        found = {}
        for a, named in parts.items():
            queries, vectors = q.of(a), weigh(named["region"], named["patch"], beta)
            sides = vectors[: len(queries)], vectors[len(queries) :]
            found[data.schema.names[a]] = score_attribute(*sides, queries, c.of(a), device=device)
        yield beta, found
