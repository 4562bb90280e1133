"""Runs of profile `paper` with two stages, for torchrun or alone: python tests/ranked_paper_run.py NAMES [rank call].

NAMES are keys of SYSTEMS, with commas. Pictures and networks are tiny and steps few; stages, learning rates, decay,
flips, negatives and beta are the papers'. FASHION_DATA is a folder with the data sets in their released formats. With a
rank and a number, that rank ends without a word where its so-manieth training step begins, counted over both stages.
"""

import os
import signal
import sys

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.run import Run, load_or_train
from fashion_lib.training import loop
from fashion_lib.training.profiles import PAPER, Profile
from fashion_lib.training.ranks import launched

SYSTEMS = {
    "rpf": ("rpf", "paper", "fashionai"),
    "ipad": ("ipad", "code", "darn"),
}
STEPS = 3  # of each stage
SMALL = PAPER.with_options(
    image_size=32, backbone="small", start="random", steps=STEPS, batch_size=12, evaluations=1
)
HERE = {"precision": "fp32", "device": "cpu", "checkpoint_every": 1}
PROFILE = Profile(**dict(SMALL) | {"training": SMALL.training.with_options(**HERE)})


def paper_run(name: str) -> Run:
    """Train or load the run of a system."""
    method, variant, dataset = SYSTEMS[name]
    return load_or_train(method, dataset=dataset, variant=variant, profile=PROFILE, progress=False)


def end_at(rank: str, call: str) -> None:
    """Let a rank be killed where its so-manieth training step begins."""
    step, taken = loop.training_step, []

    def ending(parts, number):
        taken.append(number)
        if (os.environ["RANK"], str(len(taken))) == (rank, call):
            os.kill(os.getpid(), signal.SIGKILL)
        return step(parts, number)

    loop.training_step = ending


if __name__ == "__main__":
    if len(sys.argv) > 2:
        end_at(*sys.argv[2:])
    try:
        with launched():
            for one in sys.argv[1].split(","):
                paper_run(one)
    except FashionError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
