"""Feature reasoning (FR): re-rank the first candidates by the similarities among all of them.

FR is IPAD, section 3.3. A query and its n_r - 1 most similar candidates form a graph. The neighbourhood of a
node is the set of its most similar nodes. A small network reads the similarities inside each neighbourhood
and proposes better ones (eq. 12). Then the features take a gradient step towards the proposals (eq. 13). Both
are repeated n_t times. At the end the candidates are ranked by the new features. After Shen et al.,
"Re-ranking for image retrieval and transductive few-shot classification", NeurIPS 2021.
"""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError, shortened

LENGTH = 500  # n_r: the query and 499 candidates
TEMPERATURE = 0.07  # temperature of eq. 17


class SubgraphNetwork(nn.Module):
    """o: the similarities (.., k, k) of a node's neighbourhood, nearest first, to a change of each of them.

    Its input is normalised (mean 0, variance 1 inside the neighbourhood), because the level of similarity
    differs between attributes. Its output is symmetric. It is zero before training, so that untrained
    reasoning changes nothing.

    Args:
        nodes: k, the images of a neighbourhood.
        hidden: width of the hidden layers.
    """

    def __init__(self, nodes: int, hidden: int = 64):
        super().__init__()
        self.nodes = nodes
        self.layers = nn.Sequential(
            nn.LayerNorm(nodes * nodes), nn.Linear(nodes * nodes, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, nodes * nodes),
        )  # fmt: skip
        for weight in self.layers[-1].parameters():
            nn.init.zeros_(weight)

    def forward(self, similarity: Tensor) -> Tensor:
        """Return the proposed change of each similarity, (.., k, k) to (.., k, k)."""
        change = self.layers(similarity.flatten(-2)).unflatten(-1, (self.nodes, self.nodes))
        return (change + change.transpose(-1, -2)) / 2


class FeatureReasoning(nn.Module):
    """FR: `steps` times similarities, proposal, gradient step.

    Permuting the n images permutes the result, because a neighbourhood is ordered by similarity to its own
    centre. Two candidates of exactly the same similarity are the exception. The paper does not give n_t,
    nodes and rho.

    Args:
        nodes: images of a neighbourhood, its centre included; a smaller graph is padded with zeros.
        steps: n_t.
        rho: step size.
        hidden: width of the network's hidden layers.

    Raises:
        FashionError: if nodes is below 2, steps or hidden below 1, one of them no whole number, or rho not above 0.
    """

    def __init__(self, nodes: int = 12, steps: int = 3, rho: float = 0.3, hidden: int = 64):
        super().__init__()
        for name, value, least in (("nodes", nodes, 2), ("steps", steps, 1), ("hidden", hidden, 1)):
            if not (isinstance(value, Integral) and value >= least):
                raise FashionError(f"{name}={shortened(value)} cannot be: use a whole number from {least}.")
        if not (isinstance(rho, Real) and rho > 0):
            raise FashionError(f"rho={shortened(rho)} cannot be: use a step above 0.")
        self.nodes, self.steps, self.rho = nodes, steps, rho
        self.network = SubgraphNetwork(nodes, hidden)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features after all steps, (Q, n, D) to (Q, n, D)."""
        for _ in range(self.steps):
            similarity = cosine_matrix(features)
            features = feature_step(features, similarity, similarity + self.update(similarity), self.rho)
        return features

    def update(self, similarity: Tensor) -> Tensor:
        """Return O(S): the proposals of all neighbourhoods, added up pair by pair; (Q, n, n)."""
        count, size = similarity.shape[:2]
        chosen = min(self.nodes, size)
        near = similarity.topk(chosen, dim=2).indices  # (Q, n, k), each centre's neighbours, nearest first
        rows = near[..., :, None].expand(-1, -1, -1, chosen)  # (Q, n, k, k)
        places = (rows * size + near[..., None, :]).flatten(1)  # flat position of each pair in S
        inside = similarity.flatten(1).gather(1, places).view_as(rows)
        short = self.nodes - chosen
        change = self.network(F.pad(inside, (0, short, 0, short)))[..., :chosen, :chosen]
        total = torch.zeros_like(similarity).flatten(1).scatter_add(1, places, change.flatten(1))
        return total.view(count, size, size)


def cosine_matrix(features: Tensor) -> Tensor:
    """Return S: the cosine of every pair, (.., n, D) to (.., n, n)."""
    unit = F.normalize(features, dim=-1)
    return unit @ unit.transpose(-1, -2)


def feature_step(features: Tensor, similarity: Tensor, target: Tensor, rho: float) -> Tensor:
    """Compute eq. 13 as printed: f_i + rho * sum_j (target_ij - s_ij) * d s_ij / d f_i.

    With unit vectors u, d s_ij / d f_i = (u_j - s_ij u_i) / |f_i|. For a symmetric target this is half the
    gradient of sum_ij (target_ij - s_ij)^2 / 2 with respect to f_i, because the sum contains each pair twice.

    Args:
        features: f, (.., n, D).
        similarity: s, (.., n, n).
        target: the proposed similarities, (.., n, n).
        rho: step size.

    Returns:
        New features, (.., n, D).
    """
    length = features.norm(dim=-1, keepdim=True)
    unit, wanted = features / length, target - similarity  # (.., n, D), (.., n, n)
    pull = wanted @ unit - (wanted * similarity).sum(-1, keepdim=True) * unit
    return features + rho * pull / length


def reasoning_loss(similarity: Tensor, values: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Compute eq. 17, averaged over its pairs.

    A pair is two images of the query's value. It is compared with all images of other values. A sequence
    without a second image of the query's value, or without another value, adds nothing.

    Args:
        similarity: (Q, n, n).
        values: int64 (Q, n), value ids, the query in position 0.
        temperature: divides the similarities.
    """
    logits = similarity / temperature
    same = values[:, :, None] == values[:, None, :]  # (Q, n, n)
    others = logits.masked_fill(same, -torch.inf).logsumexp(2, keepdim=True)  # per row i: over k, y_k != y_i
    wanted = same & (values == values[:, :1])[:, :, None]
    wanted = wanted & ~torch.eye(values.shape[1], dtype=torch.bool, device=values.device)
    if not wanted.any():
        return logits.sum() * 0
    return F.softplus(others - logits)[wanted].mean()  # -log(e^a / (e^a + e^b)) = softplus(b - a)


@dataclass(frozen=True)
class Reranker:
    """FR for the first candidates of each query: the argument `rerank` of `score_attribute` and `evaluate`.

    Attributes:
        reasoning: the trained FR.
        length: n_r, query included. With fewer candidates than n_r - 1, FR processes all of them.
        batch: queries per batch.
    """

    reasoning: FeatureReasoning
    length: int = LENGTH
    batch: int = 16

    @torch.no_grad()
    def __call__(self, query: Tensor, gallery: Tensor, order: np.ndarray) -> np.ndarray:
        """Return a new order of the same rows.

        The first n_r - 1 candidates change places among themselves. Equal similarities keep their order, and
        all other candidates stay.

        Args:
            query: (Q, D).
            gallery: (N, D).
            order: int64 (Q, N'), gallery rows, best first.

        Returns:
            int64 (Q, N').
        """
        top = min(self.length - 1, order.shape[1])
        if top < 2:
            return order
        found = order.copy()
        self.reasoning.eval()
        for start in range(0, len(order), self.batch):
            rows = slice(start, start + self.batch)
            first = torch.from_numpy(order[rows, :top])  # (q, top)
            sequence = torch.cat([query[rows, None], gallery[first]], dim=1).float()  # (q, 1 + top, D)
            similarity = cosine_matrix(self.reasoning(sequence))[:, 0, 1:]
            again = similarity.sort(dim=1, descending=True, stable=True).indices
            found[rows, :top] = first.gather(1, again).numpy()
        return found


def train_reasoning(
    reasoning: FeatureReasoning,
    pools: list[tuple[Tensor, Tensor]],
    *,
    steps: int = 300,
    queries: int = 4,
    candidates: int = LENGTH - 1,
    length: int = LENGTH,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> list[float]:
    """Train FR by eq. 17 on sequences like those of inference.

    A step draws an attribute, some queries and at most `candidates` other samples of it, and ranks them. The
    number of candidates is that of inference, because the proposals of all neighbourhoods add up.

    Args:
        reasoning: the FR to train, in place.
        pools: for each attribute, embeddings (P, D) and values int64 (P,) of held-out training samples.
        steps: optimiser steps.
        queries: queries per step.
        candidates: largest number of other samples per step.
        length: n_r, query included.
        learning_rate: learning rate of Adam.
        seed: decides the draws.

    Returns:
        The loss of each step.

    Raises:
        FashionError: if no pool has two samples of one value and one of another.
    """
    pools = [(vectors, values) for vectors, values in pools if _can_teach(values)]
    if not pools:
        raise FashionError("no attribute has two held-out samples of one value and one of another: give more samples.")
    rng, optimiser, losses = np.random.default_rng(seed), torch.optim.Adam(reasoning.parameters(), learning_rate), []
    reasoning.train()
    for _ in range(steps):
        vectors, values = pools[rng.integers(len(pools))]
        drawn = torch.from_numpy(rng.permutation(len(values))[: queries + candidates])
        vectors, values, first = vectors[drawn], values[drawn], torch.arange(min(queries, len(drawn)))
        similarity = F.normalize(vectors[first], dim=1) @ F.normalize(vectors, dim=1).T  # (q, P)
        similarity[first, first] = torch.inf  # the query itself comes first
        order = similarity.sort(dim=1, descending=True, stable=True).indices[:, :length]
        loss = reasoning_loss(cosine_matrix(reasoning(vectors[order])), values[order])
        if loss.requires_grad:
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
    reasoning.eval()
    return losses


def _can_teach(values: Tensor) -> bool:
    count = torch.bincount(values)
    return bool((count > 1).any() and (count > 0).sum() > 1)
