"""The training loop, the same for every method: batch, features once, loss, step; validate, keep the best.

Kill it at any moment and call `train` again: the result equals the unbroken run, bit for bit on a CPU. On CUDA it is
equal up to the order in which kernels add. Step k draws its batch, augmentation and dropout from (seed, k) alone. So
a checkpoint needs only model, optimiser and history, and threads may prepare the batches of the next steps.

Several processes may train together, see `fashion_lib.training.ranks`; the result is that of one, up to rounding.
"""

import copy
import math
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import remove_leftovers
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.feed import Feed
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.parts.collectives import ranks
from fashion_lib.parts.precision import autocast, choose_precision, loss_scaler
from fashion_lib.parts.recomputation import recomputed_parts, recomputing
from fashion_lib.parts.shared_batch import average_gradients, of_own_rows
from fashion_lib.training.checkpoint import (
    check_optimiser_tensors,
    load_model_tensors,
    load_optimiser_tensors,
    model_tensors,
    optimiser_tensors,
    read_checkpoint,
    trained_parameters,
    write_checkpoint,
)
from fashion_lib.training.config import OF_THE_MACHINE, TrainingConfig
from fashion_lib.training.device import training_device
from fashion_lib.training.history import TrainingHistory, close_entry, status, warn_if_collapsed
from fashion_lib.training.model_inputs import model_inputs
from fashion_lib.training.prepared_batch import PreparedBatch, batches_ahead, prepare_batch
from fashion_lib.training.ranks import equalise, first, of_first, wait
from fashion_lib.training.run_state import (
    check_best,
    check_identity,
    check_state,
    optimiser_parameters,
    read_history,
    scaler_state,
)
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


@threads.restored()
def train(
    model: RetrievalModel,
    data,
    config: TrainingConfig,
    run_dir,
    *,
    task: Task,
    progress: bool = True,
) -> TrainingHistory:
    """Train a model on the training labels of its data, and leave it with its best weights, in eval mode.

    The best weights have the highest score of the task on the validation split, such as overall MAP. A run of the
    same configuration in `run_dir` goes on, or is only loaded when it is finished. A model without parameters is
    only validated.

    Args:
        model: built by `build_model`; changed in place.
        data: RetrievalData, or what the task's `load` returns.
        config: budget, batches, optimiser, precision and device.
        run_dir: folder of last.safetensors and best.safetensors, each with a JSON copy of its state.
        task: decides sampler, labels and validation score.
        progress: whether to show a bar.

    Returns:
        The history: curves, best step and score, seconds, image passes.

    Raises:
        FashionError: `run_dir` holds another run or a damaged checkpoint, a checkpoint cannot be written, the loss is
            no longer finite, or the model has no blocks for gradient checkpointing.
    """
    run_dir, device = Path(run_dir), training_device(config.device)
    model.to(device=device, memory_format=torch.channels_last)
    task.prepare(model, data)
    sampler = task.sampler(data, config)
    groups = [group for group in config.parameter_groups(model) if group["params"]]
    optimiser = build_optimiser(groups, config) if groups else None
    steps = config.steps if groups else 0
    if config.gradient_checkpointing and steps:
        recomputed_parts(model)  # a model without any is refused now, not at the first step
    scaler = loss_scaler(config.precision, device)
    history = _resume(model, optimiser, scaler, data, config, run_dir) or TrainingHistory(measure=task.measure)
    wait()  # every rank has read the folder before rank 0 writes there
    if not history.threads:  # a new run, or one from before the number was recorded
        history.threads = [[history.step, threads.chosen().threads if device.type == "cpu" else 1]]
    threads.set_torch_threads(history.threads[-1][1])
    model.before_training(steps, data.encoded("train", labels=config.labels))
    if not history.precision:
        trial = sampler.batch(np.random.default_rng([config.seed, 0])).images
        history.precision = of_first(
            lambda: choose_precision(
                config.precision, model, normalise(data.pixels[trial]).to(device), config.gradient_checkpointing
            )
        )
    parts = Parts(model, optimiser, data, sampler, config, history.precision, task, scaler=scaler)

    def keep(name: str) -> None:
        """Write the checkpoint "last" or "best"; only "last" holds the optimiser. Rank 0 alone writes."""
        equalise(model)
        if not first():
            return
        state = _identity(model, data, config) | {"history": asdict(history)}
        state["inputs"] = model_inputs(model.schema, data.image_size, data.geometry)
        extra = optimiser_tensors(optimiser) if optimiser and name == "last" else {}
        state |= {"optimiser": trained_parameters(extra)} if name == "last" else {}
        state |= {"scaler": scaler.state_dict()} if name == "last" and scaler.is_enabled() else {}
        write_checkpoint(run_dir / f"{name}.safetensors", model_tensors(model) | extra, state)

    def validate() -> None:
        """Score the validation split, and keep the weights if they are the best so far."""
        start = time.perf_counter()
        score = None
        if config.evaluations:
            score = of_first(lambda: task.score(model, data, config, history.precision))
        history.evaluation_seconds += time.perf_counter() - start
        if history.entries:
            history.entries[-1]["valid_map"] = score
        if history.best_step is None or score > history.best_map:
            history.best_step, history.best_map = history.step, score
            keep("best")

    def measure_threads() -> None:
        """Choose the threads of the next steps; call this before a checkpoint, which stores the choice."""
        if threads.measures() and ranks() == 1 and device.type == "cpu" and history.step < steps:
            timed = step_seconds(parts, history.step)
            number = threads.chosen(timed).threads
            if history.threads[-1][0] == history.step:
                history.threads.pop()  # no step was computed with it
            if not history.threads or history.threads[-1][1] != number:
                history.threads.append([history.step, number])
            threads.set_torch_threads(number)

    if not history.step and history.best_step is None:
        measure_threads()
        keep("last")  # a folder that cannot be written shows now, not after the first tenth of the steps
    model.train()
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        batches_ahead(sampler, data.pixels, config, range(history.step, steps), device) as feed,
        progress_bar(
            total=steps,
            initial=history.step,
            disable=not (progress and first() and history.step < steps),
            unit="step",
            desc="training",
        ) as bar,
    ):
        while history.step < steps:
            passes = model.training_passes
            told = task.before_step(model, data, config, history.step, history.precision) or {}
            if told:  # it may have set weights
                equalise(model)
            figures = training_step(replace(parts, feed=feed), history.step)
            history.step += 1
            history.seconds += figures["seconds"]
            history.image_passes += int(figures["images"]) * passes + int(figures.get("views", 0))
            history.pending.append(figures | told)
            due = history.step in config.evaluation_steps()
            if due or history.step % math.ceil(steps / 200) == 0 or history.step == steps:
                close_entry(history, optimiser.param_groups[0]["lr"])
                warn_if_collapsed(history, config)
                bar.set_postfix_str(status(history))
            if due:
                validate()
            if due or history.step % config.steps_between_checkpoints == 0 or history.step == steps:
                measure_threads()
                keep("last")
            bar.update()
    if history.best_step is None:  # no validation asked for, or nothing to train
        validate()
        keep("last")
    wait()  # rank 0 has written
    best = _read_best(model, data, config, run_dir, history)
    load_model_tensors(model, *best, run_dir / "best.safetensors")
    wait()
    if first():
        remove_leftovers(run_dir)
    model.eval()
    return history


def training_step(parts: Parts, step: int) -> dict[str, float]:
    """Take one optimiser step, a pure function of the weights, the optimiser's state, config.seed and `step`.

    In fp16 the scaler's state counts too, and a step whose gradients overflow changes it alone.

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
    torch.nn.utils.clip_grad_norm_(trained, config.clip)
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


def _identity(model: RetrievalModel, data, config: TrainingConfig) -> dict:
    """Return what two runs must share for one to go on where the other stopped."""
    decides = {name: value for name, value in dict(config).items() if name not in OF_THE_MACHINE}
    return {
        "architecture": model.architecture,
        "attributes": list(model.schema.names),
        "start": model.start,
        "start_digest": model.start_digest,
        "data": {
            "name": data.name,
            "version": data.version,
            "images": len(data.image_names),
            "pixels": data.pixel_digest,
        },
        "config": decides,
    }


def _resume(model, optimiser, scaler, data, config: TrainingConfig, run_dir: Path) -> TrainingHistory | None:
    """Load run_dir's last checkpoint into model, optimiser, scaler; return its history, None where there is none."""
    path = run_dir / "last.safetensors"
    if path.is_symlink() and not path.exists():
        raise FashionError(
            f"{path} is a link that leads to no file: make that file reachable, or delete {run_dir} to train anew."
        )
    if not path.exists():
        return None
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    load_model_tensors(model, tensors, state, path)
    check_identity(state, _identity(model, data, config), run_dir, "last")
    history = read_history(state, config.steps if optimiser else 0, path)
    if history.best_step is not None:
        _read_best(model, data, config, run_dir, history)  # a lost or foreign file shows now, not hours later
    if optimiser:
        parameters = sum(len(group["params"]) for group in optimiser.param_groups)
        trained = optimiser_parameters(state, tensors, parameters, config.steps)
        fewest = 0 if scaler.is_enabled() else 1  # a step that fp16 leaves out is no step of the optimiser
        check_optimiser_tensors(optimiser, tensors, trained, history.step, path, fewest=fewest)
        load_optimiser_tensors(optimiser, tensors)
        scaler.load_state_dict(scaler_state(state, scaler, history.step, path))
    return history


def _read_best(model, data, config: TrainingConfig, run_dir: Path, history: TrainingHistory):
    """Read run_dir's best checkpoint, tensors and state; check that it is of this run and of `history`'s best step."""
    path = run_dir / "best.safetensors"
    if not path.exists():
        raise FashionError(
            f"{run_dir} holds a run whose best weights, {path.name}, are missing: delete that folder to train anew."
        )
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    check_identity(state, _identity(model, data, config), run_dir, "best")
    check_best(history, read_history(state, config.steps, path), run_dir)
    return tensors, state
