"""IPAD's variant "code" against the authors' code on the same weights: values, losses, gradients, optimiser steps."""

import copy
import math

import numpy as np
import pytest
import torch
from oracles import ipad
from oracles.agreement import assert_gradients_agree, weights_of
from oracles.agreement import difference as relative_difference
from tiny_data import SCHEMA
from torch.func import functional_call

from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.ipad import model as ipad_model
from fashion_lib.methods.ipad.diverging import AttributeDiverging
from fashion_lib.methods.registry import build_model
from fashion_lib.papers.published import fashionai_schema
from fashion_lib.parts.cropping import shrunk

CLOSE = 1e-9  # in float64, where the order of additions does not matter
COUNTS = [3, 2, 2]  # values of SCHEMA's attributes


@pytest.fixture(autouse=True)
def _float64(monkeypatch):
    """The models' own casts to float32 keep float64 here."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


class Recorded:
    """IPAD in training mode without dropout; it keeps the views and crops that it drew, for the oracle."""

    def __init__(self, monkeypatch, schema=SCHEMA, **options):
        self.model = build_model("ipad", schema, variant="code", start="random", seed=3, **options).double().train()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        with torch.no_grad():  # no weight stays at a start of zero or one
            for parameter in self.model.parameters():
                generator = torch.Generator().manual_seed(len(parameter))
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
            self.model.region.conv.weight.mul_(4)  # so that attention is far from flat
        self.views, self.crops = [], None
        draw, describe = ipad_model.perspective_views, self.model.describe

        def drawn(pictures, distortion):
            self.views.append(draw(pictures, distortion))
            return self.views[-1]

        def described(crops, attributes):
            self.crops = crops
            return describe(crops, attributes)

        monkeypatch.setattr(ipad_model, "perspective_views", drawn)
        monkeypatch.setattr(self.model, "describe", described)
        self.backbone = copy.deepcopy(self.model.region.backbone)
        self.W = weights_of(self.model)

    def maps(self, pictures):
        """The backbone, with the oracle's weights."""
        start = "region.backbone."
        own = {name.removeprefix(start): one for name, one in self.W.items() if name.startswith(start)}
        return functional_call(self.backbone, own, (pictures,))

    def loss(self, pictures, labels):
        self.views.clear()
        return self.model.training_loss(self.model.features(pictures), labels, 0.2)

    def by_hand(self, number, pictures, labels, banks):
        """The oracle's losses, after those of the model."""
        rows = labels.images[labels.rows], labels.attributes, labels.values
        maps = self.maps(shrunk(pictures, self.model.image_scale))
        views = [self.maps(view) for view in self.views]
        heads = self.model.patch.cross.heads
        return ipad.stage(self.W, number, maps, views, self.crops, rows, banks, heads)

    def banks(self, **sizes):
        counts = [len(attribute.values) for attribute in self.model.schema]
        return {name: ipad.Bank(counts, **sizes) for name in ("region", "patch")}


def difference(found, expected) -> float:
    """The largest difference, relative to the largest entry that is expected; for tensors and numbers."""
    return relative_difference(*(torch.as_tensor(one).detach() for one in (found, expected)))


def drawn_labels(rng, count, counts, images=12):
    """Rule B on pictures that carry a value of each attribute, some of them two: [anchors; positives; negatives]."""
    attributes = rng.permutation(np.arange(count) % len(counts))
    values = np.array([rng.permutation(counts[a])[[0, 0, 1]] for a in attributes]).T  # (3, count)
    rows = torch.arange(3 * count)
    return BatchLabels(
        torch.from_numpy(rng.integers(0, images, 3 * count)),
        rows,
        torch.from_numpy(np.tile(attributes, 3)),
        torch.from_numpy(values.ravel()),
        rows.view(3, count).T,
    )


def pictures_of(count, side, seed=0):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_terms_agree(figures, expected, tolerance=CLOSE):
    for name, term in expected.items():
        found = figures.get(name, 0.0)
        assert found == pytest.approx(float(torch.as_tensor(term).detach()), rel=tolerance, abs=1e-12), name
    others = {"active_triplets", "similarity", "centres_known", "views"}
    assert set(figures) - others <= set(expected)


@torch.no_grad()
def test_maps_region_background_patch_and_embedding(monkeypatch):
    both = Recorded(monkeypatch, vit="tiny")
    model, pictures, attributes = both.model.eval(), pictures_of(4, 128), torch.tensor([0, 1, 2, 1])
    both.backbone.eval()
    alpha, r, background = ipad.region(both.W, both.maps(shrunk(pictures, 2)), attributes)
    located = model.locate(model.look(shrunk(pictures, 2)), attributes)
    assert difference(located.aim, alpha) < CLOSE and located.aim.max() > 2 / 144
    assert difference(located.vector, r) < CLOSE and difference(located.background, background) < CLOSE
    found = model.attend(model.features(pictures), attributes)
    f = ipad.patch(both.W, both.crops, attributes, model.patch.cross.heads)
    assert difference(found.parts["patch"], ipad.unit(f)) < CLOSE
    expected = torch.cat([math.sqrt(0.3) * ipad.unit(r), math.sqrt(0.7) * ipad.unit(f)], dim=1)
    assert difference(found.embedding, expected) < CLOSE
    peak = located.aim.flatten(1).argmax(1)
    assert (alpha.flatten(1)[range(4), peak] > alpha.flatten(1).mean(1)).all()


@torch.no_grad()
def test_the_largest_score_is_suppressed_and_a_negative_largest_score_is_not(monkeypatch):
    both = Recorded(monkeypatch, vit="tiny")
    model, attributes = both.model.eval(), torch.tensor([0, 1, 2])
    features = model.look(pictures_of(3, 96))
    scores = model.region.activation(features, 0, torch.ones(3, 12, 12), model.region.attribute_norm(
        model.attribute(attributes)))  # fmt: skip
    top = scores.flatten(1).argmax(1)
    assert (scores.flatten(1).amax(1) > 0).any()
    aim = model.locate(features, attributes).aim.flatten(1)
    for row, place in enumerate(top.tolist()):
        erased = scores.flatten(1)[row] > 0.95 * scores[row].max()
        rest = torch.where(erased, 0.0, scores.flatten(1)[row]).softmax(0)
        assert bool(erased[place]) == bool(scores[row].max() > 0) and difference(aim[row], rest) < CLOSE


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.slow
def test_every_loss_and_gradient_of_a_stage(number, monkeypatch):
    both = Recorded(monkeypatch, vit="tiny", first_stage=0.5, centre_every=3, queue_length=30)
    model, rng = both.model, np.random.default_rng(1)
    model.steps.fill_(2)
    model.step.fill_(number - 1)
    labels = drawn_labels(rng, 9, COUNTS, images=60)
    pictures = pictures_of(27, 128)
    banks = both.banks(length=30, every=3)
    loss, figures = both.loss(pictures, labels)
    expected = both.by_hand(number, pictures, labels, banks)
    assert expected["centres region"].item() > 0.01  # all values have a centre, and the batch's own features are in it
    assert_terms_agree(figures, expected)
    total = sum(expected.values())
    assert difference(loss, total) < CLOSE and figures["views"] == 18
    loss.backward()
    total.backward()
    assert_gradients_agree(model, both.W, CLOSE)
    compared = [name for name, weight in both.W.items() if weight.grad is not None]
    assert any(name.startswith("values.") for name in compared) == (number == 1)
    assert any(name.startswith("patch.") for name in compared) == (number == 2)
    assert not any(name.startswith("unused.") for name in compared)  # no loss reaches them


@pytest.mark.slow
def test_optimiser_steps_through_both_stages_with_queues_and_centres(monkeypatch):
    """Two steps of stage 1, then four of stage 2 with banks that start empty; weights and banks stay equal."""
    both = Recorded(monkeypatch, vit="tiny", first_stage=1 / 3, centre_every=4, queue_length=8)
    model, rng = both.model, np.random.default_rng(5)
    model.steps.fill_(6)
    trained = [name for name, _ in model.named_parameters()]
    optimisers = [torch.optim.Adam(one, lr=1e-4) for one in (model.parameters(), [both.W[name] for name in trained])]
    banks, seen = both.banks(length=8, every=4), []
    for step in range(6):
        number = 1 if step < 2 else 2
        if step == 2:
            banks = both.banks(length=8, every=4)
        labels = drawn_labels(rng, 9, COUNTS, images=60)
        pictures = pictures_of(27, 128, seed=step)
        loss, figures = both.loss(pictures, labels)
        expected = both.by_hand(number, pictures, labels, banks)
        assert_terms_agree(figures, expected, 1e-7)
        for optimiser, total in zip(optimisers, (loss, sum(expected.values())), strict=True):
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
        for name, bank in banks.items():
            assert_banks_agree(model.diverging.centres[name], bank)
        model.after_step()
        seen.append((number, "centres region" in figures, "centres patch" in figures))
    assert seen[:3] == [(1, False, False), (1, True, False), (2, False, False)]
    assert seen[3:] == [(2, True, True)] * 3
    assert all(len(queue) == 8 for queue in banks["region"].queues)  # full, so old entries have left
    for name, parameter in model.named_parameters():  # a weight near 0 is measured against a step of the optimiser
        gap = float((parameter - both.W[name]).detach().abs().max())
        assert gap < 1e-7 * max(1e-4, float(both.W[name].detach().abs().max())), name
    for name, buffer in model.region.backbone.named_buffers():
        assert difference(buffer, both.W[f"region.backbone.{name}"]) < 1e-7, name


def assert_banks_agree(memory, bank):
    pairs = [(a, v) for a, count in enumerate(bank.counts) for v in range(count)]
    for attribute, queue in enumerate(bank.queues):
        order = (memory.oldest[attribute] + torch.arange(memory.length)) % memory.length  # from the oldest entry
        order = order[memory.pairs[attribute, order] >= 0]
        assert memory.images[attribute, order].tolist() == [entry[0] for entry in queue]
        assert [pairs[k] for k in memory.pairs[attribute, order].tolist()] == [(attribute, entry[2]) for entry in queue]
        if queue:
            assert difference(memory.features[attribute, order], torch.stack([entry[1] for entry in queue])) < 1e-7
    assert memory.known.tolist() == [pair in bank.centres for pair in pairs]
    for k, pair in enumerate(pairs):
        if pair in bank.centres:
            assert difference(memory.centres[k], bank.centres[pair]) < 1e-7


def test_banks_over_seventy_batches_of_the_papers_schedule():
    """Centres are renewed in batches 17, 34, 50 and 67, between the roles; a lost value keeps its centre."""
    code = {name: ipad_model.VARIANTS["code"][name] for name in ipad_model.DIVERGING if "_length" not in name
            and "_every" not in name}  # fmt: skip
    diverging = AttributeDiverging(COUNTS, 4, ("region",), queue_length=20, **code)
    memory, bank, rng = diverging.centres["region"], ipad.Bank(COUNTS, 20, 50), np.random.default_rng(0)
    update, renewed, lost, turned_on = memory.update, [], 0, None
    for number in range(1, 71):
        memory.update = lambda number=number: (renewed.append(number), update())
        labels = drawn_labels(rng, 4, COUNTS if number < 30 else [2, 2, 2], images=40)  # one value never comes again
        f = torch.from_numpy(rng.normal(size=(12, 4)))
        pairs = diverging.pairs(labels.attributes, labels.values)
        diverging.remember({"region": f}, pairs, labels.images, labels.triplets)
        for role in labels.triplets.T:
            bank.push(labels.images[role], f[role], labels.attributes[role], labels.values[role])
        assert_banks_agree(memory, bank)
        assert bool(diverging.ready) == (len(bank.centres) == 7)
        turned_on = turned_on or (number if diverging.ready else None)
        lost += bool(memory.known[2]) and not bool((memory.pairs == 2).any())
        roles = [(f[role], labels.attributes[role], labels.values[role]) for role in labels.triplets.T]
        vectors = {"region": torch.nn.functional.normalize(f, dim=1)}
        found = diverging.loss(vectors, labels, 0.2).get("region", 0.0)
        assert difference(found, bank.CC(roles)) < CLOSE
    assert renewed == [17, 34, 50, 67] and bank.renewed == [50, 100, 150, 200] and turned_on == 17
    assert lost > 10


def test_the_parameters_are_those_of_the_authors_code():
    with torch.device("meta"):
        model = build_model("ipad", fashionai_schema(), variant="code", backbone="resnet50", start="random")
        bare = build_model("ipad", fashionai_schema(), variant="code", backbone="resnet50", start="random",
                           value_weight=0.0, unused_parts=False)  # fmt: skip
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    head = parts["region"] - 8_543_296 + sum(p.numel() for p in model.unused["adapter"].parameters())
    values = {name: sum(p.numel() for p in part.parameters()) for name, part in
              model.unused["value_attention"].named_children()}  # fmt: skip
    assert (parts["attribute"], head, parts["patch"], parts["values"]) == (4_096, 4_468_225, 90_398_208, 8_456_246)
    assert values["embeddings"] == 41_472 and sum(values.values()) - values["embeddings"] == 4_203_520
    assert parameter_count(model) == 116_115_063 and parameter_count(bare) == 103_412_800
    banks = model.diverging.centres
    assert {name: tuple(bank.features.shape) for name, bank in banks.items()} == dict.fromkeys(banks, (8, 1000, 1024))
    assert model.diverging.centre_every == 50 and model.beta == 0.3


@pytest.mark.slow
def test_every_loss_and_gradient_at_paper_size(monkeypatch):
    schema = fashionai_schema()
    both = Recorded(monkeypatch, schema, backbone="resnet50", image_scale=1, queue_length=2)
    model, counts = both.model, [len(attribute.values) for attribute in schema]
    model.steps.fill_(2)
    banks, generator = both.banks(length=2), torch.Generator().manual_seed(1)
    for name, bank in banks.items():  # as if both banks had seen every value
        memory = model.diverging.centres[name]
        memory.centres.copy_(torch.randn(memory.centres.shape, generator=generator).double())
        memory.known.fill_(True)
        pairs = [(a, v) for a, count in enumerate(counts) for v in range(count)]
        bank.centres = dict(zip(pairs, memory.centres.clone(), strict=True))
    model.diverging.ready.fill_(True)
    labels, pictures = drawn_labels(np.random.default_rng(0), 1, counts), pictures_of(3, 224)
    for number in (1, 2):
        model.step.fill_(number - 1)
        for weight in (*model.parameters(), *both.W.values()):
            weight.grad = None
        loss, figures = both.loss(pictures, labels)
        expected = both.by_hand(number, pictures, labels, banks)
        assert expected["centres region"].item() > 0.01
        assert_terms_agree(figures, expected)
        total = sum(expected.values())
        assert difference(loss, total) < CLOSE
        loss.backward()
        total.backward()
        assert_gradients_agree(model, both.W, 1e-6)
        assert sum(weight.grad is not None for weight in both.W.values()) > 100
