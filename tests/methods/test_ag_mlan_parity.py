"""AG-MLAN's variant "code" and CBAM against what their authors' code computes: values, losses, gradients."""

import pytest
import torch
import torch.nn.functional as F
from oracles import ag_man, asen
from oracles.agreement import EIGHT, GivenMaps, assert_gradients_agree, difference, weights_of
from oracles.cbam import cbam
from torch.func import functional_call
from torchvision.models import get_model

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.cbam import CBAM

CLOSE = 1e-9  # in float64, where the order of additions does not matter
SIZES = [("small", 6), pytest.param("resnet50", 14, marks=pytest.mark.slow)]
ROLES = torch.tensor([[0, 2, 4], [1, 3, 5]])  # rows of anchor, positive, negative: one role after the other
ATTRIBUTES = torch.tensor([1, 6] * 3)


@pytest.fixture(autouse=True)
def _float64(monkeypatch):
    """The models' own casts to float32 keep float64 here."""
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)


def on_given_maps(backbone, side, **options):
    """AG-MAN whose backbone gives random maps after a ReLU, for the six pictures of two triplets."""
    model = build_model("ag_mlan", EIGHT, variant="code", backbone=backbone, start="random", **options).double()
    generator, channels = torch.Generator().manual_seed(0), model.backbone.out_channels
    model.backbone = GivenMaps(channels)
    model.backbone.second = torch.randn(6, channels // 2, 2 * side, 2 * side, generator=generator).relu().double()
    third = torch.randn(6, channels, side, side, generator=generator).relu().double()
    with torch.no_grad():
        for scalar, value in ((model.scale, 0.8), (model.spatial_scale, -1.7), (model.channel_scale, 1.3)):
            scalar.fill_(value)
        model.masks[:, ::5] -= 0.3
        model.spatial.norm.running_mean.normal_(0, 0.1, generator=generator)
    return model, third


def labels():
    rows = torch.arange(6)
    return BatchLabels(rows, rows, ATTRIBUTES, torch.tensor([0] * 4 + [1] * 2), ROLES)


def stage4_by_hand(model, weights, added):
    prefix = "branch1.stage4."
    own = {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}
    return functional_call(model.branch1.stage4, own, added)


@pytest.mark.parametrize(("backbone", "side"), SIZES)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("branch1_loss", [True, False])
def test_ag_mans_maps_gates_embeddings_losses_and_gradients(branch1_loss, training, backbone, side):
    model, third = on_given_maps(backbone, side, branch1_loss=branch1_loss)
    model.train(training)
    weights, leaf = weights_of(model), third.clone().requires_grad_()
    given = third.clone().requires_grad_()
    expected = ag_man.branch2(weights, model.backbone.second, leaf, ATTRIBUTES, training)
    stage4 = stage4_by_hand(model, weights, expected.added)
    features = model.features(given)
    found = model.attend(features, ATTRIBUTES)
    assert difference(features.merged, expected.added) < CLOSE
    assert difference(found.maps["spatial"], expected.alpha) < CLOSE
    gated = expected.alpha * expected.position_gate
    assert difference(found.maps["gated"], gated / gated.sum((1, 2), keepdim=True)) < CLOSE
    assert difference(found.gates["channel"], expected.channel_gate * 1.3) < CLOSE
    assert difference(found.embedding, expected.embedding) < CLOSE
    loss, figures = model.training_loss(features, labels(), 0.2)
    triplet = asen.triplet(*(expected.embedding[rows] for rows in ROLES.T))
    classified = ag_man.classification(weights, stage4, ATTRIBUTES)
    total = ag_man.total(triplet, classified) if branch1_loss else triplet
    assert triplet > 0.01 and figures["classification"] == pytest.approx(classified.item(), rel=CLOSE)
    assert difference(loss, total) < CLOSE
    loss.backward()
    total.backward()
    assert_gradients_agree(model, weights, 10 * CLOSE)  # stage 4's batch norms see one or few positions
    assert difference(given.grad, leaf.grad) < CLOSE
    trained = [name for name, p in model.named_parameters() if name.startswith("branch1") and p.grad is not None]
    assert bool(trained) == branch1_loss


def test_ag_man_has_one_table_the_codes_start_and_its_count():
    with torch.device("meta"):
        model = build_model("ag_mlan", EIGHT, variant="code", backbone="resnet50", start="random")
    assert sum(p.numel() for p in model.parameters()) == 26_420_909
    assert model.channel_attribute is None
    small = build_model("ag_mlan", EIGHT, variant="code", start="random")
    assert small.bring.conv.weight.std().item() == pytest.approx((2 / 128) ** 0.5, rel=0.05)
    paper = build_model("ag_mlan", EIGHT, start="random")
    assert paper.channel_attribute is None and paper.bring.conv.weight.abs().max() <= 64**-0.5
    assert build_model("ag_mlan", EIGHT, start="random", shared_attribute=False).channel_attribute is not None


def test_the_masks_of_the_code_leave_the_remainder_to_no_attribute():
    schema = type(EIGHT)(EIGHT.attributes[:5])  # 128 = 5 * 25 + 3
    code, paper = (build_model("ag_mlan", schema, variant=v, start="random").masks for v in ("code", "paper"))
    assert ((code == 1).sum(0) == 0).sum() == 3 and ((paper == 1).sum(0) == 1).all()
    given = build_model("ag_mlan", schema, start="random", mask_blocks="floor").masks
    assert torch.equal(given, code)


@pytest.mark.slow
@torch.no_grad()
def test_the_whole_network_at_paper_size():
    model = build_model("ag_mlan", EIGHT, variant="code", backbone="resnet50", start="random", seed=4).double().eval()
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)).double()
    resnet = get_model("resnet50").double().eval()
    resnet.load_state_dict(model.backbone.state_dict(), strict=False)
    stem = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
    second = resnet.layer2(resnet.layer1(stem))
    weights, attributes = weights_of(model), torch.tensor([3, 6])
    expected = ag_man.branch2(weights, second, resnet.layer3(second), attributes, False)
    assert difference(model.embed(images, attributes), expected.embedding) < CLOSE
    assert second.shape == (2, 512, 28, 28) and expected.added.shape == (2, 1024, 14, 14)
    logits = model.branch1(model.features(images).merged)
    pooled = stage4_by_hand(model, weights, expected.added).mean((2, 3))
    linear = weights["branch1.linear.weight"], weights["branch1.linear.bias"]
    assert difference(logits, F.linear(pooled, *linear)) < CLOSE


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("channels", "side"), [(64, 6), pytest.param(512, 14, marks=pytest.mark.slow)])
def test_cbam_in_the_codes_form(channels, side, training):
    module = CBAM(channels, form="code").double().train(training)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        module.spatial.norm.weight.fill_(0.7)
        module.spatial.norm.running_mean.fill_(0.2)
    weights = weights_of(module)
    image_map = torch.randn(4, channels, side, side, generator=generator).double()
    given, leaf = image_map.clone().requires_grad_(), image_map.clone().requires_grad_()
    found, expected = module(given), cbam(weights, leaf, training)
    assert all(difference(one, other) < CLOSE for one, other in zip(found, expected, strict=True))
    target = torch.randn(image_map.shape, generator=generator).double()
    (found.image_map * target).sum().backward()
    (expected[0] * target).sum().backward()
    assert_gradients_agree(module, weights, CLOSE)
    assert difference(given.grad, leaf.grad) < CLOSE


def test_cbams_codes_momentum_count_and_start_inside_residual_blocks():
    module = CBAM(256, form="code", residual=True)
    assert module.spatial.norm.momentum == 0.01 and CBAM(256).spatial.norm.momentum == 0.1
    assert sum(p.numel() for p in module.parameters()) == 2 * 256**2 // 16 + 16 + 256 + 100
    gated = module(torch.randn(2, 256, 5, 5))
    assert torch.equal(gated.spatial, torch.full((2, 5, 5), 0.5))
    assert not module.channel.mlp[0].bias.any() and not module.channel.mlp[2].bias.any()
    assert CBAM(256).spatial.norm.weight.all() and CBAM(256).channel.mlp[0].bias.any()
    with pytest.raises(FashionError, match="Unknown form 'codes' of CBAM: choose one of paper, code"):
        CBAM(256, form="codes")
