"""One batch shared out over several processes (ranks), so that the result is that of one process.

Rank r computes its own rows of the batch through the expensive networks. The results are gathered with gradients, and
every rank computes the same loss on the whole batch. So triplets, hard negatives, queues and cluster centres are those
of one process, in the same order. No method needs code of its own, except `shared_out` around further networks.

Gradients: what is minimised is the mean of the ranks' losses, which are all equal. The backward pass of a gather is
therefore a sum over ranks, and `average_gradients` divides at the end. This holds for any mixture of parts that are
shared out and parts that every rank repeats.

Two layers depend on the whole batch (`fashion_lib.parts.whole_batch`). Both are replaced where they are called, while a
function is shared out, so models and checkpoints stay as they are:

1. Batch normalisation takes mean and variance over all ranks, as SyncBatchNorm does. Torch's SyncBatchNorm runs on
   CUDA alone; this one runs on every device, so that it can be tested on a CPU. Without it the statistics would be
   those of batch_size / ranks images, and the result would depend on the number of ranks.
2. Dropout draws the mask of the whole batch and keeps the own rows, so a row's mask does not depend on the number of
   ranks. All ranks draw equally much from equally seeded generators. A layer that drops in another way, such as
   stochastic depth, is not covered. With one row per rank the mask of a transposed tensor may be another one.

Cost: the features of the whole batch lie on every device and travel once forward, their gradients once backward. For
ASEN on ResNet-50 at 224 px that is about 1.2 MB per image. What follows the gather is repeated by every rank. The
batch normalisation here is written in single operations: slower than a fused one. All gradients travel in one message
after the backward pass, not during it. None of this was measured on a GPU.

Equal means up to rounding, since sums are taken in another order: 1e-5 and less in float32. In bfloat16 rounding alone
changes some gradients by a quarter of the largest one, with one process as with several. In float16 a scaled gradient
is, before the mean, as many times larger as there are ranks. So it overflows earlier: the loss scale may end lower by
that factor, on all ranks alike.

With one process every function returns what it was given.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from fashion_lib.parts.collectives import of_all_ranks, own_rows, ranks, sizes_of_ranks, sum_of_ranks
from fashion_lib.parts.whole_batch import WholeBatch


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
    with WholeBatch(count):
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
    whole = sum_of_ranks(torch.cat([gradient.reshape(-1) for gradient in gradients])) / ranks()
    for gradient, mean in zip(gradients, whole.split([one.numel() for one in gradients]), strict=True):
        gradient.copy_(mean.view(gradient.shape))


class _Gather(torch.autograd.Function):
    """All ranks' rows. Ranks send equally many: those with one row less add an empty one, which is cut off again."""

    @staticmethod
    def forward(ctx, own: Tensor, count: int) -> Tensor:
        ctx.count = count
        sizes = sizes_of_ranks(count)
        sent = own.new_zeros(sizes[0], *own.shape[1:])
        sent[: len(own)] = own
        return torch.cat([part[:size] for part, size in zip(of_all_ranks(sent), sizes, strict=True)])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        total = sum_of_ranks(gradient.float())
        return total[own_rows(ctx.count)].to(gradient.dtype), None


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
