"""The report of a batch or of `make reproduce`: one page that holds its tables, figures and formulas in itself."""

import html
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths, provenance
from fashion_lib.core.files import write_atomically
from fashion_lib.course import paired_differences, report_boards, report_figures
from fashion_lib.course.offline_pages import formula, offline_page
from fashion_lib.course.report import by_dataset, overview
from fashion_lib.runs import run_list
from fashion_lib.runs.record import RunRecord

COMPARED = {"map": "MAP", "top10_acc": "Top-10 accuracy"}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Fine-grained fashion retrieval: {title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }}
div.wide {{ overflow-x: auto }} table {{ border-collapse: collapse; font-size: 85% }} img {{ max-width: 100% }}
td, th {{ padding: .15em .6em; border-bottom: 1px solid #ddd; text-align: left; vertical-align: bottom }}
td {{ white-space: nowrap }}
figure {{ margin: 1em 0 }}
figcaption {{ font-size: 80%; color: #555 }}
</style>
<h1>Fine-grained fashion retrieval: {title}</h1>
<p>{made}</p>
{body}
</html>
"""
EXPLAINED = (
    ("The average precision of a query over its {0} ranked candidates, {1} of them relevant, where {2} is 1 if the"
     " candidate at rank {3} is relevant and else 0:", ("N", "R", r"r_k", "k"),
     r"\mathrm{AP} = \frac{1}{R} \sum_{k=1}^{N} r_k \, \frac{1}{k} \sum_{i=1}^{k} r_i"),
    ("MAP is its mean over all queries (overall), or over the attributes' own means (macro; local: the local attributes"
     " alone). The paired difference of two methods over their {0} common seeds, and its spread:", ("n",),
     r"\bar d = \frac{1}{n} \sum_{s} d_s, \quad d_s = x_s - y_s, \quad"
     r" \sigma_d = \sqrt{\frac{1}{n-1} \sum_{s} (d_s - \bar d)^2}"),
)  # fmt: skip


def write(
    folder: Path,
    runs: Sequence,
    title: str,
    *,
    unfinished: Sequence[tuple[str, str, str]] = (),
    notebooks: Path | None = None,
    minutes: float | None = None,
) -> Path:
    """Write report.html of these runs; it needs no network and no other file, except for the notebooks that it links.

    Args:
        folder: of the page.
        runs: the planned ones, each with `record`; those without a record are left to `unfinished`.
        title: of the page.
        unfinished: (run, state, last line of its log) of failed and missing runs.
        notebooks: folder of executed notebooks, at or below `folder`; None is `folder`. Each gets a page beside it.
        minutes: wall-clock minutes of the whole call, if they are known.

    Returns:
        The path of report.html.
    """
    records = [RunRecord.load(run.record) for run in runs if run.finished]
    versions = ", ".join(f"{name} {version}" for name, version in provenance.versions().items())
    made = f"Commit {provenance.commit()}; {provenance.hardware()}; {versions}; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    made += "." if minutes is None else f"; {minutes:.1f} minutes in this call."
    sections = [
        ("Results", _results(records)),
        ("Failed and missing runs", [_unfinished(len(runs), unfinished)]),
        ("How the numbers are computed", _formulas()),
        ("Cost", [_cost(records)]),
        ("Training", report_figures.curves(records)),
        ("What the methods find, and where they look", report_boards.boards(records)),
        ("How each run was made", [_provenance(records)]),
        ("Executed notebooks", [_notebooks(folder, notebooks or folder)]),
    ]
    body = "\n".join(f"<h2>{name}</h2>\n" + ("\n".join(parts) or "<p>none</p>") for name, parts in sections)
    text = PAGE.format(title=html.escape(title), made=html.escape(made), body=body)
    return write_atomically(folder / "report.html", text)


def _results(records: Sequence[RunRecord]) -> Iterable[str]:
    for dataset, rows, order in by_dataset(records):
        heading, text = overview(rows, order)
        metric = "map" if (rows.metric == "map").any() else "top10_acc"
        yield f"<h3>{html.escape(f'{dataset}: {heading}')}</h3>"
        text = text.rename_axis(["method", "variant"])
        table = text.join(paired_differences.differences(rows, order, metric))
        table["seeds"] = [
            str(rows[(rows.method == m) & (rows.variant == v)].seed.nunique()) for m, v in order
        ]
        yield _html(table)
        what = (
            f"Difference of {COMPARED[metric]}, overall, over equal seeds: mean ± standard deviation of the"
        )
        yield f"<p>{what} differences (number of common seeds).</p>"
        plain = [row for row in order if "+" not in row[1]]
        if 2 < len(plain) <= paired_differences.MOST:
            yield f"<p>{html.escape(dataset)}: the method of the row minus that of the column.</p>"
            yield _html(paired_differences.difference_matrix(rows, plain, metric))


def _unfinished(planned: int, unfinished: Sequence[tuple[str, str, str]]) -> str:
    if not unfinished:
        return f"<p>None: all {planned} planned runs are finished.</p>"
    table = pd.DataFrame(unfinished, columns=["run", "state", "last line of its log"]).set_index("run")
    return f"<p>{len(unfinished)} of {planned} planned runs are not finished.</p>{_html(table)}"


def _formulas() -> Iterable[str]:
    for sentence, symbols, definition in EXPLAINED:
        yield f"<p>{sentence.format(*map(formula, symbols))}</p><p>{formula(definition, 'block')}</p>"


def _cost(records: Sequence[RunRecord]) -> str:
    if not records:
        return "<p>No run is finished.</p>"
    rows = pd.DataFrame([run_list.line(record) | {"passes": record.image_passes} for record in records])
    rows["training_image_passes"] = pd.to_numeric(rows["training_image_passes"], errors="coerce")
    table = rows.groupby(["dataset", "method", "variant"], sort=False).agg(
        seeds=("seed", "nunique"), parameters=("parameters", "max"), images=("training_image_passes", "mean"),
        passes=("passes", "max"), minutes=("minutes", "mean"), total=("minutes", "sum"),
    )  # fmt: skip
    names = {
        "images": "images through the backbone in training", "passes": "passes per image at test time",
        "minutes": "minutes per run", "total": "minutes in all",
    }  # fmt: skip
    shown = pd.DataFrame({
        names.get(column, column): values.map(lambda value: "" if pd.isna(value) else f"{value:,.0f}")
        if column not in ("minutes", "total") else values.map("{:,.1f}".format) for column, values in table.items()
    })  # fmt: skip
    return _html(shown) + f"<p>Together: {rows['minutes'].sum():,.1f} minutes.</p>"


def _provenance(records: Sequence[RunRecord]) -> str:
    if not records:
        return "<p>No run is finished.</p>"
    rows = pd.DataFrame([run_list.line(record) for record in records])
    chosen = ["commit", "created", "data_version", "precision", "start", "torch", "hardware"]
    return _html(rows.set_index(["dataset", "method", "variant", "seed"])[chosen])


def _notebooks(folder: Path, notebooks: Path) -> str:
    links = []
    for notebook in paths.numbered_notebooks(notebooks):
        if notebook.name.endswith((".failed.ipynb", ".partial.ipynb")):
            continue
        page = offline_page(notebook).relative_to(folder)
        links.append(f'<li><a href="{html.escape(page.as_posix())}">{html.escape(notebook.stem)}</a></li>')
    return "<ul>\n" + "\n".join(links) + "\n</ul>" if links else "<p>none</p>"


def _html(table: pd.DataFrame) -> str:
    """Return a table of text as HTML that a narrow window can scroll; no cell is cut off."""
    named = table.index.names != [None]
    flat = table.astype(str).reset_index() if named else table.astype(str)
    with pd.option_context("display.max_colwidth", None):
        return f'<div class="wide">{flat.to_html(index=not named, border=0)}</div>'
