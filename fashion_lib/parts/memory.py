"""The attribute memory: one prototype per value; residual = M v_m (Yao et al. 2026, eq. 6 and 7).

A prototype is a learned vector that stands for one attribute value. The released code of ADDE-M (Hou et al.
2021) has the same memory; Yao et al. say that it inspired theirs.

Sizes: A attributes, D dimensions per attribute's subspace, V values of all attributes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_vectors import LabelVectors
from fashion_lib.data.sampling import evenly_spread


class AttributeMemory(nn.Module):
    """The memory matrix M_F, (A * D, V): column v is the prototype of value v.

    `initialise` fills the diagonal blocks: the rows of attribute a's subspace, in the columns of a's values.
    All other entries start at zero. They are trained too, and `off_block` is a penalty that keeps them small.
    The whole matrix is zero until `initialise` is called.

    Args:
        dim: D.
        blocks: the columns of each attribute's values.
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
        """Copy each value's mean feature, (V, A * D), into the diagonal blocks (eq. 6); zero the rest."""
        self.weight.copy_(prototypes.to(self.weight).T * self.inside)

    def residual(self, vectors: Tensor) -> Tensor:
        """Return M v_m, (B, A * D), the change of the query's feature, for manipulation vectors (B, V)."""
        return vectors.to(self.weight) @ self.weight.T

    def prototypes(self, labels: Tensor) -> Tensor:
        """Return f_c: the prototypes of label vectors, one per attribute, summed over attributes.

        Inferred: if a picture has several values of one attribute, we take their mean. A missing attribute
        adds zero. With zero entries outside the blocks, the prototypes lie side by side, each in its own
        subspace.

        Args:
            labels: float (B, V), 1 where a picture has the value.

        Returns:
            float32 (B, A * D).
        """
        shares = [part / part.sum(1, keepdim=True).clamp(min=1) for part in (labels[:, b] for b in self.blocks)]
        return torch.cat(shares, dim=1) @ self.weight.T

    def off_block(self) -> Tensor:
        """Return the matrix diagonality loss, a scalar: the sum of |entries| outside the diagonal blocks."""
        return self.weight[~self.inside].abs().sum()


def consistency_loss(prototypes: Tensor, manipulated: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """Compute the mean L1 distances among f_c, f'(q) and f(t), pair by pair.

    Only the attributes known for the target count. The result is the sum of the three pairs' means. Each mean
    is over the dimensions of the known attributes. The loss is 0 if nothing is known.

    Args:
        prototypes: f_c, the prototypes of the wanted labels, (T, A * D), for T tuples.
        manipulated: f'(q), the queries' features after manipulation, (T, A * D).
        target: f(t), the targets' features, (T, A * D).
        known: bool (T, A), True where the target has a label for the attribute.
    """
    count, width = known.shape[1], target.shape[1]
    mask = known.repeat_interleave(width // count, dim=1).to(target.dtype)  # (T, A * D)
    pairs = ((prototypes, manipulated), (manipulated, target), (prototypes, target))
    return sum(((one - other).abs() * mask).sum() for one, other in pairs) / mask.sum().clamp(min=1)


def label_consistency_loss(
    memory: AttributeMemory, labels: Sequence[Tensor], described: Sequence[Tensor]
) -> Tensor:
    """Compute the consistency of ADDE's released code: the sum over pairs of `mean |M y - f|`.

    M y adds the prototypes of a picture's labels y. A missing attribute adds zero, and its dimensions count in
    the mean all the same.

    Args:
        memory: M.
        labels: label vectors y, bool (T, V) each: those of query, target and negative.
        described: features f, (T, A * D) each: those of query, manipulated query and negative.

    Returns:
        A scalar.
    """
    pairs = zip(labels, described, strict=True)
    return sum((memory.residual(held) - feature).abs().mean() for held, feature in pairs)


def value_samples(
    labels: LabelVectors, rows: np.ndarray, rng: np.random.Generator, per_value: int | None, limit: int
) -> list[np.ndarray]:
    """Choose, for each of the V values, the pictures whose mean feature starts its prototype.

    Args:
        labels: label vectors of the data set.
        rows: candidate pictures, as rows of the data set.
        rng: generator for the draws.
        per_value: number of draws per value, with replacement (ADDE-M's code: 100). None takes all pictures that
            have the value, among at most `limit` evenly spread pictures of `rows`. A value that none of those
            has takes them from all of `rows`.
        limit: see `per_value`.

    Returns:
        V arrays of rows of the data set.

    Raises:
        FashionError: if no picture has some value.
    """
    rows = np.asarray(rows)
    few = rows[evenly_spread(len(rows), limit)]
    chosen = []
    for value in range(labels.matrix.shape[1]):
        having = rows[labels.matrix[rows, value]]
        if len(having) == 0:
            block = next(k for k, part in enumerate(labels.blocks) if value < part.stop)
            attribute = labels.schema.attributes[block]
            name = attribute.values[value - labels.blocks[block].start]
            raise FashionError(
                f"no training picture has {attribute.name} = {name}, so that value's prototype has no start: get more "
                "of the pictures, or leave the value out of the schema."
            )
        if per_value is not None:
            chosen.append(rng.choice(having, per_value))
        else:
            spread = few[labels.matrix[few, value]]
            chosen.append(spread if len(spread) else having)
    return chosen
