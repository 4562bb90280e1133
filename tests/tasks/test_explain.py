import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from tiny_data import SCHEMA, SIZE, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.registry import RETRIEVAL_METHODS, build_model
from fashion_lib.tasks.retrieval.explain import _Embedder, _Similarity, attention, grad_cam, value_directions

ATTRIBUTES = torch.tensor([0, 1, 2, 0])
WITH_BACKBONE = [name for name, method in RETRIEVAL_METHODS.items() if method.trainable]


def model_of(method):
    return build_model(method, SCHEMA, start="random", seed=1)


@pytest.fixture(scope="module")
def images():
    return normalise(np.random.default_rng(3).integers(0, 256, (4, 2 * SIZE, 2 * SIZE, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def references():
    return torch.randn(4, 128, generator=torch.Generator().manual_seed(0))


def fitting(model, images, references):
    """The same for a model with two branches: larger pictures, and a reference as long as its embedding."""
    larger = images.repeat_interleave(model.image_scale, 2).repeat_interleave(model.image_scale, 3)
    return larger, references.repeat(1, model.embedding_dim // references.shape[1])


def test_attention_is_what_forward_used(images):
    model = model_of("asen")
    model.train()
    found = attention(model, images, ATTRIBUTES)
    assert model.training and model.spatial.norm.training
    with torch.no_grad():
        expected = model.eval().attend(model.features(images), ATTRIBUTES).maps
    assert list(found) == list(expected) == ["spatial"]
    assert torch.equal(found["spatial"], expected["spatial"]) and not found["spatial"].requires_grad
    assert attention(model_of("triplet"), images, ATTRIBUTES) == {}
    with pytest.raises(FashionError, match="outside"):
        attention(model, images, torch.tensor([0, 1, 2, 3]))


@pytest.mark.parametrize("method", WITH_BACKBONE)
def test_grad_cam_is_its_definition(method, images, references):
    """Selvaraju et al.: weights = mean over positions of d target / d channel; map = relu(sum of weight x channel)."""
    model = model_of(method).eval()
    images, references = fitting(model, images, references)
    kept = {}
    handle = model.backbone.layer3.register_forward_hook(lambda module, inputs, output: kept.update(map=output))
    score = (model.embed(images, ATTRIBUTES) * references).sum()
    handle.remove()
    gradient, = torch.autograd.grad(score, kept["map"])
    expected = torch.zeros(4, *gradient.shape[2:])
    for b in range(4):
        for channel in range(gradient.shape[1]):
            expected[b] += gradient[b, channel].mean() * kept["map"][b, channel].detach()
    found = grad_cam(model, images, ATTRIBUTES, references)
    assert found.dtype == torch.float32 and found.shape == (4, 4, 4)
    torch.testing.assert_close(found, expected.clamp_min(0), rtol=1e-4, atol=1e-7)
    assert (found > 0).any()


@pytest.mark.parametrize("method", WITH_BACKBONE)
def test_hires_cam_multiplies_position_by_position(method, images, references):
    model = model_of(method).eval()
    images, references = fitting(model, images, references)
    kept = {}
    handle = model.backbone.layer3.register_forward_hook(lambda module, inputs, output: kept.update(map=output))
    score = (model.embed(images, ATTRIBUTES) * references).sum()
    handle.remove()
    gradient, = torch.autograd.grad(score, kept["map"])
    expected = (gradient * kept["map"].detach()).sum(1).clamp_min(0)
    found = grad_cam(model, images, ATTRIBUTES, references, elementwise=True)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
    pooled = torch.allclose(found, grad_cam(model, images, ATTRIBUTES, references), rtol=1e-3, atol=1e-7)
    assert pooled == (method in ("triplet", "csn"))  # average pooling: the gradient is the same everywhere


def test_grad_cam_of_another_layer(images, references):
    model = model_of("asen").eval()
    found = grad_cam(model, images, ATTRIBUTES, references, layer=model.backbone.layer1)
    assert found.shape == (4, 8, 8)


def test_grad_cam_is_the_package_s_map_before_it_is_stretched(images, references):
    model, references, size = model_of("asen").eval(), 1000 * references, (2 * SIZE, 2 * SIZE)
    with GradCAM(_Embedder(model, ATTRIBUTES), [model.backbone.layer3]) as package:
        stretched = package(input_tensor=images, targets=[_Similarity(reference) for reference in references])
    cells = grad_cam(model, images, ATTRIBUTES, references).numpy()
    np.testing.assert_allclose(scale_cam_image(scale_cam_image(cells, size)), stretched, atol=1e-4)


def test_grad_cam_leaves_no_trace(images, references):
    model = model_of("csn")
    model.train()
    model.masks.grad = torch.ones_like(model.masks)
    model.linear.bias.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        first = grad_cam(model, images, ATTRIBUTES, references)
    assert torch.equal(first, grad_cam(model, images, ATTRIBUTES, references))
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks or module._backward_hooks for module in model.modules())
    assert [name for name, p in model.named_parameters() if p.grad is not None] == ["masks"]
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == ["linear.bias"]
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_grad_cam_cleans_up_after_an_error(images, references):
    model = model_of("asen")
    with pytest.raises(FashionError, match="outside"):
        grad_cam(model, images, torch.tensor([0, 1, 2, 9]), references)
    assert model.training and all(p.requires_grad for p in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_an_embedding_s_similarity_to_itself_has_no_gradient(images):
    model = model_of("asen").eval()
    own = model.embed(images, ATTRIBUTES).detach()
    other = own.roll(1, 0)
    assert grad_cam(model, images, ATTRIBUTES, own).max() < 1e-3 * grad_cam(model, images, ATTRIBUTES, other).max()


def test_what_grad_cam_refuses(images, references):
    with pytest.raises(FashionError, match="RandomEmbedding has no backbone"):
        grad_cam(build_model("random", SCHEMA), images, ATTRIBUTES, references)
    with pytest.raises(FashionError, match=r"needs references \(4, 128\) but got \(1, 128\)"):
        grad_cam(model_of("triplet"), images, ATTRIBUTES, references[:1])


def test_value_directions_average_every_pair():
    data, model = tiny_data(), model_of("csn").eval()
    known = data.encoded("train", labels="all").of(0)
    with torch.no_grad():
        embedded = model.embed(normalise(data.pixels[known.image]), torch.zeros(len(known), dtype=torch.int64))
    found = value_directions(model, data, 0, limit=None)
    assert found.shape == (3, 128)
    probe = torch.nn.functional.normalize(torch.randn(128, generator=torch.Generator().manual_seed(5)), dim=0)
    for value in range(3):
        positives = [float(probe @ embedded[i]) for i in range(len(known)) if known.value[i] == value]
        negatives = [float(probe @ embedded[i]) for i in range(len(known)) if known.value[i] != value]
        assert float(probe @ found[value]) == pytest.approx(np.mean(positives) - np.mean(negatives), abs=1e-5)


def test_value_directions_of_a_small_sample_leave_missing_values_at_zero():
    data, model = tiny_data(), model_of("triplet")
    one = value_directions(model, data, 0, limit=1)
    assert torch.equal(one, torch.zeros(3, 128))
    assert model.training
