"""The difference between two methods over the seeds that both have.

Two runs of one seed share their batches and the start of their common layers. The spread is that of the differences,
not of either method's own numbers. A step counts only where the 95 % interval of the mean difference does not hold 0
(paired t-test, two-sided). "Larger than the spread" would be too weak: without any true difference, three seeds meet it
in 23 % of cases, five in 9 %.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd
from scipy.special import stdtrit

from fashion_lib.show.seeds import values_of
from fashion_lib.show.tables import NOT_RUN

Key = tuple[str, str]  # (method, variant): a row of a table


@dataclass(frozen=True)
class PairedDifference:
    """Hold what one method scores above another over the seeds that both have.

    Attributes:
        mean: of the differences, in the metric's unit; nan without a common seed.
        spread: their sample standard deviation (ddof=1); nan with fewer than two.
        seeds: the common ones.
    """

    mean: float
    spread: float
    seeds: tuple[int, ...]

    @property
    def margin(self) -> float:
        """Return half the 95 % interval of the mean, t · spread / √n; nan with fewer than two seeds."""
        n = len(self.seeds)
        return float(stdtrit(n - 1, 0.975)) * self.spread / math.sqrt(n) if n > 1 else math.nan

    @property
    def verdict(self) -> str:
        """Return "higher" or "lower" where the mean exceeds the margin; else why nothing is claimed.

        "identical": every difference is exactly 0, as where re-ranking was tried on validation data and left out.
        """
        if not self.seeds:
            return NOT_RUN
        if self.mean == 0 and not self.spread > 0:  # the spread of one seed is nan
            return "identical"
        if len(self.seeds) == 1:
            return "no claim from a single seed"
        return "higher" if self.mean > self.margin else "lower" if self.mean < -self.margin else "no order"

    def claim(self, digits: int = 1) -> str:
        """Return "+1.3 ± 0.4 (3): higher": the text, then the verdict; "not run" without a common seed."""
        return f"{self.text(digits)}: {self.verdict}" if self.seeds else NOT_RUN

    def text(self, digits: int = 1) -> str:
        """Return "+1.3 ± 0.4 (3)": mean, spread, number of common seeds."""
        if not self.seeds:
            return NOT_RUN
        spread = f" ± {self.spread:.{digits}f}" if math.isfinite(self.spread) else ""
        return f"{self.mean:+.{digits}f}{spread} ({len(self.seeds)})"


def paired_difference(one: pd.Series, other: pd.Series) -> PairedDifference:
    """Return how far `one` lies above `other`, seed by seed.

    Args:
        one: values indexed by seed.
        other: the same of the method that is subtracted.
    """
    both = (one - other).dropna().sort_index()
    spread = float(both.std()) if len(both) > 1 else math.nan
    return PairedDifference(float(both.mean()), spread, tuple(int(seed) for seed in both.index))


def step(
    ledger: pd.DataFrame,
    lower: Key,
    higher: Key,
    attribute: str = "overall",
    metric: str = "map",
) -> PairedDifference:
    """Return how far one row of a table lies above another, over the seeds that both have.

    Args:
        ledger: rows in the ledger's columns, of one data set and profile.
        lower: (method, variant) of the row that is subtracted.
        higher: (method, variant) of the row that should score more.
        attribute: an attribute or an average.
        metric: the ledger's metric.

    Returns:
        The difference, in the metric's unit; without seeds where one of the rows has no run.
    """
    return paired_difference(*(values_of(ledger, row, attribute, metric) for row in (higher, lower)))


def grouped_verdicts(found: Mapping[str, PairedDifference], says: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the verdicts of several steps as one line, those of one kind together: "higher: RPF, IPAD; lower: CSN".

    Args:
        found: name of the step -> the difference.
        says: a verdict -> the words that stand for it; a verdict that is absent stands for itself.
    """
    groups: dict[str, list[str]] = {}
    for name, gap in found.items():
        groups.setdefault(says.get(gap.verdict, gap.verdict), []).append(name)
    return "; ".join(f"{said}: {', '.join(names)}" for said, names in groups.items())
