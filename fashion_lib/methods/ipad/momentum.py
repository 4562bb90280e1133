"""ME, the momentum encoder of IPAD: a copy of a branch that changes slowly (section 3.2, eq. 10)."""

import copy

import torch
from torch import nn

from fashion_lib.core.errors import FashionError


class MomentumEncoder(nn.Module):
    """A copy of some modules that changes slowly and takes no gradient.

    Eq. 10 changes it: `theta' <- mu theta' + (1 - mu) theta`. The copy's weights are buffers. Its batch
    normalisations use the batch's statistics, as in MoCo's key encoder, and keep running statistics of their
    own. Its dropout is off.

    Args:
        online: the trained modules.
        mu: the momentum, in [0, 1); the paper uses 0.995.

    Raises:
        FashionError: if mu is outside [0, 1).
    """

    def __init__(self, online: nn.ModuleDict, mu: float):
        super().__init__()
        if not 0 <= mu < 1:
            raise FashionError(f"mu={mu} is no momentum: choose 0 <= mu < 1 (the paper: 0.995).")
        self.mu, self.parts = mu, copy.deepcopy(online)
        for module in self.parts.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, weight.detach().clone())

    def train(self, mode: bool = True):
        """Set training mode for this module and its batch normalisations only; all else stays in eval mode.
        """
        for module in self.modules():
            module.training = mode and (module is self or isinstance(module, nn.modules.batchnorm._BatchNorm))
        return self

    @torch.no_grad()
    def follow(self, online: nn.ModuleDict, mu: float | None = None) -> None:
        """Update the copy once by eq. 10.

        Args:
            online: the trained modules.
            mu: None is the encoder's own; 0 copies weights and statistics.
        """
        mu = self.mu if mu is None else mu
        own = dict(self.parts.named_buffers())
        for name, weight in online.named_parameters():
            own[name].lerp_(weight, 1 - mu)
        if mu == 0:
            for name, statistic in online.named_buffers():
                own[name].copy_(statistic)
