"""Where a paper and its code (or another paper) differ, and what the other choice changes in our results."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from fashion_lib.show import tables


@dataclass(frozen=True)
class Difference:
    """One place where two sources differ.

    Attributes:
        system: name of the method.
        paper: what the paper says.
        code: what its code, or another place, says.
        default: what the library does without options.
        choose: how to choose the other way, such as "`sa_kernel=7`"; "" where there is no such option.
        ours: (method, variant) of our default as the ledger names it; None where the effect is not measured.
        other: (method, variant) of the other choice; None where the effect is not measured.
    """

    system: str
    paper: str
    code: str
    default: str
    choose: str = ""
    ours: tuple[str, str] | None = None
    other: tuple[str, str] | None = None


def effect(difference: Difference, summary: pd.DataFrame, measure: str = "overall", digits: int = 1) -> str:
    """Return how far the other choice lies above our default, with the spread over seeds.

    Args:
        difference: the place where the sources differ.
        summary: our results, from `fashion_lib.show.tables.summarise` or `by_metric`.
        measure: a column of the summary: an attribute, an average or a metric.
        digits: number of digits behind the decimal point.

    Returns:
        For example "+1.2 (spread 0.5)", in the measure's unit. "one seed" stands in place of the spread where one
        of the two has a single seed. "not run" stands for a run that is missing, "not measured" for a difference
        without two runs to compare.
    """
    if difference.ours is None or difference.other is None:
        return "not measured"
    gap = tables.gap(summary, difference.ours, difference.other, measure)
    if 0 in gap.seeds:
        return tables.NOT_RUN
    spread = f"spread {gap.spread:.{digits}f}" if math.isfinite(gap.spread) else "one seed"
    return f"{gap.difference:+.{digits}f} ({spread})"


def difference_table(
    differences: Sequence[Difference],
    summary: pd.DataFrame,
    measures: Mapping[str, tuple[str, int]],
    code: str = "the code",
) -> pd.DataFrame:
    """Return differences as a table of text with their effects.

    Args:
        differences: the rows, in order.
        summary: our results, as `effect` takes them.
        measures: title of a column -> (measure, digits), as `effect` takes them.
        code: title of the column of `Difference.code`.

    Returns:
        Columns "system", "the paper", `code`, "our default", "the other way" and one for each measure.
    """
    texts = ["system", "the paper", code, "our default", "the other way"]
    lines = [
        [row.system, row.paper, row.code, row.default, row.choose]
        + [effect(row, summary, measure, digits) for measure, digits in measures.values()]
        for row in differences
    ]
    return pd.DataFrame(lines, columns=[*texts, *measures])
