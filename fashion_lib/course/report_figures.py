"""Figures of a report: how the runs learned, what they find, and where they look, from the folders of the runs."""

import base64
import html
import io
import json
from collections.abc import Iterable, Sequence
from functools import cache
from types import SimpleNamespace

from matplotlib.figure import Figure

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.registry import RETRIEVAL_METHODS
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.stored import folder_of, profile_of, stored_model
from fashion_lib.show import run_figures
from fashion_lib.show.charts import training_curves
from fashion_lib.tasks.retrieval.search import search

LINES = 8  # curves in one figure
BOARDS = 12  # methods that have a board
QUERIES = 2  # attributes of a board, and pictures of the maps


def embedded(figure: Figure, words: str) -> str:
    """Return a figure as HTML with the picture inside.

    Args:
        figure: of matplotlib.
        words: what it shows, for the caption.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100, bbox_inches="tight")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    words = html.escape(words)
    return f'<figure><img src="data:image/png;base64,{data}" alt="{words}"><figcaption>{words}</figcaption></figure>'


def curves(records: Sequence[RunRecord]) -> Iterable[str]:
    """Yield figures of loss, active triplets and validation score, one line per run, several runs per figure.

    Runs without a checkpoint on this machine, and those without training, have no curve.
    """
    found = [(record, entries) for record in records if (entries := history_entries(record))]
    for first in range(0, len(found), LINES):
        part = found[first : first + LINES]
        names = [f"{record.method} {record.variant} seed {record.seed}" for record, _ in part]
        yield embedded(
            training_curves([entries for _, entries in part], names), "Training of " + "; ".join(names)
        )


def history_entries(record: RunRecord) -> list[dict]:
    """Return the entries of a run's history from the JSON beside its checkpoint; [] where there are none."""
    file = folder_of(record) / "last.json"
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["history"]["entries"]
        return [entry for entry in entries if "step" in entry and "loss" in entry]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def boards(records: Sequence[RunRecord]) -> Iterable[str]:
    """Yield a retrieval board, and where the method has them attention maps, for the first run of each plain variant.

    All methods answer the same queries. A run that cannot be drawn yields the reason.
    """
    load = cache(load_dataset)
    for record in _first_of_each(records):
        name = f"{record.method} {record.variant}, seed {record.seed}, {record.dataset}"
        try:
            yield from _boards_of(record, load(record.dataset, profile_of(record)), name)
        except FashionError as error:
            yield f"<p>{html.escape(f'{name}: {error}')}</p>"


def _boards_of(record: RunRecord, data, name: str) -> Iterable[str]:
    model = stored_model(record, data)
    pictures = data.resized(profile_of(record).image_size * model.image_scale)
    for attribute, row in _queries(data):
        found = search(model, pictures, row, attribute, precision=record.precision or "fp32")
        yield embedded(run_figures.hits(found, 8), f"{name}: {attribute}, query {data.image_names[row]}")
    chosen = _queries(data)
    run = SimpleNamespace(model=model, data=pictures, record=record, history=None)
    try:
        figure = run_figures.attention(
            run, [row for _, row in chosen], [attribute for attribute, _ in chosen]
        )
    except FashionError:
        return  # a method without spatial attention
    yield embedded(figure, f"{name}: where it looked")


def _queries(data) -> list[tuple[str, int]]:
    """Return (attribute, row of the query): the first test query of the first attributes, local ones first."""
    queries = data.encoded("test", "query")
    names = sorted(
        data.schema.names, key=lambda name: data.schema.attributes[data.schema.index(name)].scope != "local"
    )
    found = []
    for name in names:
        if len(own := queries.of(data.schema.index(name))):
            found.append((name, int(own.image[0])))
    return found[:QUERIES]


def _first_of_each(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the first finished retrieval run of each variant without options that has its weights on this machine."""
    found: dict[tuple, RunRecord] = {}
    for record in records:
        plain = record.method in RETRIEVAL_METHODS and "+" not in record.variant
        if plain and (folder_of(record) / "best.safetensors").is_file():
            found.setdefault((record.dataset, record.method, record.variant), record)
    return list(found.values())[:BOARDS]
