"""One difference between a paper and its code, and what the other choice changes in our results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from fashion_lib.runs.record import variant_label
from fashion_lib.show.paired_seeds import paired_difference
from fashion_lib.show.seeds import values_of
from fashion_lib.show.tables import NOT_RUN

Pair = tuple[str, str]  # (method, variant) as the ledger names them
# What a difference changes: the trained network's function, its training, its evaluation, or nothing.
CHANGES = ("model", "training", "evaluation", "nothing")


@dataclass(frozen=True)
class Difference:
    """One place where two sources differ. Texts are short and may hold code spans in backticks.

    Attributes:
        system: a key of `SYSTEMS`.
        paper: what the paper says.
        code: what its code, or another source, does.
        here: what the library does without options.
        changes: one of CHANGES.
        choose: options of the method, `variant` among them, that go the other way; {} where there is no such way.
        settings: settings of training that go the other way.
        method: the method that takes `choose`; "" is the system's first.
        ours: (method, variant) of our default as the ledger names it; None where the effect is not measured.
        other: (method, variant) of the other choice; None where the effect is not measured.
    """

    system: str
    paper: str
    code: str
    here: str
    changes: str = "model"
    choose: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    method: str = ""
    ours: Pair | None = None
    other: Pair | None = None

    @property
    def other_way(self) -> str:
        """Return the options that go the other way as code spans, such as "`sa_kernel=7`"; "" without any."""
        return ", ".join(
            f"`{name}={spelled(value)}`" for name, value in (self.choose | self.settings).items()
        )


def spelled(value: object) -> str:
    """Return a value as one types it, with double quotation marks."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def pair(method: str, variant: str, **options: object) -> Pair:
    """Return a method and its variant with options, as the ledger names them."""
    return method, variant_label(variant, **options)


def effect(
    difference: Difference,
    values: pd.DataFrame,
    average: str = "overall",
    metric: str = "map",
    digits: int = 1,
) -> str:
    """Return how far the other choice lies above our default, over the seeds that both have.

    Two runs of one seed share their batches, so the spread is that of the differences, seed by seed.

    Args:
        difference: the place where the sources differ.
        values: our results, the ledger's rows of one data set and profile.
        average: an attribute or an average of them.
        metric: the ledger's metric.
        digits: number of digits behind the decimal point.

    Returns:
        For example "+1.2 (spread 0.5): no order", in the metric's unit, with the verdict of `PairedDifference`; with
        one common seed "+1.2 (one seed)". "not run" stands for a run that is missing, "not measured" for a difference
        without two runs to compare.
    """
    if difference.ours is None or difference.other is None:
        return "not measured"
    found = paired_difference(
        *(values_of(values, row, average, metric) for row in (difference.other, difference.ours))
    )
    if not found.seeds:
        return NOT_RUN
    spread = f"(spread {found.spread:.{digits}f}): {found.verdict}" if len(found.seeds) > 1 else "(one seed)"
    return f"{found.mean:+.{digits}f} {spread}"
