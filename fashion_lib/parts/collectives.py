"""Messages in which every process (rank) of a training takes part; with one process there are none."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor

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


def sizes_of_ranks(count: int) -> list[int]:
    """Return the number of rows of each rank."""
    return [(rows := own_rows(count, of)).stop - rows.start for of in range(ranks())]


def of_all_ranks(tensor: Tensor) -> list[Tensor]:
    """Return the tensors of all ranks, which have one shape."""
    tensor = tensor.contiguous()
    received = [torch.empty_like(tensor) for _ in range(ranks())]
    with others_needed():
        dist.all_gather(received, tensor)
    return received


def sum_of_ranks(tensor: Tensor) -> Tensor:
    """Return the sum of all ranks' tensors, which have one shape; the same bits on every rank."""
    total = tensor.clone(memory_format=torch.contiguous_format)  # a gradient may be in use elsewhere
    with others_needed():
        dist.all_reduce(total)
    return total
