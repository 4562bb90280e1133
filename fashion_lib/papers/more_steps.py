"""Has training converged after the profile's budget? The same method and seed after more steps."""

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.record import read_label, variant_label


def more_steps(values: pd.DataFrame, own: int, average: str = "overall") -> pd.DataFrame:
    """Return the test MAP of every run with another number of steps, beside the profile's own number.

    A line compares runs of one seed alone, so a mean over other seeds moves nothing.

    Args:
        values: the ledger's rows of one data set and profile.
        own: the profile's number of steps, which stands in no label.
        average: an attribute or an average.

    Returns:
        Percent. Rows: (method, variant, seed) in the order of the methods' list. Columns: numbers of steps, ascending;
        nan where that run does not exist.
    """
    values = values[(values["metric"] == "map") & (values["attribute"] == average)]
    lines = []
    for method, label, seed, value in values[["method", "variant", "seed", "value"]].itertuples(index=False):
        name, changed = read_label(label)
        steps = changed.pop("steps", own)
        lines.append((method, variant_label(name, **changed), seed, steps, value))
    columns = ["method", "variant", "seed", "steps", "value"]
    found = pd.DataFrame(lines, columns=columns).pivot(index=columns[:3], columns="steps", values="value")
    found = found[found.drop(columns=own, errors="ignore").notna().any(axis=1)]
    order = sorted(found.index, key=lambda row: (METHODS[row[0].partition("+")[0]].order, *row))
    return found.loc[order].dropna(axis=1, how="all").rename_axis(columns=None)
