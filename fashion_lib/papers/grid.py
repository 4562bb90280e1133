"""Every run that the three papers' tables and figures need here, in the order of what decides most.

`make tables` trains what is missing. A run appears once, even where several tables show it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fashion_lib.methods.registry import MANIPULATION_METHODS, METHODS
from fashion_lib.papers import ag_mlan_tables, ipad_tables, yao2026_tables
from fashion_lib.papers.counterparts import shared_label
from fashion_lib.papers.imagenet_start import DATASETS as STARTED
from fashion_lib.papers.imagenet_start import imagenet_rows
from fashion_lib.runs import ledger
from fashion_lib.runs.record import RERANKED, read_label, variant_label
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX as MANIPULATION
from fashion_lib.training.profiles import PAPER, TABLE, Profile

SEEDS, CLAIM_SEEDS = (0, 1, 2), (0, 1, 2, 3, 4)
TRIED_RATES = (0.5, 2.0)  # times the profile's learning rate, which is the third trial
PHOTOGRAPHS = ("random", "triplet", "csn", "asen")


@dataclass(frozen=True)
class WantedRun:
    """One run of the tables.

    Attributes:
        dataset: name of the data set, as `load_dataset` takes it.
        method: our name of the method; "<method>+fr" re-ranks the run of that method.
        label: variant with its options, as in the ledger.
        seed: the run's seed.
        shown_in: the table or figure that needs it first.
    """

    dataset: str
    method: str
    label: str
    seed: int
    shown_in: str

    @property
    def recorded_dataset(self) -> str:
        """Return the data set's name in records."""
        return self.dataset + (MANIPULATION if self.method in MANIPULATION_METHODS else "")


def wanted_runs(profile: Profile, *, plain: bool = False) -> list[WantedRun]:
    """Return the runs of all tables, each once; those of seed 0 come first inside a block of tables.

    Args:
        profile: of the runs; it decides which settings count as departures in a label.
        plain: whether to leave out the settings that all rows of one of our label tables share.
    """

    def shared(dataset: str) -> list[tuple[str, str]]:
        if plain or profile.name == PAPER.name:  # there the papers' settings decide
            return _methods()
        return [(method, shared_label(dataset, method, label)) for method, label in _methods()]

    ours = profile.name == TABLE.name and not plain  # whether runs belong to it that no paper prints
    started, halves = (STARTED, yao2026_tables.HALF_ROWS) if ours else ((), ())
    blocks = (
        ("wardrobe", _methods(), CLAIM_SEEDS, "table 1 of AG-MLAN and IPAD"),
        ("wardrobe", learning_rate_trials(profile), (0,), "learning-rate trials"),
        ("wardrobe", _manipulation(yao2026_tables.METHOD_ROWS + yao2026_tables.ABLATION_ROWS, profile), SEEDS,
         "tables 2 to 4 of Yao et al."),
        ("wardrobe", ag_mlan_tables.ABLATION_ROWS.values(), SEEDS, "AG-MLAN's ablations"),
        *(("wardrobe", ipad_tables.labelled(rows).values(), SEEDS, f"IPAD, {figure}")
          for figure, rows in ipad_tables.FIGURES.items() if figure != "fig5"),
        ("wardrobe_darn", shared("wardrobe_darn"), SEEDS, "table 2 of IPAD"),
        ("wardrobe_deepfashion", shared("wardrobe_deepfashion"), SEEDS, "table 2 of AG-MLAN, table 3 of IPAD"),
        ("clothing", [(name, _first(name)) for name in PHOTOGRAPHS], SEEDS, "photographs"),
        *((dataset, imagenet_rows(), (0,), "ImageNet weights") for dataset in started),
        ("wardrobe", _passes((1, 3, 5, 10)), SEEDS, "IPAD, fig5"),
        ("wardrobe", _passes(range(1, 11)), (0,), "IPAD, fig5"),
        ("wardrobe", ipad_tables.labelled(ipad_tables.CODE).values(), SEEDS, "paper against code"),
        ("wardrobe", _manipulation(yao2026_tables.OWN_BACKBONE_ROWS, profile), SEEDS, "table 1 of Yao et al."),
        ("wardrobe", _manipulation(halves, profile), SEEDS, "halves of the W&T loss"),
    )  # fmt: skip
    found: dict[tuple, WantedRun] = {}
    for dataset, pairs, seeds, shown_in in blocks:
        pairs = list(dict.fromkeys(pairs))
        for seed in seeds:
            for method, label in pairs:
                found.setdefault((dataset, method, label, seed), WantedRun(dataset, method, label, seed, shown_in))
    return list(found.values())


def missing_runs(profile: Profile, wanted: Sequence[WantedRun] | None = None) -> list[WantedRun]:
    """Return the wanted runs (None: of all tables) that are neither in the ledger nor on this machine."""
    wanted = wanted_runs(profile) if wanted is None else wanted
    have: set[tuple] = set()
    for dataset in {run.recorded_dataset for run in wanted}:
        table = ledger.collect(dataset, profile.name)
        have |= set(zip(table["dataset"], table["method"], table["variant"], table["seed"], strict=True))
    return [run for run in wanted if (run.recorded_dataset, run.method, run.label, run.seed) not in have]


def overview(runs: Iterable[WantedRun]) -> pd.DataFrame:
    """Return runs as a table: one row per (table, data set, method, variant), with its seeds as text."""
    rows = pd.DataFrame([vars(run) for run in runs], columns=["dataset", "method", "label", "seed", "shown_in"])
    keys = ["shown_in", "dataset", "method", "label"]
    return rows.groupby(keys, sort=False)["seed"].agg(lambda seeds: ", ".join(map(str, seeds))).reset_index()


def learning_rate_trials(profile: Profile) -> list[tuple[str, str]]:
    """Return (method, label) of the trials with other learning rates, two per trained method of both tasks."""
    rates = [{"learning_rate": profile.learning_rate * factor} for factor in TRIED_RATES]
    trained = [pair for pair in _methods() if pair[0] != "random" and not pair[0].endswith(RERANKED)]
    trained += _manipulation(yao2026_tables.METHOD_ROWS, profile)
    return [(method, _with(label, changed)) for method, label in trained for changed in rates]


def _with(label: str, changed: Mapping[str, object]) -> str:
    variant, options = read_label(label)
    return variant_label(variant, **options | dict(changed))


def _first(method: str) -> str:
    return METHODS[method].variants[0]


def method_runs(dataset: str) -> list[WantedRun]:
    """Return the runs of every method of tables 1 on a data set that no paper has used, or not for retrieval."""
    pairs = [(method, shared_label(dataset, method, label)) for method, label in _methods()]
    return [WantedRun(dataset, *pair, seed, "the methods of table 1") for seed in SEEDS for pair in pairs]


def _methods() -> list[tuple[str, str]]:
    """Return (method, label) of the rows that AG-MLAN's and IPAD's tables share a column with, simplest first."""
    rows = dict.fromkeys(ipad_tables.labelled(ipad_tables.METHOD_ROWS).values())
    own = ag_mlan_tables.METHOD_ROWS["AG-MLAN"]
    trained = [pair for pair in rows if not pair[0].endswith(RERANKED)]
    return [*trained, own, *(pair for pair in rows if pair[0].endswith(RERANKED))]


def _passes(numbers: Iterable[int]) -> list[tuple[str, str]]:
    rows: Mapping[str, ipad_tables.Row] = ipad_tables.FIGURES["fig5"]
    return list(ipad_tables.labelled({name: rows[name] for name in (f"Iter {k}" for k in numbers)}).values())


def _manipulation(rows: Iterable[yao2026_tables.Row], profile: Profile) -> list[tuple[str, str]]:
    return [(row.method, row.variant(profile)) for row in rows]
