"""What a window asks and what it is told: plain messages, the same for the notebook's widget and for the page.

A window sends one request; the replies are dictionaries that JSON can hold, and their "kind" says what they are:
"progress", "runs", "pictures", "own", "answer", or "error" with one sentence. "of" is the request's kind.
"""

import re
import secrets
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.explorer.answer_html import answers_html, data_uri
from fashion_lib.explorer.answers import in_words, shown_attributes
from fashion_lib.explorer.explorer_question import Question, query_pixels
from fashion_lib.explorer.opened_runs import OpenedRuns

STRIP = 10  # pictures to choose from at a time
LARGEST = 64 * 2**20  # bytes of one's own picture
KEPT = 20  # own pictures held at a time
SUFFIX = re.compile(r"[^A-Za-z0-9.]")  # what an own file's suffix loses; its name is not used at all
Reply = dict[str, Any]


class Conversation:
    """Answers the requests of the windows of one process.

    Args:
        opened: the runs on offer; None finds them.
    """

    def __init__(self, opened: OpenedRuns | None = None):
        self.opened = opened or OpenedRuns()
        self._folder = tempfile.TemporaryDirectory(prefix="fashion-explorer-")
        self._own: dict[str, Path] = {}

    def replies(self, request: Mapping[str, Any], content: bytes = b"") -> Iterator[Reply]:
        """Yield the replies to a request; the last one answers it, or is the error's sentence.

        Args:
            request: "kind" is "runs", "pictures", "own" or "ask".
            content: of the file, or a piece of it, that an "own" request brings.
        """
        for reply in self._replies(request, content):
            yield reply | {"of": request.get("kind")}

    def _replies(self, request: Mapping[str, Any], content: bytes) -> Iterator[Reply]:
        handlers = {"runs": self._runs, "pictures": self._pictures, "own": self._take, "ask": self._ask}
        try:
            handler = handlers.get(request.get("kind"))
            if handler is None:
                raise FashionError(f"the window sent {shortened(request.get('kind'))}: open it anew.")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a window has no place for them, and errors have sentences
                yield from handler(request, content)
        except FashionError as error:
            yield {"kind": "error", "text": str(error)}
        except Exception as error:  # the window shows one sentence; the terminal has the rest
            traceback.print_exc(file=sys.stderr)
            what = f"{type(error).__name__}: {shortened(str(error), 120)}"
            yield {
                "kind": "error",
                "text": f"the explorer failed ({what}): the terminal or the log says more.",
            }

    def _runs(self, request: Mapping[str, Any], content: bytes) -> Iterator[Reply]:
        """List the runs, each with the title of its group."""
        runs = [
            {
                "key": run.key,
                "title": run.title,
                "group": ("shipped: " if run.shipped else "your runs: ")
                + run.record.dataset
                + ", "
                + run.record.profile,
                "pictures": run.pictures,
                "manipulates": run.manipulates,
            }
            for run in self.opened.runs
        ]
        yield {"kind": "runs", "runs": runs, "notes": self.opened.notes}

    def _pictures(self, request: Mapping[str, Any], content: bytes) -> Iterator[Reply]:
        """List a run's attributes, and some pictures of the test split to choose from."""
        key = _text(request, "run")
        yield {"kind": "progress", "text": "reading the data", "done": 0, "total": 0}
        data, run = self.opened.data(key), self.opened.run(key)
        split = data.rows("test") if run.manipulates else np.unique(data.encoded("test").image)
        seed = request.get("seed", 0)
        if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
            raise FashionError(f"the seed of the choice is {shortened(seed)}: open the window anew.")
        rows = np.sort(np.random.default_rng(seed).permutation(split)[:STRIP])
        chosen = [
            {
                "row": int(row),
                "src": data_uri(np.asarray(data.pixels[row])),
                "shows": shown_attributes(data, int(row)),
            }
            for row in rows
        ]
        attributes = [
            {
                "name": one.name,
                "words": in_words(one.name),
                "values": [{"name": v, "words": in_words(v)} for v in one.values],
            }
            for one in data.schema
        ]
        yield {
            "kind": "pictures",
            "run": key,
            "attributes": attributes,
            "pictures": chosen,
            "last": len(data.image_names) - 1,
        }

    def _take(self, request: Mapping[str, Any], content: bytes) -> Iterator[Reply]:
        """Take a file in pieces, and show it when its last piece is there."""
        key, name = _text(request, "id"), _text(request, "name")
        if key not in self._own:
            if len(self._own) >= KEPT:
                self._own.pop(next(iter(self._own))).unlink(missing_ok=True)
            self._own[key] = Path(self._folder.name) / (
                secrets.token_hex(8) + SUFFIX.sub("", Path(name).suffix)[:8]
            )
            self._own[key].touch()
        path = self._own[key]
        if path.stat().st_size + len(content) > LARGEST:
            self._own.pop(key).unlink(missing_ok=True)
            raise FashionError(
                f"{shortened(name)} has more than {LARGEST // 2**20} MiB: choose a smaller picture."
            )
        with path.open("ab") as file:
            file.write(content)
        if request.get("last"):
            try:
                pixels = query_pixels(Question((), file=path), self.opened.data(_text(request, "run")))
            except FashionError as error:
                self._own.pop(key).unlink(missing_ok=True)
                raise FashionError(
                    f"{shortened(name)} cannot be read as a picture: choose another file."
                ) from error
            yield {"kind": "own", "id": key, "src": data_uri(pixels), "name": name}

    def _ask(self, request: Mapping[str, Any], content: bytes) -> Iterator[Reply]:
        """Put the question to its runs."""
        runs, change = request.get("runs"), request.get("change") or {}
        texts = isinstance(change, Mapping) and all(
            isinstance(part, str) for pair in change.items() for part in pair
        )
        if not texts or not isinstance(runs, Sequence) or not all(isinstance(key, str) for key in runs):
            raise FashionError("the window sent no whole question: open it anew.")
        own = request.get("own")
        if own and own not in self._own:
            raise FashionError("your picture is no longer held: choose it again.")
        question = Question(
            tuple(runs), None if own else request.get("row"), self._own[own] if own else None,
            request.get("attribute") or "", change,
        )  # fmt: skip
        steps = self.opened.answers(question)
        while True:
            try:
                text, done, total = next(steps)
            except StopIteration as end:
                yield {"kind": "answer", "html": answers_html(end.value)}
                return
            yield {"kind": "progress", "text": text, "done": done, "total": total}


def _text(request: Mapping[str, Any], name: str) -> str:
    """Return a text of a request.

    Raises:
        FashionError: it is missing, or no text.
    """
    if not isinstance(request.get(name), str):
        raise FashionError(f"the window sent no {name}: open it anew.")
    return request[name]
