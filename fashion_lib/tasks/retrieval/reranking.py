"""Feature reasoning: re-rank the first candidates by letting all of them compare notes (IPAD, section 3.3).

A query and its n_r - 1 most similar candidates form a graph. A small network looks at the similarities inside the
neighbourhood of each node, proposes better ones (eq. 12), and the features take a gradient step towards them
(eq. 13), n_t times. Then the candidates are ranked by the new features. After Shen et al., "Re-ranking for image
retrieval and transductive few-shot classification", NeurIPS 2021.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError

LENGTH = 500  # n_r: the query and 499 candidates
TEMPERATURE = 0.07  # of eq. 17


class SubgraphNetwork(nn.Module):
    """o: the similarities (.., k, k) of a node's neighbourhood, nearest first, to a change of each of them.

    The network sees them normalised (mean 0, variance 1 inside the neighbourhood): what is similar differs between
    attributes. Its output is symmetric, and zero before training, so that untrained reasoning changes nothing.
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
        change = self.layers(similarity.flatten(-2)).unflatten(-1, (self.nodes, self.nodes))
        return (change + change.transpose(-1, -2)) / 2


class FeatureReasoning(nn.Module):
    """FR: `steps` (n_t) times similarities, proposal, gradient step. Features (Q, n, D) in, features (Q, n, D) out.

    Permuting the n images permutes the result, since a neighbourhood is ordered by similarity to its own centre (two
    candidates of exactly the same similarity excepted). nodes: images of a neighbourhood, its centre included; a
    smaller graph is filled up with zeros. rho: step size. n_t, nodes and rho are not in the paper.
    """

    def __init__(self, nodes: int = 12, steps: int = 3, rho: float = 0.3, hidden: int = 64):
        super().__init__()
        if nodes < 2 or steps < 1 or not rho > 0:
            raise FashionError(f"nodes={nodes}, steps={steps}, rho={rho}: use at least 2, 1 and a step above 0.")
        self.nodes, self.steps, self.rho = nodes, steps, rho
        self.network = SubgraphNetwork(nodes, hidden)

    def forward(self, features: Tensor) -> Tensor:
        for _ in range(self.steps):
            similarity = cosine_matrix(features)
            features = feature_step(features, similarity, similarity + self.update(similarity), self.rho)
        return features

    def update(self, similarity: Tensor) -> Tensor:
        """O(S): what the networks of all neighbourhoods propose, added up place by place; (Q, n, n)."""
        count, size = similarity.shape[:2]
        chosen = min(self.nodes, size)
        near = similarity.topk(chosen, dim=2).indices  # (Q, n, k), each centre's neighbours, nearest first
        rows = near[..., :, None].expand(-1, -1, -1, chosen)  # (Q, n, k, k)
        places = (rows * size + near[..., None, :]).flatten(1)  # where each pair stands in S
        inside = similarity.flatten(1).gather(1, places).view_as(rows)
        short = self.nodes - chosen
        change = self.network(F.pad(inside, (0, short, 0, short)))[..., :chosen, :chosen]
        total = torch.zeros_like(similarity).flatten(1).scatter_add(1, places, change.flatten(1))
        return total.view(count, size, size)


def cosine_matrix(features: Tensor) -> Tensor:
    """S: cosine of every pair, (.., n, D) to (.., n, n)."""
    unit = F.normalize(features, dim=-1)
    return unit @ unit.transpose(-1, -2)


def feature_step(features: Tensor, similarity: Tensor, target: Tensor, rho: float) -> Tensor:
    """Eq. 13 as printed: f_i + rho * sum_j (target_ij - s_ij) * d s_ij / d f_i.

    With unit vectors u, d s_ij / d f_i = (u_j - s_ij u_i) / |f_i|. For a symmetric target this is half the gradient
    of sum_ij (target_ij - s_ij)^2 / 2 with respect to f_i, which meets each pair twice.
    """
    length = features.norm(dim=-1, keepdim=True)
    unit, wanted = features / length, target - similarity  # (.., n, D), (.., n, n)
    pull = wanted @ unit - (wanted * similarity).sum(-1, keepdim=True) * unit
    return features + rho * pull / length


def reasoning_loss(similarity: Tensor, values: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Eq. 17, averaged over its pairs: every two images of the query's value against all images of other values.

    similarity (Q, n, n), values int64 (Q, n), the query in place 0. A sequence without a second image of the query's
    value, or without another value, adds nothing.
    """
    logits = similarity / temperature
    same = values[:, :, None] == values[:, None, :]  # (Q, n, n)
    others = logits.masked_fill(same, -torch.inf).logsumexp(2, keepdim=True)  # of each row i: over k, y_k != y_i
    wanted = same & (values == values[:, :1])[:, :, None]
    wanted = wanted & ~torch.eye(values.shape[1], dtype=torch.bool, device=values.device)
    if not wanted.any():
        return logits.sum() * 0
    return F.softplus(others - logits)[wanted].mean()  # -log(e^a / (e^a + e^b)) = softplus(b - a)


@dataclass(frozen=True)
class Reranker:
    """Applies FR to the first candidates of each query; what `score_attribute` and `evaluate` take as `rerank`.

    length: n_r, query included. With fewer candidates than n_r - 1 all of them are reasoned about.
    """

    reasoning: FeatureReasoning
    length: int = LENGTH
    batch: int = 16  # queries at once

    @torch.no_grad()
    def __call__(self, query: Tensor, gallery: Tensor, order: np.ndarray) -> np.ndarray:
        """query (Q, D), gallery (N, D), order int64 (Q, N'), gallery rows best first, to a new order of the same rows.

        The first n_r - 1 change places among themselves; equals keep their order, and all others stay.
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
    """Train FR on sequences like those of inference, by eq. 17; returns the loss of each step.

    pools: for each attribute, embeddings (P, D) and values int64 (P,) of held-out training samples. A step draws an
    attribute, some queries and at most `candidates` other samples of it (as many as there are at inference, since the
    proposals of all neighbourhoods add up), and ranks them. FashionError when no pool has two samples of one value and
    one of another.
    """
    pools = [(vectors, values) for vectors, values in pools if _can_teach(values)]
    if not pools:
        raise FashionError("no attribute has two held-out samples of one value and one of another: give more samples.")
    rng, optimiser, losses = np.random.default_rng(seed), torch.optim.Adam(reasoning.parameters(), learning_rate), []
    reasoning.train()
    for _ in range(steps):
        vectors, values = pools[rng.integers(len(pools))]
        drawn = torch.from_numpy(rng.permutation(len(values))[: queries + candidates])
        vectors, values, asked = vectors[drawn], values[drawn], torch.arange(min(queries, len(drawn)))
        similarity = F.normalize(vectors[asked], dim=1) @ F.normalize(vectors, dim=1).T  # (q, P)
        similarity[asked, asked] = torch.inf  # the query itself comes first
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
