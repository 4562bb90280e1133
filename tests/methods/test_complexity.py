import pytest
import torch
from tiny_data import SCHEMA
from torch import nn

from fashion_lib.methods.complexity import buffer_count, operation_count, parameter_count
from fashion_lib.methods.registry import build_model

CASES = [
    ("linear", nn.Linear(5, 3), torch.zeros(2, 5), 2 * 2 * 5 * 3),
    ("convolution", nn.Conv2d(3, 4, 3, padding=1), torch.zeros(1, 3, 5, 5), 2 * (4 * 5 * 5) * (3 * 3 * 3)),
    ("two layers", nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2)), torch.zeros(1, 5), 2 * (15 + 6)),
]


@pytest.mark.parametrize(("layer", "given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_operations_count_a_multiplication_and_its_addition_as_two(layer, given, expected):
    assert operation_count(lambda: layer(given)) == expected


def test_operations_include_the_fused_attention_of_inference():
    tokens, width, heads = 7, 8, 2
    block = nn.TransformerEncoderLayer(width, heads, 16, batch_first=True).eval()
    products = 4 * tokens * width**2 + 2 * tokens**2 * width + 2 * tokens * width * 16
    assert operation_count(lambda: block(torch.zeros(1, tokens, width))) == 2 * products


@pytest.mark.parametrize("before", [True, False])
def test_counting_leaves_the_fused_attention_as_it_was_even_after_an_error(before):
    usual = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(before)
    try:
        operation_count(lambda: None)
        assert torch.backends.mha.get_fastpath_enabled() is before
        with pytest.raises(ZeroDivisionError):
            operation_count(lambda: 1 / 0)
        assert torch.backends.mha.get_fastpath_enabled() is before
    finally:
        torch.backends.mha.set_fastpath_enabled(usual)


def test_counting_needs_no_gradients():
    layer, seen = nn.Linear(2, 2), []
    operation_count(lambda: seen.append(layer(torch.zeros(1, 2)).requires_grad))
    assert seen == [False]


def test_parameters_are_what_an_optimiser_gets_and_buffers_the_rest():
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert parameter_count(network) == (4 * 3 + 3) + 2 * 3
    assert buffer_count(network) == 2 * 3 + 1  # mean, variance, and the count of batches
    assert parameter_count(*network) == parameter_count(network) and buffer_count(*network) == buffer_count(network)
    assert parameter_count() == buffer_count() == 0


def test_a_network_on_meta_has_as_many_parameters_as_a_real_one():
    real = build_model("asen", SCHEMA, start="random")
    with torch.device("meta"):
        shapes = build_model("asen", SCHEMA, start="random")
    assert next(shapes.parameters()).is_meta
    assert parameter_count(shapes) == parameter_count(real) == sum(p.numel() for p in real.parameters())
