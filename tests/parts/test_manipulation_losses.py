"""Every loss against a Python loop; a missing label changes nothing."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_manipulation import BLOCKS, random_labels

from fashion_lib.parts.label_losses import (
    attribute_cross_entropy,
    attribute_triplet_loss,
    global_triplet_loss,
    known_columns,
    label_weights,
    weighted_cross_entropy,
)
from fashion_lib.parts.losses import in_batch_triplet_loss, mined_hinge

MARGIN = 0.2


@pytest.fixture(params=[(0, 0.0), (1, 0.5)], ids=["one value", "several values"])
def batch(request):
    """features (12, 6), logits (12, 8), labels bool (12, 8), known bool (12, 3)."""
    seed, several = request.param
    labels = random_labels(12, seed, several=several)
    generator = torch.Generator().manual_seed(seed)
    assert not labels.known.all()
    return (torch.randn(12, 6, generator=generator), 2 * torch.randn(12, 8, generator=generator),
            torch.from_numpy(labels.matrix), torch.from_numpy(labels.known))  # fmt: skip


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_weights_balance_positives_and_negatives():
    labels = torch.tensor([[1, 0], [1, 0], [1, 0], [0, 0], [0, 0]], dtype=torch.bool)
    known = torch.tensor([[1, 1], [1, 1], [1, 1], [1, 1], [0, 0]], dtype=torch.bool)
    positive, negative = label_weights(labels, known)
    assert torch.allclose(positive, torch.tensor([4 / 6, 0.0])) and torch.allclose(negative, torch.tensor([2.0, 0.5]))
    labels = torch.rand(500, 1, generator=torch.Generator().manual_seed(0)) < 0.2
    positive, negative = label_weights(labels, torch.ones_like(labels))
    weights = torch.where(labels, positive, negative)
    assert weights.mean() == pytest.approx(1) and weights[labels].sum() == pytest.approx(weights[~labels].sum().item())


@pytest.mark.parametrize("weighted", [False, True])
def test_weighted_cross_entropy_is_the_loop(batch, weighted):
    _, logits, labels, known = batch
    w = torch.rand(2, 8, generator=torch.Generator().manual_seed(5)) if weighted else torch.ones(2, 8)
    means = []
    for a, block in enumerate(BLOCKS):
        totals = []
        for i in range(12):
            if known[i, a]:
                chances = [sigmoid(logits[i, v].item()) for v in range(block.start, block.stop)]
                totals.append(-sum(
                    w[0, v].item() * math.log(p) if labels[i, v] else w[1, v].item() * math.log(1 - p)
                    for v, p in zip(range(block.start, block.stop), chances, strict=True)
                ))  # fmt: skip
        means.append(sum(totals) / len(totals))
    found = weighted_cross_entropy(logits, labels, known, BLOCKS, *(w if weighted else ()))
    assert found.item() == pytest.approx(sum(means) / 3, rel=1e-5)


def test_label_smoothing_moves_targets_towards_a_half(batch):
    _, logits, labels, known = batch
    smooth = weighted_cross_entropy(logits, labels, known, BLOCKS, label_smoothing=0.2)
    right, wrong = (weighted_cross_entropy(logits, held, known, BLOCKS) for held in (labels, ~labels))
    assert torch.isclose(smooth, 0.9 * right + 0.1 * wrong)


def test_attribute_cross_entropy_is_the_loop(batch):
    _, logits, labels, known = batch
    means = []
    for a, block in enumerate(BLOCKS):
        totals = []
        for i in range(12):
            if known[i, a]:
                scale = math.log(sum(math.exp(logits[i, v]) for v in range(block.start, block.stop)))
                held = [v for v in range(block.start, block.stop) if labels[i, v]]
                totals.append(sum(scale - logits[i, v].item() for v in held) / len(held))
        means.append(sum(totals) / len(totals))
    assert attribute_cross_entropy(logits, labels, known, BLOCKS).item() == pytest.approx(sum(means) / 3, rel=1e-5)


def cosine(features, i, j):
    return F.cosine_similarity(features[i], features[j], dim=0).item()


@pytest.mark.parametrize("mining", ["all", "semi_hard"])
def test_attribute_triplet_loss_is_the_loop(batch, mining):
    features, _, labels, known = batch
    means = []
    for a, block in enumerate(BLOCKS):
        part, rows = features[:, 2 * a : 2 * a + 2], [i for i in range(12) if known[i, a]]
        shares = {(i, j): bool((labels[i, block] & labels[j, block]).any()) for i in rows for j in rows}
        hinges = []
        for i in rows:
            negatives = [n for n in rows if not shares[i, n]]
            for p in [p for p in rows if p != i and shares[i, p]]:
                to_positive = cosine(part, i, p)
                all_of_them = [cosine(part, i, n) for n in negatives]
                if mining == "all":
                    hinges += [MARGIN + s - to_positive for s in all_of_them if MARGIN + s - to_positive > 0]
                elif negatives:
                    less = [s for s in all_of_them if s < to_positive]
                    hinges.append(max(0, MARGIN + (max(less) if less else min(all_of_them)) - to_positive))
        if hinges:
            means.append(sum(hinges) / len(hinges))
    found = attribute_triplet_loss(features, labels, known, BLOCKS, MARGIN, mining)
    assert found.item() == pytest.approx(sum(means) / len(means), rel=1e-4)


def test_one_value_an_attribute_is_the_courses_own_triplet_loss():
    labels = random_labels(20, seed=3)
    features = torch.randn(20, 6, generator=torch.Generator().manual_seed(3))
    rows, attributes = np.nonzero(labels.known)
    values = [labels.matrix[i, BLOCKS[a]].argmax() for i, a in zip(rows, attributes, strict=True)]
    unit = torch.stack([F.normalize(features[i, 2 * a : 2 * a + 2], dim=0)
                        for i, a in zip(rows, attributes, strict=True)])  # fmt: skip
    for mining in ("all", "hard", "semi_hard"):
        expected, _ = in_batch_triplet_loss(
            unit, torch.from_numpy(attributes), torch.tensor(values), MARGIN, mining
        )
        found = attribute_triplet_loss(
            features, torch.from_numpy(labels.matrix), torch.from_numpy(labels.known), BLOCKS, MARGIN, mining
        )
        assert torch.isclose(found, expected)


def test_global_triplet_loss_is_the_loop(batch):
    features, _, labels, known = batch
    agreement = {}
    for i in range(12):
        for j in range(12):
            both = [a for a in range(3) if known[i, a] and known[j, a]]
            shared = [a for a in both if (labels[i, BLOCKS[a]] & labels[j, BLOCKS[a]]).any()]
            agreement[i, j] = len(shared) / len(both) if both and i != j else None
    active = []
    for i in range(12):
        for p in range(12):
            for n in range(12):
                if None not in (agreement[i, p], agreement[i, n]) and agreement[i, p] > agreement[i, n]:
                    hinge = MARGIN + cosine(features, i, n) - cosine(features, i, p)
                    active += [hinge] if hinge > 0 else []
    found = global_triplet_loss(features, labels, known, BLOCKS, MARGIN)
    assert found.item() == pytest.approx(sum(active) / len(active), rel=1e-4)


def all_losses(features, logits, labels, known):
    weights = label_weights(labels, known_columns(known, BLOCKS))
    return torch.stack([
        weighted_cross_entropy(logits, labels, known, BLOCKS, *weights),
        attribute_cross_entropy(logits, labels, known, BLOCKS),
        attribute_triplet_loss(features, labels, known, BLOCKS, MARGIN),
        attribute_triplet_loss(features, labels, known, BLOCKS, MARGIN, "semi_hard"),
    ])  # fmt: skip


def test_what_is_missing_changes_no_loss_and_gets_no_gradient(batch):
    features, logits, labels, known = batch
    row = int(torch.nonzero(~known[:, 1])[0])
    features, logits = features.clone().requires_grad_(), logits.clone().requires_grad_()
    before = all_losses(features, logits, labels, known)
    before.sum().backward()
    assert features.grad[row, 2:4].abs().sum() == 0 and logits.grad[row, BLOCKS[1]].abs().sum() == 0
    assert features.grad[row].abs().sum() > 0
    other_features, other_logits = features.detach().clone(), logits.detach().clone()
    other_features[row, 2:4], other_logits[row, BLOCKS[1]] = 50.0, -30.0
    assert torch.equal(all_losses(other_features, other_logits, labels, known), before)


def test_a_batch_without_triplets_or_labels_costs_nothing_and_has_a_gradient(batch):
    features, logits, labels, known = batch
    features, logits = features.clone().requires_grad_(), logits.clone().requires_grad_()
    nothing = torch.zeros_like(known)
    losses = [*all_losses(features, logits, labels & False, nothing),
              global_triplet_loss(features, labels & False, nothing, BLOCKS, MARGIN)]  # fmt: skip
    assert all(loss == 0 for loss in losses)
    torch.stack(losses).sum().backward()
    alone = torch.eye(2, dtype=torch.bool)
    assert mined_hinge(torch.eye(2), alone & False, alone, MARGIN, "all") == (None, None)
