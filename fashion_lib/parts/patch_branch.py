"""The patch branch of RPF and IPAD: attention of an attribute over a crop's patches (IPAD eq. 7-9, "IP-SE").

It has two forms. "released" is the network of the authors' code, the same in RPF and IPAD. "printed" is IPAD's
eq. 7-9, with the code's type embeddings. They differ in the layer normalisations (LN), one linear
layer, the dropout and the start of the weights.
"""

import math

import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.precision import autocast_of, float32_maths
from fashion_lib.parts.vit import PatchTokens

EPS = 1e-6  # of every layer normalisation in the authors' code of RPF and IPAD
FORMS = ("released", "printed")


def check_form(form: str) -> str:
    """Return the form. Raises FashionError if it is unknown."""
    if form not in FORMS:
        raise FashionError(f"Unknown form '{form}': choose one of {', '.join(FORMS)}.")
    return form


def start_truncated(module: nn.Module) -> None:
    """Draw the weights of all linear layers inside: normal, standard deviation 0.02, cut at -2 and 2; biases are 0.

    This is the start of the new layers of the patch branch in the authors' code.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02, a=-2.0, b=2.0)
            nn.init.zeros_(layer.bias)


class CrossAttention(nn.Module):
    """Attention of one query over all tokens, in several heads, then a linear layer from D to another size.

    The heads' results are concatenated and projected. The square root in IPAD's eq. 7 is of one head's share of D.

    Args:
        dim: D, the size of a token and of the query. The heads split it evenly.
        out: size of the result.
        heads: number of attention heads.
        form: "released" has one LN for tokens and query, and two linear layers after the heads, D to D and D to `out`.
            "printed" has no LN, and one linear layer D to `out`.
        query_dim: A, the size of an attribute vector that the query is made from by a linear layer. A learned type
            embedding is then added to the query, and another one to the tokens (RPF). None takes queries of size D.

    Raises:
        FashionError: if `heads` does not divide `dim`, or `form` is unknown.
    """

    def __init__(self, dim: int, out: int, heads: int, form: str = "released", query_dim: int | None = None):
        super().__init__()
        if dim % heads:
            raise FashionError(f"{dim} channels do not divide into {heads} heads: choose a divisor of {dim}.")
        released, self.heads = check_form(form) == "released", heads
        # Checkpoints number the optimiser's tensors in this order.
        self.attribute = nn.Linear(query_dim, dim) if query_dim else None
        self.types = nn.Parameter(torch.zeros(2, dim).normal_(std=0.02)) if query_dim else None  # query, tokens
        self.input_norm = nn.LayerNorm(dim, eps=EPS) if released else nn.Identity()
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.join = nn.Linear(dim, dim if released else out)
        self.widen = nn.Linear(dim, out) if released else nn.Identity()
        if released:
            for layer in filter(None, (self.query, self.key, self.value, self.join, self.widen, self.attribute)):
                start_truncated(layer)
            if query_dim:
                nn.init.trunc_normal_(self.types, std=0.02, a=-2.0, b=2.0)

    def forward(self, tokens: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the attended vector.

        Args:
            tokens: (B, N, D), for B images of N patches.
            query: (B, A) with `query_dim`, else (B, D).

        Returns:
            The vector (B, out), and the attention weights, averaged over heads, (B, N).
        """
        if self.attribute is not None:
            tokens, query = tokens + self.types[1], self.attribute(query) + self.types[0]
        tokens, query = self.input_norm(tokens), self.query(self.input_norm(query))[:, None]  # (B, 1, D)
        query, key, value = (self.split(part) for part in (query, self.key(tokens), self.value(tokens)))
        scores = query @ key.transpose(2, 3) / math.sqrt(key.shape[3])  # (B, heads, 1, N)
        weights = scores.softmax(dim=3)
        joined = (weights @ value).transpose(1, 2).flatten(1)  # (B, heads, 1, D / heads) -> (B, D)
        return self.widen(self.join(joined)), weights.mean(1)[:, 0]

    def split(self, vectors: Tensor) -> Tensor:
        """Split vectors (B, N, D) into heads, (B, heads, N, D / heads)."""
        return vectors.unflatten(2, (self.heads, -1)).transpose(1, 2)


class ResidualMLP(nn.Module):
    """The residual block of RPF's and IPAD's branches: `x + W2 act(W1 x)`, C -> C / 2 -> C, with dropout.

    MLP is a multilayer perceptron. `layers` are those of the sum's second part.

    Args:
        channels: C.
        activation: the module act.
        dropout: probability of the dropout after the activation.
        last_dropout: probability of the dropout after W2; the authors' code has 0.1 there too.
    """

    def __init__(self, channels: int, activation: nn.Module, dropout: float = 0.1, last_dropout: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels, channels // 2), activation, nn.Dropout(dropout), nn.Linear(channels // 2, channels)
        )
        if last_dropout:
            self.layers.append(nn.Dropout(last_dropout))

    def forward(self, vector: Tensor, norm: nn.Module | None = None) -> Tensor:
        """Return x + W2 act(W1 x), or x + W2 act(W1 norm(x)) with a norm, (B, C), for vectors x (B, C)."""
        return vector + self.layers(vector if norm is None else norm(vector))


class PatchBranch(nn.Module):
    """The network from crops and attribute vectors to patch features.

    With l for the result of the cross-attention, the feature is `LN(l + MLP(LN(l)))` with two LNs in the form
    "released", and eq. 9, `l + MLP(LN(l))`, in the form "printed".

    Args:
        tokens: the vision transformer, from crops to tokens of size D.
        query_dim: A, the size of the attribute vector.
        out: size of the patch feature.
        form: one of FORMS.

    Raises:
        FashionError: if `form` is unknown.
    """

    def __init__(self, tokens: PatchTokens, query_dim: int, out: int, form: str = "released"):
        super().__init__()
        released = check_form(form) == "released"
        self.tokens = tokens
        self.cross = CrossAttention(tokens.dim, out, tokens.heads, form, query_dim)
        self.mlp = ResidualMLP(out, nn.GELU(), last_dropout=0.1 if released else 0.0)
        self.norm = nn.LayerNorm(out, eps=EPS if released else 1e-5)  # before the MLP: LN_f
        self.last_norm = nn.LayerNorm(out, eps=EPS) if released else nn.Identity()  # LN_p
        if released:
            start_truncated(self.mlp)

    @float32_maths
    def forward(self, crops: Tensor, attribute: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the patch feature.

        Args:
            crops: (B, 3, S, S), float32, bfloat16 or float16; the transformer computes in that type.
            attribute: attribute vectors, (B, A).

        Returns:
            The feature (B, out), float32 and not normalised to unit length, and the attention inside the
            crop, (B, h, w).
        """
        with autocast_of(crops):
            tokens, grid = self.tokens(crops)  # (B, N, D)
        answer, weights = self.cross(tokens.float(), attribute)  # eq. 7-8: l
        return self.last_norm(self.mlp(answer, self.norm)), weights.unflatten(1, grid)
