"""The patch branch of RPF and IPAD: attention of an attribute over a crop's patches (IPAD eq. 7-9, "IP-SE").
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.precision import autocast_of, float32_maths
from fashion_lib.parts.vit import PatchTokens


class AttributeCrossAttention(nn.Module):
    """Cross-attention, eq. 7-8: one query, made from the attribute, against all tokens, in several heads.

    The heads' results are concatenated and projected. The square root in eq. 7 is of one head's share of D. A
    learned type embedding is added to the query, and another one to the tokens (RPF).

    Args:
        dim: D, the size of a token. The heads split it evenly.
        query_dim: A, the size of the attribute vector.
        out: size of the result.
        heads: number of attention heads.

    Raises:
        FashionError: if `heads` does not divide `dim`.
    """

    def __init__(self, dim: int, query_dim: int, out: int, heads: int):
        super().__init__()
        if dim % heads:
            raise FashionError(f"{dim} channels do not divide into {heads} heads: choose a divisor of {dim}.")
        self.heads = heads
        self.attribute = nn.Linear(query_dim, dim)
        self.types = nn.Parameter(torch.zeros(2, dim).normal_(std=0.02))  # of the query, of the tokens
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.join = nn.Linear(dim, out)

    def forward(self, tokens: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the attended vector.

        Args:
            tokens: (B, N, D), for B images of N patches.
            attribute: attribute vectors, (B, A).

        Returns:
            The vector (B, out), and the attention weights, averaged over heads, (B, N).
        """
        tokens = tokens + self.types[1]
        query = self.query(self.attribute(attribute) + self.types[0])[:, None]  # (B, 1, D)
        query, key, value = (self.split(part) for part in (query, self.key(tokens), self.value(tokens)))
        scores = query @ key.transpose(2, 3) / math.sqrt(key.shape[3])  # (B, heads, 1, N)
        weights = scores.softmax(dim=3)
        joined = (weights @ value).transpose(1, 2).flatten(1)  # (B, heads, 1, D / heads) -> (B, D)
        return self.join(joined), weights.mean(1)[:, 0]

    def split(self, vectors: Tensor) -> Tensor:
        """Split vectors (B, N, D) into heads, (B, heads, N, D / heads)."""
        return vectors.unflatten(2, (self.heads, -1)).transpose(1, 2)


class ResidualMLP(nn.Module):
    """The residual block of RPF's and IPAD's branches: `x + W2 act(W1 x)`, C -> C / 2 -> C, with dropout.

    Args:
        channels: C.
        activation: the module act.
        dropout: probability of the dropout after the activation.
    """

    def __init__(self, channels: int, activation: nn.Module, dropout: float = 0.1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, channels // 2), activation, nn.Dropout(dropout), nn.Linear(channels // 2, channels)
        )

    def forward(self, vector: Tensor) -> Tensor:
        """Return x + W2 act(W1 x), (B, C), for vectors x (B, C)."""
        return vector + self.layers(vector)


ENDS = ("norm last", "norm first")


class PatchBranch(nn.Module):
    """The network from crops and attribute vectors to patch features.

    Args:
        tokens: the vision transformer, from crops to tokens of size D.
        query_dim: A, the size of the attribute vector.
        out: size of the patch feature.
        end: the last layers after the attended vector l. "norm last" is RPF's `LN(l + MLP(l))`; "norm first"
            is IPAD's eq. 9, `l + FFN(LN(l))`. LN is layer normalisation; MLP and FFN are the layers of
            ResidualMLP.

    Raises:
        FashionError: if `end` is unknown.
    """

    def __init__(self, tokens: PatchTokens, query_dim: int, out: int, end: str = "norm last"):
        super().__init__()
        if end not in ENDS:
            raise FashionError(f"Unknown end '{end}': choose one of {', '.join(ENDS)}.")
        self.end, self.tokens = end, tokens
        self.cross = AttributeCrossAttention(tokens.dim, query_dim, out, tokens.heads)
        self.mlp, self.norm = ResidualMLP(out, nn.GELU()), nn.LayerNorm(out)

    @float32_maths
    def forward(self, crops: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the patch feature.

        Args:
            crops: (B, 3, S, S), float32 or bfloat16; the transformer computes in that type.
            attribute: attribute vectors, (B, A).

        Returns:
            The feature (B, out), float32 and not normalised to unit length, and the attention inside the
            crop, (B, h, w).
        """
        with autocast_of(crops):
            tokens, grid = self.tokens(crops)  # (B, N, D)
        answer, weights = self.cross(tokens.float(), attribute)  # eq. 7-8: l
        if self.end == "norm last":
            feature = self.norm(self.mlp(answer))
        else:
            feature = answer + self.mlp.layers(self.norm(answer))  # eq. 9
        return feature, weights.unflatten(1, grid)
