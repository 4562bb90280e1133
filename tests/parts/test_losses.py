"""Both losses against loops over triplets written out in plain Python."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.losses import in_batch_triplet_loss, mean_similarity, triplet_list_loss

MARGIN = 0.2


def a_batch(seed=0, length=22, attributes=3, values=3, dim=6):
    generator = torch.Generator().manual_seed(seed)
    embeddings = F.normalize(torch.randn(length, dim, generator=generator), dim=1)
    attribute = torch.randint(attributes, (length,), generator=generator)
    return embeddings, attribute, torch.randint(values, (length,), generator=generator)


def hinge(embeddings, a, p, n):
    return max(0.0, MARGIN + float(embeddings[a] @ embeddings[n]) - float(embeddings[a] @ embeddings[p]))


def loop_all(embeddings, attribute, value):
    """(loss, active fraction) with mining "all"."""
    means, active, valid = [], 0, 0
    for wanted in sorted(set(attribute.tolist())):
        rows = [i for i in range(len(attribute)) if attribute[i] == wanted]
        hinges = [
            hinge(embeddings, a, p, n)
            for a, p, n in itertools.permutations(rows, 3)
            if value[a] == value[p] and value[a] != value[n]
        ]
        if hinges:
            above = [h for h in hinges if h > 0]
            means.append(sum(above) / max(1, len(above)))
            active, valid = active + len(above), valid + len(hinges)
    return sum(means) / len(means), active / valid


def loop_hard(embeddings, attribute, value):
    means, active, anchors = [], 0, 0
    for wanted in sorted(set(attribute.tolist())):
        rows = [i for i in range(len(attribute)) if attribute[i] == wanted]
        hinges = []
        for a in rows:
            of = {p: float(embeddings[a] @ embeddings[p]) for p in rows}
            positives = [of[p] for p in rows if p != a and value[p] == value[a]]
            negatives = [of[n] for n in rows if value[n] != value[a]]
            if positives and negatives:
                hinges.append(max(0.0, MARGIN + max(negatives) - min(positives)))
        if hinges:
            means.append(sum(hinges) / len(hinges))
            active, anchors = active + sum(h > 0 for h in hinges), anchors + len(hinges)
    return sum(means) / len(means), active / anchors


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("mining", "oracle"), [("all", loop_all), ("hard", loop_hard)])
def test_in_batch_loss_is_the_loop(mining, oracle, seed):
    batch = a_batch(seed, values=2 + seed)
    loss, active = in_batch_triplet_loss(*batch, MARGIN, mining)
    expected, expected_active = oracle(*batch)
    assert float(loss) == pytest.approx(expected, abs=1e-6) and active == pytest.approx(expected_active)


def test_in_batch_loss_averages_over_active_triplets_only():
    # Anchor and positive are one vector; one negative is opposite (solved), one is identical (hinge = margin).
    embeddings = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [1, 0]])
    values = torch.tensor([0, 0, 1, 2])
    loss, active = in_batch_triplet_loss(embeddings, torch.zeros(4, dtype=torch.int64), values, MARGIN)
    assert float(loss) == pytest.approx(MARGIN) and active == pytest.approx(0.5)


def test_solved_batch_has_zero_loss_and_a_zero_gradient():
    embeddings = torch.tensor([[1.0, 0], [1, 0], [-1, 0]], requires_grad=True)
    loss, active = in_batch_triplet_loss(
        embeddings, torch.zeros(3, dtype=torch.int64), torch.tensor([0, 0, 1]), MARGIN
    )
    loss.backward()
    assert loss.item() == 0 and active == 0 and not embeddings.grad.any()


def test_attributes_are_compared_only_with_themselves():
    embeddings, attribute, value = a_batch()
    loss, _ = in_batch_triplet_loss(embeddings, attribute, value, MARGIN)
    order = torch.randperm(len(value), generator=torch.Generator().manual_seed(3))
    shuffled, _ = in_batch_triplet_loss(embeddings[order], attribute[order], value[order], MARGIN)
    parts = [
        in_batch_triplet_loss(*(t[attribute == a] for t in (embeddings, attribute, value)), MARGIN)
        for a in range(3)
    ]
    assert float(shuffled) == pytest.approx(float(loss), abs=1e-6)
    assert float(loss) == pytest.approx(sum(float(part[0]) for part in parts) / 3, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_triplet_list_loss_is_the_loop(seed):
    embeddings, _, _ = a_batch(seed)
    triplets = torch.randint(len(embeddings), (40, 3), generator=torch.Generator().manual_seed(seed))
    hinges = [hinge(embeddings, *row) for row in triplets.tolist()]
    loss, active = triplet_list_loss(embeddings, triplets, MARGIN)
    assert float(loss) == pytest.approx(sum(hinges) / 40, abs=1e-6)
    assert active == pytest.approx(sum(h > 0 for h in hinges) / 40)


def test_losses_stay_float32_under_autocast():
    embeddings, attribute, value = a_batch(length=40, dim=64)
    plain, _ = in_batch_triplet_loss(embeddings, attribute, value, MARGIN)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = in_batch_triplet_loss(embeddings, attribute, value, MARGIN)
    assert mixed.dtype == torch.float32 and torch.equal(plain, mixed)


def test_mean_similarity_is_the_loop():
    embeddings, attribute, _ = a_batch()
    pairs = [
        (i, j) for i, j in itertools.permutations(range(len(attribute)), 2) if attribute[i] == attribute[j]
    ]
    expected = sum(float(embeddings[i] @ embeddings[j]) for i, j in pairs) / len(pairs)
    assert mean_similarity(embeddings, attribute) == pytest.approx(expected, abs=1e-6)
    assert mean_similarity(embeddings[:1], attribute[:1]) == 0.0


def test_a_batch_without_triplets_is_refused():
    embeddings = F.normalize(torch.ones(4, 3), dim=1)
    attributes = torch.tensor([0, 0, 1, 1])
    for values in ([0, 1, 0, 1], [0, 0, 1, 1]):  # no positive; no negative
        with pytest.raises(FashionError, match="No valid triplet in a batch of 4"):
            in_batch_triplet_loss(embeddings, attributes, torch.tensor(values), MARGIN)
    with pytest.raises(FashionError, match="triplet list of this batch is empty"):
        triplet_list_loss(embeddings, torch.empty(0, 3, dtype=torch.int64), MARGIN)
    with pytest.raises(FashionError, match="'hardest'"):
        in_batch_triplet_loss(embeddings, attributes, attributes, MARGIN, mining="hardest")
