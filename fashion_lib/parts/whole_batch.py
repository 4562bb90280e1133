"""Batch normalisation and dropout for a batch that several processes share; see `fashion_lib.parts.shared_batch`."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from fashion_lib.parts.collectives import of_all_ranks, own_rows, sizes_of_ranks


class SharedBatchNorm(torch.autograd.Function):
    """Batch normalisation over the rows of all ranks, in float32.

    Forward: y = w x' + b with x' = (x - mean) / sqrt(var + eps). Backward: with the sums of dy and of dy x' over the
    whole batch, dx = w (dy - (sum(dy) + x' sum(dy x')) / n) / sqrt(var + eps) (Ioffe and Szegedy, ICML 2015, section
    3). The gradients of w and b are the own rows' part; `average_gradients` adds the others.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, eps: float, shares: Tensor, numbers: float):
        """Return y like x, and the whole batch's mean and variance (C,).

        Args:
            ctx: autograd's.
            x: own rows, (n, C, ...).
            weight, bias: (C,).
            eps: added to the variance.
            shares: each rank's share of the rows, (ranks, 1).
            numbers: how many numbers each channel has in the whole batch.
        """
        others, shape = [d for d in range(x.ndim) if d != 1], (1, -1, *(1,) * (x.ndim - 2))
        wide = x.float()
        own = torch.stack([wide.mean(others), wide.var(others, correction=0)])  # (2, C)
        means, variances = torch.stack(of_all_ranks(own), dim=1)  # (ranks, C) each
        mean = (shares * means).sum(0)
        variance = (shares * (variances + (means - mean).square())).sum(0)  # within and between the ranks
        scale = torch.rsqrt(variance + eps)
        y = torch.addcmul(bias.view(shape), wide - mean.view(shape), (scale * weight).view(shape))
        ctx.save_for_backward(x, weight, mean, scale)
        ctx.others, ctx.shape, ctx.numbers = others, shape, numbers
        ctx.mark_non_differentiable(mean, variance)
        return y.to(x.dtype), mean, variance

    @staticmethod
    def backward(ctx, gradient: Tensor, *_):
        """Return the gradients of x, weight and bias."""
        x, weight, mean, scale = ctx.saved_tensors
        gradient, shape = gradient.float(), ctx.shape
        normal = (x.float() - mean.view(shape)) * scale.view(shape)
        own = torch.stack([gradient.sum(ctx.others), (gradient * normal).sum(ctx.others)])  # (2, C)
        of_bias, of_weight = sum(of_all_ranks(own)) / ctx.numbers
        change = gradient - of_bias.view(shape) - normal * of_weight.view(shape)
        return (change * (scale * weight).view(shape)).to(x.dtype), own[1], own[0], None, None, None


class WholeBatch(TorchFunctionMode):
    """While it is active, batch normalisation and dropout treat own rows as a part of the whole batch.

    current: the one that is active, or None. A part that is computed again later enters the same one.
    """

    current: ClassVar["WholeBatch | None"] = None

    def __init__(self, count: int):
        super().__init__()
        rows = own_rows(count)
        self.count, self.start, self.rows = count, rows.start, rows.stop - rows.start
        self.shares = [[size / count] for size in sizes_of_ranks(count)]

    def __enter__(self):
        WholeBatch.current = self
        return super().__enter__()

    def __exit__(self, *error):
        WholeBatch.current = None
        return super().__exit__(*error)

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        if function is F.batch_norm:
            return self.batch_norm(*arguments, **named)
        if function is F.dropout:
            return self.dropout(*arguments, **named)
        return function(*arguments, **named)

    def batch_norm(
        self, x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
    ) -> Tensor:
        if not training:
            return F.batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        ones = torch.ones(x.shape[1], device=x.device)
        weight, bias = ones if weight is None else weight, torch.zeros_like(ones) if bias is None else bias
        numbers = x.numel() / x.shape[1] / self.rows * self.count
        shares = torch.tensor(self.shares, device=x.device)
        y, mean, variance = SharedBatchNorm.apply(x, weight, bias, eps, shares, numbers)
        if running_mean is not None:
            with torch.no_grad():  # the stored variance is the unbiased one, as in torch
                running_mean.lerp_(mean, momentum)
                running_var.lerp_(variance * (numbers / (numbers - 1)), momentum)
        return y

    def dropout(self, x, p=0.5, training=True, inplace=False) -> Tensor:
        if not training or p == 0:
            return x
        per = len(x) // self.rows  # rows of x per row of the batch
        mask = F.dropout(_ones_like(x, per * self.count), p)[per * self.start :][: len(x)]
        return x.mul_(mask) if inplace else x * mask


def _ones_like(x: Tensor, count: int) -> Tensor:
    """Return ones for `count` rows like x, in the same order in memory, which decides where a drawn number goes."""
    strides = torch.empty_like(x, device="meta").stride()
    order = sorted(range(x.ndim), key=lambda dim: -strides[dim])
    sizes = (count, *x.shape[1:])
    ones = torch.ones([sizes[dim] for dim in order], dtype=x.dtype, device=x.device)
    return ones.permute([order.index(dim) for dim in range(x.ndim)])
