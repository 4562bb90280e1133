"""One optimiser step, the same for every method: batch, features once, loss, gradients, clipping, step."""

import copy
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.data.feed import Feed
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.parts.precision import autocast, loss_scaler
from fashion_lib.parts.recomputation import recomputing
from fashion_lib.parts.shared_batch import average_gradients, of_own_rows
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.prepared_batch import PreparedBatch, prepare_batch
from fashion_lib.training.task import Task


@dataclass(frozen=True, eq=False)
class Parts:
    """What every step of one run needs.

    Attributes:
        model: the model that is trained.
        optimiser: made by `build_optimiser`; None for a model without parameters.
        data: with uint8 pixels (N, S, S, 3).
        sampler: draws the image rows of a batch.
        config: augmentation, margin, learning rate and clipping.
        precision: of the backbone, "fp32", "bf16" or "fp16".
        task: encodes the labels of a batch.
        feed: the batches of the coming steps, in their order; None prepares each batch when its step begins.
        scaler: scales the loss in fp16 and changes nothing in other precisions; None takes a new one.
    """

    model: RetrievalModel
    optimiser: torch.optim.Optimizer | None
    data: Any
    sampler: Any
    config: TrainingConfig
    precision: str
    task: Task
    feed: Feed[int, PreparedBatch] | None = None
    scaler: torch.amp.GradScaler | None = None

    def __post_init__(self):
        if self.scaler is None:
            device = next((p.device for p in self.model.parameters()), "cpu")
            object.__setattr__(self, "scaler", loss_scaler(self.precision, device))


@contextmanager
def memory_named(config: TrainingConfig) -> Iterator[None]:
    """Turn the error of a full GPU memory into one sentence that says what takes less.

    Raises:
        FashionError: the memory did not suffice.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        told = str(error).partition(". ")[0]
        less = "" if config.gradient_checkpointing else "train with --gradient-checkpointing, the same result; or "
        raise FashionError(
            f"the GPU's memory does not suffice for a batch of {config.batch_size} ({told}): {less}choose a smaller "
            "batch_size, which is another run, or a GPU with more memory."
        ) from error


def training_step(parts: Parts, step: int) -> dict[str, float]:
    """Take one optimiser step, a pure function of the weights, the optimiser's state, config.seed and `step`.

    In fp16 the scaler's state counts too. A step whose gradients overflow lowers the scale and changes no parameter;
    the statistics of batch normalisation and what `after_step` counts go on.

    Args:
        parts: what the step needs; its model, in train mode, its optimiser and its scaler are changed in place.
        step: number of steps taken before this one.

    Returns:
        Name -> number: loss, the figures of the method's `training_loss`, images per step, seconds per step, and in
        fp16 the loss scale that this step used.

    Raises:
        FashionError: the loss is NaN or infinite, or the gradients are at any loss scale.
    """
    start = time.perf_counter()
    model, optimiser, config = parts.model, parts.optimiser, parts.config
    torch.manual_seed(int(np.random.SeedSequence([config.seed, step]).generate_state(1)[0]))  # dropout
    device = next(model.parameters()).device
    if parts.feed is None:
        prepared = prepare_batch(parts.sampler, parts.data.pixels, config, step, device)
    else:
        prepared = next(parts.feed)
    images = prepared.network_input(device)  # (M, 3, S, S), own rows
    with recomputing(model, config.gradient_checkpointing), autocast(parts.precision, device):
        features = of_own_rows(model.features, len(prepared.drawn.images), images)
        labels = parts.task.labels(prepared.drawn, parts.data, config, device)
        loss, figures = model.training_loss(features, labels, config.margin)
    value = loss.item()  # here and not at the end: CUDA is still busy with this step while the next one is prepared
    if not math.isfinite(value):
        raise FashionError(
            f"The loss is {value} at step {step}: lower learning_rate (now {config.learning_rate}) "
            "or set precision='fp32'; the last checkpoint is from before."
        )
    if parts.scaler.is_enabled():  # read here for the same reason
        figures = figures | {"loss_scale": checked_scale(parts.scaler, step)}
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] * config.learning_rate_factor(step)
    optimiser.zero_grad(set_to_none=True)
    parts.scaler.scale(loss).backward()
    trained = [p for group in optimiser.param_groups for p in group["params"]]
    average_gradients(trained)
    parts.scaler.unscale_(optimiser)  # so that clipping sees the true gradients
    for group in model.clipped_together():
        torch.nn.utils.clip_grad_norm_(group, config.clip)
    parts.scaler.step(optimiser)
    parts.scaler.update()
    model.after_step()
    return {
        "loss": value,
        **figures,
        "images": len(prepared.drawn.images),
        "seconds": time.perf_counter() - start,
    }


def checked_scale(scaler: torch.amp.GradScaler, step: int) -> float:
    """Return the loss scale of a step.

    Raises:
        FashionError: it has fallen below 1, so the gradients themselves do not fit into float16.
    """
    scale = scaler.get_scale()
    if scale < 1:
        raise FashionError(
            f"The gradients overflow float16 at step {step} without any loss scale: set precision='bf16' or 'fp32', or "
            "lower learning_rate; the last checkpoint is from before."
        )
    return scale


def step_seconds(parts: Parts, step: int) -> dict[int, float]:
    """Time training step `step` with one thread and with one per core, on copies, so that the run itself is unchanged.

    Torch keeps the last number of threads; the caller sets the one it wants. The arguments are those of
    `training_step`.

    Returns:
        Number of threads -> seconds per step.
    """
    found = {}
    with torch.random.fork_rng(devices=[]):
        model, optimiser, scaler = copy.deepcopy((parts.model, parts.optimiser, parts.scaler))
        parts = replace(parts, model=model, optimiser=optimiser, scaler=scaler)
        model.train()
        parts.task.before_step(model, parts.data, parts.config, step, parts.precision)
        for number in (1, threads.cores()):
            threads.set_torch_threads(number)
            for _ in range(2):  # the first one also chooses kernels and takes memory
                taken = training_step(parts, step)
                found[number] = taken["seconds"]
                if found[number] > 2 * found[1]:
                    break  # beside a busy process a step takes seconds, and the answer is already known
    return found


def build_optimiser(groups: Iterable[dict], config: TrainingConfig) -> torch.optim.Optimizer:
    """Build Adam (weight decay as a gradient term) or AdamW (decoupled) over a model's parameter groups."""
    kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimiser]
    groups = [{**group, "initial_lr": group["lr"]} for group in groups]
    return kind(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
