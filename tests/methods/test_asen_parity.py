"""ASEN's and CSN's models against what their authors' code computes, on the same weights: values, losses, gradients."""

import pytest
import torch
import torch.nn.functional as F
from oracles import asen, csn
from oracles.agreement import EIGHT, GivenMaps, assert_gradients_agree, difference, weights_of
from tiny_data import SCHEMA
from torchvision.models import get_model

from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.masks import initial_masks

CLOSE = 1e-9  # in float64, where the order of additions does not matter
SIZES = [("small", 6, 5), pytest.param("resnet50", 14, 14, marks=pytest.mark.slow)]
ATTRIBUTES = torch.tensor([0, 5, 7])
ROLES = torch.tensor([[0, 3, 6], [1, 4, 7], [2, 5, 8]])  # rows of anchor, positive, negative: one role after the other


@pytest.fixture(autouse=True)
def _float64(monkeypatch):
    """The models' own casts to float32 keep float64 here."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def on_given_maps(method, variant, backbone, **options):
    model = build_model(method, EIGHT, variant=variant, backbone=backbone, start="random", seed=2, **options).double()
    model.backbone = GivenMaps(model.backbone.out_channels)
    for module in model.modules():  # statistics that change something
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    return model


def nine_maps(model, height, width):
    """Maps after a ReLU for three triplets, and their labels."""
    maps = torch.randn(9, model.backbone.out_channels, height, width, generator=torch.Generator().manual_seed(0))
    rows, values = torch.arange(9), torch.tensor([0] * 6 + [1] * 3)
    return maps.relu().double(), BatchLabels(rows, rows, ATTRIBUTES.repeat(3), values, ROLES)


def asen_by_hand(variant, weights, maps, attributes, training):
    if variant == "v1":
        return asen.version1(weights, maps, attributes)
    return asen.version2(weights, maps, attributes, training)


@pytest.mark.parametrize(("backbone", "height", "width"), SIZES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("variant", ["v1", "v2"])
def test_asens_maps_gates_embeddings_loss_and_gradients(variant, training, backbone, height, width):
    model = on_given_maps("asen", variant, backbone).train(training)
    maps, labels = nine_maps(model, height, width)
    weights, leaf = weights_of(model), maps.clone().requires_grad_()
    given = maps.clone().requires_grad_()
    found = model.attend(model.features(given), labels.attributes)
    alpha, gate, embedding = asen_by_hand(variant, weights, leaf, labels.attributes, training)
    assert difference(found.maps["spatial"], alpha) < CLOSE
    assert difference(found.gates["channel"], gate) < CLOSE
    assert difference(found.embedding, embedding) < CLOSE
    loss, _ = model.training_loss(model.features(given), labels, 0.2)
    expected = asen.triplet(*(embedding[rows] for rows in ROLES.T))
    assert expected > 0.01 and difference(loss, expected) < CLOSE
    loss.backward()
    expected.backward()
    assert_gradients_agree(model, weights, CLOSE)
    assert difference(given.grad, leaf.grad) < CLOSE


@pytest.mark.parametrize("variant", ["v1", "v2"])
def test_asen_has_the_released_codes_starts_and_counts(variant):
    with torch.device("meta"):
        original = build_model("asen", EIGHT, variant=variant, backbone="resnet50", start="random")
    assert parameter_count(original) == {"v1": 11_704_897, "v2": 10_910_784}[variant]
    if variant == "v2":
        return
    assert original.channel_attribute.weight.shape == (8, 1024) and original.attribute.weight.shape == (8, 512)
    assert original.channel.hidden.weight.shape == (512, 2048) and original.channel.gate.weight.shape == (1024, 512)
    assert original.linear.weight.shape == (1024, 1024)
    small = build_model("asen", EIGHT, variant="v1", start="random")
    for table in (small.attribute.weight, small.channel_attribute.weight):
        assert table.shape == (8, 128) and 0.34 < table.abs().max() <= 8**-0.5


@pytest.mark.slow
@pytest.mark.parametrize(("method", "variant"), [("asen", "v1"), ("asen", "v2"), ("csn", "code")])
@torch.no_grad()
def test_the_whole_network_at_paper_size(method, variant):
    model = build_model(method, EIGHT, variant=variant, backbone="resnet50", start="random", seed=4).double().eval()
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)).double()
    resnet = get_model("resnet50").double().eval()
    resnet.load_state_dict(model.backbone.state_dict(), strict=False)
    resnet.layer4, resnet.avgpool, resnet.fc = (torch.nn.Identity() for _ in range(3))
    maps = resnet(images).view(2, 1024, 14, 14)
    weights, attributes = weights_of(model), torch.tensor([3, 6])
    if method == "csn":
        expected = csn.rerun(weights, maps, attributes, learned=True)
    else:
        expected = asen_by_hand(variant, weights, maps, attributes, False)[2]
    assert difference(model.embed(images, attributes), expected) < CLOSE


@pytest.mark.parametrize(("backbone", "height", "width"), SIZES)
@pytest.mark.parametrize("masks", ["prein", "learned", "fixed"])
def test_csn_as_asens_authors_run_it(masks, backbone, height, width):
    model = on_given_maps("csn", "code", backbone, masks=masks)
    with torch.no_grad():
        model.masks[:, ::3] -= 0.4  # some below zero, which only a learned mask's ReLU removes
    maps, labels = nine_maps(model, height, width)
    weights = weights_of(model)
    expected = csn.rerun(weights, maps, labels.attributes, learned=masks != "fixed")
    loss, _ = model.training_loss(model.features(maps), labels, 0.2)
    assert difference(model.embed_features(model.features(maps), labels.attributes), expected) < CLOSE
    expected = asen.triplet(*(expected[rows] for rows in ROLES.T))
    assert difference(loss, expected) < CLOSE
    loss.backward()
    expected.backward()
    assert_gradients_agree(model, weights, CLOSE)
    assert (model.masks.grad is None) == (masks == "fixed")


@pytest.mark.parametrize(("backbone", "size"), [("small", 6), pytest.param("resnet18", 7, marks=pytest.mark.slow)])
@pytest.mark.parametrize("masks", ["prein", "learned", "fixed"])
def test_csn_as_veit_et_al_run_it(masks, backbone, size):
    model = on_given_maps("csn", "veit", backbone, masks=masks)
    with torch.no_grad():
        model.masks[:, ::3] -= 0.4
    maps, labels = nine_maps(model, size, size)
    weights, learned = weights_of(model), masks != "fixed"
    roles = [(maps[rows], labels.attributes[rows]) for rows in ROLES.T]
    expected = csn.veit_loss(weights, roles, learned)
    loss, figures = model.training_loss(model.features(maps), labels, 0.2)
    assert difference(loss, expected) < CLOSE and set(figures) > {"embedding_norm", "mask_norm", "active_triplets"}
    loss.backward()
    expected.backward()
    assert_gradients_agree(model, weights, CLOSE)
    anchor, close, far = (csn.embedded(weights, m) * csn.mask(weights, a, learned) for m, a in roles)
    vectors = model.triplet_vectors(model.features(maps), labels.attributes)
    assert difference(vectors[ROLES.T].flatten(0, 1), torch.cat([anchor, close, far])) < CLOSE
    gap = model.triplet_gap(*vectors[ROLES.T])
    assert difference(gap, csn.distance(anchor, far) - csn.distance(anchor, close)) < CLOSE
    embedding = model.embed_features(model.features(maps), labels.attributes)
    assert difference(embedding, F.normalize(vectors, dim=1)) < CLOSE


def test_veits_loss_without_a_list_takes_every_valid_triplet_of_the_batch():
    model = on_given_maps("csn", "veit", "small")
    maps, listed = nine_maps(model, 4, 4)
    rows = torch.arange(4)
    labels = BatchLabels(rows, rows, torch.tensor([2, 2, 2, 2]), torch.tensor([0, 0, 1, 2]))
    vectors = model.triplet_vectors(maps[:4], labels.attributes)
    hinges = []
    for anchor, positive, negative in [(0, 1, 2), (0, 1, 3), (1, 0, 2), (1, 0, 3)]:
        one, same, other = (vectors[k][None] for k in (anchor, positive, negative))
        hinges.append((0.2 + csn.distance(one, same) - csn.distance(one, other)).clamp(min=0))
    active = [hinge for hinge in hinges if hinge > 0]
    loss, figures = model.training_loss(maps[:4], labels, 0.2)
    expected = sum(active) / len(active) + figures["embedding_norm"] + figures["mask_norm"]
    assert len(active) > 0 and loss.item() == pytest.approx(expected.item(), rel=1e-9)
    assert figures["mask_norm"] == pytest.approx(5e-4 * 8) and figures["active_triplets"] == len(active) / 4
    assert listed.triplets is not None


@pytest.mark.parametrize(("attributes", "dim", "dead"), [(9, 1024, 7), (5, 512, 2), (8, 1024, 0), (4, 64, 0)])
@pytest.mark.parametrize(("kind", "elsewhere"), [("prein", 0.1), ("fixed", 0.0)])
def test_the_codes_masks_leave_the_remainder_to_no_attribute(attributes, dim, dead, kind, elsewhere):
    start = initial_masks(attributes, dim, kind, "floor")
    assert torch.equal(start, csn.start(attributes, dim, elsewhere))
    assert ((start == 1).sum(0) == 0).sum() == dead
    even = initial_masks(attributes, dim, kind)
    assert ((even == 1).sum(0) == 1).all() and torch.equal(even, start) == (dead == 0)


def test_csns_counts_are_those_of_both_codes():
    four = type(EIGHT)(EIGHT.attributes[:4])
    with torch.device("meta"):
        rerun = build_model("csn", EIGHT, variant="code", backbone="resnet50", start="random")
        veit = build_model("csn", four, variant="veit", backbone="resnet18", start="random")
    assert sum(p.numel() for p in rerun.parameters()) == 9_601_088
    assert sum(p.numel() for p in veit.parameters()) == 2_799_488 and veit.masks.shape == (4, 64)


# The embeddings' projections at commit 4f6ad3c, before the variants followed the authors' code: stored runs of these
# models stay valid.
BEFORE = {
    ("asen", "v2"): [
        0.646552314227, -0.171373164633, -0.831738946257,
        0.212743401487, -0.006391279959, -0.219649848086,
    ],
    ("csn", "prein"): [
        0.232389130725, 0.679862201636, 0.502273099708,
        -0.036122949243, 0.283917812482, 0.342925846766,
    ],
    ("csn", "learned"): [
        0.232389130725, 0.679862201636, 0.502273099708,
        -0.036122949243, 0.283917812482, 0.342925846766,
    ],
    ("csn", "fixed"): [
        0.232389130725, 0.679862201636, 0.502273099708,
        -0.036122949243, 0.283917812482, 0.342925846766,
    ],
    ("haen", None): [
        0.164438652376, -0.047721314697, -0.216006525115,
        0.066890768431, -0.204299377552, -0.287657617989,
    ],
}


@pytest.mark.parametrize(("method", "variant"), BEFORE)
@torch.no_grad()
def test_stored_models_compute_what_they_did(method, variant):
    model = build_model(method, SCHEMA, variant=variant, start="random").double().eval()
    state = model.state_dict()
    for place, name in enumerate(state):
        if state[name].is_floating_point():
            count = torch.arange(state[name].numel(), dtype=torch.float64)
            wave = count.mul(12.9898).add(place).sin().mul(4375.8).frac()
            wave = wave.view_as(state[name]) * (4 / max(1, state[name][0].numel()) ** 0.5)
            state[name].copy_(wave.abs() + 0.2 if name.endswith(("running_var", "masks")) else wave)
    images = torch.arange(2 * 3 * 32 * 32, dtype=torch.float64).mul(0.013).cos().view(2, 3, 32, 32)
    found = model.embed(images, torch.tensor([0, 2]))
    projected = found @ torch.arange(3.0 * found.shape[1]).double().cos().view(-1, 3)  # (2, 3)
    assert projected.flatten().tolist() == pytest.approx(BEFORE[method, variant], abs=1e-9)


# The entries 7 of some weights at the start of seed 3, at the same commit: trained anew, they begin as they did.
STARTS = {
    ("asen", "v2"): {"attribute.weight": -0.8808154, "channel.gate.weight": -0.0491883},
    ("csn", "prein"): {"linear.weight": 0.00695},
    ("csn", "learned"): {"masks": 0.9703594},
}


@pytest.mark.parametrize(("method", "variant"), STARTS)
def test_stored_models_started_as_they_do_now(method, variant):
    state = build_model(method, SCHEMA, variant=variant, start="random", seed=3).state_dict()
    found = {name: state[name].flatten()[7].item() for name in STARTS[method, variant]}
    assert found == pytest.approx(STARTS[method, variant], abs=1e-5)
