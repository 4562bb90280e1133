"""Has training converged after a profile's budget? The same method and seed after different numbers of steps."""

from collections.abc import Collection

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.papers.trials import RATE
from fashion_lib.runs.record import base_method, read_label, variant_label
from fashion_lib.training.profiles import PROFILES, differing_in_steps

DEARER = ["method", "variant", "passes", "score", "dearer", "its variant", "its passes", "its score"]


def more_steps(values: pd.DataFrame, profile: str, average: str = "overall", metric: str = "map") -> pd.DataFrame:
    """Return the test score of every run that exists with several numbers of steps, one column per number.

    A line compares runs of one seed alone, so a mean over other seeds moves nothing. Trials of another learning rate
    have no line.

    Args:
        values: the ledger's rows of one data set, of any profiles.
        profile: name of a profile; those that differ from it in the number of steps alone are compared with it.
        average: an attribute or an average.
        metric: the ledger's metric.

    Returns:
        In the metric's unit. Rows: (method, variant, seed) in the order of the methods' list. Columns: "1,440 steps"
        and so on, ascending; nan where that run does not exist. Where two runs have one number of steps, the one whose
        profile has it stands, else that of the given profile.

    Raises:
        FashionError: the rows are of several data sets.
    """
    if values["dataset"].nunique() > 1:
        raise FashionError("steps can be compared on one data set only: choose its rows first.")
    values = values[values["profile"].isin(differing_in_steps(PROFILES[profile]))]
    values = values[(values["metric"] == metric) & (values["attribute"] == average)]
    lines = []
    for row in values.itertuples(index=False):
        name, changed = read_label(row.variant)
        if RATE in changed:
            continue
        steps = changed.pop("steps", PROFILES[row.profile].steps)
        own = 2 * (steps == PROFILES[row.profile].steps) + (row.profile == profile)
        lines.append((row.method, variant_label(name, **changed), row.seed, steps, row.value, own))
    columns = ["method", "variant", "seed", "steps", "value"]
    found = pd.DataFrame(lines, columns=[*columns, "own"]).sort_values("own", ascending=False, kind="stable")
    found = found.drop_duplicates(columns[:4])
    known = {name: METHODS.get(base_method(name)) for name in set(found["method"])}  # another clone may know more
    trained = [name for name, method in known.items() if method is not None and method.trainable]
    found = found[found["method"].isin(trained)].pivot(index=columns[:3], columns="steps", values="value")
    found = found[found.notna().sum(axis=1) > 1]
    order = sorted(found.index, key=lambda row: (METHODS[base_method(row[0])].order, *row))
    return found.loc[order].dropna(axis=1, how="all").rename(columns="{:,} steps".format).rename_axis(columns=None)


def dearer_and_lower(
    values: pd.DataFrame,
    made: pd.DataFrame,
    profile: str,
    rows: Collection[tuple[str, str]],
    seed: int = 0,
    average: str = "overall",
    metric: str = "map",
) -> pd.DataFrame:
    """Return which rows of a table cost more than another row after more steps, and yet score lower.

    All rows of a table have the same number of steps, but not the same cost. So a cheap method with more steps is
    compared with a dear one: its run with the most steps that costs no more.

    Args:
        values: the ledger's rows of one data set and profile.
        made: how these runs were made, as `fashion_lib.runs.run_list.collect_runs` returns it.
        profile: name of the profile.
        rows: (method, variant) of the table's rows.
        seed: of all compared runs.
        average: an attribute or an average.
        metric: the ledger's metric.

    Returns:
        One row per pair, columns DEARER. Passes are images through a network in training.
    """
    values = values[(values["metric"] == metric) & (values["attribute"] == average) & (values["seed"] == seed)]
    scores = values.set_index(["method", "variant"])["value"]
    passes = made[made["seed"] == seed].set_index(["method", "variant"])["training_image_passes"]
    passes = pd.to_numeric(passes, errors="coerce").dropna()
    known = {key: (float(passes[key]), float(scores[key])) for key in scores.index.intersection(passes.index)}
    found = []
    for key in (key for key in rows if key in known):
        longer = [(cost, score) for other, (cost, score) in known.items() if _in_steps_alone(other, key, profile)]
        for dear in (dear for dear in rows if dear in known):
            within = [run for run in longer if run[0] <= known[dear][0]]
            if within and max(within)[1] > known[dear][1]:
                found.append([*key, *max(within), *dear, *known[dear]])
    return pd.DataFrame(found, columns=DEARER)


def _in_steps_alone(longer: tuple[str, str], row: tuple[str, str], profile: str) -> bool:
    """Return whether a run differs from a row in having more steps than the profile, and in nothing else."""
    variant, changed = read_label(longer[1])
    steps = changed.pop("steps", 0)
    return (longer[0], variant_label(variant, **changed)) == row and steps > PROFILES[profile].steps
