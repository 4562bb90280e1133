"""Settings as they are written into checkpoints, records and folder names: not one character may change.

identities.json was written by commit 4f6ad3c, when profiles and configurations were dataclasses. Where a
profile took other values since (groups, learning rate, steps, mining), only those values were replaced in it;
profile `table` is the laptop's with twice the steps.
"""

import json
from pathlib import Path

import pytest
from tiny_data import SCHEMA, tiny_data

from fashion_lib.methods.registry import build_model
from fashion_lib.runs.record import variant_label
from fashion_lib.runs.run_setup import TASKS, departures, training_config
from fashion_lib.training.config import OF_THE_MACHINE
from fashion_lib.training.profiles import PROFILES
from fashion_lib.training.stopped_run import identity

WRITTEN = json.loads(Path(__file__).with_name("identities.json").read_text(encoding="utf-8"))
LATER = {"gradient_checkpointing"}  # settings of the machine that older records lack
CHANGES = {
    "as it is": {},
    "whole numbers": {"learning_rate": 1, "weight_decay": 0, "margin": 1},
    "others": {
        "steps": 10, "start": "random", "shift": 0.5, "schedule": "constant", "labels": "all", "mining": "semi_hard",
        "image_size": 32, "wardrobe_seed": 3, "evaluations": 0,
    },
}  # fmt: skip


def test_what_came_later_decides_nothing():
    assert set(OF_THE_MACHINE) >= LATER


def test_every_profile_and_task_is_compared():
    names = {f"{profile}, {task}, {change}" for profile in PROFILES for task in TASKS for change in CHANGES}
    assert names == set(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_settings_are_written_as_before(name):
    profile, task, change = name.split(", ")
    changed = PROFILES[profile].with_options(**CHANGES[change])
    config = training_config(changed, 7, TASKS[task])
    told = {name: value for name, value in dict(config).items() if name not in LATER}
    assert json.dumps(told) == WRITTEN[name]["record"]  # 1 and 1.0 differ, the order of the names counts
    assert variant_label("v", **departures(changed)) == WRITTEN[name]["label"]
    kept = identity(build_model("csn", SCHEMA, start="random"), tiny_data(), config)["config"]
    expected = json.loads(WRITTEN[name]["record"])
    del expected["device"], expected["checkpoint_every"]  # decide nothing
    assert json.dumps(kept) == json.dumps(expected)
