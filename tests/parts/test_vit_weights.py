"""ViT-B/16 from timm's file and from torchvision's, and timm networks as backbones; nothing is downloaded."""

import sys

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models.vision_transformer import VisionTransformer

from fashion_lib.core.errors import FashionError
from fashion_lib.parts import vit_weights
from fashion_lib.parts.backbones import build_backbone
from fashion_lib.parts.start_files import start_digest
from fashion_lib.parts.vit import B16, build_vit, vit_start
from fashion_lib.parts.vit_weights import WEIGHTS, load_vit_weights, torchvision_name

NAME = WEIGHTS["b16"].removeprefix("timm:")
TINY = {"image_size": 16, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 16}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FASHION_WEIGHTS", str(tmp_path / "given"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


def timms(**settings):
    timm = pytest.importorskip("timm")
    return timm.models.vision_transformer.VisionTransformer(**settings)


def tiny():
    return timms(img_size=16, patch_size=8, depth=2, num_heads=2, embed_dim=8, mlp_ratio=2, num_classes=3)


def test_every_name_and_shape_of_timms_vit_b16_is_one_of_ours():
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        theirs = timm.create_model(NAME, pretrained=False).state_dict()
        ours = VisionTransformer(**B16, num_classes=1).state_dict()
    found = {torchvision_name(name): tensor.shape for name, tensor in theirs.items() if not name.startswith("head.")}
    assert found == {name: tensor.shape for name, tensor in ours.items() if not name.startswith("heads.")}
    assert len(found) == 2 + 2 + 12 * 12 + 2


@torch.no_grad()
def test_timms_vit_with_its_tensors_renamed_computes_the_same(folder):
    theirs = tiny().eval()
    for tensor in theirs.parameters():
        tensor.normal_(std=0.3)
    save_file(theirs.state_dict(), folder / f"{NAME}.safetensors")
    ours = VisionTransformer(**TINY, num_classes=1).eval()
    load_vit_weights(ours, "b16")
    images = torch.randn(2, 3, 16, 16)
    whole = ours.encoder(torch.cat([ours.class_token.expand(2, -1, -1), ours._process_input(images)], dim=1))
    assert torch.allclose(whole, theirs.forward_features(images), atol=1e-5)


def test_the_class_token_of_the_released_vit_is_not_loaded(folder, monkeypatch):
    theirs = tiny()
    torch.nn.init.ones_(theirs.cls_token)
    save_file(theirs.state_dict(), folder / f"{NAME}.safetensors")
    monkeypatch.setitem(sys.modules["fashion_lib.parts.vit"].SIZES, "b16", TINY)
    released, whole = build_vit("b16", "imagenet"), build_vit("b16", "imagenet", released=False)
    assert not released.class_token.any() and whole.class_token.all()
    for vit in (released, whole):
        assert torch.equal(vit.encoder.pos_embedding, theirs.pos_embed)
    assert vit_start("b16", "imagenet") == f"timm:{NAME} {start_digest(f'timm:{NAME}', 'imagenet')}"
    assert vit_start("b16", "random") == vit_start("hybrid", "random") == ""
    assert vit_start("hybrid", "pretext") == f"pretext_patch {start_digest('small', 'pretext_patch')}"


def test_torchvisions_1k_weights_are_another_choice_and_named(folder, monkeypatch):
    theirs = VisionTransformer(**TINY, num_classes=1000)
    torch.save(theirs.state_dict(), folder / "vit_b_16-c867db91.pth")
    monkeypatch.setitem(sys.modules["fashion_lib.parts.vit"].SIZES, "b16_1k", TINY)
    vit = build_vit("b16_1k", "imagenet")
    assert torch.equal(vit.encoder.pos_embedding, theirs.encoder.pos_embedding)
    assert vit_start("b16_1k", "imagenet").split()[0] == "vit_b_16"


def test_a_vit_file_that_does_not_fit_names_the_first_tensor(folder):
    weights = tiny().state_dict()
    weights.pop("blocks.1.attn.qkv.bias")
    save_file(weights, folder / f"{NAME}.safetensors")
    with pytest.raises(FashionError, match=r"layer_1.self_attention.in_proj_bias: found nothing, expected \(24,\)"):
        load_vit_weights(VisionTransformer(**TINY, num_classes=1), "b16")


def test_weights_that_are_nowhere_are_one_sentence(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)  # as if it were not installed
    with pytest.raises(FashionError, match=f"^The weights {NAME} are not on this.*not installed.*another start.$"):
        vit_weights.load_vit_weights(VisionTransformer(**TINY, num_classes=1), "b16")
    with pytest.raises(FashionError, match="The backbone 'timm:resnet18' needs timm, which is not installed"):
        build_backbone("timm:resnet18", "random")


@pytest.mark.parametrize(("name", "channels"), [("resnet18", 256), ("vit_tiny_patch16_224", 192)])
@torch.no_grad()
def test_a_timm_network_is_a_backbone_of_stride_16(name, channels):
    pytest.importorskip("timm")
    backbone = build_backbone(f"timm:{name}", "random").eval()
    found = backbone(torch.randn(1, 3, 224, 224))
    assert (backbone.out_channels, backbone.stride, tuple(found.shape)) == (channels, 16, (1, channels, 14, 14))


@torch.no_grad()
def test_a_timm_backbone_reads_its_weights_from_the_folder(folder):
    timm = pytest.importorskip("timm")
    theirs = timm.create_model("resnet18.a1_in1k", pretrained=False)
    save_file({name: tensor.contiguous() for name, tensor in theirs.state_dict().items()},
              folder / "resnet18.a1_in1k.safetensors")  # fmt: skip
    backbone = build_backbone("timm:resnet18.a1_in1k", "imagenet").eval()
    images = torch.randn(1, 3, 64, 64)
    expected = theirs.eval().forward_intermediates(images, indices=[3], intermediates_only=True)[0]
    assert torch.allclose(backbone(images), expected, atol=1e-5)
    assert len(start_digest("timm:resnet18.a1_in1k", "imagenet")) == 12


def test_a_timm_backbone_that_cannot_be_is_one_sentence():
    pytest.importorskip("timm")
    with pytest.raises(FashionError, match="timm cannot build the backbone 'no_such_net' with start") as caught:
        build_backbone("timm:no_such_net", "random")
    assert "\n" not in str(caught.value)
    with pytest.raises(FashionError, match="fit only the backbone 'small', not 'timm:resnet18'"):
        build_backbone("timm:resnet18", "pretext")
