"""Boards and attention maps of a report: what the finished runs find, and where they look, drawn from their weights."""

import html
from collections.abc import Iterable, Sequence
from functools import cache
from types import SimpleNamespace

import numpy as np

from fashion_lib.core.errors import FashionError
from fashion_lib.course.report_figures import embedded
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.registry import MANIPULATION_METHODS, METHODS
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.stored import folder_of, profile_of, stored_model
from fashion_lib.show import run_figures
from fashion_lib.show.boards import manipulation_boards
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX, load_manipulation
from fashion_lib.tasks.manipulation.manipulation_evaluation import (
    manipulated,
    rank_by_distance,
    represent_rows,
)
from fashion_lib.tasks.manipulation.operations import changed_attributes
from fashion_lib.tasks.retrieval.search import search

MOST = 12  # methods that are drawn
QUERIES = 2  # queries per method, each under another attribute


def boards(records: Sequence[RunRecord]) -> Iterable[str]:
    """Yield a board, and where the method has them attention maps, for the first run of each plain variant, as HTML.

    All methods of a task answer the same queries. A run that cannot be drawn yields the reason.
    """
    load, load_changes = cache(load_dataset), cache(load_manipulation)
    for record in _first_of_each(records):
        name = f"{record.method} {record.variant}, seed {record.seed}, {record.dataset}"
        try:
            if record.method in MANIPULATION_METHODS:
                data = load_changes(record.dataset.removesuffix(SUFFIX), profile_of(record))
                yield _manipulation(record, data, name)
            else:
                yield from _retrieval(record, load(record.dataset, profile_of(record)), name)
        except FashionError as error:
            yield f"<p>{html.escape(f'{name}: {error}')}</p>"


def _retrieval(record: RunRecord, data, name: str) -> Iterable[str]:
    model = stored_model(record, data)
    pictures = data.resized(profile_of(record).image_size * model.image_scale)
    chosen = _queries(data)
    for attribute, row in chosen:
        found = search(model, pictures, row, attribute, precision=record.precision or "fp32")
        yield embedded(run_figures.hits(found, 8), f"{name}: {attribute}, query {data.image_names[row]}")
    run = SimpleNamespace(model=model, data=pictures, record=record)
    try:
        figure = run_figures.attention(
            run, [row for _, row in chosen], [attribute for attribute, _ in chosen]
        )
    except FashionError:
        return  # a method without spatial attention
    yield embedded(figure, f"{name}: where it looked")


def _manipulation(record: RunRecord, data, name: str) -> str:
    model, precision = stored_model(record, data), record.precision or "fp32"
    queries = data.queries("test")
    changed = changed_attributes(queries.vectors, data.schema)  # bool (Q, A)
    chosen = [int(np.flatnonzero(column)[0]) for column in changed.T if column.any()][:QUERIES]
    stored = represent_rows(model, data, queries.query[chosen], precision=precision)
    moved = manipulated(model, stored, queries.vectors[chosen])
    gallery = represent_rows(model, data, queries.gallery, precision=precision)
    ranked = np.concatenate(
        [order for _, order in rank_by_distance(model.comparable(moved), model.comparable(gallery))]
    )
    drawn = [
        {"query": int(queries.query[q]), "vector": queries.vectors[q], "ranked": queries.gallery[order]}
        for q, order in zip(chosen, ranked, strict=True)
    ]
    return embedded(manipulation_boards(data, drawn), f"{name}: changes")


def _queries(data) -> list[tuple[str, int]]:
    """Return (attribute, row of the query): the first test query of the first attributes, local ones first."""
    queries, attributes = data.encoded("test", "query"), data.schema.attributes
    order = sorted(range(len(attributes)), key=lambda number: attributes[number].scope != "local")
    own = {attributes[number].name: queries.of(number).image for number in order}
    return [(name, int(rows[0])) for name, rows in own.items() if len(rows)][:QUERIES]


def _first_of_each(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return the first finished run of each variant without options that has its weights on this machine."""
    found: dict[tuple, RunRecord] = {}
    for record in records:
        plain = record.method in METHODS and "+" not in record.variant
        if plain and (folder_of(record) / "best.safetensors").is_file():
            found.setdefault((record.dataset, record.method, record.variant), record)
    return list(found.values())[:MOST]
