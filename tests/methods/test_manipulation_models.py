"""CBAM, the feature extractor and every entry of the registry: shapes, equations, switches, cost."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_manipulation import BLOCKS, SCHEMA, tiny_manipulation, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.manipulation_base import TupleLabels
from fashion_lib.methods.registry import MANIPULATION_METHODS, build_model
from fashion_lib.parts import subspaces
from fashion_lib.parts.backbones import BACKBONES
from fashion_lib.parts.cbam import CBAM
from fashion_lib.parts.subspaces import Trunk, subspace_dim
from fashion_lib.tasks.manipulation.manipulation_evaluation import (
    evaluate_manipulation,
    manipulated,
    represent_rows,
    score_queries,
)
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector
from fashion_lib.tasks.retrieval.explain import attention, grad_cam

VECTORS = torch.from_numpy(np.stack([
    manipulation_vector(SCHEMA, [Operation("colour", "red", "blue")], vector("top", "long", "red")),
    manipulation_vector(SCHEMA, [Operation("sleeve", "long", "none"), Operation("garment", "top", "coat")],
                        vector("top", "long", "red")),
])).float()  # fmt: skip


@pytest.fixture(scope="module")
def images():
    return torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def model_of(method="yao2026", **settings):
    return build_model(method, SCHEMA, **({"start": "random"} | settings)).eval()


@torch.no_grad()
@pytest.mark.parametrize("norm", [False, True])
def test_cbam_is_its_equations_written_out(norm):
    image_map = torch.randn(2, 32, 5, 4, generator=torch.Generator().manual_seed(1))
    cbam = CBAM(32, norm)
    first, _, second = cbam.channel.mlp
    assert first.out_features == 4 and CBAM(256).channel.mlp[0].out_features == 16

    def mlp(pooled):
        return F.relu(pooled @ first.weight.T + first.bias) @ second.weight.T + second.bias

    channel = torch.sigmoid(mlp(image_map.flatten(2).mean(2)) + mlp(image_map.flatten(2).max(2).values))
    weighted = image_map * channel[:, :, None, None]
    stacked = torch.stack([weighted.mean(1), weighted.max(1).values], dim=1)
    scores = F.conv2d(stacked, cbam.spatial.conv.weight, padding=3)[:, 0]
    if norm:  # in training mode, as below: over the batch and all positions
        scores = (scores - scores.mean()) / (scores.var(correction=0) + 1e-5).sqrt()
    spatial = torch.sigmoid(scores)
    found = cbam(image_map)
    assert torch.allclose(found.channel, channel, atol=1e-6) and torch.allclose(found.spatial, spatial, atol=1e-6)
    assert torch.allclose(found.image_map, weighted * spatial[:, None], atol=1e-6)


@torch.no_grad()
def test_zero_initialised_gates_start_at_one_half_at_every_place(images):
    gates = {}
    for zero in (True, False):
        model = model_of(zero_init_gate=zero)
        trunk = model.features(images)
        gates[zero] = [trunk.low, *(part.spatial for part in model.subspaces(trunk.image_map))]
    assert len(gates[True]) == 1 + len(SCHEMA)
    assert all((gate == 0.5).all() for gate in gates[True])
    assert all((gate != 0.5).any() for gate in gates[False])


@pytest.mark.parametrize(
    ("name", "channels"),
    [("small", 128), ("resnet18", 512), ("resnet34", 512), ("resnet50", 2048), ("alexnet", 256), ("vgg16", 512)],
)
@pytest.mark.slow
def test_every_backbone_makes_a_whole_network_without_its_linear_layers(name, channels):
    assert name in BACKBONES
    trunk = Trunk(name, "random", attention=True).eval()
    with torch.no_grad():
        found = trunk(torch.randn(1, 3, 64, 64))
        stem = trunk.backbone.stem(torch.randn(1, 3, 64, 64))
        images = torch.randn(1, 3, 64, 64)
        assert torch.allclose(trunk.backbone.body(trunk.backbone.stem(images)), trunk.backbone(images), atol=1e-5)
    assert found.image_map.shape[1] == trunk.out_channels == channels
    assert stem.shape[1] == trunk.backbone.stem_channels and found.low.shape[1:] == stem.shape[2:]
    assert isinstance(trunk.last_layer, torch.nn.Module)
    assert not any(isinstance(layer, torch.nn.Linear) for layer in trunk.backbone.modules())


def test_networks_without_stages_are_no_backbone_for_methods_that_need_them():
    with pytest.raises(FashionError, match="'alexnet' has no stage 4: choose one of small, resnet18"):
        build_model("ag_mlan", SCHEMA, backbone="alexnet", start="random")
    assert subspace_dim(2048) == 340 and subspace_dim(128) == 64


@torch.no_grad()
def test_the_feature_is_the_subspaces_side_by_side(images):
    model = model_of()
    image_map = model.trunk(images).image_map
    parts = []
    for branch in model.branches:
        gated = branch.attention(image_map).image_map.mean((2, 3))  # CBAM, then average pooling
        hidden = F.relu(gated @ branch.afd.layers[0].weight.T + branch.afd.layers[0].bias)
        parts.append(hidden @ branch.afd.layers[2].weight.T + branch.afd.layers[2].bias)
    represented = model.represent(model.features(images))
    assert torch.allclose(represented, torch.cat(parts, dim=1), atol=1e-5)
    assert model.width == 3 * model.embedding_dim == represented.shape[1]
    logits = torch.cat([layer(part) for layer, part in zip(model.classifier.layers, parts, strict=True)], dim=1)
    assert torch.allclose(model.logits(represented), logits, atol=1e-5)


@torch.no_grad()
def test_it_is_an_attribute_specific_embedding_too(images):
    model, asked = model_of(), torch.tensor([2, 0])
    found = model.attend(model.features(images), asked)
    whole = model.represent(model.features(images)).view(2, 3, -1)
    assert torch.allclose(found.embedding, F.normalize(whole[torch.arange(2), asked], dim=1), atol=1e-5)
    gates = [model.branches[a].attention(model.features(images).image_map).spatial[i] for i, a in enumerate(asked)]
    assert all(torch.allclose(m, g / g.sum(), atol=1e-6) for m, g in zip(found.maps["spatial"], gates, strict=True))
    assert torch.equal(attention(model, images, asked)["spatial"], found.maps["spatial"])
    assert found.gates["channel"].shape == (2, 128)
    plain = model_of(attention=False)
    assert plain.attend(plain.features(images), asked).maps == {} and plain.features(images).low is None
    assert model.features(images).low.shape == (2, 12, 12)


def test_grad_cam_of_a_subspace_goes_through_the_package(images):
    model = model_of()
    reference = model.classifier.layers[2].weight[[0, 1]].detach()
    cells = grad_cam(model, images, torch.tensor([2, 2]), reference, model.trunk.last_layer)
    assert cells.shape == (2, 6, 6) and cells.min() >= 0 and cells.max() > 0


@torch.no_grad()
@pytest.mark.parametrize("method", MANIPULATION_METHODS)
def test_every_method_represents_and_manipulates(method, images):
    model = model_of(method)
    represented = model.represent(model.features(images))
    assert represented.shape == (2, model.width) and represented.dtype == torch.float32
    model.initialise_memory(torch.randn(8, model.width, generator=torch.Generator().manual_seed(2)))
    moved = model.manipulate(represented, VECTORS)
    assert moved.shape == represented.shape and model.logits(moved).shape == (2, 8)
    assert torch.equal(moved, represented) == (method == "image_only")
    assert torch.allclose(model.embed(images, torch.tensor([0, 2])).norm(dim=1), torch.ones(2))
    same, other = model_of(method, seed=0), model_of(method, seed=1)
    assert all(torch.equal(p, q) for p, q in zip(model_of(method).parameters(), same.parameters(), strict=True))
    assert any(not torch.equal(p, q) for p, q in zip(same.parameters(), other.parameters(), strict=True))
    assert MANIPULATION_METHODS[method].reference and model.architecture["method"] == method


@torch.no_grad()
@pytest.mark.parametrize("method", ["adde_m", "yao2026"])
def test_only_the_changed_subspaces_move(method, images):
    model = model_of(method)
    model.initialise_memory(torch.randn(8, model.width))
    before = model.represent(model.features(images))
    moved = (model.manipulate(before, VECTORS) - before).view(2, 3, -1).norm(dim=2) > 0
    assert moved.tolist() == [[False, False, True], [True, True, False]]
    expected = (model.memory.weight[:, 7] - model.memory.weight[:, 5])  # blue minus red
    assert torch.allclose(model.manipulate(before, VECTORS)[0] - before[0], expected, atol=1e-6)


@torch.no_grad()
def test_amnet_reads_the_wanted_slots_and_fuses():
    model = model_of("amnet", dim=4)
    model.initialise_memory(torch.randn(8, 12, generator=torch.Generator().manual_seed(3)))
    weights = (10 * torch.eye(8)).softmax(1)
    read = model.read(VECTORS)
    assert torch.allclose(read[0], weights[7] @ model.memory, atol=1e-5)
    assert torch.allclose(read[1], (weights[1] + weights[4]) / 2 @ model.memory, atol=1e-5)
    feature = torch.randn(2, 12)
    by_hand = torch.cat([feature, read], 1) @ model.fusion.weight.T + model.fusion.bias
    assert torch.allclose(model.manipulate(feature, VECTORS), by_hand, atol=1e-5)


def tuple_labels():
    held = torch.from_numpy(np.stack([vector("top", "long", "red"), vector("top", "long", "red"),
                                      vector("top", "long", "blue"), vector("coat", "none", "red"),
                                      vector("coat", None, "green"), vector("top", "short", "green")]))  # fmt: skip
    known = torch.stack([held[:, block].any(1) for block in BLOCKS], 1)
    wanted = (held[:2].float() + VECTORS) > 0
    return TupleLabels(held, known, VECTORS, wanted, torch.ones(2, 3, dtype=torch.bool))


@pytest.mark.parametrize(("method", "options", "first", "second"), [
    ("image_only", {}, {"classification"}, {"classification"}),
    ("amnet", {}, {"classification"}, {"classification", "fused_classification", "manipulation"}),
    ("adde_m", {}, {"classification"},
     {"classification", "label_triplet", "manipulation", "consistency", "off_block"}),
    ("adde_m", {"variant": "code"}, {"classification", "attribute_triplet", "label_triplet"},
     {"classification", "label_triplet", "manipulation", "consistency", "off_block"}),
    ("yao2026", {}, {"classification", "label_triplet", "global_triplet"},
     {"classification", "label_triplet", "global_triplet", "manipulation", "consistency", "off_block"}),
    ("yao2026", {"loss": "plain", "attention": False}, {"classification"},
     {"classification", "manipulation", "consistency", "off_block"}),
])  # fmt: skip
def test_stages_have_their_losses_and_reach_every_parameter(method, options, first, second):
    model = model_of(method, **options).train()
    model.initialise_memory(torch.randn(8, model.width))
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    for stage, terms in ((False, first), (True, second)):
        model.memory_stage = stage
        loss, figures = model.training_loss(model.features(images), tuple_labels(), 0.2)
        assert set(figures) == terms and loss.item() == pytest.approx(sum(figures.values()), rel=1e-5)
        model.zero_grad()
        loss.backward()
        untouched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is None}
        memory = {"memory", "controller", "fusion"} & {name.split(".")[0] for name, _ in model.named_parameters()}
        assert untouched == (memory if not stage else set())


def test_the_code_of_adde_ranks_unit_vectors():
    data = tiny_manipulation(90)
    model = model_of("adde_m", variant="code", dim=4)
    model.initialise_memory(torch.randn(8, model.width))
    queries = data.queries("test")
    moved = manipulated(model, represent_rows(model, data, queries.query), queries.vectors)
    gallery = represent_rows(model, data, queries.gallery)
    assert torch.allclose(model.comparable(moved).norm(dim=1), torch.ones(len(moved)))
    units = (part / part.norm(dim=1, keepdim=True) for part in (moved, gallery))
    expected, raw = score_queries(queries, *units, data), score_queries(queries, moved, gallery, data)
    found = evaluate_manipulation(model, data, "test").scores
    assert found["ndcg30"] == pytest.approx(expected.scores["ndcg30"]) != raw.scores["ndcg30"]
    default = model_of("adde_m", dim=4)
    assert default.comparable(moved) is moved  # as Yao et al.


def test_prepare_counts_labels_only_for_the_weighted_loss():
    data = tiny_manipulation(60)
    rows = data.rows("train")
    for loss, changed in (("wt", True), ("weighted", True), ("triplet", False), ("plain", False)):
        model = model_of("yao2026", loss=loss)
        model.prepare(data.labels, rows)
        assert bool((model.label_weights != 1).any()) == changed
    model = model_of("yao2026")
    model.prepare(data.labels, rows)
    count, having = len(rows), data.labels.matrix[rows, 0].sum()
    assert torch.allclose(model.label_weights[:, 0],
                          torch.tensor([count / (2 * having), count / (2 * (count - having))]).float())  # fmt: skip


def test_a_query_costs_one_backbone_pass_and_a_product():
    data = tiny_manipulation(90)
    model, passed = model_of("yao2026"), []
    model.initialise_memory(torch.randn(8, model.width))
    hook = model.trunk.register_forward_hook(lambda module, inputs, output: passed.append(len(output.image_map)))
    queries = data.queries("test")
    found = evaluate_manipulation(model, data, "test", batch_size=7)
    pictures = np.unique(np.concatenate([queries.query, queries.gallery]))
    assert sum(passed) == len(pictures) < len(queries) + len(queries.gallery)
    stored = represent_rows(model, data, queries.query)
    passed.clear()
    moved = manipulated(model, stored, queries.vectors)
    hook.remove()
    assert not passed  # nothing but the product with the memory
    assert torch.allclose(moved, stored + torch.from_numpy(queries.vectors).float() @ model.memory.weight.T, atol=1e-4)
    assert 0 <= found.top10 <= 1 and sum(found.queries.values()) == len(queries)
    again = evaluate_manipulation(model, data, "test", batch_size=64, budget_mib=1e-6)
    for metric, row in found.scores.items():
        assert row == pytest.approx(again.scores[metric])


@pytest.mark.parametrize(("method", "settings", "words"), [
    ("yao", {}, "there is no method 'yao': did you mean 'yao2026'"),
    ("yao2026", {"loss": "both"}, "Unknown loss 'both': choose one of wt, weighted"),
    ("yao2026", {"label_smoothing": 1.0}, "label_smoothing=1.0 is out of range"),
    ("adde_m", {"attention": True}, "'adde_m' does not take the options"),
    ("adde_m", {"fc7": True}, "'small' has no fc7: leave fc7 out or choose backbone='alexnet'"),
    ("amnet", {"variant": "v2"}, "has no variant 'v2'"),
    ("amnet", {"backbone": "vgg19"}, "Unknown backbone 'vgg19'"),
    ("amnet", {"start": "pretext", "backbone": "alexnet"}, "fit only the backbone 'small'"),
])  # fmt: skip
def test_unknown_names_are_refused(method, settings, words):
    with pytest.raises(FashionError, match=words):
        model_of(method, **settings)


def test_the_released_form_of_cbam_is_an_option():
    plain, released = (build_model("yao2026", SCHEMA, start="random", **o) for o in ({}, {"gate_form": "code"}))
    gates = [m for m in released.modules() if isinstance(m, CBAM)]
    assert len(gates) == 1 + len(SCHEMA) and all(gate.spatial.norm.momentum == 0.01 for gate in gates)
    assert [*plain.state_dict()] == [*released.state_dict()]
    with pytest.raises(FashionError, match="Unknown form 'codes' of CBAM"):
        build_model("yao2026", SCHEMA, start="random", gate_form="codes")


def test_a_network_without_a_bottom_is_refused_before_any_picture(monkeypatch):
    monkeypatch.setattr(subspaces, "build_backbone", lambda name, start: torch.nn.Identity())
    with pytest.raises(FashionError, match="'timm:resnet18' does not show: choose one of small"):
        subspaces.Trunk("timm:resnet18", "random", attention=False)
