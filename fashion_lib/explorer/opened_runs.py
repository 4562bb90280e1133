"""Runs that the explorer has opened: each is loaded once and keeps the vectors of its galleries."""

from collections.abc import Generator

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.explorer.answers import Answer
from fashion_lib.explorer.explored_data import pictures_of
from fashion_lib.explorer.explored_runs import ExploredRun, explored_model, explored_runs
from fashion_lib.explorer.explorer_question import Question
from fashion_lib.explorer.manipulation_answers import ManipulationAnswers
from fashion_lib.explorer.retrieval_answers import RetrievalAnswers

MOST = 6  # runs held at a time; the one that waited longest is closed for the next
Step = tuple[str, int, int]  # what is done, pictures done, pictures in all


class OpenedRuns:
    """All runs that a window offers, opened when first asked."""

    def __init__(self):
        self.runs, self.notes = explored_runs()
        if not self.runs:
            raise FashionError(
                "there is no run to explore: train one with `python -m fashion_lib train asen`."
            )
        self._opened: dict[str, RetrievalAnswers | ManipulationAnswers] = {}

    def run(self, key: str) -> ExploredRun:
        """Return the run of a key.

        Raises:
            FashionError: there is none.
        """
        found = next((run for run in self.runs if run.key == key), None)
        if found is None:
            raise FashionError(
                f"there is no run {shortened(key, 120)}: open the window anew to list the runs."
            )
        return found

    def data(self, key: str):
        """Return the data of a run at the profile's picture size, without opening its model."""
        return pictures_of(self.run(key).record)

    def answers(self, question: Question) -> Generator[Step, None, list[Answer]]:
        """Put a question to each of its runs; yield progress.

        Raises:
            FashionError: the runs do not fit together, or one cannot answer.
        """
        runs = [self.run(key) for key in question.runs]
        if not runs:
            raise FashionError("a question needs a run: choose one.")
        if len({(run.pictures, run.manipulates) for run in runs}) > 1:
            raise FashionError("these two runs have other pictures or another task: choose two of one kind.")
        answers = []
        for run in runs:
            if run.key not in self._opened:
                yield f"opening {run.title}", 0, 0
            steps = self._open(run).answer(question)
            while True:
                try:
                    done, total = next(steps)
                except StopIteration as end:
                    answers.append(end.value)
                    break
                yield f"{run.record.method} embeds the candidates, once", done, total
        return answers

    def _open(self, run: ExploredRun) -> RetrievalAnswers | ManipulationAnswers:
        if run.key not in self._opened:
            data = pictures_of(run.record)
            model = explored_model(run, data)
            size = data.image_size * model.image_scale
            if run.manipulates:
                self._opened[run.key] = ManipulationAnswers(run, model, data)
            else:
                sized = data if size == data.image_size else data.resized(size)
                self._opened[run.key] = RetrievalAnswers(run, model, sized)
            while len(self._opened) > MOST:
                self._opened.pop(next(iter(self._opened)))
        self._opened[run.key] = self._opened.pop(run.key)  # to the end: who waits longest comes first
        return self._opened[run.key]
