import io
import warnings

import pytest
import torch
from matplotlib import pyplot as plt
from tiny_data import SCHEMA

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.papers.ag_mlan_figure import ag_mlan_figure, tensor_shapes


def model_of(variant="paper", **options):
    return build_model("ag_mlan", SCHEMA, variant=variant, start="random", **options)


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_shapes_are_those_of_the_tensors_that_the_model_used(variant):
    model = model_of(variant).eval()
    shapes = tensor_shapes(model, 48)
    with torch.no_grad():
        features = model.features(torch.zeros(1, 3, 48, 48))
        found = model.attend(features, torch.tensor([0]))
    assert shapes["second"] == (64, 6, 6) and shapes["third"] == shapes["brought"] == (128, 6, 6)
    assert shapes["map"] == features.image_map.shape[1:] and shapes["keys"] == features.keys.shape[1:]
    assert shapes["spatial"] == found.maps["spatial"].shape[1:] and shapes["embedding"] == found.embedding.shape[1:]
    assert shapes["into reduced"] == ((256,) if variant == "paper" else (256, 6, 6))
    assert shapes["fourth"] == (256, 3, 3) and shapes["logits"] == (len(SCHEMA),)


def test_the_model_is_left_as_it_was():
    model = model_of().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tensor_shapes(model, 48)
    assert all(module.training and not module._forward_hooks for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_the_figure_renders_and_names_each_equation(variant):
    figure = ag_mlan_figure(model_of(variant), 48)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(io.BytesIO())
    words = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert all(f"eq. {name}" in words for name in ("1–3", "2", "4", "5", "5–6", "7", "8", "9"))
    assert ("SA 1×1" if variant == "paper" else "SA 7×7") in words
    assert plt.get_fignums() == []


def test_a_model_without_a_part_is_refused():
    with pytest.raises(FashionError, match="without SA, mask: the figure shows the whole model"):
        ag_mlan_figure(model_of(spatial_gate=False, mask=False), 48)
