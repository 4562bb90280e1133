"""From ledger rows to the tables of the README and the notebooks, with the papers' own figures beside them."""

import math
from collections.abc import Collection, Sequence

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.tasks.manipulation.manipulation_metrics import PERCENT, RETRIEVAL_METRICS
from fashion_lib.tasks.retrieval.evaluation import AVERAGES

NOT_RUN = "not run"
EQUAL = 1e-3  # two averages of the same numbers, stored with four digits


def summarise(table: pd.DataFrame, metric: str = "map") -> pd.DataFrame:
    """Return mean and spread over seeds.

    Args:
        table: ledger rows of one data set and profile.
        metric: the ledger's metric.

    Returns:
        Rows (method, variant), columns (attribute, mean | std | n), in the metric's unit. std is the sample standard
        deviation (ddof=1), nan for a single seed.

    Raises:
        FashionError: the rows are of several data sets or profiles.
    """
    table = table[table.metric == metric]
    for column in ("dataset", "profile"):
        if table[column].nunique() > 1:
            raise FashionError(f"a summary mixes the {column}s {', '.join(sorted(table[column].unique()))}:"
                               " choose the rows of one first.")
    order = [*(name for name in table.attribute.unique() if name not in AVERAGES), *AVERAGES]
    grouped = table.groupby(["method", "variant", "attribute"], sort=False)["value"].agg(["mean", "std", "count"])
    wide = grouped.rename(columns={"count": "n"}).unstack("attribute").swaplevel(axis=1)
    return wide.reindex(columns=[(name, s) for name in order if name in wide.columns.get_level_values(0)
                                 for s in ("mean", "std", "n")])


def averages_of(table: pd.DataFrame, metric: str = "map") -> list[str]:
    """Return the averages that say different things: "overall", and one that weighs attributes alike.

    The second is "local" where some attributes are global. Where all are local, "local" is the same number as "macro".
    Where one is local, it is that attribute's number. In both cases the second is "macro", as for an empty table.

    Args:
        table: ledger rows.
        metric: the ledger's metric.
    """
    rows = table[table["metric"] == metric]
    run = ["dataset", "method", "variant", "profile", "seed"]
    wide = rows.pivot_table(index=run, columns="attribute", values="value")
    others = wide.drop(columns=["local", "overall"], errors="ignore")
    known = "local" in wide and "macro" in wide
    differ = known and all(((wide[name] - wide["local"]).abs() > EQUAL).any() for name in others)
    return ["overall", "local" if differ else "macro"]


def formatted(summary: pd.DataFrame, methods: list[tuple[str, str]] | None = None, digits: int = 1) -> pd.DataFrame:
    """Return a summary as text: "65.2 ± 1.3", with one seed "65.2", "not run" without any.

    Args:
        summary: of `summarise` or `by_metric`.
        methods: the (method, variant) rows to show, in order; None takes the summary's.
        digits: number of digits behind the decimal point.

    Returns:
        Rows (method, variant), columns: the summary's attributes or metrics.
    """
    if methods is not None:
        names = summary.index.names
        rows = pd.MultiIndex.from_tuples(methods, names=names) if methods else summary.index[:0]
        summary = summary.reindex(rows)
    attributes = list(dict.fromkeys(summary.columns.get_level_values(0)))
    return pd.DataFrame({name: [with_spread(mean, spread, digits) for mean, spread in
                                zip(summary[name, "mean"], summary[name, "std"], strict=True)]
                         for name in attributes}, index=summary.index)


def with_spread(mean: float, spread: float, digits: int = 1) -> str:
    """Return "65.2 ± 1.3"; "65.2" without a finite spread, "not run" without a finite mean."""
    if not math.isfinite(mean):
        return NOT_RUN
    return f"{mean:.{digits}f}" + (f" ± {spread:.{digits}f}" if math.isfinite(spread) else "")


def by_metric(results: pd.DataFrame, metrics: Collection[str] = RETRIEVAL_METRICS, attribute="overall") -> pd.DataFrame:
    """Return `summarise` with metrics in the place of attributes.

    Args:
        results: ledger rows of one data set and profile, see `fashion_lib.runs.ledger.collect`.
        metrics: the ledger's metrics.
        attribute: the attribute or average whose numbers are taken.

    Returns:
        Rows (method, variant), columns (metric, mean | std | n); a metric that no row has is left out.

    Raises:
        FashionError: as `summarise`.
    """
    chosen = results[(results["attribute"] == attribute) & results["metric"].isin(list(metrics))]
    summary = summarise(chosen.assign(attribute=chosen["metric"], metric="score"), "score")
    return summary[[name for name in metrics if name in summary.columns.get_level_values(0)]]


def as_text(summary: pd.DataFrame, rows: Sequence[tuple[str, str]] | None = None) -> pd.DataFrame:
    """Return a summary of `by_metric` as text, "65.2 ± 1.3": one digit for percent, three for the rest.

    Args:
        summary: of `by_metric`.
        rows: the (method, variant) to show, in order, "not run" where there is none; None takes the summary's.

    Returns:
        Rows (method, variant), columns: the summary's metrics.
    """
    metrics = list(dict.fromkeys(summary.columns.get_level_values(0)))
    digits = {name: 1 if name in PERCENT else 3 for name in metrics}
    text = {name: formatted(summary[[name]], rows, places)[name] for name, places in digits.items()}
    return pd.DataFrame(text, index=summary.index if rows is None else pd.MultiIndex.from_tuples(rows))
