"""The value parts of IPAD that only the authors' code has: a classifier of values, and layers that it never uses.

K_a is the number of values of attribute a. B is the number of examples, C the size of a feature.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fashion_lib.parts.patch_branch import EPS, CrossAttention, ResidualMLP, start_truncated
from fashion_lib.parts.precision import float32_maths

DROPOUT = 0.1


class ValueHead(nn.Module):
    """One classifier per attribute: `W3 relu(W2 relu(W1 r))`, C -> C / 2 -> C -> K_a, with dropout after each relu.

    Args:
        counts: K_a of each attribute.
        channels: C.
    """

    def __init__(self, counts: Sequence[int], channels: int):
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(channels, channels // 2), nn.ReLU(), nn.Dropout(DROPOUT),
                nn.Linear(channels // 2, channels), nn.ReLU(), nn.Dropout(DROPOUT),
                nn.Linear(channels, count),
            )
            for count in counts
        )  # fmt: skip

    @float32_maths
    def loss(self, features: Tensor, attributes: Tensor, values: Tensor) -> Tensor:
        """Compute the mean cross-entropy of each example's value, under the classifier of its attribute.

        Args:
            features: region features r, float32 (B, C), not of unit length.
            attributes, values: int64 (B,).

        Returns:
            The scalar loss.
        """
        losses = []
        for attribute in attributes.unique().tolist():
            mine = attributes == attribute
            losses.append(F.cross_entropy(self.heads[attribute](features[mine]), values[mine], reduction="sum"))
        return torch.stack(losses).sum() / len(features)


class ValueAttention(nn.Module):
    """The value embeddings and their cross-attention over patches.

    The authors' code has these layers, but no loss reaches them. They are here so that its models have the same
    parameters; no forward pass uses them.

    Args:
        counts: K_a of each attribute.
        dim: D, the size of a token.
        out: C.
        heads: number of attention heads.
    """

    def __init__(self, counts: Sequence[int], dim: int, out: int, heads: int):
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(count, dim) for count in counts)
        self.cross = CrossAttention(dim, out, heads)
        self.norm, self.mlp = nn.LayerNorm(out, eps=EPS), ResidualMLP(out, nn.GELU(), last_dropout=DROPOUT)
        start_truncated(self.mlp)
