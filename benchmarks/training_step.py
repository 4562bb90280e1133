"""A whole training step in images per second against the forward and backward pass of its bare backbone.

The step gathers pixels, augments, normalises, runs backbone and head, finds the triplets, clips and updates; the
backbone alone gets a ready batch of the same size in the same precision and memory format.
"""

import argparse

import numpy as np
import torch
from random_data import random_data
from stopwatch import report, seconds

from fashion_lib.data.augmentation import normalise
from fashion_lib.data.sampling import SAMPLERS
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.parts.precision import PRECISIONS, autocast, choose_precision
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step
from fashion_lib.training.profiles import PROFILES


def main() -> None:
    trainable = [method.name for method in METHODS.values() if method.trainable]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", default=",".join(trainable))
    parser.add_argument("--steps", type=int, default=5, help="steps a turn")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    profile = PROFILES["laptop"]
    config = TrainingConfig(batch_size=profile.batch_size, groups=profile.groups)
    data = random_data(2000, profile.image_size)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    sampler = SAMPLERS[profile.sampling](data.encoded("train"), config.batch_size, config.groups, config.negative)
    images = normalise(data.pixels[:len(sampler.batch(np.random.default_rng(0)).images)]).to(device)
    lines = []
    for method in options.methods.split(","):
        model = build_model(method, data.schema, backbone=profile.backbone, start="random")
        model.to(device=device, memory_format=torch.channels_last).train()
        precision = choose_precision(options.precision, model, images)
        optimiser = build_optimiser(model.parameter_groups(1e-4), config)

        parts = Parts(model, optimiser, data, sampler, config, precision, RETRIEVAL)

        def whole_step(parts=parts) -> None:
            for step in range(options.steps):
                training_step(parts, step)

        def bare_backbone(model=model, precision=precision) -> None:
            for _ in range(options.steps):
                model.zero_grad(set_to_none=True)
                with autocast(precision, device):
                    features = model.backbone(images)
                features.float().square().mean().backward()

        found = seconds({"step": whole_step, "backbone": bare_backbone}, options.repeats)
        speed = {name: options.steps * len(images) / time for name, time in found.items()}
        lines.append((method, precision, f"{speed['backbone']:.0f}", f"{speed['step']:.0f}",
                      f"{speed['step'] / speed['backbone']:.2f}", ">= 0.85"))
    report(f"training step, {len(images)} images of {profile.image_size} px, {profile.backbone}", lines,
           ("method", "precision", "backbone images/s", "step images/s", "ratio", "target"))


if __name__ == "__main__":
    main()
