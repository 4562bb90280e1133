"""Three views of an anchor, and the triplet loss over them, as in the authors' code of IPAD.

The paper only says that data augmentation was applied to the anchors (section 4.1.1). The first view is the picture
that the training loop gives. The other two are that picture in a random perspective, mirrored with probability 1/2.

Shapes: L labelled examples, T anchors, C channels of a feature.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms import v2

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import IMAGENET_MEAN, IMAGENET_STD
from fashion_lib.methods.base import BatchLabels
from fashion_lib.parts.losses import mined_hinge, no_valid_triplet, triplet_list_loss
from fashion_lib.parts.precision import float32_maths

DISTORTIONS = (0.2, 0.4)  # of the second and of the third view
BLACK = [-mean / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]


def perspective_views(pictures: Tensor, distortion: float) -> Tensor:
    """Return each picture in a perspective of its own, mirrored with probability 1/2.

    A corner moves inwards by up to half of `distortion` of the side; what is left empty is black. The draws come from
    torch's global generator, which the training loop seeds in each step.

    Args:
        pictures: normalised pictures, float32 (B, 3, S, S).
        distortion: share of the side, in 0..1.

    Returns:
        float32 (B, 3, S, S), channels-last.
    """
    change = v2.Compose([v2.RandomPerspective(distortion, p=1.0, fill=BLACK), v2.RandomHorizontalFlip()])
    return torch.stack([change(picture) for picture in pictures]).contiguous(memory_format=torch.channels_last)


def anchors_of(labels: BatchLabels) -> Tensor:
    """Return the rows of the anchors, int64 (T,); without listed triplets every example is one."""
    if labels.triplets is None:
        return torch.arange(len(labels.rows), device=labels.rows.device)
    return labels.triplets[:, 0]


def known_values(labels: BatchLabels) -> Tensor:
    """Return the value of each example, int64 (L,).

    Raises:
        FashionError: an example of a released triplet has no label; centres and classifiers of values need one.
    """
    if labels.triplets is not None and bool((labels.values < 0).any()):
        raise FashionError(
            "a picture of a released triplet has no label, and IPAD learns from values: set sampling='in_batch'."
        )
    return labels.values


@float32_maths
def view_triplet_loss(
    region: Tensor, views: Sequence[Tensor], labels: BatchLabels, margin: float
) -> tuple[Tensor, float]:
    """Compute the mean of five triplet losses over three views x, x1 and x2 of the anchor.

    With p and n for positive and negative they are T(x, p, n), T(x1, p, n), T(x2, p, n), T(x, x1, n) and
    T(x, x2, n). Without listed triplets each of the five takes the valid triplets of the batch, averaged as in
    `in_batch_triplet_loss`: our extension, because the authors' code always lists its triplets.

    Args:
        region: features of the first views, unit length, (L, C).
        views: features of the anchors' second and third views, unit length, (T, C) each.
        labels: the batch's labels.
        margin: margin of the hinge.

    Returns:
        The scalar loss, and the fraction of active triplets.

    Raises:
        FashionError: if no attribute of the batch has a valid triplet.
    """
    if labels.triplets is not None:
        anchor, positive, negative = labels.triplets.T
        count = torch.arange(len(anchor), device=anchor.device)
        places = [len(region) + k * len(anchor) + count for k in range(len(views))]  # rows of the views, below
        rows = [(anchor, positive, negative)]
        rows += [(place, positive, negative) for place in places] + [(anchor, place, negative) for place in places]
        every = torch.cat([torch.stack(one, dim=1) for one in rows])  # (5 T, 3)
        return triplet_list_loss(torch.cat([region, *views]), every, margin)
    losses, hinges = [], []
    for attribute in labels.attributes.unique():
        mine = labels.attributes == attribute
        values, first, others = labels.values[mine], region[mine], [view[mine] for view in views]
        same, itself = values[:, None] == values[None], torch.eye(len(values), dtype=torch.bool, device=values.device)
        pairs = [(one @ first.T, same & ~itself) for one in (first, *others)]
        alike = first @ first.T
        pairs += [(torch.where(itself, (first * view).sum(1), alike), itself) for view in others]
        found = [mined_hinge(similarity, positive, ~same, margin, labels.mining) for similarity, positive in pairs]
        if found[0][0] is not None:  # the attribute has a valid triplet in this batch
            losses.append(torch.stack([loss for loss, _ in found]).mean())
            hinges += [hinge for _, hinge in found]
    if not losses:
        raise no_valid_triplet(len(labels.values))
    active = torch.cat(hinges) > 0
    return torch.stack(losses).mean(), active.float().mean().item()
