"""The index of a gallery: every picture of a folder embedded once by a run's model, for all attributes together."""

import hashlib
import os
import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from filelock import Timeout
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import system_lock
from fashion_lib.core.paths import user_path
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import listed
from fashion_lib.data.gallery_files import Facts, gallery_pictures, read_blocks
from fashion_lib.runs.run import Run
from fashion_lib.runs.run_folder import OpenedRun, open_run
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.vector_store import Entry, IndexFacts, VectorStore, read_facts, unwritable

GALLERIES = "galleries"  # the folder of a run's indexes, in the run's own folder
PICTURE = "picture"  # the kind of vectors of attribute manipulation: one per picture


@dataclass(frozen=True, eq=False)
class GalleryIndex:
    """Hold an index of a gallery and the run whose model made it.

    Attributes:
        run: the opened run.
        gallery: the folder of the pictures.
        store: the vectors and the names of the pictures.
        notes: what happened when the index was made, one sentence each.
    """

    run: OpenedRun
    gallery: Path
    store: VectorStore
    notes: tuple[str, ...] = ()

    @property
    def broken(self) -> dict[str, str]:
        """Return the pictures that cannot be read: name -> reason."""
        return {name: entry.reason for name, entry in self.store.entries.items() if entry.row is None}

    @cached_property
    def names_of_rows(self) -> dict[int, list[str]]:
        """Return row of the vectors -> names of the pictures with that content."""
        found: dict[int, list[str]] = {}
        for name, entry in self.store.entries.items():
            if entry.row is not None:
                found.setdefault(entry.row, []).append(name)
        return found

    def __len__(self) -> int:
        return sum(entry.row is not None for entry in self.store.entries.values())

    def __repr__(self) -> str:
        kinds, number = len(self.store.facts.kinds), len(self)
        return (
            f"Index of {number:,} pictures of {self.gallery}, {kinds} vectors of {self.store.facts.width} numbers each,"
            f" by {self.run.title}"
        )


def embed_pixels(run: OpenedRun, pixels: np.ndarray) -> dict[str, Tensor]:
    """Return the vectors that rank pictures; each picture passes through the backbone once.

    Args:
        run: an opened run.
        pixels: uint8 (B, S, S, 3), S being the run's picture size.

    Returns:
        Attribute name -> unit vectors, float32 (B, D). For a manipulation method: PICTURE -> float32 (B, F), as they
        are compared.
    """
    data, rows = SimpleNamespace(pixels=pixels), np.arange(len(pixels))
    if run.manipulates:
        stored = represent_rows(run.model, data, rows, batch_size=None, precision=run.precision)
        with torch.no_grad():
            return {PICTURE: run.model.comparable(stored)}
    names = run.model.schema.names
    found = embed_images(run.model, data, rows, range(len(names)), precision=run.precision)
    return {name: found[number] for number, name in enumerate(names)}


def index_gallery(
    run: Run | OpenedRun | str | Path,
    gallery: str | Path,
    *,
    folder: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> GalleryIndex:
    """Embed the pictures of a folder, or only those that are new or changed since the last time.

    A picture passes through the backbone once for all attributes. Pictures of equal content are embedded once. Broken
    pictures are listed and left out. A killed process goes on where it stopped. Another model embeds all anew.

    Args:
        run: a run's folder, or a Run.
        gallery: the folder; its labels, if there are any, are not read.
        folder: of the index; None is one in the run's folder, named after the gallery.
        workers: threads that decode pictures; None takes one per processor.
        progress: whether to show a bar.

    Returns:
        The index; `notes` says what was done.

    Raises:
        FashionError: there is no run or no picture, or the folder of the index cannot be written to.
    """
    opened = open_run(run)
    if not isinstance(gallery, str | Path):
        raise FashionError(f"the gallery is {shortened(gallery)}: give the folder that holds the pictures.")
    gallery = user_path(gallery, "the gallery")
    files = gallery_pictures(gallery)
    place = index_folder(opened, gallery) if folder is None else user_path(folder, "the folder of the index")
    if folder is not None and place == gallery:
        raise FashionError(f"the index cannot lie in the gallery {gallery} itself: give another folder.")
    width = opened.model.width if opened.manipulates else opened.model.embedding_dim
    kinds = [PICTURE] if opened.manipulates else list(opened.model.schema.names)
    measure = "distance" if opened.manipulates else "cosine"
    facts = IndexFacts(opened.digest(), opened.title, str(gallery), kinds, width, measure)
    with _one_writer(place):
        held = read_facts(place)
        store = VectorStore.created(place, facts)
        notes = [] if held is None or held.model == facts.model else ["Another model had made this index."]
        notes += _update(opened, gallery, store, files, workers, progress)
    return GalleryIndex(opened, gallery, store, tuple(notes))


def _update(
    run: OpenedRun,
    gallery: Path,
    store: VectorStore,
    files: Mapping[str, Facts],
    workers: int | None,
    progress: bool,
) -> list[str]:
    """Embed what the store lacks and return what was done, one sentence each."""
    difference, interrupted = compare(store, files), not store.facts.finished
    # A picture that could not be read may have lain on a disk that was away: it is tried again.
    due = [*difference.added, *difference.changed, *difference.broken]
    due.sort()
    if due and store.facts.finished:
        store.facts.finished = False
        store.save_facts()
    known, free, embedded, same = store.rows_by_digest(), store.free_rows(), 0, 0
    with progress_bar(
        total=len(due), desc="indexing", unit="picture", disable=not progress or not due
    ) as bar:
        for block in read_blocks(gallery, due, run.image_size, known, geometry=run.geometry, workers=workers):
            rows, pixels, entries = [], [], []
            for one in block:
                row = known.get(one.digest) if one.digest else None
                if row is None and one.pixels is not None:
                    row = free.pop(0) if free else max([store.rows, *(taken + 1 for taken in rows)])
                    known[one.digest] = row
                    rows.append(row)
                    pixels.append(one.pixels)
                elif row is not None:
                    same += 1
                entries.append(
                    (one.name, Entry(*one.facts, one.digest, row, one.reason if row is None else ""))
                )
            vectors = embed_pixels(run, np.stack(pixels)) if pixels else {}
            store.add(rows, vectors, entries)
            embedded += len(rows)
            bar.update(len(block))
    changed = bool(interrupted or embedded or difference.added or difference.changed or difference.removed)
    store.finish(files, changed)
    return _told(difference, embedded, same, store)


@dataclass(frozen=True)
class Difference:
    """Names of pictures in which a gallery differs from its index, by name, size and time.

    Attributes:
        added, changed, removed: since the index was made.
        broken: unchanged pictures that could not be read.
    """

    added: list[str]
    changed: list[str]
    removed: list[str]
    broken: list[str]

    def __str__(self) -> str:
        parts = ((self.added, "new"), (self.changed, "changed"), (self.removed, "gone"))
        return ", ".join(f"{len(names)} {word} ({listed(names, 3)})" for names, word in parts if names)


def compare(store: VectorStore, files: Mapping[str, Facts]) -> Difference:
    """Compare the pictures of a gallery with what its index was made of.

    Args:
        store: of the index.
        files: what `gallery_pictures` found.
    """
    held = store.entries
    return Difference(
        added=[name for name in files if name not in held],
        changed=[name for name, facts in files.items() if name in held and held[name].facts != facts],
        removed=[name for name in held if name not in files],
        broken=[
            n for n, facts in files.items() if n in held and held[n].facts == facts and held[n].row is None
        ],
    )


def _told(difference: Difference, embedded: int, same: int, store: VectorStore) -> list[str]:
    held = [entry for entry in store.entries.values() if entry.row is not None]
    told = [f"{len(held):,} pictures are indexed, {embedded:,} of them were embedded now."]
    if same:
        told.append(
            f"{same:,} pictures have the content of another one, or were moved, and share its vectors."
        )
    if str(difference) and len(difference.added) < len(store.entries):
        told.append(f"Since the last time: {difference}.")
    return told


def index_folder(run: OpenedRun, gallery: Path) -> Path:
    """Return the folder of a gallery's index in the run's folder.

    Args:
        run: an opened run.
        gallery: the absolute path of the gallery.
    """
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", gallery.name)[:40] or "gallery"
    mark = hashlib.sha256(os.fsencode(gallery)).hexdigest()[:8]
    return run.folder / GALLERIES / f"{name}-{mark}"


def open_index(
    run: Run | OpenedRun | str | Path,
    *,
    gallery: str | Path | None = None,
    folder: str | Path | None = None,
) -> GalleryIndex:
    """Open an index that was made before.

    Args:
        run: the run's folder, or a Run.
        gallery: the folder of the pictures. Needed where the run has several indexes, or the gallery was moved.
        folder: of the index; None is the one in the run's folder.

    Raises:
        FashionError: there is no index, several fit, or another model made it.
    """
    opened = open_run(run)
    pictures = None if gallery is None else user_path(gallery, "the gallery")
    if folder is not None:
        place = user_path(folder, "the folder of the index")
    else:
        place = index_folder(opened, pictures) if pictures is not None else _only_index(opened)
    store = VectorStore.opened(place)
    if store.facts.model != opened.digest():
        raise FashionError(
            f"the index in {place} was made by another model ({store.facts.run}) than that of {opened.folder}: run "
            "`python -m fashion_lib index` again."
        )
    return GalleryIndex(opened, pictures or Path(store.facts.gallery), store)


def _only_index(run: OpenedRun) -> Path:
    found = sorted(path.parent for path in (run.folder / GALLERIES).glob("*/index.json"))
    if not found:
        raise FashionError(
            f"the run in {run.folder} has no index of a gallery: make one with `python -m fashion_lib index`."
        )
    if len(found) > 1:
        galleries = [facts.gallery for facts in map(read_facts, found) if facts is not None]
        raise FashionError(
            f"the run in {run.folder} has {len(found)} indexes: name the gallery with --gallery (gallery=...), one of "
            f"{', '.join(galleries)}."
        )
    return found[0]


@contextmanager
def _one_writer(folder: Path):
    """Hold the lock of an index. The system frees it when its process ends in any way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = system_lock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise FashionError(
            f"another process is making the index in {folder}: wait until it is done."
        ) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()
