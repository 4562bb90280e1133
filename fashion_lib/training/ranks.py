"""Several processes that train one model together, on GPUs of one or more machines, started by torchrun.

    torchrun --nproc-per-node=8 -m fashion_lib train asen --profile paper
    torchrun --nnodes=2 --nproc-per-node=8 --rdzv-backend=c10d --rdzv-endpoint=HOST:29400 -m fashion_lib train ...

Each process is a *rank* with a GPU of its own, or computes on the CPU where there is none. Rank 0 is the first one: it
writes checkpoints and records, shows progress, and validates and scores alone while the others wait. That is simple and
gives the scores of one process; its cost is the validation's time on the idle GPUs. All ranks read checkpoints, so the
folder of runs must be on a disk that all machines share. No checkpoint depends on the number of ranks: a run may go on
with another number. How the ranks share a batch is explained in `fashion_lib.parts.shared_batch`.

What the number of ranks does not change here, and does in many other programs:

1. The effective batch. `batch_size` counts the images of all ranks together. Elsewhere it is often the batch of one
   rank; then eight ranks make the batch eight times as large.
2. The learning rate. It belongs to the effective batch, so it stays. Whoever enlarges `batch_size` for more ranks
   trains another run. The usual first guess is a learning rate larger by the same factor for SGD, with a warm-up (Goyal
   et al. 2017), and by its square root for Adam (Malladi et al. 2022). With a fixed number of epochs there are also
   fewer steps.
3. The statistics of batch normalisation. They are those of the effective batch.
4. The triplets. With ranks that mine in their own rows alone, eight ranks see about an eighth of the triplets.

The tests share batches among 1, 2 and 4 processes on a CPU, and between two on one H200, all with gloo. NCCL and
several GPUs were not run.
"""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

from fashion_lib.core.errors import FashionError
from fashion_lib.parts.collectives import ENDED, others_needed, rank, ranks

PATIENCE = timedelta(hours=6)  # the others wait while rank 0 validates, or waits for another job's run
Found = TypeVar("Found")
_ending = threading.Lock()  # held by the thread that ends this process, so that its sentence is not cut off


@contextmanager
def launched() -> Iterator[None]:
    """Train with all processes that torchrun started; without torchrun this changes nothing.

    An error is told once, by the process that has it first; the others end silently.

    Raises:
        FashionError: a process has no GPU of its own, or the processes do not find each other.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield
        return
    try:
        _join()
        _watch_for_the_end()
        with warnings.catch_warnings():
            if not first():
                warnings.simplefilter("ignore")
            yield
        wait()
    except (Exception, KeyboardInterrupt):
        _ending.acquire()
        if not _is_first_to_tell():
            raise SystemExit(2) from None
        raise
    dist.destroy_process_group()


def first() -> bool:
    """Return whether this process is the one that writes, prints and validates."""
    return rank() == 0


def wait() -> None:
    """Wait until every rank is here."""
    of_first(lambda: None)


def of_first(compute: Callable[[], Found]) -> Found:
    """Let rank 0 compute something, and return its result on every rank; the others wait."""
    if ranks() == 1:
        return compute()
    found = [compute() if first() else None]
    with others_needed():
        dist.broadcast_object_list(found, src=0)
    return found[0]


def equalise(model: nn.Module) -> None:
    """Give every rank the weights and buffers of rank 0.

    On a CPU they are equal already. On CUDA what every rank repeats may differ in its last bits, because kernels add
    in any order.
    """
    if ranks() == 1:
        return
    for tensor in model.state_dict().values():
        value = tensor.contiguous()
        with others_needed():
            dist.broadcast(value, src=0)
        tensor.copy_(value)


def _join() -> None:
    """Connect this process with the others, as torchrun's variables say, and choose its GPU."""
    local, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if gpus:
        if local >= gpus:
            raise FashionError(
                f"This machine has {gpus} GPUs but torchrun starts a process number {local + 1}: give "
                f"--nproc-per-node={gpus}, or set CUDA_VISIBLE_DEVICES to nothing to train on the CPU."
            )
        torch.cuda.set_device(local)
    try:
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        where = ":".join(os.environ.get(name, "?") for name in ("MASTER_ADDR", "MASTER_PORT"))
        raise FashionError(
            f"The processes of this training do not find each other at {where}: start them with torchrun, and check "
            "--rdzv-endpoint where there are several machines."
        ) from error


def _watch_for_the_end() -> None:
    """End with a sentence when torchrun stops this process, because another one has ended.

    A thread waits for the signal: Python itself handles none while it waits for a GPU or for another rank.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def end() -> None:
        while signal.SIGTERM not in os.read(reading, 1):
            pass
        if not _ending.acquire(blocking=False):
            return
        if _is_first_to_tell():
            print(f"error: {ENDED}", file=sys.stderr, flush=True)
        os._exit(2)

    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(writing)
    threading.Thread(target=end, name="end of a rank", daemon=True).start()


def _is_first_to_tell() -> bool:
    """Return whether no other rank has told an error yet; torchrun's store counts, because it outlives every rank."""
    try:
        address, port, patience = (
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            timedelta(seconds=3),
        )
        store = dist.TCPStore(address, port, is_master=False, timeout=patience, wait_for_workers=False)
        return store.add(f"fashion_lib ended {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", 1) == 1
    except (RuntimeError, KeyError, ValueError):
        return True  # nobody can be asked: twice is better than never
