"""How an oracle and a model are compared: the same weights, given maps, largest difference over the largest entry."""

from torch import Tensor, nn

from fashion_lib.core.schema import Attribute, Schema

EIGHT = Schema(tuple(Attribute(f"attribute {a}", ("x", "y", "z"), "local", "kind") for a in range(8)))


class GivenMaps(nn.Module):
    """A backbone whose "images" are already its maps: of stage 3, with those of stage 2 in `second`."""

    def __init__(self, channels: int):
        super().__init__()
        self.out_channels, self.second = channels, None

    def forward(self, third: Tensor) -> Tensor:
        return third

    def stages(self, third: Tensor) -> tuple[Tensor, Tensor]:
        return self.second, third


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Copies of a model's weights; those that it trains collect gradients."""
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    return {
        name: tensor.detach().clone().requires_grad_(name in trained)
        for name, tensor in model.state_dict().items()
    }


def difference(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference, relative to the largest entry that is expected."""
    assert found.shape == expected.shape
    return float((found - expected).detach().abs().max() / expected.detach().abs().max().clamp(min=1e-12))


def assert_gradients_agree(model: nn.Module, weights: dict[str, Tensor], tolerance: float) -> None:
    """Compare the gradients of every trained weight; an oracle that does not use one must find none in the model.

    A gradient is measured against the largest of all gradients where it is zero in exact arithmetic, such as that of
    a bias before a batch normalisation.
    """
    largest = max(float(w.grad.abs().max()) for w in weights.values() if w.grad is not None)
    compared = 0
    for name, parameter in model.named_parameters():
        expected = weights[name].grad if name in weights else None
        if expected is None:
            assert parameter.grad is None or not parameter.grad.any(), name
            continue
        gap = float((parameter.grad - expected).abs().max())
        assert gap <= tolerance * max(float(expected.abs().max()), 1e-3 * largest), (name, gap)
        compared += 1
    assert compared
