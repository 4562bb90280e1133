"""The plan of runs on the papers' own data sets at profile `paper`: what each trains, in steps, images and passes.

A pass is one image through one network once: forward and backward, or only forward in a momentum encoder. The counts
follow from `fashion_lib.training.paper_settings` and need no GPU.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from fashion_lib.data.published_schemas import FASHIONAI
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import MANIPULATION_METHODS, METHODS, build_model
from fashion_lib.papers import ag_mlan_tables
from fashion_lib.papers.counterparts import COUNTERPARTS
from fashion_lib.papers.grid import SEEDS, WantedRun, method_runs, wanted_runs
from fashion_lib.papers.yao2026_tables import BACKBONE_ROWS
from fashion_lib.runs.labels import checked_settings
from fashion_lib.runs.record import RERANKED, base_method, read_label
from fashion_lib.training.paper_stages import SECOND_ONLY, TrainingStage, training_stages
from fashion_lib.training.profiles import PAPER, Profile

THEIRS = {ours: theirs for theirs, ours in COUNTERPARTS.items()}
# Blocks of the grid that no paper prints.
OWN = ("learning-rate trials", "AG-MLAN's ablations", "photographs", "paper against code")
YAO_1 = "table 1 of Yao et al."  # in the grid with backbones that need no download


@dataclass(frozen=True)
class StageCost:
    """One training of a run. number: 1 or 2. images, passes: per step. backbone: of the region branch."""

    number: int
    steps: int
    images: int
    passes: int
    backbone: str


def grid_runs(profile: Profile = PAPER) -> list[WantedRun]:
    """Return all runs of the grid on the data sets that the wardrobe stands for, and those of AG-MLAN's table 3.

    Args:
        profile: of the runs. Profile `paper` has the printed backbones of table 1 of Yao et al., which need a download.
    """
    printed = profile.name == PAPER.name
    runs = [_on_theirs(run) for run in wanted_runs(profile, plain=True) if run.dataset in THEIRS]
    runs = [run for run in runs if not (printed and run.shown_in == YAO_1)]
    named = {"deepfashion_adde": [(row.method, row.variant(PAPER), YAO_1) for row in BACKBONE_ROWS if printed]}
    named["zappos50k"] = [(*row, "table 3 of AG-MLAN") for row in ag_mlan_tables.ZAPPOS_ROWS.values()]
    more = [
        WantedRun(dataset, method, label, seed, shown_in)
        for dataset, rows in named.items()
        for seed in SEEDS
        for method, label, shown_in in rows
    ]
    have = {(run.dataset, run.method, run.label, run.seed) for run in runs}
    return runs + [run for run in more if (run.dataset, run.method, run.label, run.seed) not in have]


def table_runs(profile: Profile = PAPER) -> list[WantedRun]:
    """Return the runs of the three papers' printed tables and figures alone, with three seeds."""
    return [run for run in grid_runs(profile) if run.shown_in not in OWN and run.seed in SEEDS]


def runs_on(dataset: str, profile: Profile) -> list[WantedRun]:
    """Return the runs that the tables need on a data set.

    Args:
        dataset: a known data set. "wardrobe" stands for the whole grid, its other label tables among it; a paper's own
            data set for the printed tables and figures on it; a data set of no paper for one row per method.
        profile: of the runs.
    """
    every = wanted_runs(profile)
    if dataset == "wardrobe":
        return every
    like = "deepfashion_adde" if dataset == "shopping100k" else dataset  # both are ADDE's, for manipulation
    found = [replace(run, dataset=dataset) for run in (*every, *table_runs(profile)) if run.dataset == like]
    return found or method_runs(dataset)


def _on_theirs(run: WantedRun) -> WantedRun:
    return replace(
        run, dataset="deepfashion_adde" if run.method in MANIPULATION_METHODS else THEIRS[run.dataset]
    )


def name_of(run: WantedRun) -> str:
    """Return a run's name in plans: "fashionai.asen.v2.seed0"."""
    return f"{run.dataset}.{run.method}.{run.label}.seed{run.seed}"


def needed_before(runs: Iterable[WantedRun]) -> dict[str, tuple[str, ...]]:
    """Return name -> names of the runs that must be finished before: re-ranking needs the run that it re-ranks."""
    return {name_of(run): (name_of(_base(run)),) if run.method.endswith(RERANKED) else () for run in runs}


def _base(run: WantedRun) -> WantedRun:
    return replace(run, method=base_method(run.method))


def cost_of(run: WantedRun) -> tuple[StageCost, ...]:
    """Return the trainings of a run; () for the random baseline, and for re-ranking, which trains no network."""
    return () if run.method.endswith(RERANKED) else _cost(run.method, run.label, run.dataset)


def stages_of(run: WantedRun) -> tuple[TrainingStage, ...]:
    """Return the trainings of a run, with their settings."""
    return _stages(run.method, run.label, run.dataset)[0]


def _stages(method: str, label: str, dataset: str) -> tuple[tuple[TrainingStage, ...], int]:
    """Return the trainings of a run, and the number of the first one."""
    profile, options = checked_settings(label, PAPER)
    first = 2 if options.get("branches") in SECOND_ONLY else 1
    return training_stages(method, read_label(label)[0], dataset, profile, options), first


@cache
def _cost(method: str, label: str, dataset: str) -> tuple[StageCost, ...]:
    if not METHODS[method].trainable:
        return ()
    (stages, first), found = _stages(method, label, dataset), []
    for number, stage in enumerate(stages, first):
        images = stage.profile.batch_size // 3 * 3  # whole triplets or tuples
        model = _model(method, read_label(label)[0], tuple(stage.options.items()))
        passes = images * model.training_passes + images // 3 * (getattr(model, "views", 1) - 1)
        found.append(StageCost(number, stage.profile.steps, images, passes, stage.profile.backbone))
    return tuple(found)


@cache
def _model(method: str, variant: str, options: tuple[tuple[str, object], ...]) -> RetrievalModel:
    """Return the method's smallest model: passes per image do not depend on its size."""
    return build_model(method, FASHIONAI, variant=variant, start="random", **dict(options))
