"""A folder of vectors of a gallery: half precision on disk, a journal of pictures, safe against a kill at any moment.

The files of the folder:

- index.json: what made the vectors (model, preparation, gallery) and which kinds of vectors there are.
- 00.f16, 01.f16, ...: one file per kind, such as one per attribute. Row r of each belongs to the same picture.
- pictures.jsonl: a journal with one line per picture: name, size, time, digest, row, reason. A later line replaces an
  earlier one of the same name.

Vectors are written to disk before the lines that mention their rows. New vectors take only rows that no line mentions.
So whatever the journal says is true after a kill, and the next run goes on from it. Pictures of equal content share
one row. An open journal takes about 0.4 GiB of memory and some seconds per million pictures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import parsed_json, remove_leftovers, replace_file
from fashion_lib.core.typed import check_type
from fashion_lib.data.gallery_files import Facts
from fashion_lib.tasks.retrieval.vector_scan import BYTES, MEASURES, append_halves, rows_in

FORMAT = 1
FACTS, JOURNAL = "index.json", "pictures.jsonl"


@dataclass
class IndexFacts:
    """The content of index.json.

    Attributes:
        model: digest of all that decides a vector, see `OpenedRun.digest`.
        run: the run in words.
        gallery: absolute path of the gallery's folder.
        kinds: names of the kinds of vectors: the attributes, or "picture" for one vector per picture.
        width: numbers per vector.
        measure: a name of MEASURES.
        finished: whether every picture of the gallery was looked at.
        generation: rises with every change of the vectors.
    """

    model: str
    run: str
    gallery: str
    kinds: list[str]
    width: int
    measure: str
    finished: bool = False
    generation: int = 0
    format: int = FORMAT


class Entry(NamedTuple):
    """What the journal says of a picture. row: of its vectors, None where it is broken, for the `reason`."""

    size: int
    changed: int
    digest: str
    row: int | None
    reason: str = ""

    @property
    def facts(self) -> Facts:
        """Return size and time of the file that was embedded."""
        return Facts(self.size, self.changed)


class VectorStore:
    """The vectors in a folder. Make it with `opened` or `created`.

    Attributes:
        folder: of the files.
        facts: content of index.json.
        entries: name -> Entry of every picture that was looked at.
        rows: number of rows in each file of vectors.
    """

    def __init__(self, folder: Path, facts: IndexFacts):
        self.folder, self.facts = folder, facts
        self.entries, self._length = _read_journal(folder / JOURNAL)
        self.rows = min(rows_in(self.vectors(kind), facts.width) for kind in facts.kinds)

    @classmethod
    def opened(cls, folder: Path) -> VectorStore:
        """Read a folder.

        Raises:
            FashionError: it holds no index, or a damaged one.
        """
        facts = read_facts(folder)
        if facts is None:
            raise FashionError(
                f"{folder} holds no index of a gallery: make one with `python -m fashion_lib index`."
            )
        store = cls(folder, facts)
        for name, entry in store.entries.items():
            if entry.row is not None and entry.row >= store.rows:
                raise _damaged(folder, f"{name!r} has the row {entry.row} of {store.rows}")
        return store

    @classmethod
    def created(cls, folder: Path, facts: IndexFacts) -> VectorStore:
        """Return the store in a folder, emptied unless it was made by the same model of the same gallery.

        Raises:
            FashionError: the folder holds other files, or cannot be written to.
        """
        held = _held(folder)
        if held is not None:
            same = {name: getattr(held, name) for name in ("model", "kinds", "width", "measure")}
            if same == {name: getattr(facts, name) for name in same}:
                store = cls.opened(folder)
                store.facts.gallery, store.facts.run = facts.gallery, facts.run
                return store
        try:
            _empty(folder)
            folder.mkdir(parents=True, exist_ok=True)
            store = cls(folder, facts)
            facts.generation = 0 if held is None else held.generation + 1
            store.save_facts()
        except OSError as error:
            raise unwritable(folder, error) from error
        return store

    def vectors(self, kind: str) -> Path:
        """Return the file of one kind of vectors."""
        return self.folder / f"{self.facts.kinds.index(kind):02d}.f16"

    def rows_by_digest(self) -> dict[str, int]:
        """Return digest -> row of every picture that has vectors."""
        return {entry.digest: entry.row for entry in self.entries.values() if entry.row is not None}

    def free_rows(self) -> list[int]:
        """Return the rows that no picture has, ascending; new vectors may take them."""
        used = {entry.row for entry in self.entries.values()}
        return [row for row in range(self.rows) if row not in used]

    def save_facts(self) -> None:
        """Write index.json."""
        replace_file(self.folder / FACTS, json.dumps(asdict(self.facts), indent=1).encode())

    def add(
        self, rows: list[int], vectors: Mapping[str, Tensor], entries: Iterable[tuple[str, Entry]]
    ) -> None:
        """Write vectors into rows, then the journal's lines that mention them.

        Args:
            rows: of the vectors: free ones, then those behind the last, without a gap.
            vectors: kind -> float (len(rows), D).
            entries: name and entry of each picture.

        Raises:
            FashionError: a vector is not finite, or the disk refuses.
        """
        try:
            with ExitStack() as stack:
                for kind in self.facts.kinds if rows else ():
                    file = self.vectors(kind)
                    stream = stack.enter_context(open(file, "r+b" if file.exists() else "w+b"))
                    for run in _runs(rows):
                        stream.seek(rows[run.start] * self.facts.width * BYTES)
                        append_halves(stream, vectors[kind][run], f"a vector of {kind}")
                    stream.flush()
                    os.fsync(stream.fileno())
            self.rows = max([self.rows, *(row + 1 for row in rows)])
            added = dict(entries)
            text = "".join(_line(name, entry) for name, entry in added.items()).encode()
            with open(self.folder / JOURNAL, "r+b" if self._length else "wb") as stream:
                stream.truncate(self._length)  # half a line of a killed process
                stream.seek(self._length)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            self._length += len(text)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        self.entries |= added

    def finish(self, names: Iterable[str], changed: bool) -> None:
        """Leave exactly these pictures in the journal, in this order, and mark the index as finished.

        Args:
            names: the pictures that the gallery has.
            changed: whether any picture or vector is another one than before.
        """
        self.entries = {name: self.entries[name] for name in names}
        text = "".join(_line(name, entry) for name, entry in self.entries.items()).encode()
        try:
            replace_file(self.folder / JOURNAL, text)
            self._length = len(text)
            self.facts.finished = True
            self.facts.generation += int(changed)
            self.save_facts()
            self.rows = 1 + max((entry.row for entry in self.entries.values() if entry.row is not None), default=-1)
            for file in filter(Path.exists, map(self.vectors, self.facts.kinds)):
                os.truncate(file, self.rows * self.facts.width * BYTES)  # what no line mentions
            remove_leftovers(self.folder)
        except OSError as error:
            raise unwritable(self.folder, error) from error


def read_facts(folder: Path) -> IndexFacts | None:
    """Return the content of a folder's index.json; None where there is none.

    Raises:
        FashionError: the file is damaged, or of another version of this library.
    """
    try:
        content = parsed_json((folder / FACTS).read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("format") != FORMAT:
            raise ValueError(f"its format is {content.get('format')!r} instead of {FORMAT}")
        check_type(content, IndexFacts)
        facts = IndexFacts(**content)
        if facts.measure not in MEASURES or not facts.kinds or facts.width < 1:
            raise ValueError("it names no vectors")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(folder, str(error)) from error
    return facts


def unwritable(folder: Path, error: OSError) -> FashionError:
    """Return the error of an index that cannot be written, in one sentence."""
    return FashionError(
        f"the index in {folder} cannot be written ({error.strerror or error}): free some space, or give another folder "
        "with --index; what is there goes on where it stopped."
    )


def _damaged(folder: Path, reason: str) -> FashionError:
    return FashionError(
        f"the index in {folder} is damaged ({reason.rstrip('.')}): delete that folder and index again."
    )


def _held(folder: Path) -> IndexFacts | None:
    """Return what made the index in a folder; None where there is no index that can be read."""
    if not folder.is_dir():
        return None
    strange = [name for name in os.listdir(folder) if not _own(name)]
    if strange:
        raise FashionError(
            f"{folder} holds {strange[0]!r}, which is no part of an index: give another folder."
        )
    return read_facts(folder)


def _own(name: str) -> bool:
    return name.startswith((FACTS, JOURNAL, ".")) or name.endswith((".f16", ".faiss", ".faiss.json", ".part"))


def _empty(folder: Path) -> None:
    """Delete the index in a folder. index.json goes first: without it, nothing else is read."""
    for name in (FACTS, *(os.listdir(folder) if folder.is_dir() else ())):
        if not name.startswith("."):
            (folder / name).unlink(missing_ok=True)


def _line(name: str, entry: Entry) -> str:
    return json.dumps([name, *entry]) + "\n"


def _read_journal(path: Path) -> tuple[dict[str, Entry], int]:
    """Return the entries of the whole lines and their length in bytes; a kill may have cut off the last line."""
    entries: dict[str, Entry] = {}
    length = 0
    try:
        with open(path, "rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                name, size, changed, digest, row, reason = json.loads(line)
                if not (isinstance(name, str) and isinstance(digest, str) and (row is None or row >= 0)):
                    raise ValueError("a cell has another type")
                entries[name] = Entry(size, changed, digest, row, reason)
                length += len(line)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(path.parent, f"{path.name} after {length} bytes: {error}") from error
    return entries, length


def _runs(rows: list[int]) -> list[slice]:
    """Return the parts of a list of rows that follow each other without a gap."""
    starts = [k for k, row in enumerate(rows) if k == 0 or row != rows[k - 1] + 1]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True)]
