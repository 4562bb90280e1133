"""The tables of a report as text: what `make reproduce` prints at its end and `results` shows."""

from collections.abc import Iterable, Sequence

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import RunRecord
from fashion_lib.show import tables
from fashion_lib.show.tables import as_text, by_metric
from fashion_lib.tasks.manipulation.manipulation_metrics import RETRIEVAL_METRICS


def overview(rows: pd.DataFrame, order: list[tuple[str, str]] | None = None) -> tuple[str, pd.DataFrame]:
    """Summarise ledger rows of one data set and profile: MAP, or else the scores of attribute manipulation.

    Args:
        rows: in the ledger's columns.
        order: the (method, variant) pairs to show; None shows all.

    Returns:
        A heading, and a table of text by (method, variant).
    """
    note = run_list.split_note(rows["dataset"].iloc[0], rows["profile"].iloc[0]) if len(rows) else ""
    if (rows.metric == "map").any():
        averages = {"overall", "macro", *tables.averages_of(rows)}  # "local" only where it is another number
        summary = tables.summarise(rows[rows.attribute.isin(averages)])
        return f"MAP in percent, mean ± standard deviation over seeds{note}", tables.formatted(summary, order)
    summary = by_metric(rows, ("accuracy", *RETRIEVAL_METRICS))
    return f"accuracies in percent, NDCG@30, mean ± standard deviation over seeds{note}", as_text(summary, order)


def final_table(runs: Sequence) -> str:
    """Return the overview of these runs alone as text, with one table per data set.

    Raises:
        FashionError: a run has no record.
    """
    if missing := [run for run in runs if not run.finished]:
        raise FashionError(
            f"{missing[0].label} left no record {missing[0].record} of its method's present edition: look at its "
            "executed notebook and run it again."
        )
    parts = []
    for dataset, rows, order in by_dataset([RunRecord.load(run.record) for run in runs]):
        heading, text = overview(rows, order)
        parts.append(f"{dataset}: {heading}\n\n{text.to_string()}")
    return "\n\n".join(parts)


def by_dataset(records: Sequence[RunRecord]) -> Iterable[tuple[str, pd.DataFrame, list[tuple[str, str]]]]:
    """Yield each data set of finished runs: its name, its ledger rows, and its (method, variant) pairs in order."""
    for dataset in dict.fromkeys(record.dataset for record in records):
        own = [record for record in records if record.dataset == dataset]
        order = list(dict.fromkeys((record.method, record.variant) for record in own))
        yield dataset, pd.concat([ledger.rows(record) for record in own], ignore_index=True), order
