"""One small run, for torchrun or alone: python tests/ranked_tiny_run.py [rank step].

With a rank and a step, that rank ends there without a word, as on a machine that fails.
"""

import os
import signal
import sys

from tiny_data import SIZE, tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.run import Run, load_or_train
from fashion_lib.training import loop
from fashion_lib.training.profiles import PROFILES, Profile
from fashion_lib.training.ranks import first, launched

SMALL = PROFILES["smoke"].with_options(
    image_size=SIZE, steps=8, batch_size=12, groups=2, learning_rate=1e-4, evaluations=2, start="random"
)
HERE = {"precision": "fp32", "device": "cpu", "checkpoint_every": 3}
PROFILE = Profile(**dict(SMALL) | {"training": SMALL.training.with_options(**HERE)})


def tiny_run() -> Run:
    return load_or_train("asen", tiny_data(90), profile=PROFILE, progress=False)


def end_at(rank: str, step: str) -> None:
    """Let a rank be killed when it begins a step."""
    training_step = loop.training_step

    def ending(parts, number):
        if (os.environ["RANK"], str(number)) == (rank, step):
            os.kill(os.getpid(), signal.SIGKILL)
        return training_step(parts, number)

    loop.training_step = ending


if __name__ == "__main__":
    if len(sys.argv) > 1:
        end_at(*sys.argv[1:])
    try:
        with launched():
            run = tiny_run()
            if first():
                print("MAP", run.score())
    except FashionError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
