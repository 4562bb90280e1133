"""Some steps of every stage of a system at the papers' sizes, on drawn pictures: images/s, memory and the loss curve.

Settings are those of profile `paper`; weights are random, since a machine for benchmarks may have no network. The curve
goes to the file --curve as CSV, one row per entry of the history.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import pandas as pd
import torch
from stopwatch import report

from fashion_lib.runs.run import FIRST_STAGE, Run, load_or_train
from fashion_lib.training.profiles import PROFILES

HEADER = (
    "stage",
    "steps",
    "images per step",
    "images/s",
    "first loss",
    "last loss",
    "peak GiB of all stages",
)


def curves(run: Run) -> pd.DataFrame:
    """Return the entries of the histories of all stages, with the stage's number."""
    first, found = run.folder / FIRST_STAGE / "last.json", []
    if first.is_file():
        found.append(json.loads(first.read_text(encoding="utf-8"))["history"]["entries"])
    found.append(run.history.entries)
    tables = [pd.DataFrame(entries).assign(stage=number) for number, entries in enumerate(found, 1)]
    return pd.concat(tables, ignore_index=True)


def main() -> None:
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", default="ipad")
    parser.add_argument("--variant", default="code")
    parser.add_argument("--steps", type=int, default=300, help="of each stage")
    parser.add_argument("--images", type=int, default=2_400, help="pictures of the drawn wardrobe")
    parser.add_argument("--precision", default="bf16", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument("--size", type=int, default=0, help="side of a picture; 0 is the paper's")
    parser.add_argument("--backbone", default="", help="another one than the paper's")
    parser.add_argument("--batch", type=int, default=0, help="pictures per step; 0 is the stage's own number")
    parser.add_argument("--curve", type=Path, help="file for the loss curve")
    options = parser.parse_args()
    if not (gpu or options.size):
        print("There is no GPU here, and a processor takes minutes per step: name --size and --backbone.")
        return
    changes = {"image_size": options.size, "backbone": options.backbone, "batch_size": options.batch}
    changes = {name: value for name, value in changes.items() if value}
    profile = PROFILES["paper"].with_options(
        steps=options.steps, wardrobe_images=options.images, precision=options.precision, start="random",
        evaluations=1, **changes,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FASHION_RUNS"] = folder
        run = load_or_train(options.method, variant=options.variant, profile=profile, progress=False)
        table, config = curves(run), run.record.config
    if options.curve:
        table.to_csv(options.curve, index=False, lineterminator="\n")
    peak = f"{torch.cuda.max_memory_allocated() / 2**30:.1f}" if gpu else "-"
    batches = [one["batch_size"] for one in (config.get("stage_1"), config) if one]
    lines = []
    for (stage, part), batch in zip(table.groupby("stage"), batches, strict=True):
        speed = statistics.median(part["images_per_second"])
        losses = part["loss"].iloc[[0, -1]]
        lines.append(
            (stage, int(part["step"].max()), batch, f"{speed:.1f}", *(f"{x:.4f}" for x in losses), peak)
        )
    where = torch.cuda.get_device_name() if gpu else "not run on a GPU"
    title = f"{options.method} ({options.variant}), {profile.image_size} px, {options.precision}; {where}"
    report(title, lines, HEADER)


if __name__ == "__main__":
    main()
