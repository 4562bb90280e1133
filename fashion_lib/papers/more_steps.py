"""Has training converged after a profile's budget? The same method and seed after different numbers of steps."""

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import base_method, read_label, variant_label
from fashion_lib.training.profiles import PROFILES, differing_in_steps


def more_steps(values: pd.DataFrame, profile: str, average: str = "overall", metric: str = "map") -> pd.DataFrame:
    """Return the test score of every run that exists with several numbers of steps, one column per number.

    A line compares runs of one seed alone, so a mean over other seeds moves nothing.

    Args:
        values: the ledger's rows of one data set, of any profiles.
        profile: name of a profile; those that differ from it in the number of steps alone are compared with it.
        average: an attribute or an average.
        metric: the ledger's metric.

    Returns:
        In the metric's unit. Rows: (method, variant, seed) in the order of the methods' list. Columns: "1,440 steps"
        and so on, ascending; nan where that run does not exist. Where two runs have one number of steps, the one whose
        profile has it stands.

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
        steps = changed.pop("steps", PROFILES[row.profile].steps)
        own = steps == PROFILES[row.profile].steps
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
