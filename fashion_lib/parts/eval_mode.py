"""A model in eval mode for a while: each module gets its own mode back, also after an error."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Put all modules of a model into eval mode, and restore the mode of each one on exit.

    `model.train(mode)` would give all modules one mode. A module that is kept in eval mode on purpose would lose it.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
