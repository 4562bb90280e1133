"""Our prediction of a plan's time beside Snakemake's own scheduling of the same steps, which sleep."""

import importlib
import json
import os
from pathlib import Path

import pytest

from fashion_lib.workflow.plan import PlannedRun
from fashion_lib.workflow.steps import batch_steps, write_plan

ROOT = Path(__file__).resolve().parents[2]
SNAKEMAKE = Path(os.environ.get("FASHION_SNAKEMAKE") or ROOT / ".venv-batch" / "bin" / "snakemake")
SECONDS = {"triplet": 2.0, "csn": 1.0, "asen": 3.0, "ipad": 2.5, "ipad+fr": 1.5, "rpf": 2.0}


@pytest.mark.slow
@pytest.mark.skipif(not SNAKEMAKE.is_file(), reason="there is no Snakemake: make batch-env")
def test_snakemake_takes_the_predicted_time_and_keeps_order_and_number(project, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    grid_replay = importlib.import_module("grid_replay")
    variants = {"triplet": "default", "csn": "prein", "asen": "v2"}
    runs = [PlannedRun("fashionai", name, variants.get(name, "paper"), "paper", seed) for seed in (0, 1)
            for name in SECONDS]  # fmt: skip
    plan = write_plan(batch_steps(runs, []), project / "plan")
    before = {step["name"]: step["after"] for step in json.loads(plan.read_text())["steps"]}
    seconds = {f"run.{run.label}": SECONDS[run.method] for run in runs}
    took = grid_replay.replay(plan, seconds, 3, SNAKEMAKE)
    assert set(took) == set(before) and len(took) == 1 + len(runs) + 1
    for name, needed in before.items():
        assert all(took[one][1] <= took[name][0] for one in needed), name
    begins = sorted(begun for begun, _ in took.values())
    busiest = max(sum(begun <= at < ended for begun, ended in took.values()) for at in begins)
    assert busiest == 3
    predicted, length, best = grid_replay.compared(took, before, 3)
    # Any list schedule has at most twice the best length (Graham); beside it, the engine's own work for each step.
    assert best <= predicted <= 2 * best and best <= length <= 2 * best + 1.0 * len(took)
