"""The training loop, the same for every method: batch, features once, loss, step; validate, keep the best.

Kill it at any moment and call `train` again: the result equals the unbroken run, bit for bit on a CPU. On CUDA it is
equal up to the order in which kernels add. Step k draws its batch, augmentation and dropout from (seed, k) alone. So
a checkpoint needs only model, optimiser and history, and threads may prepare the batches of the next steps.

Several processes may train together, see `fashion_lib.training.ranks`; the result is that of one, up to rounding.
"""

import math
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from fashion_lib.core import threads
from fashion_lib.core.files import remove_leftovers
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.core.provenance import commit, hardware
from fashion_lib.data.augmentation import normalise
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.parts.collectives import ranks
from fashion_lib.parts.precision import choose_precision, loss_scaler
from fashion_lib.parts.recomputation import recomputed_parts
from fashion_lib.training.checkpoint import (
    load_model_tensors,
    model_tensors,
    optimiser_tensors,
    trained_parameters,
    write_checkpoint,
)
from fashion_lib.training.config import TrainingConfig
from fashion_lib.training.device import training_device
from fashion_lib.training.history import TrainingHistory, close_entry, status, warn_if_collapsed
from fashion_lib.training.model_inputs import model_inputs
from fashion_lib.training.optimiser_step import (
    Parts,
    build_optimiser,
    memory_named,
    step_seconds,
    training_step,
)
from fashion_lib.training.prepared_batch import batches_ahead
from fashion_lib.training.ranks import equalise, first, of_first, wait
from fashion_lib.training.stopped_run import best_is_due, identity, read_best, resume
from fashion_lib.training.task import Task


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
    history = resume(model, optimiser, scaler, data, config, run_dir) or TrainingHistory(measure=task.measure)
    best_due = best_is_due(model, data, config, run_dir, history)
    wait()  # every rank has read the folder before rank 0 writes there
    if not history.threads:  # a new run, or one from before the number was recorded
        history.threads = [[history.step, threads.chosen().threads if device.type == "cpu" else 1]]
    threads.set_torch_threads(history.threads[-1][1])
    if history.step < steps:
        for used, now in ((history.hardware, hardware(device.type)), (history.commits, commit())):
            if now not in used:
                used.append(now)
    model.before_training(steps, data.encoded("train", labels=config.labels))
    if not history.precision:
        trial = sampler.batch(np.random.default_rng([config.seed, 0])).images
        with memory_named(config):
            history.precision = of_first(
                lambda: choose_precision(
                    config.precision, model, normalise(data.pixels[trial]).to(device), config.gradient_checkpointing
                )
            )
    parts = Parts(model, optimiser, data, sampler, config, history.precision, task, scaler=scaler)

    def keep(name: str) -> None:
        """Write the checkpoint "last" or "best"; only "last" holds the optimiser. Rank 0 alone writes.

        "last" comes first. After a kill between the two, it holds the best weights too, and "best" is made from it.
        """
        equalise(model)
        if not first():
            return
        state = identity(model, data, config) | {"history": asdict(history)}
        state["inputs"] = model_inputs(model.schema, data.image_size, data.geometry)
        extra = optimiser_tensors(optimiser) if optimiser and name == "last" else {}
        state |= {"optimiser": trained_parameters(extra)} if name == "last" else {}
        state |= {"scaler": scaler.state_dict()} if name == "last" and scaler.is_enabled() else {}
        write_checkpoint(run_dir / f"{name}.safetensors", model_tensors(model) | extra, state)

    def validate() -> None:
        """Score the validation split, and note whether the weights are the best so far."""
        start = time.perf_counter()
        score = None
        if config.evaluations:
            score = of_first(lambda: task.score(model, data, config, history.precision))
        history.evaluation_seconds += time.perf_counter() - start
        if history.entries:
            history.entries[-1]["valid_map"] = score
        if history.best_step is None or score > history.best_map:
            history.best_step, history.best_map = history.step, score

    def keep_all() -> None:
        """Write "last", and "best" where these weights are the best so far."""
        keep("last")
        if history.best_step == history.step:
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
    elif best_due:
        keep("best")
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
            with memory_named(config):
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
                keep_all()
            bar.update()
    if history.best_step is None:  # no validation asked for, or nothing to train
        validate()
        keep_all()
    wait()  # rank 0 has written
    best = read_best(model, data, config, run_dir, history)
    load_model_tensors(model, *best, run_dir / "best.safetensors")
    wait()
    if first():
        remove_leftovers(run_dir)
    model.eval()
    return history
