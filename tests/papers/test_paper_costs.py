"""What the papers' tables cost: counts by hand, hours from a measured step, schedules, and the committed page."""

from dataclasses import replace

import numpy as np
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.course import paper_page
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers import paper_costs
from fashion_lib.papers.critical_path import longest_chain, longest_first, makespan
from fashion_lib.papers.grid import SEEDS, WantedRun
from fashion_lib.papers.paper_runs import cost_of, grid_runs, name_of, needed_before, table_runs
from fashion_lib.training.paper_settings import paper_row

ASEN = WantedRun("fashionai", "asen", "v2", 0, "table 1")
RPF = WantedRun("fashionai", "rpf", "paper", 0, "table 1")
# run -> stage, steps, images and passes per step
BY_HAND = {
    ASEN: [(1, 50 * 6_250, 48, 48)],
    RPF: [(1, 50 * 6_250, 48, 48), (2, 50 * 6_250, 48, 2 * 48)],
    # two momentum encoders in stage 2
    WantedRun("darn", "ipad", "paper", 0, ""): [(1, 100 * 1_563, 192, 192), (2, 41 * 5_000, 60, 4 * 60)],
    # two more views of each of 64 and 16 anchors
    WantedRun("fashionai", "ipad", "code", 0, ""): [
        (1, 200 * 1_563, 192, 192 + 128),
        (2, 132 * 6_250, 48, 96 + 32),
    ],
    WantedRun("fashionai", "ipad", "paper+branches=se", 0, ""): [(2, 132 * 6_250, 48, 2 * 48)],
    # 42 tuples of three pictures are nearest to 128 pictures
    WantedRun("deepfashion_adde", "adde_m", "code", 0, ""): [
        (1, 25 * 713, 126, 126),
        (2, 25 * 10_973, 192, 192),
    ],
    WantedRun("fashionai", "random", "default", 0, ""): [],
    WantedRun("fashionai", "ipad+fr", "paper", 0, ""): [],
}


@pytest.mark.parametrize("run", BY_HAND, ids=name_of)
def test_steps_images_and_passes_are_those_counted_by_hand(run):
    assert [(s.number, s.steps, s.images, s.passes) for s in cost_of(run)] == BY_HAND[run]


def test_gpu_hours_are_steps_times_the_measured_time_per_image():
    speed = {("asen", "v2", "resnet50", 1): 0.12 / 48, ("rpf", "paper", "resnet50", 1): 0.1 / 24}
    assert paper_costs.hours_of(ASEN, speed) == pytest.approx(312_500 * 0.12 / 3600)
    assert paper_costs.hours_of(RPF, speed) is None  # its stage 2 was not measured
    speed["rpf", "paper", "resnet50", 2] = 0.5 / 48
    assert paper_costs.hours_of(RPF, speed) == pytest.approx(312_500 * (0.2 + 0.5) / 3600)
    again = replace(ASEN, seed=1)
    table = paper_costs.cost_table([ASEN, again, replace(RPF, shown_in="table 2")], speed)
    assert table["runs"].to_dict() == {"table 1": "2", "table 2": "1", "all": "3"}
    assert table["GPU hours"].to_dict() == {"table 1": "21", "table 2": "61", "all": "82"}
    hours = paper_costs.hours_of(ASEN, speed)
    assert paper_costs.durations([ASEN, again], speed) == {name_of(ASEN): hours, name_of(again): hours}


def test_without_a_measured_step_nothing_is_said_of_hours():
    table = paper_costs.cost_table([ASEN], {})
    assert table.loc["all"].to_dict() == {
        "runs": "1", "10^6 steps": "0.31", "10^6 images": "15", "10^6 passes": "15",
        "GPU hours": paper_costs.NOT_MEASURED,
    }  # fmt: skip
    assert paper_costs.durations([ASEN], {}) == {name_of(ASEN): 15.0}
    assert (paper_costs.unit([ASEN], {}), paper_costs.unit([], {})) == ("10^6 passes", "hours")


def test_a_schedule_is_that_made_by_hand():
    seconds = {"a": 3.0, "b": 2.0, "c": 2.0, "d": 1.0}
    # first machine: a, then d; second: b, then c
    assert makespan(seconds, {}, 2) == 4
    assert makespan(seconds, {}, 1) == 8 and makespan(seconds, {}, 4) == 3
    # d waits for c: b and c end at 2 and 4, d at 5
    assert makespan(seconds, {"d": ("c",)}, 2) == 5
    assert longest_chain(seconds, {"d": ("c",), "c": ("b",)}) == 5
    # short jobs first leave the long one for last
    late = {"x": 1.0, "y": 1.0, "z": 4.0}
    assert makespan(late, {}, 2) == 5 and makespan(longest_first(late), {}, 2) == 4


def test_a_schedule_lies_between_its_bounds():
    rng = np.random.default_rng(0)
    for machines in (1, 2, 3, 7):
        seconds = {f"{i}": float(rng.integers(1, 20)) for i in range(25)}
        before = {f"{i}": [f"{k}" for k in rng.integers(0, i, 2)] for i in range(5, 25) if rng.random() < 0.4}
        chain, total = longest_chain(seconds, before), sum(seconds.values())
        length = makespan(seconds, before, machines)
        assert max(chain, total / machines) <= length <= total / machines + (1 - 1 / machines) * chain + 1e-9


def test_jobs_in_a_circle_are_one_sentence():
    with pytest.raises(FashionError, match="2 jobs wait for each other"):
        makespan({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": ("b",), "b": ("a",)}, 2)


def test_the_plan_has_the_papers_data_sets_three_seeds_and_every_printed_method():
    runs = table_runs()
    assert {run.dataset for run in runs} == {
        "fashionai",
        "darn",
        "deepfashion",
        "deepfashion_adde",
        "zappos50k",
    }
    assert {run.seed for run in runs} == set(SEEDS) and len({name_of(run) for run in runs}) == len(runs)
    assert {run.method.removesuffix("+fr") for run in runs} == set(METHODS)
    labels = [run.label for run in runs if "table 1 of Yao" in run.shown_in]
    assert sum("backbone=vgg16" in label for label in labels) == 3
    whole = grid_runs()
    assert {name_of(run) for run in runs} < {name_of(run) for run in whole}
    before = needed_before(whole)
    assert {name for names in before.values() for name in names} <= set(before)
    for run in whole:
        row = paper_row(run.method.removesuffix("+fr"), run.label.partition("+")[0], run.dataset)
        assert run.method == "random" or row.dataset == run.dataset


@pytest.mark.slow
def test_the_committed_page_is_the_one_that_the_settings_make():
    committed = paper_page.page_file().read_text(encoding="utf-8")
    assert committed == paper_page.page(), "run `python -m fashion_lib paper-costs --write`"
