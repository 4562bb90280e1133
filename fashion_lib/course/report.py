"""The report of `make reproduce`: the final table, and every executed notebook as a web page."""

import html
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.runs import ledger
from fashion_lib.runs.record import RunRecord
from fashion_lib.show import tables
from fashion_lib.show.tables import as_text, by_metric
from fashion_lib.tasks.manipulation.manipulation_metrics import RETRIEVAL_METRICS

SHOWN = ("overall", "macro", "local")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Fine-grained fashion retrieval: {title}</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em }}</style>
<h1>Fine-grained fashion retrieval: {title}</h1>
<pre>{table}</pre>
<p>{made}</p>
<h2>Executed notebooks</h2>
<ul>
{links}
</ul>
</html>
"""


def overview(rows: pd.DataFrame, order: list[tuple[str, str]] | None = None) -> tuple[str, pd.DataFrame]:
    """Summarise ledger rows of one data set and profile: MAP, or else the scores of attribute manipulation.

    Args:
        rows: in the ledger's columns.
        order: the (method, variant) pairs to show; None shows all.

    Returns:
        A heading, and a table of text by (method, variant).
    """
    if (rows.metric == "map").any():
        summary = tables.summarise(rows[rows.attribute.isin(SHOWN)])
        return "MAP in percent, mean ± standard deviation over seeds", tables.formatted(summary, order)
    summary = by_metric(rows, ("accuracy", *RETRIEVAL_METRICS))
    return "accuracies in percent, NDCG@30, mean ± standard deviation over seeds", as_text(summary, order)


def final_table(runs: Sequence) -> str:
    """Return the overview of these runs alone as text, with one table per data set.

    Raises:
        FashionError: a run has no record.
    """
    if missing := [run for run in runs if not run.record.is_file()]:
        raise FashionError(
            f"{missing[0].label} left no record {missing[0].record}: look at its executed notebook and run it again."
        )
    table = pd.concat([ledger.rows(RunRecord.load(run.record)) for run in runs])
    parts = []
    for dataset, part in table.groupby("dataset", sort=False):
        order = list(dict.fromkeys((run.method, run.variant) for run in runs if run.recorded_dataset == dataset))
        heading, text = overview(part, order)
        parts.append(f"{dataset}: {heading}\n\n{text.to_string()}")
    return "\n\n".join(parts)


def write(folder: Path, table: str, title: str, minutes: float) -> Path:
    """Turn each executed notebook of a folder into HTML beside it, and write report.html with links to all.

    Args:
        folder: of the executed notebooks and the report.
        table: text of the final table.
        title: of the page.
        minutes: wall-clock minutes of the whole call.

    Returns:
        The path of report.html.
    """
    from fashion_lib.core import provenance

    links = []
    for notebook in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        if notebook.name.endswith((".failed.ipynb", ".partial.ipynb")):
            continue
        page = _as_html(notebook)
        links.append(f'<li><a href="{html.escape(page.name)}">{html.escape(notebook.stem)}</a></li>')
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    made = f"Commit {provenance.commit()}; {provenance.hardware()}; {versions}; {minutes:.1f} minutes in this call."
    text = PAGE.format(
        title=html.escape(title), table=html.escape(table), made=html.escape(made), links="\n".join(links)
    )
    return write_atomically(folder / "report.html", text)


def _as_html(notebook: Path) -> Path:
    """Return the notebook's HTML page; make it where it is missing or older than the notebook."""
    page = notebook.with_suffix(".html")
    if not page.is_file() or page.stat().st_mtime < notebook.stat().st_mtime:
        from nbconvert import HTMLExporter

        write_atomically(page, HTMLExporter().from_filename(str(notebook))[0])
    return page
