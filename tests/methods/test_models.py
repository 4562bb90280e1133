"""Every method and backbone of the registries builds, embeds and says what it looked at; bad input is one sentence."""

import math

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tiny_data import SCHEMA

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.methods.base import BatchLabels, RetrievalModel
from fashion_lib.methods.registry import RETRIEVAL_METHODS, build_model
from fashion_lib.parts.attention import ChannelAttention, SpatialAttention, attend_positions
from fashion_lib.parts.backbones import BACKBONES, build_backbone, load_backbone_weights
from fashion_lib.parts.losses import in_batch_triplet_loss, triplet_list_loss
from fashion_lib.parts.masks import initial_masks
from fashion_lib.parts.start_files import imagenet_file

ENTRIES = [(name, variant) for name, method in RETRIEVAL_METHODS.items() for variant in method.variants]


@pytest.fixture(scope="module")
def images():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


ATTRIBUTES = torch.tensor([0, 1, 2, 1, 0])


def model_of(method, variant=None, **options):
    return build_model(method, SCHEMA, variant=variant, start="random", **options).eval()


@pytest.mark.parametrize(("method", "variant"), ENTRIES)
@torch.no_grad()
def test_every_entry_gives_unit_vectors_from_features_once(method, variant, images):
    model = model_of(method, variant)
    embeddings = model.embed(images, ATTRIBUTES)
    features = model.features(images)
    attended = model.attend(features, ATTRIBUTES)
    assert embeddings.shape == (5, model.embedding_dim) and embeddings.dtype == torch.float32
    assert torch.allclose(embeddings.norm(dim=1), torch.ones(5), atol=1e-5)
    assert torch.equal(embeddings, model.embed_features(features, ATTRIBUTES))
    assert torch.equal(embeddings, attended.embedding)
    for attention in attended.maps.values():
        assert attention.shape[0] == 5 and attention.ndim == 3 and (attention >= 0).all()
        assert torch.allclose(attention.sum((1, 2)), torch.ones(5), atol=1e-5)
    assert all(gate.shape[0] == 5 and gate.ndim == 2 for gate in attended.gates.values())
    rows = torch.tensor([3, 1, 1])
    few = model.embed_features(model.select(features, rows), ATTRIBUTES[rows])
    assert torch.allclose(few, embeddings[rows], atol=1e-5)
    assert method == "triplet" or not torch.allclose(
        embeddings, model.embed(images, 2 - ATTRIBUTES), atol=1e-3
    )


@pytest.mark.parametrize("method", RETRIEVAL_METHODS)
def test_same_seed_same_model_and_torchs_own_random_state_is_left_alone(method, images):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, other = (model_of(method, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    with torch.no_grad():
        one, two, three = (model.embed(images, ATTRIBUTES) for model in (first, second, other))
    assert torch.equal(one, two) and not torch.allclose(one, three, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "channels", "positions"),
    [("small", 128, 8), ("resnet18", 256, 4), ("resnet34", 256, 4), ("resnet50", 1024, 4)],
)
def test_backbones_have_the_stated_channels_and_stride(name, channels, positions):
    backbone = build_backbone(name, "random").eval()
    with torch.no_grad():
        image_map = backbone(torch.randn(1, 3, 64, 64))
    assert image_map.shape == (1, channels, positions, positions)
    assert (backbone.out_channels, 64 // backbone.stride) == (channels, positions)
    assert set(BACKBONES) == {"small", "resnet18", "resnet34", "resnet50", "alexnet", "vgg16", "mobilenet_v2"}
    if name == "small":
        assert 0.65e6 < sum(p.numel() for p in backbone.parameters()) < 0.75e6


def test_asen_on_resnet50_has_the_papers_layer_sizes():
    with torch.device("meta"):  # shapes only
        model = build_model("asen", SCHEMA, backbone="resnet50", start="random")
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters() if not name.startswith("backbone")}
    assert shapes["spatial.conv.weight"] == (512, 1024, 1, 1)
    assert (
        shapes["spatial.attribute_side.0.weight"] == shapes["channel.attribute_side.0.weight"] == (512, 512)
    )
    assert shapes["channel.hidden.weight"] == (512, 1536) and shapes["channel.gate.weight"] == (1024, 512)
    assert shapes["attribute.weight"] == (len(SCHEMA), 512) and model.embedding_dim == 1024
    assert not any("layer4" in name for name, _ in model.named_parameters())
    small = model_of("asen")
    assert small.spatial.conv.weight.shape == (128, 128, 1, 1) and small.embedding_dim == 128


@torch.no_grad()
def test_asen_is_its_equations_written_out(images):
    model = model_of("asen")
    image_map = model.backbone(images)  # (B, C, h, w)
    asa, aca = model.spatial, model.channel
    keys = torch.tanh(asa.norm(asa.conv(image_map)))
    attribute = model.attribute.weight[ATTRIBUTES]
    query = torch.tanh(attribute @ asa.attribute_side[0].weight.T + asa.attribute_side[0].bias)
    scores = (keys * query[:, :, None, None]).sum(1) / math.sqrt(128)  # (B, h, w)
    attention = scores.flatten(1).softmax(1).view_as(scores)
    vector = (image_map * attention[:, None]).sum((2, 3))
    joined = torch.cat([vector, F.relu(aca.attribute_side[0](attribute))], dim=1)
    gate = torch.sigmoid(aca.gate(F.relu(aca.hidden(joined))))
    attended = model.attend(model.features(images), ATTRIBUTES)
    assert torch.allclose(attended.maps["spatial"], attention, atol=1e-5)
    assert torch.allclose(attended.gates["channel"], gate, atol=1e-5)
    assert torch.allclose(attended.embedding, F.normalize(vector * gate, dim=1), atol=1e-5)


@torch.no_grad()
def test_asen_switches_leave_one_module_out(images):
    alone = model_of("asen", channel=False).attend(
        model_of("asen", channel=False).features(images), ATTRIBUTES
    )
    assert set(alone.maps) == {"spatial"} and not alone.gates
    model = model_of("asen", spatial=False)
    attended = model.attend(model.features(images), ATTRIBUTES)
    pooled = model.backbone(images).mean((2, 3))
    assert not attended.maps and set(attended.gates) == {"channel"}
    assert torch.allclose(
        attended.embedding, F.normalize(pooled * attended.gates["channel"], dim=1), atol=1e-5
    )


def test_attention_pieces_take_another_attribute_side():
    spatial, channel = (
        SpatialAttention(6, 4, torch.nn.Identity()),
        ChannelAttention(6, 4, torch.nn.Identity()),
    )
    image_map, attribute = torch.randn(2, 6, 3, 5), torch.randn(2, 4)
    attention = spatial(spatial.keys(image_map), attribute)
    assert attention.shape == (2, 3, 5)
    assert torch.allclose(
        attend_positions(image_map, attention), (image_map * attention[:, None]).sum((2, 3)), atol=1e-6
    )
    assert channel(attend_positions(image_map, attention), attribute).shape == (2, 6)


def test_csn_masks_start_as_stated_and_fixed_ones_do_not_learn():
    prein, fixed = initial_masks(3, 10, "prein"), initial_masks(3, 10, "fixed")
    assert torch.equal(fixed.sum(0), torch.ones(10)) and set(fixed.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(prein, torch.where(fixed == 1, 1.0, 0.1)) and fixed.sum(1).tolist() == [4, 3, 3]
    learned = initial_masks(50, 100, "learned")
    assert abs(learned.mean() - 0.9) < 0.05 and abs(learned.std() - 0.7) < 0.05
    assert model_of("csn", "fixed").masks.requires_grad is False
    trained = model_of("csn", "fixed").parameter_groups(1e-3)[0]["params"]
    assert all(p.requires_grad for p in trained) and trained
    with pytest.raises(FashionError, match="11 attributes cannot each own a block of 10"):
        initial_masks(11, 10, "prein")


def test_random_vectors_depend_on_seed_image_and_attribute_alone(images):
    model = model_of("random", seed=3)
    together = model.embed(images, ATTRIBUTES)
    alone = torch.cat([model.embed(images[i : i + 1], ATTRIBUTES[i : i + 1]) for i in range(5)])
    channels_last = model.embed(images.contiguous(memory_format=torch.channels_last), ATTRIBUTES)
    assert torch.equal(together, alone) and torch.equal(together, channels_last)
    assert abs((together @ together.T - torch.eye(5)).mean()) < 0.1
    assert not RETRIEVAL_METHODS["random"].trainable and not list(model.parameters())


@pytest.mark.parametrize("method", ["triplet", "csn", "asen"])
def test_heads_are_float32_and_take_features_of_an_autocast_backbone(method, images):
    model = model_of(method)
    with torch.no_grad():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            features = model.features(images)
            inside = model.embed_features(features, ATTRIBUTES)
        outside = model.embed_features(features, ATTRIBUTES)
    assert inside.dtype == torch.float32 and torch.equal(inside, outside)
    assert torch.allclose(inside.norm(dim=1), torch.ones(5), atol=1e-5)


@pytest.mark.parametrize("listed", [False, True])
def test_training_loss_selects_examples_and_applies_the_named_loss(listed, images):
    model = model_of("asen")
    rows = torch.tensor([0, 1, 2, 3, 4, 0, 2, 4])
    labels = BatchLabels(
        torch.arange(5), rows, torch.tensor([0, 0, 0, 0, 0, 1, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 0, 0, 1]),
        torch.tensor([[0, 1, 2], [5, 6, 7]]) if listed else None,
    )  # fmt: skip
    loss, figures = model.training_loss(model.features(images), labels, 0.2)
    embeddings = model.embed(images[rows], labels.attributes)
    if listed:
        expected, active = triplet_list_loss(embeddings, labels.triplets, 0.2)
    else:
        expected, active = in_batch_triplet_loss(embeddings, labels.attributes, labels.values, 0.2)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-5) and figures["active_triplets"] == active
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_select_takes_nested_features():
    features = {"map": torch.arange(6).view(3, 2), "parts": (torch.arange(3), torch.arange(3) * 2)}
    chosen = RetrievalModel(SCHEMA, 4).select(features, torch.tensor([2, 0]))
    assert chosen["map"].tolist() == [[4, 5], [0, 1]] and [p.tolist() for p in chosen["parts"]] == [
        [2, 0],
        [4, 0],
    ]


def test_embed_refuses_what_it_cannot_mean(images):
    model = model_of("triplet")
    for bad, words in (
        ((images[:, :1], ATTRIBUTES), r"got torch.float32 \(5, 1, 32, 32\)"),
        ((images[0], ATTRIBUTES), r"got torch.float32 \(3, 32, 32\)"),
        (((images * 9).to(torch.uint8), ATTRIBUTES), "torch.uint8"),
        ((images, ATTRIBUTES[:2]), "5 images need attributes"),
        ((images, ATTRIBUTES.float()), "torch.float32"),
        ((images, ATTRIBUTES + 1), r"Attribute id 3 is outside 0\.\.2"),
        ((images, ATTRIBUTES - 1), r"Attribute id -1 is outside"),
    ):
        with pytest.raises(FashionError, match=words):
            model.embed(*bad)


def test_unknown_names_are_refused():
    for arguments, words in (
        ({"method": "asne"}, "there is no method 'asne': did you mean 'asen'"),
        ({"method": "csn", "variant": "v9"}, "no variant 'v9'"),
        ({"method": "asen", "colour": True}, "does not take the options"),
        ({"method": "csn", "dim": -3}, "an embedding of -3 numbers"),
        ({"method": "adde_m", "dim": "x"}, "does not take the options .* correct them"),
        ({"method": "ag_mlan", "sa_kernel": -3}, "does not take the options"),
        ({"method": "random", "embedding_dim": 0}, "an embedding of 0 numbers holds nothing"),
        ({"method": "asen", "backbone": 3}, "Unknown backbone '3'"),
        ({"method": "asen", "seed": "a"}, "the seed 'a' is no whole number"),
        ({"method": "asen", "backbone": "vgg"}, "Unknown backbone 'vgg'"),
        ({"method": "asen", "start": "luck"}, "Unknown start 'luck'"),
        ({"method": "asen", "start": "imagenet"}, "no ImageNet weights for the backbone 'small'"),
        ({"method": "asen", "backbone": "resnet18", "start": "pretext"}, "fit only the backbone 'small'"),
    ):
        with pytest.raises(FashionError, match=words):
            build_model(**({"schema": SCHEMA, "start": "random"} | arguments))


def test_start_weights_are_read_in_half_precision_and_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "weights_dir", lambda: tmp_path)
    with pytest.raises(FashionError, match="start_pretext.safetensors are missing"):
        build_backbone("small", "pretext")
    source = build_backbone("small", "random")
    half = {k: v.half() if v.is_floating_point() else v for k, v in source.state_dict().items()}
    save_file(half, tmp_path / "start_pretext.safetensors")
    loaded = build_backbone("small", "pretext")
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert torch.equal(loaded.conv1.weight, source.conv1.weight.half().float())
    content = (tmp_path / "start_pretext.safetensors").read_bytes()
    (tmp_path / "start_pretext.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(FashionError, match="cut off or damaged"):
        build_backbone("small", "pretext")
    save_file(
        {k: v for k, v in half.items() if k != "layer2.0.bn1.bias"},
        tmp_path / "start_reconstruction.safetensors",
    )
    with pytest.raises(FashionError, match=r"layer2.0.bn1.bias: found nothing, expected \(64,\)"):
        build_backbone("small", "reconstruction")


def test_imagenet_weights_are_found_in_the_given_folder_and_never_unpickled(tmp_path, monkeypatch):
    given, own, hub = (tmp_path / name for name in ("given", "own", "hub"))
    given.mkdir()
    monkeypatch.setenv("FASHION_WEIGHTS", str(given))
    monkeypatch.setattr(paths, "weights_dir", lambda: own)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(hub))

    def no_network(url, *_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(FashionError, match=r"resnet18-\w+\.pth are not on this machine .*no network.*given"):
        build_backbone("resnet18", "imagenet")
    resnet = BACKBONES["resnet18"]()
    whole = resnet.state_dict() | {"layer4.0.conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1000)}
    torch.save(whole, given / "resnet18-f37072fd.pth")
    assert imagenet_file("resnet18") == given / "resnet18-f37072fd.pth"
    assert torch.equal(build_backbone("resnet18", "imagenet").conv1.weight, resnet.conv1.weight)
    torch.save({"conv1.weight": Schema((Attribute("a", ("x", "y")),))}, given / "resnet18-f37072fd.pth")
    with pytest.raises(FashionError, match="not a plain weights file"):
        build_backbone("resnet18", "imagenet")
    with pytest.raises(FashionError, match=r"conv1.weight: found \(32, 3, 7, 7\), expected \(64, 3, 7, 7\)"):
        load_backbone_weights(resnet, build_backbone("small", "random").state_dict(), given)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("resnet18", 2_782_784), ("resnet34", 8_170_304), ("resnet50", 8_543_296), ("alexnet", 2_469_696)],
)
def test_backbones_have_the_papers_parameter_counts(name, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in build_backbone(name, "random").parameters()) == parameters
