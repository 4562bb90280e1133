"""Classification accuracy of the attribute classifiers: tables 1 and 2 of Yao et al. 2026."""

import numpy as np
import torch

from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows

BALANCED = "balanced"  # the average over values


@torch.no_grad()
def classification_accuracy(model, data, split: str = "test", *, precision: str = "fp32") -> dict[str, float]:
    """Return the share of the split's pictures whose highest score is one of their values, per attribute.

    "overall" weighs every (picture, attribute) pair alike, "macro" every attribute, and "balanced" every value: a
    value's share is that of the pictures that have it. The weights of eq. 4 aim at the last one. Pairs without a label
    do not count. The paper prints one accuracy for its three attributes and no definition.

    Args:
        model: a manipulation method with classifiers.
        data: ManipulationData.
        split: "train", "valid" or "test".
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        Attribute name, "overall", "macro" and BALANCED -> accuracy in [0, 1].
    """
    rows = data.rows(split)
    stored = represent_rows(model, data, rows, precision=precision)
    device = next(model.parameters()).device
    logits = model.logits(stored.to(device)).cpu().numpy()
    labels, known = data.labels.matrix[rows], data.labels.known[rows]
    right, of_value = {}, []
    for a, (name, block) in enumerate(zip(data.schema.names, data.labels.blocks, strict=True)):
        best = logits[:, block].argmax(axis=1)
        right[name] = labels[np.arange(len(rows)), block.start + best][known[:, a]]
        having = labels[known[:, a], block]  # (pictures with the attribute, its values)
        of_value += [float(right[name][has].mean()) for has in having.T if has.any()]
    means = {name: float(hits.mean()) for name, hits in right.items() if len(hits)}
    return means | {
        "overall": float(np.concatenate(list(right.values())).mean()),
        "macro": float(np.mean(list(means.values()))),
        BALANCED: float(np.mean(of_value)),
    }
