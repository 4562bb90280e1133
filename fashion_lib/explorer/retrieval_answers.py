"""Attribute-specific retrieval in the explorer: the candidates of the test split, ranked under one attribute."""

from collections.abc import Generator, Sequence
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.explorer.answers import NO_LABEL, Answer, Shown, in_words, known_value
from fashion_lib.explorer.explored_runs import ExploredRun
from fashion_lib.explorer.explorer_question import Question, query_pixels
from fashion_lib.explorer.found_pictures import found_pictures, true_region
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.tasks.retrieval.embedding import embed_images
from fashion_lib.tasks.retrieval.explain import attention, grad_cam, value_directions
from fashion_lib.tasks.retrieval.metrics import average_precision
from fashion_lib.tasks.retrieval.ranking import rank

STEP = 64  # pictures between two reports of progress
GRAD_CAM_PICTURES = 200  # training pictures behind the direction of a value
Progress = tuple[int, int]  # pictures done, pictures in all


class RetrievalAnswers:
    """Answers of one run; the vectors of a gallery are computed once per attribute.

    Args:
        run: of a retrieval method.
        model: its model.
        data: with pictures of the size that the model reads.
    """

    def __init__(self, run: ExploredRun, model: RetrievalModel, data: RetrievalData):
        self.run, self.model, self.data = run, model, data
        self.precision = run.record.precision or "fp32"
        self._vectors: dict[int, Tensor] = {}
        self._directions: dict[int, Tensor] = {}

    def answer(self, question: Question) -> Generator[Progress, None, Answer]:
        """Answer a question; yield progress while pictures are embedded.

        Raises:
            FashionError: the attribute or the picture is not known, or the split has no candidate for it.
        """
        data, name = self.data, question.attribute
        number = data.schema.index(name)
        pixels = query_pixels(question, data)
        offered = data.encoded("test", "candidate").of(number)
        keep = np.flatnonzero(offered.image != (-1 if question.row is None else question.row))
        if not len(keep):
            raise FashionError(
                f"no test picture of {data.name} has a label for {in_words(name)}: choose another."
            )
        every = yield from self._gallery(number, offered.image)
        vectors, rows = every[torch.from_numpy(keep)], offered.image[keep]
        query = self._embedded(pixels[None], number)
        ((_, order),) = rank(query, vectors)
        order, scores = order[0], (vectors @ query[0]).numpy()
        values = np.array(data.schema.attributes[number].values)[offered.value[keep]]
        wanted = "" if question.row is None else known_value(data, question.row, name)
        relevant = values == wanted if wanted else None
        notes, precision = _verdict(wanted, relevant, question, name)
        if relevant is not None and relevant.any():
            precision = float(average_precision(relevant[order][None])[0])
        best = order[: question.top]
        shown = np.concatenate([pixels[None], data.pixels[rows[best]]])
        heats, kind, more = self._heats(shown, number, wanted)
        found = found_pictures(
            data, rows, best.tolist(), number, scores=scores, relevant=relevant,
            words=lambda place: in_words(str(values[place])), heats=None if heats is None else heats[1:],
        )  # fmt: skip
        asked = Shown(
            pixels, question.row, value=in_words(wanted) or NO_LABEL,
            heat=None if heats is None else heats[0], region=true_region(data, question.row, number),
        )  # fmt: skip
        under = self._under_every_attribute(pixels) if kind == "attention" else {}
        own = {a: true_region(data, question.row, data.schema.index(a)) for a in under}
        return Answer(
            method=self.run.record.method, title=self.run.title, source=self.run.source, question=in_words(name),
            query=asked, found=found, scores=scores, relevant=relevant, average_precision=precision, map_kind=kind,
            under=under, under_regions={a: one for a, one in own.items() if one is not None}, notes=(*notes, *more),
        )  # fmt: skip

    def _gallery(self, number: int, rows: np.ndarray) -> Generator[Progress, None, Tensor]:
        """Return the candidates' vectors, float32 (N, D), in the order of `rows`."""
        if number not in self._vectors:
            parts = []
            for start in range(0, len(rows), STEP):
                yield start, len(rows)
                parts.append(self._embedded(np.asarray(self.data.pixels[rows[start : start + STEP]]), number))
            self._vectors[number] = torch.cat(parts)
        return self._vectors[number]

    def _embedded(self, pixels: np.ndarray, number: int) -> Tensor:
        """Return unit vectors, float32 (B, D), of pictures uint8 (B, S, S, 3)."""
        given = SimpleNamespace(pixels=pixels)
        return embed_images(self.model, given, np.arange(len(pixels)), [number], precision=self.precision)[
            number
        ]

    def _heats(
        self, pixels: np.ndarray, number: int, wanted: str
    ) -> tuple[np.ndarray | None, str, Sequence[str]]:
        """Return a map per picture (B, h, w) and its kind: attention, or Grad-CAM where there is none."""
        ids, images = torch.full((len(pixels),), number), normalise(pixels)
        if maps := attention(self.model, images, ids):
            return next(iter(maps.values())).float().cpu().numpy(), "attention", ()
        method = self.run.record.method
        if not wanted:
            told = f"the method {method} has no attention, and Grad-CAM needs a known value: there is no heat map."
            return None, "", (told,)
        try:
            if number not in self._directions:
                self._directions[number] = value_directions(self.model, self.data, number, GRAD_CAM_PICTURES)
            value = self.data.schema.value_index(self.data.schema.names[number], wanted)
            reference = self._directions[number][value].expand(len(pixels), -1)
            heats = grad_cam(self.model, images, ids, reference).numpy()
        except FashionError as error:
            return None, "", (f"the method {method} has no attention, and no Grad-CAM either: {error}",)
        told = f"the method {method} has no attention: its maps are Grad-CAM towards {in_words(wanted)}, "
        told += "on a scale of their own."
        return heats, "Grad-CAM", (told,)

    def _under_every_attribute(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Return the query's attention under every attribute: name -> float32 (h, w)."""
        names = self.data.schema.names
        images = normalise(pixels[None]).expand(len(names), -1, -1, -1)
        maps = attention(self.model, images, torch.arange(len(names)))
        heats = next(iter(maps.values())).float().cpu().numpy()
        return dict(zip(names, heats, strict=True))


def _verdict(wanted: str, relevant, question: Question, name: str) -> tuple[list[str], None]:
    """Return what to say where nothing can be right or wrong."""
    if wanted:
        lacking = [] if relevant.any() else [f"no candidate has the query's value ({in_words(wanted)})."]
        return lacking, None
    who = "your picture" if question.row is None else f"picture {question.row}"
    return [
        f"The {in_words(name)} of {who} is not known, or it shows none: no answer is marked right or wrong."
    ], None
