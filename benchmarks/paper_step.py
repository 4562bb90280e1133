"""Seconds and peak memory of training steps at the papers' sizes, on this machine's GPU or processor.

One line per system and stage of profile `paper`: its networks, 224 px, its batch, random weights and pictures. With
--append the lines go into data/paper_steps.csv, from which `python -m fashion_lib paper-costs` computes GPU hours.
--images reduces the batch where memory does not suffice; the seconds are then of that batch.
"""

import argparse
import resource
import time
from datetime import UTC, datetime

import pandas as pd
import torch
from random_data import random_data
from stopwatch import report

from fashion_lib.core.provenance import hardware
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.papers.paper_costs import COLUMNS, KEY, steps_file
from fashion_lib.parts.precision import choose_precision
from fashion_lib.runs.run import TASKS, training_config
from fashion_lib.tasks.manipulation.manipulation_data import load_manipulation
from fashion_lib.training.device import training_device
from fashion_lib.training.loop import Parts, build_optimiser, training_step
from fashion_lib.training.paper_stages import training_stages
from fashion_lib.training.profiles import PAPER

SYSTEMS = (
    "asen.v2,csn.code,ag_mlan.paper,isln,asen_pp,rpf.paper,ipad.paper,ipad.code,yao2026,adde_m.code,amnet"
)


def measure(method: str, variant: str, number: int, stage, options) -> dict[str, object]:
    """Return a row of data/paper_steps.csv: the shortest of --steps steps after one that warms up."""
    profile, device, task = stage.profile, training_device("auto"), TASKS[METHODS[method].task]
    count = options.images or profile.batch_size
    profile = profile.with_options(
        batch_size=count, **({"backbone": options.backbone} if options.backbone else {})
    )
    size = options.pixels or profile.image_size
    config = training_config(profile, 0, task, **stage.more)
    scale = 2 if "first_stage" in stage.options else 1
    data = random_data(512, size * scale)
    if task.name == "manipulation":
        data = load_manipulation("random", profile, data=data)
    model = build_model(method, data.schema, backbone=profile.backbone, variant=variant, start="random",
                        **stage.options)  # fmt: skip
    model.to(device=device, memory_format=torch.channels_last).train()
    task.prepare(model, data)
    sampler = task.sampler(data, config)
    model.before_training(config.steps, data.encoded("train", labels=config.labels))
    precision = options.precision
    if precision == "auto":
        pictures = torch.rand(min(count, 16), 3, size * scale, size * scale, device=device)
        precision = choose_precision("auto", model, pictures)
    optimiser = build_optimiser(config.parameter_groups(model), config)
    parts, taken = Parts(model, optimiser, data, sampler, config, precision, task), []
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for step in range(options.steps + 1):
        task.before_step(model, data, config, step, precision) if task.name == "retrieval" else None
        start = time.perf_counter()
        figures = training_step(parts, step)
        if device.type == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated()
    else:
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # of this process so far
    return {
        "method": method, "variant": variant, "backbone": profile.backbone, "stage": number,
        "images": int(figures["images"]), "pixels": size, "precision": precision,
        "seconds": f"{min(taken[1:]):.4g}", "peak_gib": f"{peak / 2**30:.1f}", "kind": device.type,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else hardware(), "torch": torch.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def append(rows: list[dict[str, object]]) -> None:
    """Add rows to data/paper_steps.csv; a row of the same system, stage, device and precision is replaced."""
    table = pd.read_csv(steps_file(), dtype=str)
    table = pd.concat([table, pd.DataFrame(rows).astype(str)])[list(COLUMNS)].drop_duplicates(
        list(KEY), keep="last"
    )
    table.to_csv(steps_file(), index=False, lineterminator="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", default=SYSTEMS, help="method or method.variant (%(default)s)")
    parser.add_argument("--stages", default="1,2")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--images", type=int, default=0, help="per step; 0 is the paper's number")
    parser.add_argument("--pixels", type=int, default=0, help="side of a picture; 0 is the paper's")
    parser.add_argument("--backbone", default="", help="another one than the paper's")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--append", action="store_true", help="write into data/paper_steps.csv")
    options = parser.parse_args()
    rows = []
    for name in options.systems.split(","):
        method, _, variant = name.partition(".")
        variant = variant or METHODS[method].variants[0]
        dataset = "deepfashion_adde" if METHODS[method].task == "manipulation" else "fashionai"
        for number, stage in enumerate(training_stages(method, variant, dataset, PAPER, {}), 1):
            if str(number) in options.stages.split(","):
                rows.append(measure(method, variant, number, stage, options))
                torch.cuda.empty_cache()
    shown = ("method", "variant", "backbone", "stage", "images", "pixels", "precision", "seconds", "peak_gib")
    report("training steps of profile paper", [tuple(row[name] for name in shown) for row in rows], shown)
    if options.append:
        append(rows)


if __name__ == "__main__":
    main()
