"""What the papers' tables cost at profile `paper`: GPU hours from measured steps, and the plan on many GPUs.

The seconds per step are a measurement, data/paper_steps.csv, that `benchmarks/paper_step.py` makes:

    GPU hours of a run = sum over its stages of steps x images per step x (measured seconds / measured images) / 3600

Validation, test, reading of data and re-ranking are not in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.data.typed_rows import NAME, NUMBER, TIME, WHOLE, read_typed
from fashion_lib.papers.critical_path import longest_chain, longest_first, makespan
from fashion_lib.papers.grid import WantedRun
from fashion_lib.papers.paper_runs import cost_of, name_of, needed_before
from fashion_lib.runs.record import base_method, read_label

KEY = ("method", "variant", "backbone", "stage", "device", "precision")
COLUMNS = {
    "method": NAME, "variant": NAME, "backbone": NAME, "stage": WHOLE, "images": WHOLE, "pixels": WHOLE,
    "precision": NAME, "seconds": NUMBER, "peak_gib": NUMBER, "kind": NAME, "device": NAME, "torch": NAME,
    "created": TIME,
}  # fmt: skip
REPLAY = {"plan": NAME, "runs": WHOLE, "GPUs": WHOLE, "list schedule, s": NUMBER, "Snakemake, s": NUMBER,
          "no schedule is shorter than, s": NUMBER, "created": TIME}  # fmt: skip
NOT_MEASURED = "not measured"
GPUS = (8, 64)


def steps_file() -> Path:
    """Return the file of measured steps."""
    return paths.data_file("paper_steps.csv")


def measured_steps(kind: str = "cuda") -> pd.DataFrame:
    """Return the measured training steps of one kind of device, "cuda" or "cpu"; columns as COLUMNS."""
    table = _kept(steps_file(), COLUMNS, KEY)
    return table[table["kind"] == kind].reset_index(drop=True)


def _kept(file: Path, columns: Mapping[str, str], key: Sequence[str]) -> pd.DataFrame:
    """Return a file's table, an empty one where there is no file: a wheel carries none."""
    return read_typed(file, columns, key) if file.is_file() else pd.DataFrame(columns=list(columns))


def replays_file() -> Path:
    """Return the file of replays."""
    return paths.data_file("grid_replay.csv")


def replays() -> pd.DataFrame:
    """Return what `benchmarks/grid_replay.py` wrote: Snakemake's time beside the predicted one, a row per replay."""
    return _kept(replays_file(), REPLAY, ("plan", "runs", "GPUs"))


def seconds_per_image(measured: pd.DataFrame) -> dict[tuple[str, str, str, int], float]:
    """Return (method, variant, backbone, stage) -> seconds per image of one device's measured steps."""
    rows = measured.itertuples()
    return {(row.method, row.variant, row.backbone, row.stage): row.seconds / row.images for row in rows}


def hours_of(run: WantedRun, speed: Mapping[tuple[str, str, str, int], float]) -> float | None:
    """Return the GPU hours of a run, None where one of its steps was not measured.

    An ablation counts as the step of the whole variant.

    Args:
        run: of the plan.
        speed: of `seconds_per_image`.
    """
    method, variant, hours = base_method(run.method), read_label(run.label)[0], 0.0
    for stage in cost_of(run):
        each = speed.get((method, variant, stage.backbone, stage.number))
        if each is None:
            return None
        hours += stage.steps * stage.images * each / 3600
    return hours


def passes_of(run: WantedRun) -> int:
    """Return the passes of a run through networks in training, of all its stages."""
    return sum(stage.steps * stage.passes for stage in cost_of(run))


def cost_table(runs: Iterable[WantedRun], speed: Mapping[tuple[str, str, str, int], float]) -> pd.DataFrame:
    """Return the cost of a plan per table of the papers, and of all: text, with `NOT_MEASURED` where a step is not.

    A run that several tables show counts where it is first needed.
    """
    groups: dict[str, list[WantedRun]] = {}
    for run in runs:
        groups.setdefault(run.shown_in, []).append(run)
    groups["all"] = [run for group in groups.values() for run in group]
    rows = {name: _line(group, speed) for name, group in groups.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("first shown in")


def _line(runs: list[WantedRun], speed: Mapping[tuple[str, str, str, int], float]) -> dict[str, str]:
    stages = [stage for run in runs for stage in cost_of(run)]
    hours = [hours_of(run, speed) for run in runs]
    return {
        "runs": f"{len(runs)}",
        "10^6 steps": f"{sum(one.steps for one in stages) / 1e6:.2f}",
        "10^6 images": f"{sum(one.steps * one.images for one in stages) / 1e6:,.0f}",
        "10^6 passes": f"{sum(one.steps * one.passes for one in stages) / 1e6:,.0f}",
        "GPU hours": NOT_MEASURED if None in hours else f"{sum(hours):,.0f}",
    }


def durations(
    runs: Iterable[WantedRun], speed: Mapping[tuple[str, str, str, int], float]
) -> dict[str, float]:
    """Return run's name -> GPU hours, or 10^6 passes for all runs where a step was not measured.

    Args:
        runs: the plan.
        speed: see `seconds_per_image`.
    """
    runs = list(runs)
    hours = [hours_of(run, speed) for run in runs]
    work = [passes_of(run) / 1e6 for run in runs] if None in hours else hours
    return dict(zip(map(name_of, runs), work, strict=True))


def unit(runs: Iterable[WantedRun], speed: Mapping[tuple[str, str, str, int], float]) -> str:
    """Return the unit of `durations` in words."""
    return "10^6 passes" if None in (hours_of(run, speed) for run in runs) else "hours"


def schedule_table(
    runs: Iterable[WantedRun], speed: Mapping[tuple[str, str, str, int], float]
) -> pd.DataFrame:
    """Return how long a plan takes on GPUS, one run per GPU, in the unit of `durations`; a row per number of GPUs.

    Args:
        runs: the plan; at least one.
        speed: see `seconds_per_image`.
    """
    runs = list(runs)
    time, before = durations(runs, speed), needed_before(runs)
    total, chain, rows = sum(time.values()), longest_chain(time, before), {}
    for count in GPUS:
        plan, best = makespan(time, before, count), makespan(longest_first(time), before, count)
        rows[count] = {
            "all runs": f"{total:,.0f}",
            "critical path": f"{chain:,.0f}",
            "no schedule is shorter than": f"{max(chain, total / count):,.0f}",
            "in the plan's order": f"{plan:,.0f}",
            "longest first": f"{best:,.0f}",
            "GPUs at work, longest first": f"{total / count / best:.0%}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("GPUs")
