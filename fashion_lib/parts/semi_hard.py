"""The semi-hard triplet loss of ADDE's released code (Hou et al., ICCV 2021): squared distance, mean over pairs.

It differs from "semi_hard" in `fashion_lib.parts.losses` in two points. The distance is squared Euclidean, so a
cosine difference counts twice. A positive pair counts also where the batch has no negative.

Notation: B pictures, V values of all attributes, F numbers of a feature.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.parts.precision import float32_maths


def same_labels(labels: Tensor) -> Tensor:
    """Return which pictures have equal label vectors, bool (B, B).

    ADDE's code compares a hash of the tuple of all labels. There a missing label is a value of its own, so two
    pictures that lack an attribute agree in it. Columns of one attribute alone compare that attribute's labels.

    Args:
        labels: bool (B, V), or the columns of one attribute.
    """
    return (labels[:, None] == labels[None]).all(2)


@float32_maths
def semi_hard_triplet_loss(features: Tensor, same: Tensor, margin: float) -> Tensor:
    """Compute the mean over positive pairs (i, j) of `max(0, margin + d_ij - h_ij)`.

    d is the squared Euclidean distance of unit vectors. h_ij is the smallest d_ik of a negative k that is farther
    than j. Without such a negative it is the largest d_ik of all negatives, and 0 if there is no negative.

    Args:
        features: (B, F), of any length; the loss scales them to length 1.
        same: bool (B, B), True where two pictures have the same label.
        margin: margin of the hinge; ADDE's code has 0.5.

    Returns:
        A scalar; zero without a positive pair.
    """
    unit = F.normalize(features, dim=1)
    distance = 2 - 2 * unit @ unit.T  # (B, B)
    itself = torch.eye(len(same), dtype=torch.bool, device=same.device)
    anchor, positive = torch.nonzero(same & ~itself, as_tuple=True)
    if not len(anchor):
        return features.sum() * 0
    near, away, other = distance[anchor, positive], distance[anchor], ~same[anchor]  # (pairs,), twice (pairs, B)
    farther = other & (away > near[:, None])
    nearest = away.masked_fill(~farther, torch.inf).amin(1)
    farthest = away.masked_fill(~other, -torch.inf).amax(1)
    chosen = torch.where(farther.any(1), nearest, torch.where(other.any(1), farthest, 0.0))
    return (margin + near - chosen).relu().mean()
