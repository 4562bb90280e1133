"""One question to an index: which pictures of the gallery are like this photograph, under one attribute or a change?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.gallery_files import gallery_pictures
from fashion_lib.data.label_vectors import vectors_of
from fashion_lib.data.photographs import decode_photograph
from fashion_lib.runs.gallery_index import PICTURE, GalleryIndex, compare, embed_pixels, open_index
from fashion_lib.runs.run import Run
from fashion_lib.runs.run_folder import OpenedRun
from fashion_lib.tasks.manipulation.manipulation_evaluation import manipulated, represent_rows
from fashion_lib.tasks.manipulation.operations import Operation, in_words, manipulation_vector
from fashion_lib.tasks.retrieval.approximate import ApproximateIndex
from fashion_lib.tasks.retrieval.explain import attention
from fashion_lib.tasks.retrieval.vector_scan import nearest, scan

TOP = 20
MANY = 1_000_000  # pictures, past which exact search takes a second


@dataclass(frozen=True, eq=False)
class GalleryHits:
    """Hold the answer to one question, best first; `fl.show.gallery_board` draws it.

    Attributes:
        index: the index that was searched.
        query: file of the query picture.
        question: the attribute, or the change in words.
        names: paths of the found pictures, relative to the gallery.
        similarity: float32 (N,): cosine, or minus the Euclidean distance for a change.
        maps: attribute -> attention map (h, w) of the query, from the model's own forward pass; {} for a method without
            spatial attention.
        pixels: the query as the model took it, uint8 (S, S, 3).
        notes: what the reader should know, one sentence each.
    """

    index: GalleryIndex
    query: Path
    question: str
    names: tuple[str, ...]
    similarity: np.ndarray
    maps: Mapping[str, np.ndarray]
    pixels: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Return the files of the found pictures."""
        return [self.index.gallery / name for name in self.names]

    def table(self) -> pd.DataFrame:
        """Return one line per found picture: rank, picture, and similarity or distance."""
        if self.index.run.manipulates:
            column, numbers = "distance", -self.similarity
        else:
            column, numbers = "similarity", self.similarity
        rank_of = pd.RangeIndex(1, len(self.names) + 1, name="rank")
        return pd.DataFrame({"picture": list(self.names), column: numbers}, index=rank_of)

    def __repr__(self) -> str:
        lines = [f"{self.question}, {self.query.name} in {len(self.index):,} pictures:", *self.notes]
        return "\n".join([*lines, str(self.table())])


def search_gallery(
    run: GalleryIndex | Run | OpenedRun | str | Path,
    picture: str | Path,
    attribute: str | None = None,
    *,
    gallery: str | Path | None = None,
    folder: str | Path | None = None,
    **options,
) -> GalleryHits:
    """Rank an indexed gallery by similarity to a photograph; `index_gallery` makes the index.

    Args:
        run: the run's folder, a Run, or an index that `index_gallery` or `open_index` returned.
        picture: the file of the query.
        attribute, options: see `search_index`.
        gallery, folder: which index, see `open_index`.
    """
    index = run if isinstance(run, GalleryIndex) else open_index(run, gallery=gallery, folder=folder)
    return search_index(index, picture, attribute, **options)


def search_index(
    index: GalleryIndex,
    picture: str | Path,
    attribute: str | None = None,
    *,
    change: Mapping[str, str] | None = None,
    has: Mapping[str, str] | None = None,
    top: int = TOP,
    approximate: bool = False,
    check: bool = True,
) -> GalleryHits:
    """Rank a gallery by similarity to a photograph.

    The search is exact: every vector is compared, in float32, as it is stored in half precision. The file of the query
    is never among its own answers. Equal similarities are ordered by name.

    Args:
        index: of the gallery.
        picture: the file of the query.
        attribute: under which pictures are alike; of a retrieval method.
        change: attribute -> value wanted instead of the query's own; of a manipulation method.
        has: attribute -> the query's own value. Without it, the value is the one with the model's highest score.
        top: number of answers.
        approximate: search with faiss instead, for galleries past a million pictures; see `ApproximateIndex`.
        check: compare the gallery's files with the index first, by name, size and time.

    Returns:
        The hits. `notes` says what has changed in the gallery since it was indexed.

    Raises:
        FashionError: the query cannot be read, an attribute or value is not known, or the question does not fit the
            method.
    """
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise FashionError(f"top={shortened(top)} leaves no picture to find: give a whole number from 1.")
    if not isinstance(picture, str | Path):
        raise FashionError(f"the query is {shortened(picture)}: give the file of a photograph.")
    run, file = index.run, user_path(picture, "the query", follow=False)
    _check_question(run, attribute, change, has)
    pixels = decode_photograph(file, run.image_size, run.geometry)[None]
    notes = _unfinished(index)
    if run.manipulates:
        kind = PICTURE
        question, vector = _changed(run, pixels, change or {}, has or {}, notes)
    else:
        kind = question = attribute
        vector = embed_pixels(run, pixels)[attribute]
    notes += _stale(index) if check else []
    names, similarity = _ranked(index, kind, vector, top, file, approximate, notes)
    maps = {name: _map(run, pixels, name) for name in ([attribute] if attribute else change)}
    maps = {name: one for name, one in maps.items() if one is not None}
    if not maps:
        notes.append(f"{run.model.architecture['method']} has no spatial attention, so there is no heat map.")
    return GalleryHits(index, file, question, tuple(names), similarity, maps, pixels[0], tuple(notes))


def _check_question(run: OpenedRun, attribute, change, has) -> None:
    method = run.model.architecture["method"]
    for given in (change, has):
        if given is not None and not isinstance(given, Mapping):
            raise FashionError(
                f"a change is {shortened(given)}: give attribute and value, {{'collar': 'round'}}."
            )
    if run.manipulates and (attribute is not None or not change):
        raise FashionError(
            f"{method} answers changes, not attributes: give a change (--change sleeve_length=long, or "
            "change={...}), or search with a retrieval method."
        )
    if not run.manipulates and (change or has):
        raise FashionError(
            f"{method} answers attributes, not changes: give an attribute, or search with the run of a manipulation "
            "method such as adde_m."
        )
    names = run.model.schema.names
    if not run.manipulates and attribute is None:
        raise FashionError(f"a search needs an attribute: choose one of {', '.join(names)}.")
    for name in [attribute] if attribute is not None else [*change, *(has or {})]:
        if name not in names:
            raise FashionError(f"the run has no attribute {shortened(name)}: {suggestion(str(name), names)}")


def _changed(
    run: OpenedRun, pixels: np.ndarray, change: Mapping[str, str], has: Mapping[str, str], notes: list[str]
) -> tuple[str, Tensor]:
    """Return a change in words and the vector of the changed query, (1, F); the values read enter the notes."""
    schema, model = run.model.schema, run.model
    data = SimpleNamespace(pixels=pixels)
    stored = represent_rows(model, data, [0], batch_size=None, precision=run.precision)
    device = next(model.parameters()).device
    with torch.no_grad():
        scores = model.logits(stored.to(device))[0].cpu()
    own = dict(has)
    for name in change:
        if name not in own:
            number = schema.index(name)
            own[name] = schema.attributes[number].values[int(scores[model.blocks[number]].argmax())]
            notes.append(
                f"The model reads {name}={own[name]} in the query; say --has {name}=... (has=) if it is not."
            )
    labels = vectors_of(schema, [own]).matrix[0]
    for name, value in change.items():
        schema.value_index(name, value)
        if own[name] == value:
            raise FashionError(
                f"the query already has {name}={value}"
                + ("" if name in has else ", as the model reads it")
                + f": choose another value, or say with --has (has=) which {name} it has."
            )
    vector = manipulation_vector(
        schema, [Operation(name, own[name], value) for name, value in change.items()], labels
    )
    with torch.no_grad():
        return in_words(schema, vector), model.comparable(manipulated(model, stored, vector[None]))


def _unfinished(index: GalleryIndex) -> list[str]:
    if index.store.facts.finished:
        return []
    number = len(index.store.entries)
    return [f"The index is not finished ({number:,} pictures so far): run `index` again to go on."]


def _stale(index: GalleryIndex) -> list[str]:
    try:
        difference = compare(index.store, gallery_pictures(index.gallery))
    except FashionError as error:
        return [f"The gallery cannot be compared with its index: {error}"]
    if not str(difference):
        return []
    return [f"The gallery has changed since it was indexed: {difference}; run `index` again to include that."]


def _ranked(
    index: GalleryIndex, kind: str, vector: Tensor, top: int, query: Path, approximate: bool, notes: list[str]
) -> tuple[list[str], np.ndarray]:
    """Return names and similarities of the nearest pictures."""
    store, names_of = index.store, index.names_of_rows
    if not names_of:
        raise FashionError(
            f"the index of {index.gallery} holds no picture that can be read: add some and index again."
        )
    if approximate:
        found = ApproximateIndex.of(store, kind)
        notes.append(str(found))
        rows, similarity = found.search(vector[0], top + 1)
    else:
        every = scan(store.vectors(kind), vector, store.rows, measure=store.facts.measure)[0].numpy()
        if len(names_of) < store.rows:
            hidden = np.ones(store.rows, dtype=bool)
            hidden[list(names_of)] = False
            every[hidden] = -np.inf
        if store.rows > MANY:
            notes.append(
                "Approximate search (--approximate, approximate=True) answers sooner in so many pictures."
            )
        rows = nearest(every, top + 1)  # one more, because the query may be among them
        similarity = every[rows]
    own = _name_in(index.gallery, query)
    answers = [
        (-value, name)
        for row, value in zip(rows.tolist(), similarity.tolist(), strict=True)
        for name in names_of.get(row, ())
        if name != own
    ]
    answers = sorted(answers)[:top]
    return [name for _, name in answers], np.array([-value for value, _ in answers], dtype=np.float32)


def _name_in(gallery: Path, file: Path) -> str:
    """Return a file's name in a gallery, "" where it lies elsewhere."""
    inside, folder = Path(os.path.realpath(file)), Path(os.path.realpath(gallery))
    return inside.relative_to(folder).as_posix() if inside.is_relative_to(folder) else ""


def _map(run: OpenedRun, pixels: np.ndarray, attribute: str) -> np.ndarray | None:
    number = torch.tensor([run.model.schema.index(attribute)])
    maps = attention(run.model, normalise(pixels), number)
    return None if not maps else next(iter(maps.values()))[0].float().cpu().numpy()
