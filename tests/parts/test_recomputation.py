"""Gradient checkpointing: the second computation repeats the first one and leaves nothing behind."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torchvision.models.resnet import BasicBlock
from torchvision.models.vision_transformer import EncoderBlock
from two_branch_models import model_of

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.parts import recomputation
from fashion_lib.parts.backbones import BACKBONES, WITH_STAGES, build_backbone
from fashion_lib.parts.precision import autocast
from fashion_lib.parts.recomputation import recomputed_parts, recomputing
from fashion_lib.parts.vit import build_vit


def computed(network, x, on, precision="fp32", context=nullcontext):
    """Return result, gradients and buffers of one forward and backward pass in training mode, and the next draw."""
    torch.manual_seed(3)
    network.zero_grad()
    x = x.clone().requires_grad_()
    with recomputing(network, on), autocast(precision, "cpu"), context():
        y = network(x)
        y = y[0] if isinstance(y, tuple) else y
    y.float().square().mean().backward()
    gradients = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    buffers = {f"buffer {name}": buffer.clone() for name, buffer in network.named_buffers()}
    return gradients | buffers | {"y": y.detach(), "of x": x.grad, "next draw": torch.rand(3)}


def check_same(build, x, **settings):
    torch.manual_seed(0)
    (network, other), found = (build().train() for _ in range(2)), []
    other.load_state_dict(network.state_dict())
    for one, on in ((network, False), (other, True)):
        found.append(computed(one, x, on, **settings))
    expected, found = found
    assert expected.keys() == found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []
    return found


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", WITH_STAGES)
def test_a_backbone_has_the_same_gradients_and_running_statistics(name, precision):
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = check_same(lambda: build_backbone(name, "random"), x, precision=precision)
    counts = [buffer for name, buffer in found.items() if name.endswith("num_batches_tracked")]
    assert len(counts) > 5 and all(count == 1 for count in counts)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_block_that_is_computed_twice_in_one_pass_counts_two_batches(momentum):
    def build():
        block = BasicBlock(4, 4)
        block.bn1.momentum = momentum  # None: the mean over all batches so far
        return nn.Sequential(block, nn.Conv2d(4, 4, 1), block)

    found = check_same(build, torch.randn(2, 4, 6, 6))
    assert found["buffer 0.bn1.num_batches_tracked"] == 2


def test_a_block_in_eval_mode_keeps_its_statistics():
    def build():
        network = nn.Sequential(BasicBlock(4, 4), BasicBlock(4, 4))
        network[1].bn1.running_mean.normal_()
        network[1].eval().train = lambda mode: network[1]  # it stays so: a frozen part of a trained network
        return network

    found = check_same(build, torch.randn(2, 4, 6, 6))
    assert found["buffer 1.bn1.num_batches_tracked"] == 0


def test_dropout_draws_the_same_mask_and_the_next_draw_is_the_same():
    found = check_same(lambda: EncoderBlock(2, 8, 16, 0.3, 0.3), torch.randn(2, 5, 8))
    other = computed(EncoderBlock(2, 8, 16, 0.0, 0.0), torch.randn(2, 5, 8), True)
    assert not torch.equal(found["next draw"], other["next draw"])  # the masks were drawn


@pytest.mark.parametrize("name", ["hybrid", "tiny"])
def test_a_vision_transformer_attends_as_before(name):
    check_same(lambda: build_vit(name), torch.randn(2, 3, 64, 64))


def test_attention_is_computed_again_by_the_implementation_that_was_allowed(monkeypatch):
    """Outside the context, torch would choose another one, which saves other tensors."""
    x = torch.randn(2, 5, 8)
    settings = {"context": lambda: sdpa_kernel(SDPBackend.MATH)}
    check_same(lambda: EncoderBlock(2, 8, 16, 0.0, 0.0), x, **settings)
    monkeypatch.setattr(recomputation, "sdpa_kernel", lambda allowed: nullcontext())
    with pytest.raises(torch.utils.checkpoint.CheckpointError):
        computed(EncoderBlock(2, 8, 16, 0.0, 0.0), x, True, **settings)


def test_nothing_stays_behind_even_after_an_error():
    network = build_backbone("small", "random")
    buffers = dict(network.named_buffers())
    before = {name: dict(vars(module)) for name, module in network.named_modules()}
    for wrong in (torch.randn(1, 3, 32, 32), torch.randn(1, 2, 32, 32)):
        with nullcontext() if wrong.shape[1] == 3 else pytest.raises(RuntimeError), recomputing(network):
            network(wrong).sum().backward()
    assert {name: vars(module).keys() for name, module in network.named_modules()} == {
        name: kept.keys() for name, kept in before.items()
    }
    assert all(buffer is buffers[name] for name, buffer in network.named_buffers())


def test_without_a_gradient_nothing_is_kept_or_computed_again(monkeypatch):
    network, calls = build_backbone("small", "random").eval(), []
    network.layer1[0].register_forward_hook(lambda *_: calls.append(1))
    with recomputing(network), torch.no_grad():
        found = network(torch.randn(1, 3, 32, 32))
    assert not found.requires_grad and len(calls) == 1


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_has_parts_or_is_refused(name):
    network = build_backbone(name, "random")
    if name in ("alexnet", "vgg16"):
        with pytest.raises(
            FashionError, match="PlainBackbone on this backbone, which has no residual .*: leave it"
        ):
            recomputed_parts(network)
        return
    parts = recomputed_parts(network)
    inside = [module for block, name in parts if name == "forward" for module in block.modules()]
    assert len(set(inside)) == len(inside) > 10  # no block inside another one
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(set(convolutions) - set(inside)) == (
        0 if name == "mobilenet_v2" else 1
    )  # conv1 is in the stem


@pytest.mark.parametrize(
    "method", [name for name, one in METHODS.items() if one.task == "retrieval" and one.trainable]
)
def test_every_method_on_the_small_backbone_has_parts(method):
    kinds = {type(module) for module, _ in recomputed_parts(model_of(method))}
    assert BasicBlock in kinds and (EncoderBlock in kinds) == (method in ("rpf", "ipad"))


def saved_bytes(network, x, on):
    """Count the bytes of all tensors that the backward pass of a network will read, each memory once; no weights."""
    kept = {}
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}

    def pack(tensor):
        memory = tensor.untyped_storage()
        kept[memory.data_ptr()] = (
            memory.nbytes(),
            tensor,
        )  # the tensor, so that its memory is not given away
        return tensor

    with recomputing(network, on), saved_tensors_hooks(pack, lambda tensor: tensor):
        network(x)
    return sum(count for place, (count, _) in kept.items() if place not in weights)


NETWORKS = {name: lambda name=name: build_backbone(name, "random") for name in WITH_STAGES}
NETWORKS["tiny ViT"] = lambda: build_vit("tiny")


@pytest.mark.parametrize("name", NETWORKS)
def test_fewer_bytes_are_kept(name):
    network, x = NETWORKS[name]().train(), torch.randn(2, 3, 64, 64)
    whole, less = (saved_bytes(network, x, on) for on in (False, True))
    assert 0 < less < 0.3 * whole
