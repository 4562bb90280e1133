"""Attribute manipulation in the explorer: "this one, but with long sleeves", ranked by distance."""

from collections.abc import Generator
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.label_vectors import described, vectors_of
from fashion_lib.explorer.answers import NO_LABEL, Answer, Shown, in_words
from fashion_lib.explorer.explored_runs import ExploredRun
from fashion_lib.explorer.explorer_question import Question, query_pixels
from fashion_lib.explorer.found_pictures import found_pictures, true_region
from fashion_lib.explorer.retrieval_answers import STEP, Progress
from fashion_lib.methods.manipulation_base import ManipulationModel
from fashion_lib.tasks.manipulation.manipulation_data import ManipulationData
from fashion_lib.tasks.manipulation.manipulation_evaluation import (
    manipulated,
    rank_by_distance,
    represent_rows,
)
from fashion_lib.tasks.manipulation.manipulation_metrics import matches
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector, target_labels
from fashion_lib.tasks.retrieval.explain import attention
from fashion_lib.tasks.retrieval.metrics import average_precision


class ManipulationAnswers:
    """Answers of one run; the gallery is embedded once.

    Args:
        run: of a manipulation method.
        model: its model.
        data: with pictures of the size that the model reads.
    """

    def __init__(self, run: ExploredRun, model: ManipulationModel, data: ManipulationData):
        self.run, self.model, self.data = run, model, data
        self.precision = run.record.precision or "fp32"
        self._stored: Tensor | None = None

    def answer(self, question: Question) -> Generator[Progress, None, Answer]:
        """Answer a question; yield progress while pictures are embedded.

        Raises:
            FashionError: an attribute, a value or the picture is not known, or the picture has the value already.
        """
        data, schema = self.data, self.data.schema
        pixels = query_pixels(question, data)
        stored = self._represented(pixels[None])
        labels, operations, notes = self._operations(question, stored)
        vector = manipulation_vector(schema, operations, labels)
        every = data.rows("test", "candidate")
        features = yield from self._gallery(every)
        keep = np.flatnonzero(every != (-1 if question.row is None else question.row))
        rows, features = every[keep], features[torch.from_numpy(keep)]
        with torch.no_grad():
            query, gallery = (
                self.model.comparable(part)
                for part in (manipulated(self.model, stored, vector[None]), features)
            )
        ((_, order),) = rank_by_distance(query, gallery)
        order, scores = order[0], torch.cdist(query, gallery)[0].numpy()
        relevant = None
        if question.row is not None:
            target = target_labels(labels, vector)
            relevant = matches(target[None], data.labels.matrix[rows], data.labels.blocks)[0]
            if not relevant.any():
                notes.append("no candidate has every label of the wanted picture.")
        precision = None
        if relevant is not None and relevant.any():
            precision = float(average_precision(relevant[order][None])[0])
        best, changed = order[: question.top], operations[0].attribute
        shown = np.concatenate([pixels[None], data.pixels[rows[best]]])
        maps = attention(self.model, normalise(shown), torch.full((len(shown),), schema.index(changed)))
        heats = next(iter(maps.values())).float().cpu().numpy() if maps else None
        if not maps:
            notes.append(
                f"the method {self.run.record.method} has no spatial attention, so there is no heat map."
            )
        found = found_pictures(
            data, rows, best.tolist(), schema.index(changed), scores=scores, relevant=relevant,
            words=lambda place: self._labels_in_words(data.labels.matrix[rows[place]]),
            heats=None if heats is None else heats[1:],
        )  # fmt: skip
        value = self._labels_in_words(labels) if question.row is not None else NO_LABEL
        asked = Shown(
            pixels, question.row, value=value, heat=None if heats is None else heats[0],
            region=true_region(data, question.row, schema.index(changed)),
        )  # fmt: skip
        return Answer(
            method=self.run.record.method, title=self.run.title, source=self.run.source,
            question=", ".join(map(str, operations)), query=asked, found=found, scores=scores, relevant=relevant,
            measure="distance", average_precision=precision, map_kind="attention" if maps else "", notes=notes,
        )  # fmt: skip

    def _operations(
        self, question: Question, stored: Tensor
    ) -> tuple[np.ndarray, list[Operation], list[str]]:
        """Return the query's label vector (V,), the operations, and what the model had to read itself."""
        schema, notes = self.data.schema, []
        if not question.change:
            raise FashionError("a change needs an attribute and a value: choose both.")
        known = question.row is not None
        labels = self.data.labels.matrix[question.row] if known else vectors_of(schema, [{}]).matrix[0]
        own = {name: values[0] for name, values in described(schema, labels).items()}
        for name, value in question.change.items():
            schema.value_index(name, value)
            if name not in own and known:
                raise FashionError(
                    f"picture {question.row} shows no {in_words(name)}, so it cannot be changed: choose another "
                    "picture or attribute."
                )
            if name not in own:
                own[name] = self._read(stored, name)
                notes.append(f"The model reads {in_words(name)} {in_words(own[name])} in your picture.")
            if own[name] == value:
                who = "picture" if known else "picture, as the model reads it,"
                raise FashionError(
                    f"the {who} has {in_words(name)} {in_words(value)} already: choose another value."
                )
        if not known:
            labels = vectors_of(schema, [{name: own[name] for name in question.change}]).matrix[0]
            notes.append("The labels of your picture are not known: no answer is marked right or wrong.")
        return labels, [Operation(name, own[name], value) for name, value in question.change.items()], notes

    def _read(self, stored: Tensor, name: str) -> str:
        """Return the value of an attribute that the model's classifier finds in a picture."""
        number = self.data.schema.index(name)
        device = next(self.model.parameters()).device
        with torch.no_grad():
            scores = self.model.logits(stored.to(device))[0].cpu()
        return self.data.schema.attributes[number].values[int(scores[self.model.blocks[number]].argmax())]

    def _gallery(self, rows: np.ndarray) -> Generator[Progress, None, Tensor]:
        """Return the candidates' features, float32 (N, F)."""
        if self._stored is None:
            parts = []
            for start in range(0, len(rows), STEP):
                yield start, len(rows)
                parts.append(self._represented(np.asarray(self.data.pixels[rows[start : start + STEP]])))
            self._stored = torch.cat(parts)
        return self._stored

    def _represented(self, pixels: np.ndarray) -> Tensor:
        """Return features, float32 (B, F), of pictures uint8 (B, S, S, 3)."""
        given = SimpleNamespace(pixels=pixels)
        return represent_rows(
            self.model, given, np.arange(len(pixels)), batch_size=None, precision=self.precision
        )

    def _labels_in_words(self, labels: np.ndarray) -> str:
        held = described(self.data.schema, labels)
        return ", ".join(in_words("/".join(values)) for values in held.values()) or NO_LABEL
