"""The attribute memory: a prototype for each value, block by block; residual = M v_m (Yao et al. 2026, eq. 6 and 7).

ADDE-M (Hou et al. 2021) has the same memory; Yao et al. take it from there.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import LabelVectors


class AttributeMemory(nn.Module):
    """M_F, (A * D, V): column v is the prototype of value v. Values of attribute a fill only rows of a's subspace, the
    rest starts at zero, is free to move, and is held down by `off_block`. Zero until `initialise` is called.
    """

    def __init__(self, dim: int, blocks: Sequence[slice]):
        super().__init__()
        self.dim, self.blocks = dim, tuple(blocks)
        self.weight = nn.Parameter(torch.zeros(dim * len(self.blocks), self.blocks[-1].stop))
        inside = torch.zeros_like(self.weight, dtype=torch.bool)
        for a, block in enumerate(self.blocks):
            inside[a * dim : (a + 1) * dim, block] = True
        self.register_buffer("inside", inside, persistent=False)

    @torch.no_grad()
    def initialise(self, prototypes: Tensor) -> None:
        """prototypes (V, A * D): each value's mean feature, of which its own attribute's subspace is kept (eq. 6)."""
        self.weight.copy_(prototypes.to(self.weight).T * self.inside)

    def residual(self, vectors: Tensor) -> Tensor:
        """M v_m: manipulation vectors (B, V) to what is added to the query's feature, (B, A * D)."""
        return vectors @ self.weight.T

    def prototypes(self, labels: Tensor) -> Tensor:
        """f_c: the prototypes of label vectors (B, V) side by side, (B, A * D); zero where an attribute is missing.

        Inferred: of several values of one attribute the mean is taken.
        """
        shares = [part / part.sum(1, keepdim=True).clamp(min=1) for part in (labels[:, b] for b in self.blocks)]
        return torch.cat(shares, dim=1) @ self.weight.T

    def off_block(self) -> Tensor:
        """Matrix diagonality: the sum of |entries| outside the blocks, a scalar."""
        return self.weight[~self.inside].abs().sum()


def consistency_loss(prototypes: Tensor, manipulated: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Mean L1 distance between f_c, f'(q) and f(t), pair by pair, over the attributes that the target has.

    prototypes, manipulated, target (T, A * D); known bool (T, A). The sum of three means over the known attributes'
    numbers; 0 where nothing is known.
    """
    count, width = known.shape[1], target.shape[1]
    mask = known.repeat_interleave(width // count, dim=1).to(target.dtype)  # (T, A * D)
    pairs = ((prototypes, manipulated), (manipulated, target), (prototypes, target))
    return sum(((one - other).abs() * mask).sum() for one, other in pairs) / mask.sum().clamp(min=1)


def value_samples(
    labels: LabelVectors, rows: np.ndarray, rng: np.random.Generator, per_value: int | None, limit: int
) -> list[np.ndarray]:
    """For each of the V values the pictures whose mean feature starts its prototype, rows of the data set.

    per_value: so many draws with replacement (ADDE-M: 100). None: all pictures with the value among at most `limit`
    evenly spread pictures of `rows`, and among all of `rows` for a value that those miss. Raises FashionError for a
    value that no picture has.
    """
    rows = np.asarray(rows)
    few = rows if len(rows) <= limit else rows[np.linspace(0, len(rows) - 1, limit).round().astype(int)]
    chosen = []
    for value in range(labels.matrix.shape[1]):
        having = rows[labels.matrix[rows, value]]
        if len(having) == 0:
            raise FashionError(f"no training picture has value number {value}: remove that value from the schema.")
        if per_value is not None:
            chosen.append(rng.choice(having, per_value))
        else:
            spread = few[labels.matrix[few, value]]
            chosen.append(spread if len(spread) else having)
    return chosen
