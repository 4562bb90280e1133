"""What the rows of a table have in common: a gap belongs to the method only where all else is equal."""

from collections.abc import Sequence

import pandas as pd

from fashion_lib.core.words import joined
from fashion_lib.show.tables import NOT_RUN

COLUMNS = ("data_version", "start", "training_image_passes", "precision", "hardware")


def held_equal(made: pd.DataFrame, columns: Sequence[str] = COLUMNS) -> str:
    """Say of each column whether all runs have one value, one line per column.

    Args:
        made: rows of `fashion_lib.runs.run_list.collect_runs`, of trained methods.
        columns: names of its columns.

    Returns:
        "start: one for all: pretext", or "DIFFERENT" with every value, or "not run" where no run tells it.
    """
    lines = []
    for column in columns:
        found, kinds = joined(made[column]), made[column].nunique()
        told = f"{'one for all' if kinds == 1 else 'DIFFERENT'}: {found}" if found else NOT_RUN
        lines.append(f"{column.replace('_', ' ')}: {told}")
    return "\n".join(lines)
