"""Crops, the two branches and their two stages: ASEN++ and RPF against their steps written out the slow way."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from kill_and_resume import kill_again_and_again, same, weights, without_times
from oracles.agreement import EIGHT
from tiny_data import SCHEMA, tiny_data
from two_branch_models import ATTRIBUTES, PICTURES, config, labels_of, model_of

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.sets import DATASETS, DataSet
from fashion_lib.methods.registry import RETRIEVAL_METHODS, build_model
from fashion_lib.methods.two_branch import BETA_OF_DATA_SET, Seen, weigh
from fashion_lib.parts.cropping import attention_boxes, crop, shrunk
from fashion_lib.parts.losses import e_info_nce
from fashion_lib.parts.patch_branch import FORMS, CrossAttention, PatchBranch
from fashion_lib.parts.released_crop import released_boxes, released_crop
from fashion_lib.parts.vit import SIZES, build_vit
from fashion_lib.runs.run import load_or_train
from fashion_lib.tasks.retrieval.branch_weights import beta_curve, embed_parts
from fashion_lib.tasks.retrieval.evaluation import evaluate
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training import loop
from fashion_lib.training.profiles import get_profile

train = partial(loop.train, task=RETRIEVAL)
TWO_BRANCH = ("asen_pp", "rpf", "ipad")


@pytest.fixture(scope="module")
def data():
    pixels = np.random.default_rng(1).integers(0, 256, (90, 32, 32, 3), dtype=np.uint8)
    return tiny_data(90, pixels=pixels)


def test_a_box_is_the_square_around_what_reaches_the_threshold():
    maps = torch.zeros(3, 8, 8)
    maps[0, 2:4, 3:7] = 1.0
    maps[1, 7, 0] = 5.0
    maps[2] = 0.25
    wide, corner, flat = (attention_boxes(maps, 0.6) * 8).tolist()
    # Interpolated between cell centres, a step from 0 to 1 reaches 0.6 a tenth of a cell inside the edge, and the first
    # of four points a cell that does lies an eighth inside: the cell's own quarter is kept.
    assert wide == [3, 1, 7, 5] and corner == [0, 7, 1, 8] and flat == [0, 0, 8, 8]
    low = (attention_boxes(maps, 0.1) * 8).tolist()
    assert low[0] == [2.5, 0.5, 7.5, 5.5]  # half a cell of the slope on each side belongs to it


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.7])
def test_a_box_never_leaves_the_picture_is_square_and_holds_all_strong_cells(threshold):
    maps = torch.rand(300, 6, 6, generator=torch.Generator().manual_seed(0)) ** 6
    boxes = attention_boxes(maps, threshold)
    assert (boxes >= 0).all() and (boxes <= 1).all()
    assert torch.allclose(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1], atol=1e-6)
    for one, (left, top, right, bottom) in zip(maps, boxes.tolist(), strict=True):
        reached = one - one.min() >= (threshold + 0.35) * (one.max() - one.min())  # surely, also interpolated
        for row, column in torch.nonzero(reached).tolist():
            y, x = (row + 0.5) / 6, (column + 0.5) / 6
            assert (one[row, column] < one.max() and threshold > 0) or (left <= x <= right and top <= y <= bottom)


def test_a_map_that_is_constant_or_empty_or_single_crops_the_whole_picture_without_a_nan():
    for maps in (torch.full((2, 5, 5), 1 / 25), torch.zeros(2, 5, 5), torch.ones(2, 1, 1)):
        assert attention_boxes(maps).tolist() == [[0, 0, 1, 1]] * 2


def test_crops_are_cut_exactly_and_made_smaller_by_averaging():
    whole = torch.tensor([[0.0, 0, 1, 1]]).expand(4, 4)
    assert torch.allclose(crop(PICTURES, whole, 32), F.avg_pool2d(PICTURES, 2), atol=1e-5)
    assert torch.allclose(crop(PICTURES, whole, 32), shrunk(PICTURES, 2), atol=1e-5)
    corner = torch.tensor([[0.25, 0.5, 0.75, 1.0]]).expand(4, 4)  # 32 x 32 pixels: nothing is interpolated
    assert torch.allclose(crop(PICTURES, corner, 32), PICTURES[:, :, 32:, 16:48], atol=1e-6)
    assert crop(PICTURES.bfloat16(), corner, 32).dtype == torch.bfloat16


@pytest.mark.parametrize(("method", "options"), [*((method, {}) for method in TWO_BRANCH), ("rpf", {"crop": "code"})])
@torch.no_grad()
def test_what_the_patch_branch_sees_is_cut_from_the_large_picture(method, options, monkeypatch):
    model, seen = model_of(method, **options), []
    describe = model.describe
    monkeypatch.setattr(model, "describe", lambda crops, a: seen.append(crops) or describe(crops, a))
    found = model.attend(model.features(PICTURES), ATTRIBUTES)
    located = model.locate(model.look(F.avg_pool2d(PICTURES, 2)), ATTRIBUTES)
    if model.crop == "code":
        boxes = released_boxes(located.aim, 64, 64, 32, 0.1)
        assert torch.equal(seen[0], released_crop(PICTURES, boxes, 32 // model.crop_scale))
        assert torch.equal(found.boxes["patch"], boxes)
    else:
        assert torch.equal(seen[0], crop(PICTURES, found.boxes["patch"], 32))
        assert torch.allclose(found.boxes["patch"], attention_boxes(located.aim, 0.1))
    inside = found.crop_maps["patch"]
    assert torch.allclose(inside.sum((1, 2)), torch.ones(4), atol=1e-5) and (inside >= 0).all()
    expected = weigh(found.parts["region"], found.parts["patch"], model.beta)
    assert torch.equal(found.embedding, expected) and model.embedding_dim == expected.shape[1]


@torch.no_grad()
def test_the_embeddings_similarity_is_beta_times_the_regions_plus_the_rest_times_the_patchs():
    a, b, c, d = F.normalize(torch.randn(4, 5, 7), dim=2)
    for beta in (0.0, 0.4, 1.0):
        mixed = (weigh(a, b, beta) * weigh(c, d, beta)).sum(1)
        assert torch.allclose(mixed, beta * (a * c).sum(1) + (1 - beta) * (b * d).sum(1), atol=1e-6)
    for name, beta in BETA_OF_DATA_SET.items():
        assert model_of("rpf", beta=name).beta == beta
    with pytest.raises(FashionError, match="Unknown beta 'wardrobe': give a number, or one of fashionai, darn"):
        model_of("rpf", beta="wardrobe")
    for beta in (-0.1, 1.01, math.nan):
        with pytest.raises(FashionError, match=f"beta={beta} is no weight"):
            weigh(a, b, beta)
        with pytest.raises(FashionError, match="choose 0 <= beta <= 1"):
            model_of("rpf", beta=beta)


def test_every_beta_is_scored_from_one_pass_and_agrees_with_the_model(data):
    model = model_of("rpf")
    curve = beta_curve(model, data, (0, 0.4, 1), split="valid")
    for beta in (0, 0.4, 1):
        model.beta = beta
        expected = evaluate(model, data, "valid").percent()["map"]
        assert curve.loc[beta].to_dict() == pytest.approx({name: expected[name] for name in curve}, abs=1e-9)
    rows = np.array([5, 3, 5])
    parts = embed_parts(model, data, {1: rows})[1]
    found = model.attend(model.features(normalise(data.pixels[rows])), torch.ones(3, dtype=torch.int64)).parts
    assert all(torch.allclose(parts[name], found[name], atol=1e-5) for name in ("region", "patch"))
    with pytest.raises(FashionError, match="beta=1.5"):
        beta_curve(model, data, (0, 1.5))
    with pytest.raises(FashionError, match="does not have a region and a patch branch"):
        beta_curve(model_of("ipad", branches="sp"), data, split="valid")


@torch.no_grad()
def test_asen_pp_looks_again_at_half_the_size_with_the_same_embedding():
    model = model_of("asen_pp")
    found = model.attend(model.features(PICTURES), ATTRIBUTES)
    whole = model.region(model.region.features(shrunk(PICTURES, 2)), model.attribute(ATTRIBUTES))
    crops = released_crop(PICTURES, released_boxes(whole.aim, 64, 64, 32, 0.1), 16)
    near = model.patch(model.patch.features(crops), model.attribute(ATTRIBUTES))
    assert torch.allclose(found.parts["region"], F.normalize(whole.vector, dim=1), atol=1e-6)
    assert torch.allclose(found.parts["patch"], F.normalize(near.vector, dim=1), atol=1e-6)
    assert torch.equal(found.maps["spatial"], whole.maps["spatial"])
    assert torch.equal(found.crop_maps["patch"], near.aim) and (model.beta, model.align) == (0.6, 0.1)
    same = model_of("asen_pp", crop="course", crop_scale=1)
    assert same.cut(PICTURES, whole)[0].shape == (4, 3, 32, 32)


@pytest.mark.parametrize("listed", [False, True])
def test_asen_pps_alignment_is_a_sum_of_three_means(listed):
    model = model_of("asen_pp")
    region, patch = F.normalize(torch.randn(2, 4, 8), dim=2)
    labels = labels_of(listed)
    if listed:
        labels.triplets = torch.tensor([[0, 1, 2], [3, 1, 0]])
    seen = Seen(PICTURES, None, None, {"region": region, "patch": patch})
    found = float(model.joint_terms(seen, labels, 0.2)["align"])
    apart = [max(0.0, 1 - float(r @ p)) for r, p in zip(region, patch, strict=True)]
    roles = [[0, 3], [1, 1], [2, 0]] if listed else [range(4)] * 3
    assert found == pytest.approx(0.1 * sum(sum(apart[i] for i in role) / len(role) for role in roles), rel=1e-5)


@pytest.mark.parametrize("variant", ["paper", "code"])
@torch.no_grad()
def test_rpfs_region_branch_is_its_steps_written_out(variant):
    model = model_of("rpf", variant)
    branch = model.region
    located = model.locate(model.look(shrunk(PICTURES, 2)), ATTRIBUTES)
    whole = branch.backbone(shrunk(PICTURES, 2))
    for i, attribute in enumerate(ATTRIBUTES.tolist()):
        places = whole[i].flatten(1).T  # (h w, C)
        places = torch.stack([F.layer_norm(place, place.shape, eps=1e-6) for place in places])
        query = F.layer_norm(model.attribute.weight[attribute], (128,), eps=1e-6)
        query = torch.tanh(branch.spatial.attribute_side[0](query))
        keys = torch.tanh(places @ branch.spatial.conv.weight[:, :, 0, 0].T + branch.spatial.conv.bias)
        attention = torch.stack([(key * query).sum() / math.sqrt(128) for key in keys]).softmax(0)
        rest = (1 - attention) / (1 - attention).sum()
        foreground, background = (sum(w * place for w, place in zip(weights, places, strict=True))
                                  for weights in (attention, rest))  # fmt: skip
        foreground = branch.linear(foreground)
        background = branch.linear(background) if variant == "paper" else background
        for vector, expected in ((located.vector[i], foreground), (located.background[i], background)):
            first, second = branch.mlp.layers[0], branch.mlp.layers[3]
            expected = expected + second(first(branch.norm(expected)).relu())  # the residual is not normalised
            assert torch.allclose(vector, branch.norm(expected), atol=1e-5)
        assert torch.allclose(located.maps["spatial"][i].flatten(), attention, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@torch.no_grad()
def test_cross_attention_is_equations_7_and_8_head_by_head(form):
    cross = CrossAttention(dim=12, query_dim=5, out=7, heads=3, form=form)
    tokens, attribute = torch.randn(2, 6, 12), torch.randn(2, 5)
    answer, weights = cross(tokens, attribute)
    for i in range(2):
        typed = [token + cross.types[1] for token in tokens[i]]
        query = cross.attribute(attribute[i]) + cross.types[0]
        if form == "released":
            query, typed = F.layer_norm(query, (12,), eps=1e-6), [F.layer_norm(t, (12,), eps=1e-6) for t in typed]
        query, heads, seen = cross.query(query), [], torch.zeros(6)
        for head in range(3):
            part = slice(4 * head, 4 * head + 4)
            scores = torch.stack([(query[part] * cross.key(token)[part]).sum() / math.sqrt(4) for token in typed])
            shares = scores.softmax(0)
            seen += shares / 3
            heads.append(sum(share * cross.value(token)[part] for share, token in zip(shares, typed, strict=True)))
        joined = cross.join(torch.cat(heads))  # eq. 8
        assert torch.allclose(answer[i], cross.widen(joined) if form == "released" else joined, atol=1e-5)
        assert torch.allclose(weights[i], seen, atol=1e-6)
    with pytest.raises(FashionError, match="12 channels do not divide into 5 heads"):
        CrossAttention(12, 7, heads=5, query_dim=5)


@torch.no_grad()
def test_the_two_forms_of_the_patch_branch_are_the_released_one_and_equation_9():
    vit, crops, attribute = build_vit("tiny").eval(), torch.randn(2, 3, 16, 16), torch.randn(2, 9)
    for form in FORMS:
        branch = PatchBranch(vit, 9, 10, form).eval()
        feature, inside = branch(crops, attribute)
        answer, weights = branch.cross(vit(crops)[0], attribute)
        expected = answer + branch.mlp.layers(branch.norm(answer))
        if form == "released":
            expected = F.layer_norm(expected, (10,), eps=1e-6)
        assert torch.allclose(feature, expected, atol=1e-6)
        assert torch.equal(inside, weights.view(2, 2, 2))
    with pytest.raises(FashionError, match="Unknown form 'no norm'"):
        PatchBranch(vit, 9, 10, "no norm")


def test_the_released_patch_branch_starts_and_drops_as_the_authors_code_does():
    torch.manual_seed(0)
    branch = PatchBranch(build_vit("tiny"), 9, 64)
    for name, layer in [*branch.cross.named_modules(), *branch.mlp.named_modules()]:
        if isinstance(layer, torch.nn.Linear):
            assert not layer.bias.any() and layer.weight.std().item() == pytest.approx(0.02, rel=0.1), name
    assert branch.cross.types.std().item() == pytest.approx(0.02, rel=0.2)
    assert not branch.tokens.class_token.any()  # starts at zero
    norms = [layer for layer in branch.modules() if isinstance(layer, torch.nn.LayerNorm)]
    assert len(norms) == 3 + 2 * 4 and {norm.eps for norm in norms} == {1e-6}  # none after the ViT's last layer
    with torch.device("meta"):  # the small ViTs drop nothing
        branch = PatchBranch(build_vit("b16"), 9, 64)
    dropped = [name for name, layer in branch.named_modules() if isinstance(layer, torch.nn.Dropout) and layer.p == 0.1]
    layers = [f"tokens.encoder.layers.encoder_layer_{k}.mlp.{place}" for k in range(12) for place in (2, 4)]
    assert dropped == ["tokens.encoder.dropout", *layers, "mlp.layers.2", "mlp.layers.4"]
    attention = [layer for layer in branch.modules() if isinstance(layer, torch.nn.MultiheadAttention)]
    assert [layer.dropout for layer in attention] == [0.0] * 12


@torch.no_grad()
def test_the_vits_tokens_are_torchvisions_and_its_positions_fit_other_sizes():
    from torchvision.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    plain = VisionTransformer(**SIZES["tiny"], num_classes=1).eval()
    torch.manual_seed(0)
    vit = build_vit("tiny").eval()
    torch.manual_seed(0)
    with_norm = build_vit("tiny", released=False).eval()
    images = torch.randn(2, 3, 64, 64)
    whole = plain.encoder(torch.cat([plain.class_token.expand(2, -1, -1), plain._process_input(images)], dim=1))
    tokens, grid = with_norm(images)
    assert torch.allclose(tokens, whole[:, 1:], atol=1e-5) and grid == (8, 8)
    assert torch.allclose(with_norm.encoder.ln(vit(images)[0]), tokens, atol=1e-5)  # the released one has no last LN
    assert vit.position_embeddings(5, 7).shape == (1, 36, 128)
    assert vit(torch.randn(1, 3, 40, 40))[0].shape == (1, 25, 128)
    hybrid = build_vit("hybrid", "pretext")
    backbone = build_model("asen", SCHEMA).backbone
    assert same(hybrid.patches[0].state_dict(), backbone.state_dict())  # the shipped start, not a random one
    with pytest.raises(FashionError, match="Unknown ViT 'huge': choose one of tiny, hybrid, b16, b16_1k"):
        build_vit("huge")


def test_two_branches_on_resnet50_and_vit_b16_have_the_papers_layer_sizes():
    with torch.device("meta"):
        models = {method: build_model(method, EIGHT, backbone="resnet50", start="random") for method in TWO_BRANCH}
    shapes = {name: tuple(p.shape) for name, p in models["rpf"].named_parameters()}
    assert shapes["attribute.weight"] == (8, 512) and shapes["region.spatial.conv.weight"] == (512, 1024, 1, 1)
    assert shapes["region.linear.weight"] == (1024, 1024) and shapes["region.mlp.layers.0.weight"] == (512, 1024)
    assert shapes["patch.tokens.patches.weight"] == (768, 3, 16, 16)
    assert shapes["patch.cross.attribute.weight"] == (768, 512) and shapes["patch.cross.widen.weight"] == (1024, 768)
    layers = {name.split(".")[4] for name in shapes if name.startswith("patch.tokens.encoder.layers.")}
    assert len(layers) == 12 and models["rpf"].embedding_dim == models["ipad"].embedding_dim == 2048
    assert {name: sum(p.numel() for p in models[name].parameters()) for name in ("asen_pp", "rpf")} == {
        "asen_pp": 20_984_064, "rpf": 101_837_888}  # fmt: skip
    assert models["ipad"].attribute.weight.shape == (8, 1024)


@pytest.mark.parametrize("backgrounds", ["attribute", "value"])
def test_e_info_nce_is_its_sums_written_out(backgrounds):
    generator = torch.Generator().manual_seed(3)
    region, patch, background = F.normalize(torch.randn(3, 7, 4, generator=generator), dim=2)
    attributes, values = torch.tensor([0, 0, 0, 1, 1, 1, 2]), torch.tensor([0, 0, 1, 0, 2, 2, 1])
    total = 0.0
    for i in range(7):
        own = positive = negative = away = 0.0
        for j in range(7):
            towards = math.exp(float(region[i] @ patch[j]) / 0.07)
            alike = attributes[i] == attributes[j] and values[i] == values[j]
            if i == j:
                own = towards
            elif alike:
                positive += towards
            else:
                negative += towards
            if alike if backgrounds == "value" else attributes[i] == attributes[j]:
                away += math.exp(float(region[i] @ background[j]) / 0.07)
        total -= math.log((own + positive) / (own + negative + positive + 12 * away)) / 7
    loss = e_info_nce(region, patch, background, attributes, values, backgrounds=backgrounds)
    assert loss.item() == pytest.approx(total, rel=1e-5)
    with pytest.raises(FashionError, match="Unknown backgrounds 'all'"):
        e_info_nce(region, patch, background, attributes, values, backgrounds="all")


@pytest.mark.parametrize("method", TWO_BRANCH)
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.slow
def test_the_first_stage_teaches_the_region_alone_and_the_second_both(method, listed):
    model = model_of(method).train()
    model.before_training(10, tiny_data(90).encoded("train"))
    for step in range(10):
        model.zero_grad()
        loss, figures = model.training_loss(model.features(PICTURES), labels_of(listed), 0.2)
        loss.backward()
        moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        assert ("patch" in moved) == ("patch" in figures) == (step >= 5) and "region" in moved
        terms = [value for name, value in figures.items() if name in ("region", "patch", "align", "contrast")]
        assert loss.item() == pytest.approx(sum(terms), rel=1e-5)
        region = model.eval().embed(PICTURES, ATTRIBUTES)[:, 128:]
        assert bool(region.any()) == (step >= 5)  # until then the embedding is the region's alone
        model.train().after_step()
    assert set(figures) >= {"active_triplets", "similarity", "region", "patch"}


def test_rpf_weighs_its_three_losses_as_stated():
    model = model_of("rpf")  # eval mode: no dropout
    loss, figures = model.training_loss(model.features(PICTURES), labels_of(), 0.2)
    found = model.attend(model.features(PICTURES), labels_of().attributes)
    region, patch = found.parts["region"], found.parts["patch"]
    away = F.normalize(model.locate(model.look(shrunk(PICTURES, 2)), labels_of().attributes).background, dim=1)
    triplet = [model.triplet_loss(part, labels_of(), 0.2)[0].item() for part in (region, patch)]
    contrast = e_info_nce(region, patch, away, labels_of().attributes, labels_of().values).item()
    assert loss.item() == pytest.approx(triplet[0] + 0.1 * triplet[1] + 0.04 * contrast, rel=1e-4)
    assert figures["patch"] == pytest.approx(0.1 * triplet[1], rel=1e-4)


@pytest.mark.parametrize("method", ["asen_pp", "rpf"])
@pytest.mark.slow
def test_killed_in_either_stage_and_resumed_equals_unbroken(method, data, tmp_path, monkeypatch):
    unbroken = build_model(method, SCHEMA, start="random")
    expected = train(unbroken, data, config(), tmp_path / "unbroken", progress=False)
    folder = tmp_path / "killed"

    def start():
        train(build_model(method, SCHEMA, start="random"), data, config(), folder, progress=False)

    kill_again_and_again(monkeypatch, (3, 3), start)  # in stage 1 and in stage 2
    resumed = build_model(method, SCHEMA, start="random", seed=9)
    history = train(resumed, data, config(), folder, progress=False)
    assert same(weights(resumed), weights(unbroken)) and without_times(history) == without_times(expected)
    assert expected.image_passes == (4 * 1 + 4 * 2) * 12 and int(unbroken.steps) == 8  # one branch, then two


@pytest.mark.parametrize("sampling", ["triplet_list", "all_labels"])
def test_other_samplers_train_all_of_rpf(sampling, data, tmp_path):
    model = build_model("rpf", SCHEMA, start="random")
    before = weights(model)
    labels = "all" if sampling == "all_labels" else "one"
    train(model, data, config(steps=4, evaluations=0, sampling=sampling, labels=labels), tmp_path, progress=False)
    changed = {name for name, tensor in weights(model).items() if not torch.equal(tensor, before[name])}
    assert {name.rsplit(".", 1)[0] for name in before} - {name.rsplit(".", 1)[0] for name in changed} <= {
        "region.backbone", "patch.tokens"}  # fmt: skip


@torch.no_grad()
def test_the_patch_branch_computes_in_the_precision_that_the_features_were_made_in():
    model = model_of("rpf")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = model.features(PICTURES)
        inside = model.embed_features(features, ATTRIBUTES)
    outside = model.embed_features(features, ATTRIBUTES)
    assert features.pictures.dtype == torch.bfloat16 and features.region.keys.dtype == torch.float32
    assert outside.dtype == torch.float32 and torch.equal(inside, outside)
    assert torch.allclose(outside, model.embed(PICTURES, ATTRIBUTES), atol=0.1)


@pytest.mark.slow
def test_runs_get_pictures_of_the_size_that_the_model_reads(monkeypatch):
    def at_size(size):
        pixels = np.random.default_rng(size).integers(0, 256, (90, size, size, 3), dtype=np.uint8)
        return tiny_data(90, pixels=pixels, at_size=at_size)

    profile = get_profile("smoke").with_options(
        image_size=16, steps=2, batch_size=12, groups=2, evaluations=0, start="random"
    )
    data = at_size(16)
    monkeypatch.setitem(DATASETS, "tiny", DataSet(lambda profile: at_size(profile.image_size), "", ""))
    run = load_or_train("rpf", dataset="tiny", profile=profile, progress=False)
    assert run.data.image_size == 32 and np.array_equal(run.data.pixels, at_size(32).pixels)
    assert load_or_train("rpf", profile=profile, data=data, progress=False).record == run.record
    small = load_or_train("rpf", profile=profile, data=run.data, options={"image_scale": 1}, progress=False)
    assert small.data.image_size == 16 and "image_scale=1" in small.record.variant


def test_another_size_keeps_what_was_changed_about_the_data():
    def at_size(size):
        return tiny_data(60, pixels=np.zeros((60, size, size, 3), np.uint8), at_size=at_size)

    data = at_size(16)
    changed = dataclasses.replace(data, name="mine", labels=data.labels.iloc[::2].reset_index(drop=True))
    assert changed.resized(32).labels.equals(changed.labels) and changed.resized(32).name == "mine"
    assert changed.resized(32).resized(16).image_size == 16 and changed.resized(16) is changed
    with pytest.raises(FashionError, match="'tiny' only has pictures of 16 px, but 32 px are needed"):
        tiny_data().resized(32)
    few = {size: tiny_data(30, pixels=np.zeros((30, size, size, 3), np.uint8)) for size in (16, 32)}
    fewer = dataclasses.replace(data, at_size=few.get)
    with pytest.raises(FashionError, match="'tiny' at 32 px has other pictures than at 16 px"):
        fewer.resized(32)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.0}, "threshold=1.0 is no share"),
        ({"first_stage": 1.5}, "first_stage=1.5 is no share"),
        ({"image_scale": 0}, "image_scale=0 is no number of times"),
        ({"crop_scale": 1.5}, "crop_scale=1.5 is no number of times"),
        ({"crop": "paper"}, "Unknown crop 'paper': choose one of course, code"),
        ({"contrast_weight": -1.0}, "contrast_weight=-1.0"),
        ({"vit": "huge"}, "Unknown ViT 'huge'"),
        ({"colour": True}, "does not take the options"),
    ],
)
def test_options_that_cannot_be_meant_are_one_sentence(options, message):
    with pytest.raises(FashionError, match=message):
        model_of("rpf", **options)


def test_the_registry_says_what_the_branches_cost():
    assert set(TWO_BRANCH) <= set(RETRIEVAL_METHODS)
    assert [model_of(method).image_passes for method in TWO_BRANCH] == [2, 2, 2]


@pytest.mark.parametrize("method", ["asen_pp", "rpf"])
@pytest.mark.parametrize("branch", ["region", "patch"])
def test_one_branch_alone_is_trained_and_its_embedding_is_its_part(method, branch):
    model = model_of(method, branches=(branch,)).train()
    model.before_training(8, None)
    loss, figures = model.training_loss(model.features(PICTURES), labels_of(listed=True), 0.2)
    loss.backward()
    assert torch.isfinite(loss) and set(figures) == {"active_triplets", "similarity", branch}
    found = model.eval().attend(model.features(PICTURES), ATTRIBUTES)
    assert list(found.parts) == [branch] and torch.equal(found.embedding, found.parts[branch])


def test_other_branches_are_refused():
    with pytest.raises(FashionError, match="is no choice: take .'region', 'patch'."):
        model_of("rpf", branches=("region", "region"))


def test_a_crop_without_a_pixel_is_refused_before_the_first_stage(data, project):
    """The crop comes in the second stage, after half of the training."""
    small = get_profile("smoke").with_options(image_size=16, steps=2, batch_size=12, groups=2, start="random")
    with pytest.raises(FashionError, match="rpf .* cannot compute pictures of 32 x 32 pixels"):
        load_or_train("rpf", data, profile=small, options={"crop_scale": 100}, progress=False)
    assert not paths.runs_dir().exists()
