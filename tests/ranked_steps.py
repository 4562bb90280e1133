"""Ten steps of some cases in the ranks of torchrun: torchrun tests/ranked_steps.py BACKEND FOLDER CASE...

Each rank writes what it found into FOLDER. With "nccl" the ranks join as `launched` joins them, one GPU each; with
"gloo" they share the first GPU, and without a GPU they compute on the CPU. A case whose name ends in " again" uses
gradient checkpointing.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
from ranks_in_processes import ten_steps

from fashion_lib.parts.collectives import rank, ranks
from fashion_lib.training.ranks import launched

AGAIN = " again"
STEPS = int(os.environ.get("STEPS", "10"))

if __name__ == "__main__":
    backend, folder, *cases = sys.argv[1:]
    torch.backends.cudnn.conv.fp32_precision = torch.backends.cuda.matmul.fp32_precision = "ieee"
    if backend == "gloo":
        dist.init_process_group("gloo")
    with launched() if backend == "nccl" else nullcontext():
        place = int(os.environ["LOCAL_RANK"]) if backend == "nccl" else 0
        device = f"cuda:{place}" if torch.cuda.is_available() else "cpu"
        found = {}
        for case in cases:
            settings = {"gradient_checkpointing": case.endswith(AGAIN)}
            found[case] = ten_steps(
                case.removesuffix(AGAIN), device=device, steps=STEPS, dropout=False, **settings
            )
        torch.save(found | {"ranks": ranks(), "backend": dist.get_backend()}, Path(folder) / f"{rank()}.pt")
