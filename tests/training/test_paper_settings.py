"""Profile `paper`: the numbers of papers and authors' code per system and data set, and whose settings win."""

import pytest
from tiny_data import SCHEMA

from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.runs.run_setup import TASKS, departures, training_config
from fashion_lib.training.paper_settings import ROWS, as_table, paper_row
from fashion_lib.training.paper_stages import training_stages
from fashion_lib.training.profiles import LAPTOP, PAPER, SMOKE

SYSTEMS = [
    (name, variant) for name, entry in METHODS.items() for variant in entry.variants if name != "random"
]
# system, data set -> per stage: epochs, steps, pictures per step, rate, rate of the rest, decay, steps between, flip
WRITTEN = {
    ("asen", "v2", "fashionai"): [(50, 312_500, 48, 1e-4, 0, 0.9, 18_750, True)],
    ("asen", "v1", "darn"): [(200, 1_250_000, 48, 1e-4, 0, 0.985, 6_250, True)],
    ("csn", "veit", "zappos50k"): [(200, 78_200, 768, 4.925e-5, 0, 0.985, 391, True)],
    ("ag_mlan", "paper", "fashionai"): [(150, 937_500, 48, 1e-4, 0, 0.9, 18_750, True)],
    ("ag_mlan", "code", "zappos50k"): [(50, 625_000, 48, 1e-4, 0, 0.9, 37_500, True)],
    ("asen_pp", "code", "deepfashion"): [
        (50, 312_500, 48, 1e-4, 0, 0.9, 18_750, False),
        (20, 125_000, 48, 1e-4, 1e-5, 0.9, 6_250, False),
    ],
    ("rpf", "paper", "fashionai"): [
        (50, 312_500, 48, 5e-5, 0, 0.9, 18_750, True),
        (50, 312_500, 48, 5.5e-5, 1e-5, 0.9, 12_500, False),
    ],
    ("ipad", "code", "darn"): [
        (100, 156_300, 192, 1e-4, 0, 0.9, 4_689, True),
        (41, 205_000, 60, 5.5e-5, 1e-5, 0.9, 10_000, False),
    ],
    ("adde_m", "code", "deepfashion_adde"): [
        (25, 17_825, 128, 1e-4, 0, 0.5, 7_130, True),
        (25, 274_325, 192, 1e-4, 0, 0.5, 109_730, True),
    ],
}
BETAS = {("rpf", "code"): (0.3, 0.3, 0.4), ("ipad", "code"): (0.3, 0.3, 0.4), ("ipad", "paper"): (0.4, 0.4, 0.4),
         ("asen_pp", "code"): (0.6, 0.6, 0.6)}  # fmt: skip


@pytest.mark.parametrize("system", WRITTEN, ids=" ".join)
def test_the_numbers_are_those_of_the_papers_and_the_authors_code(system):
    row = paper_row(*system)
    found = [
        (s.epochs, s.steps, s.images, s.learning_rate, s.rest, s.decay, s.every * s.steps_per_epoch, s.flip)
        for s in row.stages
    ]
    assert found == [pytest.approx(numbers) for numbers in WRITTEN[system]]


@pytest.mark.parametrize("system", BETAS, ids=" ".join)
def test_beta_is_that_of_the_data_set(system):
    found = [paper_row(*system, dataset).beta for dataset in ("fashionai", "darn", "deepfashion")]
    assert tuple(found) == BETAS[system]


@pytest.mark.parametrize(("name", "variant"), SYSTEMS)
def test_every_trained_system_has_a_row_that_makes_a_configuration(name, variant):
    row = paper_row(name, variant, "fashionai")
    assert row.source and (row.beta is not None) == (name in ("asen_pp", "rpf", "ipad"))
    task = TASKS[METHODS[name].task]
    for stage in training_stages(name, variant, "fashionai", PAPER, {}):
        config = training_config(stage.profile, 3, task, **stage.more)
        assert config.optimiser == "adam" and config.margin == 0.2 and config.schedule == "step"
        assert (config.sampling, config.seed, config.warmup) == ("triplet_list", 3, 0)


def test_rows_are_single_and_the_table_shows_them_all():
    keys = [(row.system, row.dataset) for row in ROWS]
    assert len(keys) == len(set(keys))
    table = as_table()
    assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)
    shown = [(line.system, name, line.stage) for line in table.rename(columns={"data sets": "names"}).itertuples()
             for name in line.names.split(", ")]  # fmt: skip
    stages = [
        (row.system, row.dataset, f"{n + 1} of {len(row.stages)}")
        for row in ROWS
        for n in range(len(row.stages))
    ]
    assert sorted(shown) == sorted(stages)
    line = table[(table["system"] == "rpf") & (table["data sets"] == "fashionai, darn")].iloc[1]
    assert line["networks"] == "resnet50, 224 px + ViT-B/16" and line["β"] == "0.3"
    assert line["learning rate"] == "5.5e-05; 1e-05 outside the patch branch"


def test_a_drawn_wardrobe_has_the_settings_of_the_data_set_it_is_drawn_like():
    like = {"wardrobe": "fashionai", "wardrobe_darn": "darn", "wardrobe_deepfashion": "deepfashion"}
    for ours, theirs in like.items():
        assert paper_row("ipad", "code", ours).dataset == theirs
    assert paper_row("yao2026", "default", "wardrobe").dataset == "deepfashion_adde"
    assert paper_row("random", "default", "fashionai") is None


@pytest.mark.parametrize("profile", [SMOKE, LAPTOP], ids=lambda profile: profile.name)
def test_other_profiles_have_one_stage_as_it_is(profile):
    (stage,) = training_stages("rpf", "paper", "darn", profile, {"beta": 0.5})
    assert stage.profile is profile and (stage.options, stage.more) == ({"beta": 0.5}, {})


def test_what_the_user_gives_wins_in_every_stage_even_where_it_is_the_profiles_own_value():
    given = PAPER.with_options(learning_rate=PAPER.learning_rate, steps=7)
    stages = training_stages("rpf", "paper", "darn", given, {"beta": 0.9})
    assert [(s.profile.learning_rate, s.profile.steps) for s in stages] == [(1e-4, 7)] * 2
    assert [s.profile.flip for s in stages] == [True, False]  # not given
    assert [s.options for s in stages] == [
        {"beta": 0.9, "first_stage": 1.0},
        {"beta": 0.9, "first_stage": 0.0},
    ]
    assert departures(given, "rpf", "paper") == {"learning_rate": 1e-4, "steps": 7}
    assert departures(given) == {"steps": 7} and departures(PAPER, "rpf", "paper") == {}
    resnet = PAPER.with_options(backbone="resnet50")  # only ADDE's code has another backbone
    assert departures(resnet, "yao2026", "default") == {}
    assert departures(resnet, "adde_m", "code") == {"backbone": "resnet50"}
    (stage,) = training_stages("asen", "v2", "fashionai", PAPER.with_options(shift=0.1, clip=5.0), {})
    assert (stage.profile.shift, stage.profile.clip) == (0.1, 5.0)


def test_ablations_that_train_one_branch_have_that_branchs_stage():
    (region,) = training_stages("ipad", "paper", "fashionai", PAPER, {"branches": "sp"})
    (patch,) = training_stages("ipad", "paper", "fashionai", PAPER, {"branches": "se"})
    assert (region.profile.batch_size, patch.profile.batch_size) == (192, 48)
    assert not region.more and patch.more


def test_a_given_first_stage_is_one_training_with_the_steps_of_both():
    (whole,) = training_stages("rpf", "paper", "fashionai", PAPER, {"first_stage": 0.5})
    assert (whole.profile.steps, whole.profile.learning_rate) == (625_000, 5.5e-5)
    assert whole.options == {"beta": 0.3, "first_stage": 0.5}
    (few,) = training_stages("rpf", "paper", "fashionai", PAPER.with_options(steps=9), {"first_stage": 0.5})
    assert few.profile.steps == 9


@pytest.mark.parametrize(("name", "variant"), [("asen_pp", "code"), ("rpf", "paper"), ("ipad", "code")])
def test_the_patch_branch_has_its_own_learning_rate_in_stage_2(name, variant):
    stage = training_stages(name, variant, "fashionai", PAPER, {})[1]
    model = build_model(name, SCHEMA, variant=variant, start="random", **stage.options)
    fast, slow = training_config(stage.profile, 0, **stage.more).parameter_groups(model)
    assert (fast["lr"], slow["lr"]) == (stage.profile.learning_rate, pytest.approx(1e-5))
    named = {id(p): n for n, p in model.named_parameters()}
    tops = [{named[id(p)].split(".")[0] for p in group["params"]} for group in (fast, slow)]
    assert tops == [{"patch", "values", "unused"} if name == "ipad" else {"patch"}, {"attribute", "region"}]
    assert len(fast["params"]) + len(slow["params"]) == len(named)


def test_a_model_of_stage_1_alone_embeds_by_its_region_branch_after_its_last_step():
    model = build_model("rpf", SCHEMA, start="random", first_stage=1.0)
    model.steps.fill_(2)
    model.step.fill_(2)
    assert model.in_first_stage and model.training_passes == 1
