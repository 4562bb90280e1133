"""Both starts of MobileNetV2 stand beside each other, and what was not run says so."""

import pytest

from fashion_lib.papers.imagenet_start import (
    COMPARED,
    DATASETS,
    STARTS,
    STEPS,
    imagenet_rows,
    imagenet_table,
    label_of,
    unequal_precision,
)
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.training.profiles import TABLE


def put(dataset, method, start, seed, score, precision=""):
    label = label_of(method, start)
    record = RunRecord(method=method, variant=label, dataset=dataset, profile="table", seed=seed, minutes=1.0,
                       metrics={"map": {"overall": score}}, precision=precision)  # fmt: skip
    record.save(run_dir(dataset, "table", method, label, seed) / RECORD_NAME)


def test_every_row_differs_in_the_start_alone():
    given = {pair: checked_label(*pair, TABLE).profile for pair in imagenet_rows()}
    assert len(given) == len(COMPARED) * len(STARTS)
    for method in COMPARED:
        random, imagenet = (given[method, label_of(method, start)] for start in STARTS)
        assert random.with_options(start="imagenet") == imagenet and imagenet.steps == STEPS


@pytest.mark.usefixtures("project")
def test_the_difference_is_taken_seed_by_seed():
    assert (imagenet_table() == "not run").all(axis=None)
    for seed, (random, imagenet) in enumerate([(20.0, 50.0), (30.0, 62.0)]):
        put("clothing", "asen", "random", seed, random)
        put("clothing", "asen", "imagenet", seed, imagenet)
    put("wardrobe", "csn", "imagenet", 0, 40.0)
    table = imagenet_table()
    assert list(table.columns) == [(d, name) for d in DATASETS for name in (*STARTS, "difference")]
    assert table.loc["asen", "clothing"].tolist() == ["25.0 ± 7.1", "56.0 ± 8.5", "+31.0 ± 1.4 (2)"]
    assert table.loc["csn", "wardrobe"].tolist() == ["not run", "40.0", "not run"]
    assert (table.loc["triplet"] == "not run").all()


@pytest.mark.usefixtures("project")
def test_runs_of_unequal_precision_are_named():
    put("wardrobe", "asen", "random", 0, 20.0, "bf16")
    put("wardrobe", "asen", "imagenet", 0, 50.0, "bf16")
    put("wardrobe", "csn", "random", 0, 30.0, "fp32")
    assert imagenet_table().loc["asen", ("wardrobe", "difference")] == "+30.0 (1)"
    put("wardrobe", "csn", "imagenet", 0, 55.0, "bf16")
    assert imagenet_table().loc["csn", ("wardrobe", "difference")] == "+25.0 (1), precision fp32 and bf16"
    assert unequal_precision("wardrobe", ("asen", "random"), ("csn", "random")) == ", precision bf16 and fp32"
    assert unequal_precision("wardrobe", ("asen", "imagenet"), ("csn", "imagenet")) == ""
