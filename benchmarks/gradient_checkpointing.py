"""What gradient checkpointing saves and costs: training steps without and with it, taking turns.

"kept MiB" is what autograd keeps between the forward and the backward pass of a step, without the weights. "peak GiB"
is the most that a step allocates on a GPU. The speed is that of whole training steps.
"""

import argparse

import torch
from random_data import random_data
from stopwatch import report, seconds
from torch.autograd.graph import saved_tensors_hooks

from fashion_lib.methods.registry import build_model
from fashion_lib.parts.precision import PRECISIONS
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.device import training_device
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step

HEADER = ("checkpointing", "kept MiB", "share", "peak GiB", "images/s", "time")


def prepared(options: argparse.Namespace, on: bool) -> Parts:
    """Return all that a step needs, without or with gradient checkpointing, on the device."""
    config = TrainingConfig(batch_size=options.images, groups=2, gradient_checkpointing=on)
    scale = 2 if options.method in ("rpf", "ipad") else 1  # they cut crops from larger pictures
    data, device = random_data(256, scale * options.size), training_device("auto")
    model = build_model(options.method, data.schema, backbone=options.backbone, start="random")
    model.to(device=device, memory_format=torch.channels_last).train()
    optimiser = build_optimiser(model.parameter_groups(1e-4), config)
    return Parts(model, optimiser, data, RETRIEVAL.sampler(data, config), config, options.precision, RETRIEVAL)


def kept_bytes(parts: Parts) -> int:
    """Count what autograd keeps of one step, each piece of memory once, without the weights."""
    weights = {p.untyped_storage().data_ptr() for p in parts.model.parameters()}
    kept = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        memory = tensor.untyped_storage()
        kept[memory.data_ptr()] = memory.nbytes(), tensor  # the tensor, so that no other one takes its place
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        training_step(parts, 0)
    return sum(count for place, (count, _) in kept.items() if place not in weights)


def peak(parts: Parts) -> str:
    """Return the most memory that a step allocates on the GPU, in GiB; "-" without one."""
    if not torch.cuda.is_available():
        return "-"
    torch.cuda.reset_peak_memory_stats()
    training_step(parts, 1)
    return f"{torch.cuda.max_memory_allocated() / 2**30:.2f}"


def main() -> None:
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="asen")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--images", type=int, default=96 if gpu else 16, help="per step")
    parser.add_argument("--size", type=int, default=224, help="side of the pictures in pixels")
    parser.add_argument("--precision", default="bf16" if gpu else "fp32", choices=PRECISIONS[1:])
    parser.add_argument("--steps", type=int, default=10 if gpu else 1, help="steps a turn")
    parser.add_argument("--repeats", type=int, default=3 if gpu else 2)
    options = parser.parse_args()
    kept, most = {}, {}
    for on in (False, True):  # one model at a time, so that the other one is in no peak
        parts = prepared(options, on)
        kept[on], most[on] = kept_bytes(parts), peak(parts)
        del parts
    both = {on: prepared(options, on) for on in (False, True)}

    def steps(on: bool) -> None:
        for step in range(options.steps):
            training_step(both[on], step)

    taken = seconds({"off": lambda: steps(False), "on": lambda: steps(True)}, options.repeats)
    lines = [
        (name, f"{kept[on] / 2**20:.0f}", f"{kept[on] / kept[False]:.2f}", most[on],
         f"{options.steps * options.images / taken[name]:.2f}", f"{taken[name] / taken['off']:.2f}")
        for name, on in (("off", False), ("on", True))
    ]  # fmt: skip
    where = torch.cuda.get_device_name() if gpu else "not run on a GPU"
    title = f"{options.method} on {options.backbone}, {options.images} images of {options.size} px, {options.precision}"
    report(f"{title}; {where}", lines, HEADER)


if __name__ == "__main__":
    main()
