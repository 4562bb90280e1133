"""One batch shared out over several processes (ranks), so that the result is that of one process.

Rank r computes its own rows of the batch through the expensive networks. The results are gathered with gradients, and
every rank computes the same loss on the whole batch. So triplets, hard negatives, queues and cluster centres are those
of one process, in the same order. No method needs code of its own, except `shared_out` around further networks.

Gradients: what is minimised is the mean of the ranks' losses, which are all equal. The backward pass of a gather is
therefore a sum over ranks, and `average_gradients` divides at the end. This holds for any mixture of parts that are
shared out and parts that every rank repeats.

Two layers look at more than their own rows while a function is shared out; both are replaced where they are called, so
models and checkpoints stay as they are:

1. Batch normalisation sums over all ranks, forward and backward, as SyncBatchNorm does (`SharedBatchNorm`). Torch's
   SyncBatchNorm runs on CUDA alone, so it could not be tested here; this one runs on every device. Without it the
   statistics would be those of batch_size / ranks images, and the result would depend on the number of ranks.
2. Dropout draws the mask of the whole batch and keeps the own rows, so a row's mask does not depend on the number of
   ranks. All ranks draw equally much from equally seeded generators. A layer that drops in another way, such as
   stochastic depth, is not covered.

Cost: the features of the whole batch lie on every device and travel once forward, their gradients once backward. For
ASEN on ResNet-50 at 224 px that is about 1.2 MB per image. What follows the gather is repeated by every rank. The
batch normalisation here is written in single operations: slower than a fused one, and not measured on a GPU.

With one process every function returns what it was given.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from fashion_lib.core.errors import FashionError

ENDED = (
    "A process of this training has ended: start the same command again, with as many processes as you like, and it "
    "goes on from its last checkpoint."
)


def ranks() -> int:
    """Return the number of processes that share each batch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Return this process's number among them, from 0."""
    return dist.get_rank() if ranks() > 1 else 0


@contextmanager
def others_needed() -> Iterator[None]:
    """Turn the error of a collective operation, which every rank must take part in, into one sentence.

    Raises:
        FashionError: another rank has ended, or the connection to it was lost.
    """
    try:
        yield
    except RuntimeError as error:  # of gloo, of NCCL, or one of torch.distributed's kinds of it
        raise FashionError(ENDED) from error


def own_rows(count: int, of: int | None = None) -> slice:
    """Return the rows of a batch that a rank computes; neighbours, and one row more on the first ranks.

    Args:
        count: rows of the whole batch.
        of: the rank; None is this process.

    Raises:
        FashionError: there are more ranks than rows.
    """
    if count < ranks():
        raise FashionError(
            f"A batch of {count} rows cannot be shared by {ranks()} processes: start fewer, or use a larger batch_size."
        )
    of = rank() if of is None else of
    least, more = divmod(count, ranks())
    start = of * least + min(of, more)
    return slice(start, start + least + (of < more))


def shared_out(function: Callable, *whole: Any) -> Any:
    """Compute a function of each row with every rank computing its own rows; return the result for all rows.

    Only for training: every rank must call it, in the same order.

    Args:
        function: row i of its results depends on row i of its arguments only, apart from batch normalisation and
            dropout.
        whole: equal on all ranks: tensors (B, ...), or tuples and dicts of them.
    """
    if ranks() == 1:
        return function(*whole)
    count = len(next(_tensors(whole)))
    rows = own_rows(count)
    return of_own_rows(function, count, *(_each(part, lambda tensor: tensor[rows]) for part in whole))


def of_own_rows(function: Callable, count: int, *own: Any) -> Any:
    """Do what `shared_out` does, for arguments of which this rank has its own rows only.

    Args:
        function: as in `shared_out`.
        count: B, the rows of the whole batch.
        own: tensors of the rows `own_rows(count)`, or tuples and dicts of them.
    """
    if ranks() == 1:
        return function(*own)
    with _WholeBatch(count):
        found = function(*own)
    return _each(found, lambda tensor: gather_rows(tensor, count))


def gather_rows(own: Tensor, count: int) -> Tensor:
    """Return the rows of all ranks, (count, ...), in order; the gradient goes back to each rank's own rows.

    Args:
        own: the rows `own_rows(count)`.
        count: rows of the whole batch.
    """
    if ranks() == 1:
        return own
    if own.ndim == 4 and own.is_contiguous(memory_format=torch.channels_last):
        return _Gather.apply(own.permute(0, 2, 3, 1), count).permute(0, 3, 1, 2)  # the order in memory stays
    return _Gather.apply(own, count)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every parameter's gradient by its mean over ranks, in one message after the backward pass."""
    if ranks() == 1:
        return
    gradients = [one.grad for one in parameters if one.grad is not None]
    whole = _sum_of_ranks(torch.cat([gradient.reshape(-1) for gradient in gradients])) / ranks()
    for gradient, mean in zip(gradients, whole.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


class _Gather(torch.autograd.Function):
    """All ranks' rows. Ranks send equally many: those with one row less add an empty one, which is cut off again."""

    @staticmethod
    def forward(ctx, own: Tensor, count: int) -> Tensor:
        ctx.count = count
        sizes = _sizes(count)
        sent = own.new_zeros(sizes[0], *own.shape[1:])
        sent[: len(own)] = own
        return torch.cat([part[:size] for part, size in zip(_of_all_ranks(sent), sizes, strict=True)])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        total = _sum_of_ranks(gradient.float())
        return total[own_rows(ctx.count)].to(gradient.dtype), None


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
        means, variances = torch.stack(_of_all_ranks(own), dim=1)  # (ranks, C) each
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
        of_bias, of_weight = sum(_of_all_ranks(own)) / ctx.numbers
        change = gradient - of_bias.view(shape) - normal * of_weight.view(shape)
        return (change * (scale * weight).view(shape)).to(x.dtype), own[1], own[0], None, None, None


class _WholeBatch(TorchFunctionMode):
    """While it is active, batch normalisation and dropout treat own rows as a part of the whole batch."""

    def __init__(self, count: int):
        super().__init__()
        rows = own_rows(count)
        self.count, self.start, self.rows = count, rows.start, rows.stop - rows.start
        self.shares = [[size / count] for size in _sizes(count)]

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


def _sizes(count: int) -> list[int]:
    """Return the number of rows of each rank."""
    return [(rows := own_rows(count, of)).stop - rows.start for of in range(ranks())]


def _of_all_ranks(tensor: Tensor) -> list[Tensor]:
    """Return the tensors of all ranks, which have one shape."""
    tensor = tensor.contiguous()
    received = [torch.empty_like(tensor) for _ in range(ranks())]
    with others_needed():
        dist.all_gather(received, tensor)
    return received


def _sum_of_ranks(tensor: Tensor) -> Tensor:
    total = tensor.clone(memory_format=torch.contiguous_format)  # a gradient may be in use elsewhere
    with others_needed():
        dist.all_reduce(total)
    return total


def _tensors(structure: Any) -> Iterator[Tensor]:
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, (tuple, dict)):
        for part in structure.values() if isinstance(structure, dict) else structure:
            yield from _tensors(part)


def _each(structure: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Change every tensor in tuples and dicts; None and empty tuples stay."""
    if isinstance(structure, dict):
        return {name: _each(part, change) for name, part in structure.items()}
    if isinstance(structure, tuple):
        parts = [_each(part, change) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    return change(structure) if isinstance(structure, Tensor) else structure
