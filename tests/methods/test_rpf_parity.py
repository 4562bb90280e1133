"""RPF and ASEN++ against what their authors' code computes, on the same weights: maps, features, losses, gradients."""

import numpy as np
import pytest
import torch
from oracles import asen, asen_pp, crop, rpf
from oracles.agreement import EIGHT, GivenMaps, assert_gradients_agree, difference, weights_of
from torchvision.models import get_model

from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import build_model
from fashion_lib.methods.two_branch import TwoBranchFeatures

CLOSE = 1e-9  # in float64, where the order of additions does not matter
ATTRIBUTES, VALUES = torch.tensor([0, 5, 0]).repeat(3), torch.tensor([0, 2, 1, 0, 2, 1, 2, 0, 0])
ROLES = torch.tensor([[0, 3, 6], [1, 4, 7], [2, 5, 8]])  # rows of anchor, positive, negative: one role after the other
LABELS = BatchLabels(torch.arange(9), torch.arange(9), ATTRIBUTES, VALUES, ROLES)


@pytest.fixture(autouse=True)
def _float64(monkeypatch):
    """The models' own casts to float32 keep float64 here."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def random_weights(model):
    """Weights that all matter: none stays at a start of zero or one. No dropout."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(len(parameter))))
    return model.double().eval()


def built(method, variant=None, backbone="small", **options):
    """A model whose region branch takes maps in place of pictures."""
    model = build_model(method, EIGHT, variant=variant, backbone=backbone, start="random", seed=2, **options)
    model.region.backbone = GivenMaps(model.backbone.out_channels)
    return random_weights(model)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def compare_stages(model, monkeypatch, maps, crops, stage1, stage2):
    """The loss of each stage and its gradients, where the given crops stand in for those that the model would cut."""
    monkeypatch.setattr(model, "cut", lambda pictures, located: (crops, None))
    model.steps.fill_(2)
    for stage, expected_of in enumerate((stage1, stage2)):
        model.step.fill_(stage)
        assert model.in_first_stage == (stage == 0)
        model.zero_grad()
        features = TwoBranchFeatures(maps.new_zeros(9, 3, 2, 2), model.look(maps))
        weights = weights_of(model)
        loss, _ = model.training_loss(features, LABELS, 0.2)
        expected = expected_of(weights)
        assert expected > 0.01 and difference(loss, expected) < CLOSE
        loss.backward()
        expected.backward()
        assert_gradients_agree(model, weights, CLOSE)


def rpf_stages(linear, maps, crops, layers, heads):
    def stage1(W):
        return asen.triplet(*(rpf.unit(rpf.region(W, maps, W["attribute.weight"][ATTRIBUTES], linear)[1])[ROLES.T]))

    def stage2(W):
        e = W["attribute.weight"][ATTRIBUTES]
        _, r, background = rpf.region(W, maps, e, linear)
        f = rpf.unit(rpf.patch(W, crops, e, layers, heads))
        contrast = rpf.e_info_nce(rpf.unit(r), f, rpf.unit(background), ATTRIBUTES, VALUES)
        return stage1(W) + 0.1 * asen.triplet(*f[ROLES.T]) + 0.04 * contrast

    return stage1, stage2


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_rpfs_maps_features_losses_and_gradients(variant, monkeypatch):
    model = built("rpf", variant, vit="tiny")
    maps, crops, linear = normal(9, 128, 6, 5).relu(), normal(9, 3, 64, 64, seed=1), variant == "paper"
    W, e = weights_of(model), model.attribute(ATTRIBUTES)
    located = model.locate(model.look(maps), ATTRIBUTES)
    for found, expected in zip(
        (located.aim, located.vector, located.background), rpf.region(W, maps, e, linear), strict=True
    ):
        assert difference(found, expected) < CLOSE
    assert difference(model.describe(crops, ATTRIBUTES)[0], rpf.patch(W, crops, e, 4, 4)) < CLOSE
    compare_stages(model, monkeypatch, maps, crops, *rpf_stages(linear, maps, crops, 4, 4))


def asen_pp_stages(maps, local_maps):
    def stage1(W):
        return asen.triplet(*rpf.unit(asen_pp.branch(W, "region", maps, W["attribute.weight"][ATTRIBUTES])[2])[ROLES.T])

    def stage2(W):
        e = W["attribute.weight"][ATTRIBUTES]
        g, near = asen_pp.branch(W, "region", maps, e)[2], asen_pp.branch(W, "patch", local_maps, e)[2]
        return (stage1(W) + 0.1 * asen.triplet(*rpf.unit(near)[ROLES.T]) + 0.1 * asen_pp.alignment(g, near, ROLES))

    return stage1, stage2


@pytest.mark.parametrize(("backbone", "channels", "local", "side"), [
    ("small", 128, 128, 6), pytest.param("resnet50", 1024, 256, 14, marks=pytest.mark.slow),
])  # fmt: skip
def test_asen_pps_maps_gates_features_losses_and_gradients(backbone, channels, local, side, monkeypatch):
    model = built("asen_pp", backbone=backbone)
    model.patch.backbone = GivenMaps(local)
    maps, local_maps = normal(9, channels, side, side).relu(), normal(9, local, side // 2, side // 2, seed=1).relu()
    W, e = weights_of(model), model.attribute(ATTRIBUTES)
    located = model.locate(model.look(maps), ATTRIBUTES)
    found = located.aim, located.gates["channel"], located.vector
    for one, expected in zip(found, asen_pp.branch(W, "region", maps, e), strict=True):
        assert difference(one, expected) < CLOSE
    alpha, _, near = asen_pp.branch(W, "patch", local_maps, e)
    vector, inside = model.describe(local_maps, ATTRIBUTES)
    assert difference(vector, near) < CLOSE and difference(inside, alpha) < CLOSE
    compare_stages(model, monkeypatch, maps, local_maps, *asen_pp_stages(maps, local_maps))


@pytest.mark.slow
def test_rpf_at_paper_size(monkeypatch):
    model = built("rpf", "code", "resnet50")
    maps, crops = normal(2, 1024, 14, 14).relu(), normal(2, 3, 224, 224, seed=1)
    W, attributes = weights_of(model), torch.tensor([3, 6])
    e = W["attribute.weight"][attributes]
    _, r, background = rpf.region(W, maps, e, False)
    f = rpf.patch(W, crops, e, 12, 12)
    located = model.locate(model.look(maps), attributes)
    patch, _ = model.describe(crops, attributes)
    for found, expected in ((located.vector, r), (located.background, background), (patch, f)):
        assert difference(found, expected) < CLOSE
    (located.vector * background.detach() + patch * r.detach()).sum().backward()
    (r * background.detach() + f * r.detach()).sum().backward()
    assert_gradients_agree(model, W, CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "beta", "size"), [("rpf", 0.4, 224), ("asen_pp", 0.6, 112)])
@torch.no_grad()
def test_the_whole_network_at_paper_size_from_pixels_to_the_test_feature(method, beta, size):
    model = build_model(method, EIGHT, variant="code", backbone="resnet50", start="random", seed=4)
    model, attributes = random_weights(model), torch.tensor([3, 6])
    pixels = torch.randint(0, 256, (2, 448, 448, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    large = normalise(pixels.numpy())
    small = large.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))
    W, e = weights_of(model), model.attribute(attributes)
    maps = stages_of("resnet50", model.region.backbone, small)
    alpha, *_, r = asen_pp.branch(W, "region", maps, e) if method == "asen_pp" else rpf.region(W, maps, e, False)[:2]
    squares = [crop.square(one.numpy(), 448, 448, 224, 0.1) for one in alpha]
    crops = normalise(np.stack([crop.cut(p.numpy(), *square, size) for p, square in zip(pixels, squares, strict=True)]))
    if method == "asen_pp":
        f = asen_pp.branch(W, "patch", stages_of("resnet34", model.patch.backbone, crops), e)[2]
    else:
        f = rpf.patch(W, crops, e, 12, 12)
    found = model.attend(model.features(large), attributes)
    assert difference(found.maps["spatial"], alpha) < CLOSE
    assert difference(found.embedding, rpf.both(r, f, beta)) < CLOSE


def stages_of(name, backbone, images):
    """torchvision's own network through stage 3, with a backbone's weights; (B, C, S / 16, S / 16)."""
    resnet = get_model(name).double().eval()
    resnet.load_state_dict(backbone.state_dict(), strict=False)
    resnet.layer4, resnet.avgpool, resnet.fc = (torch.nn.Identity() for _ in range(3))
    side = images.shape[2] // 16
    return resnet(images).view(len(images), -1, side, side)
