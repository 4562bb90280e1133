"""Train small models in several processes that share each batch (gloo, CPU); used by the tests of ranks."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from tiny_data import SCHEMA, tiny_data
from tiny_manipulation import SCHEMA as GARMENTS
from tiny_manipulation import tiny_manipulation
from torch import Tensor, nn

from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import build_model
from fashion_lib.parts.collectives import own_rows, rank, ranks
from fashion_lib.parts.shared_batch import average_gradients, gather_rows, shared_out
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION, ManipulationConfig
from fashion_lib.tasks.retrieval.retrieval_task import RETRIEVAL
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step

STEPS = 10
SIDE = 32  # of the pictures; the region branch takes half of it
# Adam divides a gradient by its size, so it turns the rounding errors of gradients that should be zero into steps of up
# to the learning rate. This one is the lowest of the authors' code of IPAD.
SETTINGS = {
    **{"steps": STEPS, "batch_size": 14, "groups": 2, "learning_rate": 1e-5},
    **{"evaluations": 1, "precision": "fp32", "device": "cpu"},
}
# Name -> method, variant, options of the model, other settings. 14 images: 4 ranks get 4, 4, 3 and 3.
CASES = {
    "asen": ("asen", "v2", {}, {}),
    "ag_mlan": ("ag_mlan", "paper", {}, {}),
    "rpf": ("rpf", "paper", {"first_stage": 0.3}, {}),
    "ipad": ("ipad", "paper", {"first_stage": 0.2, "queue_length": 2}, {}),
    "ipad.code": ("ipad", "code", {"first_stage": 0.3}, {"sampling": "triplet_list", "batch_size": 21}),
    "yao2026": ("yao2026", None, {"dim": 4}, {}),
}
BF16_STEPS = 3
IN_BF16 = ((2, "asen"), (2, "ipad"))  # number of ranks and case
ONE_MORE = ("ipad.code",)  # with two ranks only, for time


def ten_steps(
    case: str,
    precision: str = "fp32",
    steps: int = STEPS,
    device: str = "cpu",
    dropout: bool = True,
    **machine,
) -> dict:
    """Take ten steps of a case; return each step's figures, the first step's gradients, and the state after all.

    Without dropout, whose masks depend on the device, they are those of any device up to rounding. `machine` holds
    further settings, which decide no result.
    """
    method, variant, options, changes = CASES[case]
    changes = changes | machine
    task = MANIPULATION if method == "yao2026" else RETRIEVAL
    if task is MANIPULATION:
        data, schema, config = tiny_manipulation(90), GARMENTS, ManipulationConfig(**SETTINGS | changes)
    else:
        pixels = np.random.default_rng(0).integers(0, 256, (90, SIDE, SIDE, 3), dtype=np.uint8)
        data, schema, config = tiny_data(90, pixels=pixels), SCHEMA, TrainingConfig(**SETTINGS | changes)
    model = build_model(method, schema, variant=variant, start="random", **options)
    model.to(device=device, memory_format=torch.channels_last)
    for layer in [] if dropout else model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    task.prepare(model, data)
    optimiser = build_optimiser(model.parameter_groups(config.learning_rate), config)
    model.before_training(STEPS, data.encoded("train", labels=config.labels))
    parts = Parts(model, optimiser, data, task.sampler(data, config), config, precision, task)
    model.train()
    figures, gradients = [], {}
    for step in range(steps):
        task.before_step(model, data, config, step, precision)
        taken = training_step(parts, step)
        figures.append({name: number for name, number in taken.items() if name != "seconds"})
        if not step:
            grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
            gradients = {name: gradient.to("cpu", copy=True) for name, gradient in grads.items()}
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return {"figures": figures, "gradients": gradients, "state": state}


def one_convolution(seed: int = 0) -> RetrievalModel:
    """Return the triplet method on one convolution, as a ResNet's backward pass in float16 takes a CPU seconds."""
    model = build_model("triplet", SCHEMA, start="random", seed=seed)
    torch.manual_seed(seed)
    model.backbone = nn.Conv2d(3, 128, 8, 8)
    return model


def fp16_steps() -> dict:
    """Take eight steps in float16; step 5 overflows in the batch's last row alone.

    That row is computed by the last rank.
    """
    data, precision = tiny_data(90), "fp16"
    config = TrainingConfig(
        steps=8, batch_size=12, groups=2, evaluations=1, precision=precision, device="cpu"
    )
    model, now = one_convolution().train(), []
    optimiser = build_optimiser(model.parameter_groups(1e-3), config)
    scaler = torch.amp.GradScaler("cpu")

    def spoil(gradient: Tensor) -> Tensor:
        spoiled = gradient.clone()
        spoiled[-1] = torch.inf
        return spoiled

    def watch(layer, given, made: Tensor) -> None:
        if now[-1] == 5 and rank() == ranks() - 1:
            made.register_hook(spoil)

    model.backbone.register_forward_hook(watch)
    parts = Parts(
        model, optimiser, data, RETRIEVAL.sampler(data, config), config, precision, RETRIEVAL, scaler=scaler
    )
    figures, moved = [], []
    for step in range(8):
        now.append(step)
        before = model.backbone.weight.detach().clone()
        taken = training_step(parts, step)
        moved.append(not torch.equal(before, model.backbone.weight))
        figures.append({name: number for name, number in taken.items() if name != "seconds"})
    return {"figures": figures, "moved": moved, "scaler": scaler.state_dict(), "state": model.state_dict()}


def pieces() -> dict:
    """Share out normalisation, dropout and a copy in half precision; return results and gradients of 7 rows."""
    generator = torch.Generator().manual_seed(0)
    x, factor = (torch.randn(7, 4, 3, 5, generator=generator) for _ in range(2))
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    norm = nn.BatchNorm2d(4)
    norm.weight.data.uniform_(0.5, 2, generator=generator)
    torch.manual_seed(1)
    y = shared_out(nn.Sequential(norm, nn.ReLU(), nn.Flatten(), nn.Dropout(0.4)), x + 3)
    (y * factor.flatten(1)).square().mean().backward()
    average_gradients([x, norm.weight, norm.bias])
    found = {"y": y, "of x": x.grad, "of weight": norm.weight.grad, "of bias": norm.bias.grad}
    found |= {
        "mean": norm.running_mean.clone(),
        "variance": norm.running_var.clone(),
        "next draw": torch.rand(3),
    }
    found["y of own statistics"] = gather_rows(norm(x[own_rows(7)] + 3), 7)
    whole = x.detach().bfloat16()
    half = gather_rows(whole[own_rows(7)], 7)
    assert half.is_contiguous(memory_format=torch.channels_last) and torch.equal(half, whole)
    return {name: tensor.detach() for name, tensor in found.items()}


def own_losses() -> Tensor:
    """Return the gradient of x where each rank has a loss of its own: rank r counts each number r + 1 times."""
    x = torch.zeros(5, 2, requires_grad=True)
    (gather_rows(x[own_rows(5)], 5) * (rank() + 1)).sum().backward()
    average_gradients([x])
    return x.grad


def _every_case(number: int, count: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting{count}", rank=number, world_size=count
    )
    found = {case: ten_steps(case) for case in CASES if count < 4 or case not in ONE_MORE} | {
        "pieces": pieces(),
        "own losses": own_losses(),
        "fp16": fp16_steps(),
    }
    found |= {
        f"{case} in bf16": ten_steps(case, "bf16", BF16_STEPS) for case in CASES if (count, case) in IN_BF16
    }
    torch.save(found, folder / f"{number}of{count}.pt")
    dist.destroy_process_group()


def in_processes(counts: tuple[int, ...], folder: Path) -> dict[int, list[dict]]:
    """Return number of ranks -> what each rank found, of all functions above.

    A process of its own imports everything once and forks the ranks.
    """
    command = [sys.executable, __file__, str(folder), *map(str, counts)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run(command, env=environment, check=True, timeout=300)
    return {
        count: [torch.load(folder / f"{number}of{count}.pt") for number in range(count)] for count in counts
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    for number in map(int, sys.argv[2:]):
        torch.multiprocessing.start_processes(
            _every_case, (number, Path(sys.argv[1])), number, start_method="fork"
        )
