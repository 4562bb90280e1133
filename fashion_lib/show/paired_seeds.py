"""The difference between two methods over the seeds that both have.

Two runs of one seed share their batches and the start of their common layers, so part of what a seed changes cancels in
their difference. The spread is that of the differences, not of either method's own numbers.
"""

import math
from dataclasses import dataclass

import pandas as pd

from fashion_lib.show.tables import NOT_RUN


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
