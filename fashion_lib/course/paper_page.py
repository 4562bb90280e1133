"""The page data/paper_costs.md: the settings of profile `paper` with their sources, and the papers' tables' cost."""

from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.files import write_atomically
from fashion_lib.core.markdown import markdown_table
from fashion_lib.papers.paper_costs import (
    GPUS,
    cost_table,
    measured_steps,
    replays,
    schedule_table,
    seconds_per_image,
    unit,
)
from fashion_lib.papers.paper_runs import grid_runs, table_runs
from fashion_lib.training import paper_settings

SETTINGS = """# Profile `paper`: settings and cost

Written by `python -m fashion_lib paper-costs --write`; do not edit it.

## Settings

`load_or_train(..., profile="paper")` takes each system's own settings from this table
([paper_settings.py](../fashion_lib/training/paper_settings.py)); what a user gives wins in every stage. All systems
use Adam, margin 0.2 (AG-MLAN after eq. 8, IPAD 4.1.3), no warm-up, no clipping, and pictures of 224 px. Stage 2 is a
training of its own: a new optimiser and a new schedule, from the weights that stage 1 kept. A triplet has three
pictures. Networks start from ImageNet-1k weights (torchvision's V1), ViT-B/16 from ImageNet-21k. β weighs the region
branch in the test feature. `wardrobe`, `wardrobe_darn` and `wardrobe_deepfashion` have the settings of FashionAI,
DARN and DeepFashion.

**Where the papers' text is the source:** AG-MLAN prints ResNet-50 and the margin. IPAD prints 100,000 triplets,
ResNet-50 and ViT-B/16, two stages (4.1.1, 4.1.3) and β = 0.4 (4.3.4). Yao et al. print 780,336 training tuples (4).
Learning rates, decays, epochs, batch sizes and mirroring are in none of the three. They are those of the authors'
code, and where no code is public the row says *reading*. **Where text and code differ:** IPAD's β is 0.4 in the paper
and 0.3 in the code for FashionAI and DARN: variants `paper` and `code`. IPAD's paper names 32 RTX 3090 and no batch
size. Whether the code's 64 and 16 triplets are those of one GPU is open. We take them as the whole batch.

**Not reproduced:** one pass per role for batch norm; mirrored pictures in stage 1's evaluation (RPF, IPAD); float16
(IPAD). Of ADDE we leave out the selection on the test split, and single pictures in stage 1: 42 tuples of three stand
for 128 pictures. Photographs become squares as in the authors' code (setting `geometry`), and Zappos50k trains on CSN's
released triplets where they are there.
"""
COUNTS = """
## What the papers' tables cost

Three seeds of every run that a table or figure of AG-MLAN, IPAD or Yao et al. needs, on the papers' data sets. A
*pass* is one image through one network once; in momentum encoders it is forward only. Two-branch systems have two
networks, and IPAD's code adds two views of each anchor. Counted from the settings above:

    GPU hours of a run = sum over its stages of steps × images per step × (measured seconds / measured images) / 3,600

Validation, test, reading of data and the training of re-ranking (`ipad+fr`) are not in it. On FashionAI, the
validation after an epoch passes 18,000 images forward, beside 300,000 forward and backward. An ablation counts as a
step of the whole variant.
"""
MEASURED = """
Seconds are the shortest step of a few, peak memory is the GPU's, or of the whole process on a processor. Hours are
computed from GPUs alone: rows of kind `cpu` only show that the benchmark runs at the papers' sizes. A step of 48 small
pictures does not fill a large GPU, so the hours also depend on the processor beside it.
"""
NO_GPU = """
**GPU hours are not measured**: no GPU was at hand. `python benchmarks/paper_step.py --append` on a GPU writes its
steps into [paper_steps.csv](paper_steps.csv), and this page then has the hours.
"""
SCHEDULE = """
### On {gpus} GPUs, in {unit}

One run per GPU; a run starts as soon as a GPU is free. The critical path is the longest chain of runs that wait for
each other; no number of GPUs is faster.
"""
REPLAY = """
## Replayed through Snakemake

`benchmarks/grid_replay.py` let the Snakefile of `make batch` start this plan with programs that sleep instead of
training. Each row has a time scale of its own, so only the columns of one row can be compared. *List schedule* is our
prediction with the durations that the steps then had. Snakemake chooses among ready runs in an order of its own, and
needs time to start a process.
"""


def page() -> str:
    """Return the page as Markdown."""
    measured = measured_steps()
    parts = [SETTINGS, markdown_table(paper_settings.as_table(), index=False), COUNTS]
    every = pd.concat([measured, measured_steps("cpu")])
    if len(every):
        parts += ["### Measured steps", markdown_table(every.astype(str), index=False), MEASURED]
    if measured.empty:
        parts += [NO_GPU, *_costs(measured)]
    for (device, precision), rows in measured.groupby(["device", "precision"]):
        parts += [f"### {device}, {precision}", *_costs(rows)]
    replayed = replays()
    if len(replayed):
        parts += [REPLAY, markdown_table(replayed.astype(str), index=False)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _costs(measured: pd.DataFrame) -> list[str]:
    speed, tables, grid = seconds_per_image(measured), table_runs(), grid_runs()
    shown = SCHEDULE.format(gpus=" and ".join(map(str, GPUS)), unit=unit(grid, speed))
    return [
        _table(cost_table(tables, speed)),
        shown,
        f"The papers' tables ({len(tables)} runs):",
        _table(schedule_table(tables, speed)),
        f"The whole grid, with our trials of learning rates, ablations, and five seeds in table 1 ({len(grid)} runs):",
        _table(schedule_table(grid, speed)),
    ]


def _table(table: pd.DataFrame) -> str:
    return markdown_table(table.set_axis(table.index.astype(str)).rename_axis(table.index.name))


def page_file() -> Path:
    """Return where the page is kept."""
    return paths.root() / "data" / "paper_costs.md"


def update() -> Path:
    """Write the page anew; return its file."""
    return write_atomically(page_file(), page())
