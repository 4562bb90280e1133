"""Eight bits: what comes back is off by half a scale at most, and what is small comes back as it was."""

import pytest
import torch

from fashion_lib.explorer.eight_bits import SCALE, packed, unpacked


def test_a_number_is_off_by_half_its_channel_s_scale_at_most():
    weights = (
        torch.randn(8, 16, 3, 3, generator=torch.Generator().manual_seed(0))
        * torch.logspace(-3, 1, 8)[:, None, None, None]
    )
    held = packed({"conv.weight": weights})
    assert held["conv.weight"].dtype == torch.int8 and held["conv.weight"].shape == weights.shape
    error = (unpacked(held)["conv.weight"] - weights).abs().flatten(1).amax(1)
    assert (error <= held[SCALE + "conv.weight"] / 2 * 1.001).all()
    assert error.max() > 0


@pytest.mark.parametrize(
    "tensor",
    [torch.randn(600), torch.randn(4, 4), torch.tensor(7), torch.arange(600).reshape(20, 30)],
    ids=["a vector", "a small matrix", "a counter", "whole numbers"],
)
def test_small_tensors_counters_and_vectors_stay(tensor):
    held = packed({"it": tensor})
    assert list(held) == ["it"] and torch.equal(unpacked(held)["it"], tensor)


def test_a_channel_of_zeros_stays_zero():
    weights = torch.ones(2, 600)
    weights[1] = 0
    assert torch.equal(unpacked(packed({"w": weights}))["w"], weights)
