"""What the tests of resuming share: stop a training after some steps, and compare two outcomes bit by bit."""

import dataclasses

import pytest
import torch

from fashion_lib.training import loop

TIMES = ("images_per_second", "seconds", "evaluation_seconds")


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def without_times(history):
    plain = dataclasses.asdict(history)
    for entry in plain["entries"]:
        entry.pop("images_per_second")
    return {name: value for name, value in plain.items() if name not in TIMES}


class Killed(Exception):
    pass


def kill_again_and_again(monkeypatch, lives, start):
    """Stop a training after each number of steps in `lives`; each life goes on from a checkpoint."""
    for steps in lives:
        with monkeypatch.context() as patch:
            kill_after(patch, steps)
            with pytest.raises(Killed):
                start()


def kill_after(monkeypatch, steps):
    """Let `steps` training steps pass, then stop the process (as far as train can tell)."""
    step, taken = loop.training_step, []

    def counted(*arguments):
        if len(taken) == steps:
            raise Killed
        taken.append(1)
        return step(*arguments)

    monkeypatch.setattr(loop, "training_step", counted)
