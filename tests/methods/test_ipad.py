"""IPAD against its equations written out: positioning (1-6), momentum (10), centres (11, 16, 19), the switch (20)."""

import math
from collections import deque
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kill_and_resume import kill_again_and_again, same, weights, without_times
from tiny_data import SCHEMA, tiny_data
from two_branch_models import ATTRIBUTES, PICTURES, config, labels_of, model_of

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import Labels
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.ipad.centres import ClusterCentres
from fashion_lib.methods.ipad.diverging import AttributeDiverging, weigh_terms
from fashion_lib.methods.ipad.model import SHORT, VARIANTS
from fashion_lib.methods.ipad.momentum import MomentumEncoder
from fashion_lib.methods.ipad.positioning import suppress
from fashion_lib.methods.ipad.views import perspective_views, view_triplet_loss
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.cropping import attention_boxes, shrunk
from fashion_lib.parts.losses import e_info_nce
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop

train = partial(loop.train, task=RETRIEVAL)
COUNTS = (3, 2, 2)  # values of SCHEMA's attributes
PAIRS = [(a, v) for a, count in enumerate(COUNTS) for v in range(count)]


@pytest.fixture(scope="module")
def data():
    pixels = np.random.default_rng(1).integers(0, 256, (90, 32, 32, 3), dtype=np.uint8)
    return tiny_data(90, pixels=pixels)


# IP-SP


@pytest.mark.parametrize("kind", ["keep", "erase", "none"])
def test_suppression_is_equation_2_position_by_position(kind):
    scores = torch.randn(20, 4, 5, generator=torch.Generator().manual_seed(0))
    scores[1] = -scores[1].abs()  # its largest score is negative: eta lies above all of them
    found = suppress(scores, 0.6, kind)
    for one, result in zip(scores, found, strict=True):
        eta = 0.6 * max(one.flatten().tolist())
        for score, left in zip(one.flatten().tolist(), result.flatten().tolist(), strict=True):
            kept = {"keep": score >= eta, "erase": score <= eta, "none": True}[kind]
            assert left == (score if kept else 0)
    if kind == "keep":
        assert all(result.max() == one.max() for one, result in zip(scores[2:], found[2:], strict=True))
        assert not found[1].any()
    if kind == "erase":
        assert all(result.max() < one.max() for one, result in zip(scores[2:], found[2:], strict=True))


def positioned(branch, x, p, gate, kind, passes):
    """Eq. 1-6 of one image, x (C, h, w) and p (C,), with the maps really multiplied: foreground, background, maps."""
    outside, asked, rest = x, p, p  # of the background: its map, its p
    inside = outside_weight = torch.ones(x.shape[1:])
    maps, size = [], branch.conv.out_channels
    for norm in branch.norms[:passes]:
        keys = torch.tanh(norm(F.conv2d(x[None], branch.conv.weight))[0])  # P_s(x), (A, h, w)
        query = torch.tanh(branch.spatial_attribute[0](asked))  # P_s(p), (A,)
        activation = (keys * query[:, None, None]).sum(0) / math.sqrt(size)  # eq. 1, summed over c'
        eta = 0.95 * activation.max()
        mask = {"keep": activation >= eta, "erase": activation <= eta, "none": activation == activation}[kind]
        attention = (activation * mask).flatten().softmax(0).view_as(activation)  # eq. 2
        maps.append(attention)
        inside, outside_weight = inside * attention, outside_weight * (1 - attention)
        x = x * attention / inside.mean()  # eq. 3, mean 1
        outside = outside * (1 - attention) / outside_weight.mean()
        inside, outside_weight = inside / inside.mean(), outside_weight / outside_weight.mean()
        results = []
        for attended, weight, vector in ((x, inside, asked), (outside, outside_weight, rest)):
            pooled = attended.sum((1, 2)) / weight.sum()
            joined = torch.cat([pooled, branch.channel.attribute_side(vector)])
            factor = torch.sigmoid(branch.channel.gate(torch.relu(branch.channel.hidden(joined))))
            results.append((factor * pooled, factor / factor.mean() * vector))
        (front, asked), (back, rest) = results  # eq. 4
    ends = (asked, rest) if gate == "attribute" else (front, back)
    first, _, _, second = branch.mlp.layers
    return *(branch.norm(end + second(first(end).relu())) for end in ends), maps  # eq. 5, 6


@pytest.mark.parametrize("gate", ["attribute", "image"])
@pytest.mark.parametrize(("kind", "passes"), [("keep", 3), ("erase", 3), ("none", 1), ("none", 5)])
@torch.no_grad()
def test_ip_sp_is_equations_1_to_6_with_passes_that_feed_each_other(gate, kind, passes):
    model = model_of("ipad", gate=gate, suppression=kind, passes=passes)
    model.attribute.weight.mul_(3)  # so that attention is far from flat
    for number, norm in enumerate(model.region.norms, start=1):
        norm.running_var.fill_(1e-4 * number)
    model.region.channel.hidden.weight.mul_(10)
    small = shrunk(PICTURES, 2)
    located = model.locate(model.look(small), ATTRIBUTES)
    whole = model.region.backbone(small)
    for i, attribute in enumerate(ATTRIBUTES.tolist()):
        front, back, maps = positioned(model.region, whole[i], model.attribute.weight[attribute], gate, kind, passes)
        assert torch.allclose(located.vector[i], front, atol=1e-4)
        assert torch.allclose(located.background[i], back, atol=1e-4)
        for number, attention in enumerate(maps, start=1):
            assert torch.allclose(located.maps[f"pass {number}"][i], attention, atol=1e-5)
    assert not torch.allclose(located.vector, located.background, atol=1e-2)
    assert located.maps["pass 1"].max() > 1.5 / 16


@torch.no_grad()
def test_identical_passes_are_one_pass_and_fed_passes_are_not():
    def vector(**options):
        model = model_of("ipad", gate="image", **options)
        return model.locate(model.look(shrunk(PICTURES, 2)), ATTRIBUTES)

    once, fed = vector(passes=1), vector(passes=3)
    for passes in (1, 3, 10):
        assert torch.equal(vector(passes=passes, iteration="identical").vector, once.vector)
    assert torch.equal(fed.maps["pass 1"], once.maps["pass 1"])
    assert not torch.allclose(fed.maps["pass 2"], fed.maps["pass 1"], atol=1e-6)
    assert not torch.allclose(fed.vector, once.vector, atol=1e-3)


@torch.no_grad()
def test_the_gate_of_one_pass_asks_the_question_of_the_next():
    model = model_of("ipad", suppression="none", passes=2)
    nothing = torch.full_like(model.region.channel.gate.bias, -1e4)
    model.region.channel.gate.bias.copy_(nothing)  # all gates 0, so that p^1 = 0
    located = model.locate(model.look(shrunk(PICTURES, 2)), ATTRIBUTES)
    asked = model.region.spatial_attribute(torch.zeros(1, 128))
    assert torch.equal(located.gates["channel"], torch.zeros(4, 128))
    seen = model.look(shrunk(PICTURES, 2))
    other, first = model.locate(seen, torch.zeros_like(ATTRIBUTES)), located.maps["pass 1"]
    keys = torch.tanh(model.region.norms[1](seen.convolved * (first / first.mean((1, 2), keepdim=True))[:, None]))
    expected = ((keys * asked[:, :, None, None]).sum(1) / math.sqrt(128)).flatten(1).softmax(1).view(4, 4, 4)
    assert torch.allclose(located.maps["pass 2"], expected, atol=1e-5)
    assert torch.allclose(other.vector, located.vector, atol=1e-6)  # nothing of the attribute is left


@torch.no_grad()
def test_what_figure_3_leaves_out_is_left_out():
    without_isa = model_of("ipad", isa=False)
    found = without_isa.attend(without_isa.features(PICTURES), ATTRIBUTES)
    assert torch.allclose(found.maps["spatial"], torch.full((4, 4, 4), 1 / 16)) and found.gates
    assert (
        found.boxes["patch"].tolist() == [[0, 0, 1, 1]] * 4
    )  # it points nowhere: no crop, and no division by zero
    without_ica = model_of("ipad", ica=False)
    located = without_ica.locate(without_ica.look(shrunk(PICTURES, 2)), ATTRIBUTES)
    assert not located.gates and without_ica.region.channel is None
    image_map = without_ica.look(shrunk(PICTURES, 2)).image_map
    vector = (image_map * located.maps["spatial"][:, None]).sum((2, 3))
    assert torch.allclose(located.vector, without_ica.region.finish(vector), atol=1e-5)
    bare = model_of("ipad", end_norm=False).region
    assert torch.equal(bare.finish(vector), vector + bare.mlp.layers(vector))


@torch.no_grad()
def test_the_crop_follows_the_weights_of_all_passes_together():
    model = model_of("ipad")
    found = model.attend(model.features(PICTURES), ATTRIBUTES)
    assert torch.equal(found.boxes["patch"], attention_boxes(found.maps["spatial"]))
    assert set(found.maps) == {"spatial", "pass 1", "pass 2", "pass 3"}
    product = found.maps["pass 1"] * found.maps["pass 2"] * found.maps["pass 3"]
    assert torch.allclose(found.maps["spatial"], product / product.sum((1, 2), keepdim=True), atol=1e-5)
    assert all(torch.allclose(one.sum((1, 2)), torch.ones(4), atol=1e-5) for one in found.maps.values())


# AD: eq. 10


def test_the_momentum_encoder_is_equation_10_and_takes_no_gradient():
    online = torch.nn.ModuleDict({"layer": torch.nn.Linear(2, 2), "norm": torch.nn.BatchNorm1d(2)}).double()
    slow = MomentumEncoder(online, 0.9)
    expected = {name: weight.detach().tolist() for name, weight in online.named_parameters()}
    assert not [*slow.parameters()] and set(slow.state_dict()) == {
        f"parts.{name}" for name in online.state_dict()
    }

    def blend(old, new):
        return (
            [blend(*pair) for pair in zip(old, new, strict=True)]
            if isinstance(old, list)
            else 0.9 * old + 0.1 * new
        )

    for _ in range(5):
        with torch.no_grad():
            for weight in online.parameters():
                weight.add_(torch.randn_like(weight))
        slow.follow(online)
        expected = {
            name: blend(expected[name], weight.tolist()) for name, weight in online.named_parameters()
        }
        for name, own in expected.items():
            assert torch.allclose(
                slow.state_dict()[f"parts.{name}"],
                torch.tensor(own, dtype=torch.float64),
                rtol=1e-12,
                atol=1e-14,
            )
    online["norm"](torch.randn(8, 2).double())
    assert not slow.state_dict()["parts.norm.running_mean"].any()  # its statistics are its own
    slow.follow(online, mu=0)
    assert same({name[6:]: tensor for name, tensor in slow.state_dict().items()}, online.state_dict())
    for mu in (-0.1, 1.0, math.nan):
        with pytest.raises(FashionError, match="is no momentum"):
            MomentumEncoder(online, mu)


def test_the_momentum_encoder_batch_normalises_as_it_trains_and_drops_nothing():
    slow = MomentumEncoder(torch.nn.ModuleDict({"a": torch.nn.BatchNorm1d(2), "b": torch.nn.Dropout()}), 0.9)
    slow.train()
    assert slow.parts["a"].training and not slow.parts["b"].training
    slow.eval()
    assert not slow.parts["a"].training


# AD: eq. 11


def queues_by_hand(pushed, length, per, repeats):
    """Queue number -> list of [pair, image, feature], oldest first where nothing was averaged."""
    queues = {}
    for feature, pair, image in pushed:
        number = pair if per == "value" else PAIRS[pair][0]
        queue = queues.setdefault(number, deque(maxlen=length))
        known = [entry for entry in queue if entry[1] == image]
        if repeats == "average" and known:
            known[0][0] = pair  # an image has one entry per queue
            known[0][2] = [(old + new) / 2 for old, new in zip(known[0][2], feature, strict=True)]
        else:
            queue.append([pair, image, feature])
    return queues


@pytest.mark.parametrize("per", ["value", "attribute"])
@pytest.mark.parametrize("repeats", ["append", "average"])
def test_queues_and_centres_are_a_deque_and_a_mean(per, repeats):
    rng, length = np.random.default_rng(0), 4
    centres = ClusterCentres(COUNTS, 3, length, per, repeats)
    pushed = []
    for _ in range(9):
        pairs = rng.choice([0, 1, 3, 4, 5], 5)  # collar "none" and the last colour never come
        images, features = rng.integers(0, 6, 5), rng.integers(-8, 9, (5, 3)) / 4  # sums are exact
        pushed += zip(features.tolist(), pairs.tolist(), images.tolist(), strict=True)
        centres.push(*(torch.tensor(part) for part in (features.astype(np.float32), pairs, images)))
        expected = queues_by_hand(pushed, length, per, repeats)
        assert centres.filled().tolist() == [len(expected.get(q, ())) for q in range(len(centres.features))]
        centres.update()
        for pair in range(len(PAIRS)):
            mine = [entry[2] for queue in expected.values() for entry in queue if entry[0] == pair]
            assert bool(centres.known[pair]) == bool(mine)
            mean = torch.tensor([sum(column) for column in zip(*mine, strict=True)] or [0.0] * 3) / max(
                1, len(mine)
            )
            assert torch.equal(centres.centres[pair], mean)  # eq. 11
    assert centres.pair(torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1])).tolist() == [2, 3, 6]


def test_a_queue_waits_for_as_many_features_as_it_can_ever_get():
    seen = torch.tensor([5, 2, 0, 0, 0, 3, 3])
    append = ClusterCentres(COUNTS, 1, 4)
    append.push(torch.ones(6, 1), torch.tensor([0, 0, 0, 0, 1, 1]), torch.arange(6))
    assert append.full(seen).tolist() == [True, False, True, True, True, False, False]
    average = ClusterCentres(COUNTS, 1, 4, repeats="average")
    average.push(torch.ones(6, 1), torch.tensor([0, 0, 0, 0, 1, 1]), torch.arange(6))
    assert average.full(seen).tolist() == [
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]  # two pictures, both stored
    shared = ClusterCentres(COUNTS, 1, 4, per="attribute")
    shared.push(torch.ones(4, 1), torch.tensor([0, 1, 0, 1]), torch.arange(4))
    assert shared.full(seen).tolist() == [True, True, False]
    for options in ({"length": 0}, {"length": 4, "per": "batch"}, {"length": 4, "repeats": "drop"}):
        with pytest.raises(FashionError, match="choose"):
            ClusterCentres(COUNTS, 1, **options)


def test_the_paper_keys_its_queues_by_value_and_the_code_by_attribute():
    for variant, shape in (("paper", (7, 32, 128)), ("code", (3, 32, 128))):
        centres = model_of("ipad", variant).diverging.centres
        assert {name: tuple(one.features.shape) for name, one in centres.items()} == {
            "region": shape,
            "patch": shape,
        }
    with torch.device("meta"):
        full = build_model("ipad", SCHEMA, backbone="resnet50", start="random").diverging
    assert full.centres["region"].features.shape == (7, 1000, 1024) and full.centre_every == 50  # n_q, n_b
    assert SHORT["queue_length"] == 32


# AD: eq. 16, 19 and 20


def test_the_cluster_centre_loss_is_equation_16_written_out():
    generator = torch.Generator().manual_seed(2)
    centres = ClusterCentres(COUNTS, 4, 5)
    filled = [0, 1, 2, 3, 5]  # hem "long" and colour "green" have never been seen
    centres.push(torch.randn(10, 4, generator=generator), torch.tensor(filled * 2), torch.arange(10))
    centres.update()
    features = F.normalize(torch.randn(7, 4, generator=generator), dim=1).requires_grad_()
    losses = centres.loss(features, torch.arange(7), 0.2)
    for pair, (attribute, _) in enumerate(PAIRS):
        own = F.cosine_similarity(features[pair], centres.centres[pair], dim=0).item()
        others = [p for p in filled if PAIRS[p][0] == attribute and p != pair]
        away = [F.cosine_similarity(features[pair], centres.centres[p], dim=0).item() for p in others]
        expected = (
            sum(max(0.0, 0.2 - own + one) for one in away) / max(1, len(away)) if pair in filled else 0.0
        )
        assert losses[pair].item() == pytest.approx(expected, abs=1e-6)
    assert losses[3] == losses[4] == losses[5] == losses[6] == 0  # no other centre, or none of its own
    losses.sum().backward()
    assert torch.isfinite(features.grad).all() and not centres.centres.requires_grad


@pytest.mark.parametrize(
    ("terms", "factors"), [("sum", (1, 1, 1)), ("mean", (1 / 3,) * 3), ("third", (1, 1, 1 / 3))]
)
def test_equation_19_and_what_the_code_makes_of_it(terms, factors):
    losses = torch.tensor([0.3, 0.1, 0.7, 0.2, 0.4, 0.9])
    triplets = torch.tensor([[0, 1, 2], [3, 4, 5]])
    by_hand = sum(
        f * (losses[a] + losses[b]).item() / 2 for f, a, b in zip(factors, (0, 1, 2), (3, 4, 5), strict=True)
    )
    assert weigh_terms(losses, triplets, terms).item() == pytest.approx(by_hand)
    assert weigh_terms(losses, None, terms).item() == pytest.approx(sum(factors) * losses.mean().item())


@pytest.mark.parametrize(
    ("ticks", "due"), [(1, [5, 10, 15, 20]), (3, [2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19, 20])]
)
def test_centres_are_updated_every_n_b_batches_or_three_times_as_often(ticks, due, monkeypatch):
    updates, batch = [], 0
    diverging = AttributeDiverging(COUNTS, 2, ("region",), queue_length=100, centre_every=5, ticks=ticks)
    monkeypatch.setattr(ClusterCentres, "update", lambda self: updates.append(batch))
    for batch in range(1, 21):
        diverging.remember({"region": torch.ones(1, 2)}, torch.tensor([0]), torch.tensor([batch]))
    assert updates == due
    if ticks == 3:
        assert 50 / ticks == pytest.approx(16.7, abs=0.04)  # "every 16-17 batches" where it says 50


def batch(rng, values=(2, 2, 2)):
    """Six images, two of each attribute with different values, one labelled example each."""
    attributes = torch.arange(3).repeat_interleave(2)
    drawn = torch.tensor([v for count in values for v in rng.permutation(count)[:2]])
    images = torch.from_numpy(rng.integers(0, 50, 6))
    return BatchLabels(
        images, torch.arange(6), attributes, drawn, torch.tensor([[0, 0, 1], [2, 2, 3], [4, 4, 5]])
    )


def test_the_loss_turns_from_warm_to_total_with_the_batch_that_fills_the_last_queue():
    model, rng = (
        model_of("ipad", queue_length=3, centre_every=100, first_stage=0.5, xi=0.7),
        np.random.default_rng(0),
    )
    attributes, values = (
        torch.tensor([0, 0, 1, 1, 2, 2] * 2),
        torch.tensor([0, 1, 0, 1, 0, 1] * 2),
    )  # no collar "none"
    model.before_training(8, Labels(np.arange(12), attributes.numpy(), values.numpy()))
    pictures = PICTURES[[0, 1, 2, 3, 0, 1]]
    for step in range(8):
        loss, figures = model.training_loss(model.features(pictures), batch(rng), 0.2)
        names = {"active_triplets", "similarity", "region"}
        names |= {"patch", "contrast", "queues_full"} if step >= 4 else set()
        names |= {"centres region", "centres patch"} if step >= 7 else set()  # after three batches of stage 2
        assert set(figures) == names
        parts = [figures[name] for name in names - {"active_triplets", "similarity", "queues_full"}]
        assert loss.item() == pytest.approx(sum(parts), rel=1e-5) and torch.isfinite(loss)
        assert bool(model.diverging.ready) == (step >= 7)
        model.after_step()
    assert not model.diverging.centres["region"].known[2]  # the value that never occurs has no centre
    labels = batch(np.random.default_rng(1), (3, 2, 2))
    found = model.attend(model.features(pictures), labels.attributes).parts
    terms = model.diverging.loss(found, labels, 0.2)
    _, figures = model.training_loss(model.features(pictures), labels, 0.2)
    for name, vectors in found.items():
        rows = model.diverging.centres[name].loss(
            vectors, model.diverging.pairs(labels.attributes, labels.values), 0.2
        )
        expected = sum(rows[labels.triplets[:, column]].mean().item() for column in range(3))  # eq. 19
        assert terms[name].item() == pytest.approx(expected, abs=1e-6)
        assert figures[f"centres {name}"] == pytest.approx(0.7 * expected, abs=1e-6)  # eq. 20


def test_values_that_may_never_come_are_not_waited_for():
    diverging = AttributeDiverging((3, 2, 2), 2, ("region",), queue_length=1)
    # collar: two, one (a single picture), none; hem: one value alone; colour: one of each, so no triplet
    diverging.expect(torch.tensor([0, 0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 1, 0, 0, 0, 1]))
    assert diverging.training_images.tolist() == [2, 0, 0, 0, 0, 0, 0]
    diverging.remember({"region": torch.ones(1, 2)}, torch.tensor([0]), torch.tensor([0]))
    assert bool(diverging.ready) and diverging.share_ready() == 1


def test_ipad_weighs_the_losses_of_equation_18():
    model = model_of("ipad")  # eval mode: no dropout; outside of training it is in stage 2
    labels = labels_of()
    loss, figures = model.training_loss(model.features(PICTURES), labels, 0.2)
    found = model.attend(model.features(PICTURES), labels.attributes)
    located = model.locate(model.look(shrunk(PICTURES, 2)), labels.attributes)
    region, patch, away = *found.parts.values(), F.normalize(located.background, dim=1)
    triplet = [model.triplet_loss(part, labels, 0.2)[0].item() for part in (region, patch)]
    contrast = e_info_nce(region, patch, away, labels.attributes, labels.values, backgrounds="value").item()
    assert loss.item() == pytest.approx(triplet[0] + 0.1 * triplet[1] + 0.04 * contrast, rel=1e-4)


# What goes into the queues, and the checkpoint


@pytest.mark.parametrize(("momentum", "slow"), [("both", {"region", "patch"}), ("sp", {"region"}), ("se", {"patch"}),
                                                ("none", set())])  # fmt: skip
def test_the_queues_hold_momentum_features_of_the_branches_that_have_a_momentum_encoder(momentum, slow):
    model, labels = model_of("ipad", momentum=momentum, queue_length=2), labels_of()
    assert set(model.slow) == slow
    with torch.no_grad():
        for name in slow:
            for buffer in model.slow[name].parts.buffers():
                if buffer.is_floating_point():
                    buffer.mul_(1.5)  # so that it is told apart from the trained branch
    model.training_loss(model.features(PICTURES), labels, 0.2)
    features, pairs, images, triplets = model.pending
    assert triplets is None
    found = model.attend(model.features(PICTURES), labels.attributes)
    assert images.tolist() == [0, 1, 2, 3] and pairs.tolist() == [0, 0, 1, 3]
    for name, vectors in features.items():
        assert torch.allclose(vectors, found.parts[name], atol=1e-5) == (name not in slow)
        assert torch.allclose(vectors.norm(dim=1), torch.ones(4), atol=1e-5) and not vectors.requires_grad
    if "region" in slow:
        parts = model.slow["region"].parts
        own = parts["region"](
            parts["region"].features(shrunk(PICTURES, 2)), parts["attribute"](labels.attributes)
        )
        assert torch.allclose(features["region"], F.normalize(own.vector, dim=1), atol=1e-6)


def test_the_momentum_encoders_start_as_copies_with_the_second_stage_and_then_follow():
    model = model_of("ipad", mu=0.9, queue_length=2).train()
    model.before_training(6, tiny_data(90).encoded("train"))
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(6):
        before = weights(model.slow["region"].parts)
        optimiser.zero_grad()
        model.training_loss(model.features(PICTURES), labels_of(), 0.2)[0].backward()
        optimiser.step()
        model.after_step()
        after = weights(model.slow["region"].parts)
        for name, weight in model.online("region").named_parameters():
            mu = 1.0 if step < 2 else 0.0 if step == 2 else 0.9
            assert torch.allclose(after[name], mu * before[name] + (1 - mu) * weight, atol=1e-6)
    trained = {id(parameter) for group in model.parameter_groups(1e-3) for parameter in group["params"]}
    assert not trained & {id(buffer) for buffer in model.slow.buffers()}


@pytest.mark.parametrize("options", [{}, {"variant": "code"}, {"branches": "se"}])
@pytest.mark.slow
def test_killed_in_any_stage_and_resumed_equals_unbroken_queues_and_centres_included(
    options, data, tmp_path, monkeypatch
):
    def fresh(seed=0):
        changed = {"queue_length": 2, "centre_every": 2, "mu": 0.9, "first_stage": 0.4} | options
        return build_model("ipad", SCHEMA, start="random", seed=seed, **changed)

    settings = config(steps=12, checkpoint_every=1, evaluations=1)
    unbroken = fresh()
    expected = train(unbroken, data, settings, tmp_path / "unbroken", progress=False)
    assert bool(unbroken.diverging.ready) and any("centres patch" in entry for entry in expected.entries)
    alone = 0 if "branches" in options else 5  # steps of stage 1
    each = 1 if "branches" in options else 2
    slow = len(unbroken.slow)
    views = 2 * 12 * 12 if unbroken.views == 3 else 0  # every picture of a batch is an anchor
    assert expected.image_passes == (alone * 1 + (12 - alone) * (each + slow)) * 12 + views
    lives = (3, 2, 2, 4)  # so it goes on at steps 3, 5, 7 and 11
    folder, resumed = tmp_path / "killed", fresh(seed=9)
    kill_again_and_again(monkeypatch, lives, lambda: train(fresh(), data, settings, folder, progress=False))
    history = train(resumed, data, settings, folder, progress=False)
    assert same(weights(resumed), weights(unbroken)) and without_times(history) == without_times(expected)
    kept = weights(unbroken)
    for name in ("features", "pairs", "images", "oldest", "centres", "known"):
        assert f"diverging.centres.patch.{name}" in kept
    assert {"diverging.counter", "diverging.ready"} <= set(kept)


@pytest.mark.parametrize(("sampling", "labels"), [("triplet_list", "one"), ("all_labels", "all")])
@pytest.mark.slow
def test_ipad_trains_with_the_other_samplers(sampling, labels, data, tmp_path):
    model = build_model("ipad", SCHEMA, start="random", queue_length=2, first_stage=0.25)
    settings = config(steps=8, evaluations=1, sampling=sampling, labels=labels)
    history = train(model, data, settings, tmp_path, progress=False)
    assert all(math.isfinite(entry["loss"]) for entry in history.entries)
    assert evaluate(model, data, "valid").overall == pytest.approx(history.best_map)


# Three views of the anchor


def test_a_view_is_its_picture_in_a_perspective_of_its_own():
    pictures = torch.full((40, 3, 32, 32), 5.0)
    pictures[:, :, :, :16] = -1.0  # a mirrored view has the bright half on the other side
    torch.manual_seed(0)
    views = perspective_views(pictures, 0.4)
    torch.manual_seed(0)
    assert torch.equal(views, perspective_views(pictures, 0.4))  # from torch's generator alone
    assert views.shape == pictures.shape and views.is_contiguous(memory_format=torch.channels_last)
    assert len({tuple(view.flatten().tolist()) for view in views}) > 30
    mirrored = (views[:, 0, 16, 9:12].mean(1) > 3).float().mean().item()
    assert 0.25 < mirrored < 0.75
    black = torch.tensor([-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    corners = views[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].permute(0, 2, 1).reshape(-1, 3)
    assert torch.isclose(corners, black, atol=1e-5).all(1).float().mean() > 0.5  # what the picture leaves empty
    mild = perspective_views(pictures, 0.05)
    assert (mild[:, :, 2:-2, 2:-2].amin() >= -1.01) and mild.amax() <= 5.01


@pytest.mark.parametrize("mining", ["all", "hard"])
def test_without_a_list_the_five_triplet_losses_take_every_valid_triplet(mining):
    generator = torch.Generator().manual_seed(0)
    x, x1, x2 = F.normalize(torch.randn(3, 7, 4, generator=generator), dim=2)
    attributes, values = torch.tensor([0, 0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 1, 2, 0, 0, 1])
    labels = BatchLabels(torch.arange(7), torch.arange(7), attributes, values, None, mining)
    found, active = view_triplet_loss(x, [x1, x2], labels, 0.2)

    def term(anchors, others, positives, of_itself):
        """One of the five: `positives` are near (of_itself: only an anchor's own view), rows of `others` away."""
        by_attribute = []
        for a in (0, 1):
            rows, hinges, hardest = [i for i in range(7) if attributes[i] == a], [], []
            for i in rows:
                away = [(anchors[i] @ others[k]).item() for k in rows if values[k] != values[i]]
                near = [(anchors[i] @ positives[j]).item() for j in rows
                        if (j == i if of_itself else j != i and values[j] == values[i])]  # fmt: skip
                hinges += [max(0.0, 0.2 + n - p) for p in near for n in away]
                hardest += [max(0.0, 0.2 + max(away) - min(near))] if near and away else []
            on = [hinge for hinge in hinges if hinge > 0]
            by_attribute.append(np.mean(hardest) if mining == "hard" else sum(on) / max(1, len(on)))
        return np.mean(by_attribute)

    terms = [term(anchors, x, x, False) for anchors in (x, x1, x2)] + [term(x, x, view, True) for view in (x1, x2)]
    assert found.item() == pytest.approx(np.mean(terms), rel=1e-5) and 0 < active <= 1
    lone = BatchLabels(torch.arange(2), torch.arange(2), attributes[:2], values[:2])
    with pytest.raises(FashionError, match="No valid triplet in a batch of 2"):
        view_triplet_loss(x[:2], [x1[:2], x2[:2]], lone, 0.2)


@pytest.mark.parametrize("listed", [False, True])
def test_views_are_drawn_for_the_anchors_and_counted(listed):
    model = model_of("ipad", "code").train()
    _, figures = model.training_loss(model.features(PICTURES), labels_of(listed), 0.2)
    assert figures["views"] == (2 if listed else 8)  # one listed triplet, or all four examples


# Variants and ablations


def test_every_row_of_paper_against_code_is_an_option():
    paper, code = VARIANTS["paper"], VARIANTS["code"]
    assert paper.keys() == code.keys() and all(paper[name] != code[name] for name in paper)
    for name, value in code.items():
        needed = {"iteration": "identical", "gate": "image"} if name == "attribute_width" else {}
        model = model_of("ipad", **{name: value}, **needed)  # each difference alone, as far as it can be
        assert model.attend(model.features(PICTURES), ATTRIBUTES).embedding.shape == (4, 256)
        loss, _ = model.training_loss(model.features(PICTURES), labels_of(), 0.2)
        assert torch.isfinite(loss)
    model = model_of("ipad", "code")
    assert model.beta == 0.3 and not model.slow and model.region.passes == 1
    assert (model.region.gate, model.region.suppression) == ("image", "erase")
    assert (model.diverging.ticks, model.diverging.terms) == (3, "third")


@pytest.mark.parametrize(
    ("branches", "parts"), [("sp", {"region"}), ("se", {"patch"}), ("both", {"region", "patch"})]
)
def test_a_branch_alone_is_trained_from_the_first_step_and_costs_one_pass(branches, parts):
    model = model_of("ipad", branches=branches, diverging=False).train()
    model.before_training(10, tiny_data(90).encoded("train"))
    loss, figures = model.training_loss(model.features(PICTURES), labels_of(), 0.2)
    loss.backward()
    found = model.attend(model.features(PICTURES), ATTRIBUTES)
    assert set(found.parts) == parts and model.image_passes == len(parts)
    assert model.embedding_dim == found.embedding.shape[1] == 128 * len(parts)
    if branches == "se":
        assert found.boxes["patch"].tolist() == [[0, 0, 1, 1]] * 4
        assert loss.item() == pytest.approx(
            figures["patch"]
        )  # its triplet loss weighs 1 where it is the only one
    assert model.diverging is None and not model.slow


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 1.2}, "beta=1.2 is no weight"),
        ({"branches": "all"}, "Unknown branches 'all'"),
        ({"momentum": "all"}, "Unknown momentum 'all'"),
        ({"gate": "both"}, "Unknown gate 'both': choose one of attribute, image"),
        ({"suppression": "peak"}, "Unknown suppression 'peak': choose one of keep, erase, none"),
        ({"iteration": "three"}, "Unknown iteration 'three'"),
        ({"passes": 0}, "passes=0"),
        ({"isa": False, "ica": False}, "leaves nothing to attend with"),
        ({"ratio": 0.0}, "ratio=0.0"),
        ({"mu": 1.0}, "mu=1.0 is no momentum"),
        ({"attribute_width": "attention"}, "choose iteration='identical' and gate='image' with it"),
        ({"region_form": "new"}, "Unknown region_form 'new': choose one of released, printed"),
        ({"patch_form": "new"}, "Unknown form 'new': choose one of released, printed"),
        ({"views": 2}, "Unknown views '2': choose one of 1, 3"),
        ({"queued": "long"}, "Unknown queued 'long': choose one of unit, raw"),
        ({"begins": "soon"}, "Unknown begins 'soon'"),
        ({"ticks": 2}, "Unknown ticks '2': choose one of 1, 3"),
        ({"value_weight": -1.0}, "value_weight=-1.0"),
        ({"terms": "half"}, "Unknown terms 'half': choose one of sum, mean, third"),
        ({"centre_every": 0}, "centre_every=0"),
        ({"queue_length": 0}, "queue_length=0"),
        ({"backgrounds": "all"}, "Unknown backgrounds 'all'"),
        ({"xi": -1.0}, "xi=-1.0"),
        ({"colour": True}, "does not take the options"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_one_sentence(options, message):
    with pytest.raises(FashionError, match=message):
        model_of("ipad", **options)


# Projections of embeddings at commit 4f6ad3c, before "code" became the authors' code: stored runs of "paper" are valid.
READ = {"gate": "image", "suppression": "erase"}
BEFORE = [
    ({}, [-0.45758668386, 0.389430013153, 0.878406552022, -1.06488949051, -0.05292020089, 1.007703677374]),
    (READ, [-0.803017099099, 0.107591195143, 0.919280640752, -0.789450978171, 0.118078374491, 0.917047014192]),
    (READ | {"branches": "sp", "diverging": False, "iteration": "identical"},
     [-0.394812236709, -0.132641505678, 0.251479213965, -0.382613881057, -0.138134144492, 0.233345487481]),
]  # fmt: skip


@pytest.mark.parametrize(("options", "expected"), BEFORE)
def test_stored_models_of_the_paper_compute_what_they_did(options, expected, monkeypatch):
    model = model_of("ipad", **options).double()
    for name, weight in model.named_parameters():
        wave = torch.arange(weight.numel(), dtype=torch.float64).mul(12.9898).add(len(name)).sin().mul(4375.8).frac()
        weight.data.copy_(wave.view_as(weight) * (4 / max(1, weight[0].numel()) ** 0.5))
    images = torch.arange(2 * 3 * 64 * 64, dtype=torch.float64).mul(0.013).cos().view(2, 3, 64, 64)
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            found = model.embed(images, torch.tensor([0, 2]))
    finally:
        torch.set_default_dtype(torch.float32)
    projected = found @ torch.arange(3.0 * found.shape[1]).double().cos().view(-1, 3)  # (2, 3)
    assert projected.flatten().tolist() == pytest.approx(expected, abs=1e-9)


def test_only_the_code_has_a_new_edition():
    assert "edition" not in model_of("ipad").architecture
    assert model_of("ipad", "code").architecture["edition"] == 2


def test_centres_compare_in_float32_whatever_the_loop_computes_in():
    """The loop calls the losses under autocast; a similarity in bfloat16 has three digits, the margin is 0.2."""
    centres = ClusterCentres(COUNTS, 8, 4)
    generator = torch.Generator().manual_seed(0)
    pairs = torch.tensor([0, 1, 2, 3, 4, 5])
    centres.push(torch.randn(6, 8, generator=generator), pairs, torch.arange(6))
    centres.update()
    rows = torch.nn.functional.normalize(torch.randn(6, 8, generator=generator), dim=1)
    expected = centres.loss(rows, pairs, 0.2)
    with torch.autocast("cpu", torch.bfloat16):
        found = centres.loss(rows, pairs, 0.2)
    assert found.dtype == torch.float32 and expected.sum() > 0 and torch.equal(found, expected)


def test_the_optimisers_tensors_of_stored_runs_keep_their_numbers():
    names = [name for name, _ in build_model("ipad", SCHEMA, start="random").patch.named_parameters()]
    tail = [name for name in names if not name.startswith("tokens")]
    layers = ["attribute", "query", "key", "value", "join"]
    cross = ["cross.types"] + [f"cross.{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert tail == cross + [
        "mlp.layers.0.weight", "mlp.layers.0.bias", "mlp.layers.3.weight", "mlp.layers.3.bias",
        "norm.weight", "norm.bias",
    ]  # fmt: skip


def test_the_value_classifier_of_a_region_branch_alone_is_trained():
    """The released stage 1 is the region branch with 0.1 V; without that branch there is no classifier."""
    model = model_of("ipad", variant="code", branches="sp", diverging=False).train()
    loss, figures = model.training_loss(model.features(PICTURES), labels_of(), 0.2)
    loss.backward()
    assert figures["values"] > 0 and any(weight.grad is not None for weight in model.values.parameters())
    alone = model_of("ipad", variant="code", branches="se", diverging=False)
    assert alone.values is None
