"""Seconds and peak memory of training steps at the papers' sizes, on this machine's GPU or processor.

One line per system and stage that the papers' tables need: profile `paper`'s networks, pictures and batch, with random
weights and pictures. With --append the lines go into data/paper_steps.csv, from which `python -m fashion_lib
paper-costs` computes GPU hours. --images reduces the batch where memory does not suffice; the seconds are then of that
batch.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import torch
from random_data import random_data
from stopwatch import report

from fashion_lib.core.provenance import hardware
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.papers.grid import WantedRun
from fashion_lib.papers.paper_costs import COLUMNS, KEY, steps_file
from fashion_lib.papers.paper_runs import StageCost, cost_of, stages_of, table_runs
from fashion_lib.parts.precision import choose_precision
from fashion_lib.runs.record import read_label
from fashion_lib.runs.run_setup import TASKS, training_config
from fashion_lib.tasks.manipulation.manipulation_data import load_manipulation
from fashion_lib.training.device import training_device
from fashion_lib.training.optimiser_step import Parts, build_optimiser, training_step
from fashion_lib.training.paper_stages import TrainingStage

SHOWN = ("method", "variant", "backbone", "stage", "images", "pixels", "precision", "seconds", "peak_gib")


def wanted(systems: str, stages: str) -> Iterator[tuple[WantedRun, TrainingStage, StageCost]]:
    """Yield each kind of step once: of the first run that needs it."""
    seen = set()
    for run in table_runs():
        variant = read_label(run.label)[0]
        for stage, cost in zip(stages_of(run), cost_of(run), strict=False):  # no cost: nothing is trained
            key = (run.method, variant, cost.backbone, cost.number)
            named = not systems or {run.method, f"{run.method}.{variant}"} & set(systems.split(","))
            if key not in seen and named and str(cost.number) in stages:
                seen.add(key)
                yield run, stage, cost


def prepared(run: WantedRun, stage: TrainingStage, cost: StageCost, options: argparse.Namespace) -> Parts:
    """Return all that a step of a stage needs, on the device."""
    profile, task = stage.profile, TASKS[METHODS[run.method].task]
    profile = profile.with_options(batch_size=options.images or profile.batch_size)
    settings = {"backbone": options.backbone or profile.backbone, "variant": read_label(run.label)[0]}
    size = options.pixels or profile.image_size
    config = training_config(profile, 0, task, **stage.more)
    data = random_data(512, size * (2 if "beta" in stage.options else 1))  # two-branch models cut crops
    if task.name == "manipulation":
        data = load_manipulation("random", profile, data=data)
    model, device = build_model(run.method, data.schema, start="random", **settings, **stage.options), options.device
    model.to(device=device, memory_format=torch.channels_last).train()
    task.prepare(model, data)
    if task.name == "manipulation":
        model.memory_stage = cost.number == 2
    model.before_training(config.steps, data.encoded("train", labels=config.labels))
    precision = options.precision
    if precision == "auto":
        pictures = torch.rand(min(16, config.batch_size), 3, *data.pixels.shape[1:3], device=device)
        precision = choose_precision("auto", model, pictures)
    optimiser = build_optimiser(config.parameter_groups(model), config)
    return Parts(model, optimiser, data, task.sampler(data, config), config, precision, task)


def measure(run: WantedRun, stage: TrainingStage, cost: StageCost, options: argparse.Namespace) -> dict[str, object]:
    """Return a row of data/paper_steps.csv: the shortest of --steps steps, after one that warms up."""
    parts, taken, gpu = prepared(run, stage, cost, options), [], options.device.type == "cuda"
    if gpu:
        torch.cuda.reset_peak_memory_stats()
    for step in range(options.steps + 1):
        start = time.perf_counter()
        figures = training_step(parts, step)
        if gpu:
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of this process so far
    peak = torch.cuda.max_memory_allocated() if gpu else resident
    return {
        "method": run.method, "variant": read_label(run.label)[0], "backbone": options.backbone or cost.backbone,
        "stage": cost.number, "images": int(figures["images"]), "pixels": options.pixels or stage.profile.image_size,
        "precision": parts.precision, "seconds": f"{min(taken[1:]):.4g}", "peak_gib": f"{peak / 2**30:.1f}",
        "kind": options.device.type, "device": torch.cuda.get_device_name() if gpu else hardware(),
        "torch": torch.__version__, "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def append(rows: list[dict[str, object]]) -> None:
    """Add rows to data/paper_steps.csv; a row of the same system, stage, device and precision is replaced."""
    table = pd.read_csv(steps_file(), dtype=str)
    table = pd.concat([table, pd.DataFrame(rows).astype(str)])[list(COLUMNS)].drop_duplicates(list(KEY), keep="last")
    table.to_csv(steps_file(), index=False, lineterminator="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", default="", help="such as asen.v2,rpf; all where it is left out")
    parser.add_argument("--stages", default="12", help="1, 2 or 12")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--images", type=int, default=0, help="per step; 0 is the paper's number")
    parser.add_argument("--pixels", type=int, default=0, help="side of a picture; 0 is the paper's")
    parser.add_argument("--backbone", default="", help="another one than the paper's")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--append", action="store_true", help="write into data/paper_steps.csv")
    options = parser.parse_args()
    options.device = training_device("auto")
    if options.device.type == "cpu" and not options.systems:
        print("There is no GPU here, and a processor takes minutes per step: name --systems, such as asen.v2.")
        return
    rows = []
    for run, stage, cost in wanted(options.systems, options.stages):
        rows.append(measure(run, stage, cost, options))
        if options.append and not (options.pixels or options.backbone):
            append(rows[-1:])
        torch.cuda.empty_cache()
    report("training steps of profile paper", [tuple(row[name] for name in SHOWN) for row in rows], SHOWN)


if __name__ == "__main__":
    main()
