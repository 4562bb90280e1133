import math

import pytest
import torch
from safetensors import safe_open

from fashion_lib.core import paths
from fashion_lib.parts.backbones import build_backbone
from fashion_lib.parts.vit import build_vit, vit_start
from fashion_lib.training.start_weights import (
    ORIENTATIONS,
    PatchTransformer,
    PretextModel,
    oriented_energy,
    pretext_loss,
    save_start,
)


@pytest.mark.parametrize("k", range(ORIENTATIONS))
def test_a_grating_has_its_energy_in_the_bin_of_its_gradient(k):
    angle = k * math.pi / ORIENTATIONS
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    grating = torch.sin((x * math.cos(angle) + y * math.sin(angle)) * 0.6)
    energy = oriented_energy(grating.expand(1, 3, 32, 32))
    assert energy.shape == (1, ORIENTATIONS, 8, 8)
    assert energy[0, :, 2:-2, 2:-2].mean((1, 2)).argmax() == k


def test_a_flat_picture_has_no_texture():
    assert oriented_energy(torch.full((1, 3, 16, 16), 0.7))[:, :, 1:-1, 1:-1].abs().max() < 1e-3


def test_the_pretext_reads_out_parts_picture_and_texture():
    torch.manual_seed(0)
    model = PretextModel(build_backbone("small", "random"))
    images, parts = torch.randn(2, 3, 32, 32), torch.randint(0, 8, (2, 32, 32))
    predicted, picture, texture = model(images)
    assert predicted.shape == (2, 8, 16, 16) and picture.shape == (2, 3, 16, 16)
    assert texture.shape == (2, ORIENTATIONS, 8, 8)
    loss, terms = pretext_loss(model, images, parts, parse=True)
    assert loss.item() == pytest.approx(sum(terms.values()), rel=1e-5) and set(terms) == {
        "reconstruct",
        "texture",
        "parse",
    }
    assert "parse" not in pretext_loss(model, images, parts, parse=False)[1]


def test_saved_start_weights_come_back_as_half_precision(tmp_path):
    backbone = build_backbone("small", "random")
    save_start(backbone.state_dict(), tmp_path / "start.safetensors", {"made by": "a test"})
    with safe_open(tmp_path / "start.safetensors", "pt") as file:
        assert file.metadata() == {"made by": "a test"}
        stored = file.get_tensor("conv1.weight")
    assert stored.dtype == torch.float16
    torch.testing.assert_close(stored.float(), backbone.conv1.weight, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("start", ["pretext", "reconstruction"])
def test_the_shipped_start_weights_are_small_and_fit(start):
    file = paths.weights_dir() / f"start_{start}.safetensors"
    assert file.stat().st_size <= 1_500_000
    backbone = build_backbone("small", start)
    assert not torch.equal(backbone.conv1.weight, build_backbone("small", "random").conv1.weight)


def test_the_transformer_learns_and_its_backbone_stays():
    torch.manual_seed(0)
    network = PatchTransformer("random")
    model = PretextModel(network).train()
    before = {name: tensor.clone() for name, tensor in network.backbone.state_dict().items()}
    images, parts = torch.randn(2, 3, 64, 64), torch.randint(0, 8, (2, 64, 64))
    loss, _ = pretext_loss(model, images, parts, parse=True)
    loss.backward()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.backbone.state_dict().items())
    assert all(parameter.grad is None for parameter in network.backbone.parameters())
    assert network.vit.encoder.pos_embedding.grad.abs().sum() > 0


@pytest.mark.parametrize("released", [True, False])
def test_the_shipped_transformer_is_what_the_patch_branch_starts_from(released):
    file = paths.weights_dir() / "start_pretext_patch.safetensors"
    assert file.stat().st_size <= 1_500_000
    first, second = (build_vit("hybrid", "pretext", released) for _ in range(2))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert vit_start("hybrid", "pretext").startswith("pretext_patch ") and vit_start("hybrid", "random") == ""
