"""ASEN version 1, AttnFashion, HAEN, ISLN and AG-MLAN against their equations written out the slow way."""

import math

import pytest
import torch
import torch.nn.functional as F
from tiny_data import SCHEMA

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.base import BatchLabels
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.attention import PositionGate
from fashion_lib.parts.losses import LossWeights

IMAGES = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
ATTRIBUTES = torch.tensor([0, 1, 2, 1, 0])


def model_of(method, variant=None, **options):
    model = build_model(method, SCHEMA, variant=variant, start="random", **options).eval()
    for module in model.modules():  # statistics that change something
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    return model


def attended(model):
    return model.attend(model.features(IMAGES), ATTRIBUTES)


@torch.no_grad()
def test_asen_version_1_scores_by_a_convolution_and_ends_in_a_linear_layer():
    model = model_of("asen", "v1")
    image_map = model.backbone(IMAGES)
    asa, aca = model.spatial, model.channel
    query = torch.tanh(model.attribute.weight[ATTRIBUTES])[:, :, None, None]
    fused = torch.tanh(asa.conv(image_map)) * query
    scores = torch.tanh(F.conv2d(fused, asa.score.weight[:, :, None, None], asa.score.bias))
    attention = scores.flatten(1).softmax(1).view_as(scores[:, 0])
    vector = (image_map * attention[:, None]).sum((2, 3))
    joined = torch.cat([vector, model.channel_attribute.weight[ATTRIBUTES].relu()], dim=1)
    gate = torch.sigmoid(aca.gate(aca.hidden(joined).relu()))
    expected = F.normalize(model.linear(vector * gate), dim=1)
    assert torch.allclose(attended(model).maps["spatial"], attention, atol=1e-5)
    assert torch.allclose(attended(model).embedding, expected, atol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in asa.modules())


@torch.no_grad()
def test_attnfashion_fuses_both_vectors_with_weights_that_sum_to_one():
    model = model_of("attnfashion")
    features = model.features(IMAGES)
    placed, gated, _, _ = model.attended_vectors(features, ATTRIBUTES)
    scores = torch.cat([layer(x) for layer, x in zip(model.scores, (placed, gated), strict=True)], dim=1)
    weights = scores.softmax(1)
    expected = model.linear(weights[:, :1] * placed + weights[:, 1:] * gated)
    found = attended(model)
    assert torch.allclose(found.gates["fusion"], weights) and torch.allclose(weights.sum(1), torch.ones(5))
    assert torch.allclose(found.embedding, F.normalize(expected, dim=1), atol=1e-6)


@torch.no_grad()
def test_haen_joins_parent_and_own_embedding_and_masks_the_vector():
    model = model_of("haen")
    kinds = [attribute.kind for attribute in SCHEMA]
    assert [kinds.index(k) == kinds.index(j) for k in kinds for j in kinds] == [
        bool(a == b) for a in model.parent_of for b in model.parent_of
    ]
    parents = model.parent.weight[[int(model.parent_of[a]) for a in ATTRIBUTES]]
    expected = model.join(torch.cat([parents, model.attribute.weight[ATTRIBUTES]], dim=1))
    assert torch.equal(model.attribute_vectors(ATTRIBUTES)[0], expected)
    _, vector, _, _ = model.attended_vectors(model.features(IMAGES), ATTRIBUTES)
    masked = F.normalize(vector * model.masks[ATTRIBUTES].relu(), dim=1)
    assert torch.allclose(attended(model).embedding, masked)


@pytest.mark.parametrize("training", [False, True])
@torch.no_grad()
def test_isln_really_feeds_each_pass_with_the_attended_map_of_the_one_before(training):
    model = model_of("isln", passes=3)
    for norm in model.norms:
        for part in (norm.weight, norm.bias, norm.running_mean):
            part.normal_()
        norm.running_var.uniform_(0.5, 2)
    model.norms.train(training)
    model.training = training  # the backbone stays as it is, so that both parts see the same map
    found = attended(model)
    whole, query = model.backbone(IMAGES), model.attribute.weight[ATTRIBUTES]
    weight = torch.ones(5, *whole.shape[2:])
    for number, norm in enumerate(model.norms, start=1):
        current = whole * weight[:, None]  # the attended map, really made
        keys = torch.tanh(norm(F.conv2d(current, model.spatial.conv.weight)))
        asked = torch.tanh(model.spatial.attribute_side[0](query))
        scores = (keys * asked[:, :, None, None]).sum(1) / math.sqrt(128)
        attention = scores.flatten(1).softmax(1).view_as(scores)
        assert torch.allclose(found.maps[f"pass {number}"], attention, atol=1e-5)
        weight = weight * attention
        weight = weight / weight.mean((1, 2), keepdim=True)
        vector = (whole * weight[:, None]).mean((2, 3))
        vector = vector * model.channel(vector, query)
        query = query + model.feedback(vector)
    assert torch.allclose(found.maps["spatial"], weight / weight.sum((1, 2), keepdim=True), atol=1e-5)
    assert torch.allclose(found.embedding, F.normalize(vector, dim=1), atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, -0.7])
@torch.no_grad()
def test_the_position_gate_equals_the_gate_of_the_scaled_map_that_is_never_made(scale):
    gate = PositionGate(3)
    image_map, weight = torch.randn(2, 6, 4, 5), scale * torch.rand(2, 4, 5)
    scaled = image_map * weight[:, None]
    stacked = torch.stack([scaled.mean(1), scaled.amax(1)], dim=1)
    expected = torch.sigmoid(gate.conv(stacked)).squeeze(1)
    assert torch.allclose(gate(PositionGate.summary(image_map), weight), expected, atol=1e-6)


@pytest.mark.parametrize("variant", ["paper", "code"])
@torch.no_grad()
def test_ag_mlan_is_its_equations_written_out(variant):
    model = model_of("ag_mlan", variant)
    for scalar, value in ((model.scale, 0.8), (model.spatial_scale, 1.7), (model.channel_scale, 1.3)):
        scalar.fill_(value)
    second, third = model.backbone.stages(IMAGES)
    merged = third + model.bring.conv(F.max_pool2d(second, 3, 1, 1))  # the small backbone's stage 3 has no stride
    image_map = model.scale * torch.cat([third, merged], dim=1)
    if variant == "code":
        image_map = model.reduce(image_map)
    asa, aca = model.spatial, model.channel
    asked = asa.attribute_side[0](model.spatial_attribute.weight[ATTRIBUTES])
    asked = torch.sigmoid(asked) * asked  # eq. 2
    scores = (torch.tanh(asa.norm(asa.conv(image_map))) * asked[:, :, None, None]).sum(1) / math.sqrt(128)
    attention = scores.flatten(1).softmax(1).view_as(scores)
    placed = image_map * (model.spatial_scale * attention)[:, None]  # eq. 3
    stacked = torch.stack([placed.mean(1), placed.amax(1)], dim=1)
    placed = placed * torch.sigmoid(model.spatial_gate.conv(stacked))  # eq. 4
    vector = placed.sum((2, 3))
    vector = vector if variant == "code" else model.reduce(vector)
    table = model.spatial_attribute
    asked = aca.attribute_side[0](table.weight[ATTRIBUTES])
    joined = torch.cat([vector, torch.sigmoid(asked) * asked], dim=1)  # eq. 5
    vector = vector * model.channel_scale * torch.sigmoid(aca.gate(aca.hidden(joined).relu()))  # eq. 6
    expected = F.normalize(vector * model.masks[ATTRIBUTES].relu(), dim=1)
    found = attended(model)
    assert torch.allclose(found.maps["spatial"], attention, atol=1e-5)
    assert torch.allclose(found.embedding, expected, atol=1e-5)
    assert model.spatial_gate.conv.kernel_size == ((1, 1) if variant == "paper" else (7, 7))


def test_ag_mlan_on_resnet50_has_the_published_layer_shapes():
    with torch.device("meta"):
        model = build_model("ag_mlan", SCHEMA, backbone="resnet50", variant="code", start="random")
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shapes["bring.conv.weight"] == (1024, 512, 1, 1) and shapes["reduce.weight"] == (512, 2048, 1, 1)
    assert "spatial.conv.weight" not in shapes and shapes["spatial.norm.weight"] == (512,)
    assert shapes["spatial_gate.conv.weight"] == (1, 2, 7, 7)
    assert shapes["channel.hidden.weight"] == (512, 1024) and shapes["channel.gate.weight"] == (512, 512)
    assert shapes["masks"] == (len(SCHEMA), 512) and shapes["branch1.linear.weight"] == (len(SCHEMA), 2048)


def batch_labels():
    rows = torch.arange(4)
    return BatchLabels(rows, rows, torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 0]))


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_ag_mlans_loss_is_the_weighted_sum_of_both_and_reaches_branch_1(variant):
    model = model_of("ag_mlan", variant).train()
    features = model.features(IMAGES[:4])
    loss, figures = model.training_loss(features, batch_labels(), 0.2)
    target = torch.zeros(4, len(SCHEMA))
    target[torch.arange(4), batch_labels().attributes] = 1
    classification = F.binary_cross_entropy_with_logits(model.branch1(features.merged), target).item()
    assert figures["classification"] == pytest.approx(classification, rel=1e-2)
    both = figures["classification"], figures["triplet"]
    expected = sum(both) / 2 if variant == "paper" else sum(0.5 * math.e * part + 1 for part in both)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    weights = [figures["classification_weight"], figures["triplet_weight"]]
    assert weights == pytest.approx([0.5, 0.5] if variant == "paper" else [math.e / 2] * 2)
    loss.backward()
    assert model.branch1.linear.weight.grad.abs().sum() > 0
    given = {id(p) for group in model.parameter_groups(1e-3) for p in group["params"]}
    assert (id(model.loss_weights.p) in given) == (variant == "paper")  # the code's weights are never trained


def test_the_loss_alone_of_branch_1_can_be_left_out():
    model = model_of("ag_mlan", "code", branch1_loss=False).train()
    loss, figures = model.training_loss(model.features(IMAGES[:4]), batch_labels(), 0.2)
    assert loss.item() == figures["triplet"] and figures["classification"] > 0
    assert "classification_weight" not in figures and not hasattr(model.loss_weights, "p")
    loss.backward()
    assert all(p.grad is None for p in model.branch1.parameters())
    assert model.bring.conv.weight.grad.abs().sum() > 0  # the sum still feeds branch 2


def test_an_image_of_two_attributes_is_classified_once_per_label():
    model = model_of("ag_mlan").train()
    rows = torch.tensor([0, 1, 2, 0])
    labels = BatchLabels(torch.arange(3), rows, torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 0]))
    features = model.features(IMAGES[:3])
    model.branch1.eval()  # batch statistics would move with every call
    _, figures = model.training_loss(features, labels, 0.2)
    target = F.one_hot(labels.attributes, len(SCHEMA)).float()
    expected = F.binary_cross_entropy_with_logits(model.branch1(features.merged)[rows], target)
    assert figures["classification"] == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("switch", ["branch1", "hierarchical", "spatial_gate", "mask"])
def test_each_part_of_ag_mlan_can_be_left_out(switch):
    model = model_of("ag_mlan", **{switch: False}).train()
    loss, figures = model.training_loss(model.features(IMAGES[:4]), batch_labels(), 0.2)
    loss.backward()
    assert torch.isfinite(loss) and ("classification" in figures) == (switch != "branch1")
    whole = sum(p.numel() for p in model_of("ag_mlan").parameters())
    assert sum(p.numel() for p in model.parameters()) < whole


@pytest.mark.parametrize("kind", ["learned", "fixed"])
def test_the_factors_are_what_each_loss_is_multiplied_by(kind):
    weights, losses = LossWeights(2, kind), torch.tensor([0.5, 4.0], requires_grad=True)
    with torch.no_grad():
        weights.p.copy_(torch.tensor([0.3, -1.2]))
    weights(losses).backward()
    assert torch.allclose(weights.factors, losses.grad) and not weights.factors.requires_grad


def test_learned_loss_weights_settle_where_each_weight_is_the_inverse_of_its_loss():
    weights, losses = LossWeights(2, "learned"), torch.tensor([0.5, 4.0])
    optimiser = torch.optim.SGD(weights.parameters(), 0.3)
    for _ in range(400):
        optimiser.zero_grad()
        weights(losses).backward()
        optimiser.step()
    assert torch.allclose((-weights.p).exp(), 1 / losses, atol=1e-3)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ag_mlan", {"reduce": "never"}, "Unknown reduce 'never': choose one of before, after"),
        ("ag_mlan", {"loss_weights": "none"}, "Unknown loss_weights 'none'"),
        ("ag_mlan", {"sa_kernel": 4}, "sa_kernel=4 has no middle"),
        ("ag_mlan", {"mask_blocks": "odd"}, "Unknown blocks 'odd': choose one of even, floor"),
        ("csn", {"blocks": "odd"}, "Unknown blocks 'odd'"),
        ("isln", {"passes": 0}, "passes=0"),
    ],
)
def test_options_that_cannot_be_meant_are_one_sentence(method, options, message):
    with pytest.raises(FashionError, match=message):
        model_of(method, **options)
