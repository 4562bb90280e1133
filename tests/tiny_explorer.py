"""An explorer over the tiny data set and its model, which answers in milliseconds."""

from pathlib import Path

from tiny_data import TinyModel, tiny_data

from fashion_lib.explorer.conversation import Conversation
from fashion_lib.explorer.explored_runs import ExploredRun
from fashion_lib.explorer.opened_runs import OpenedRuns
from fashion_lib.explorer.retrieval_answers import RetrievalAnswers
from fashion_lib.runs.record import RunRecord


def tiny_run(method: str, dataset: str = "tiny") -> ExploredRun:
    """Return a run that says it is of `method`; its weights are nowhere."""
    record = RunRecord(
        method=method,
        variant="v2",
        dataset=dataset,
        profile="smoke",
        seed=0,
        metrics={},
        minutes=1.0,
        commit="abc1234",
    )
    return ExploredRun(record, Path("nowhere"))


class TinyRuns(OpenedRuns):
    """Two runs over one tiny data set, opened from the start."""

    def __init__(self, model=None, **changes):
        self.pictures, self.notes = tiny_data(**changes), []
        self.runs = [tiny_run("asen"), tiny_run("csn"), tiny_run("asen", "other")]
        model = model or TinyModel().eval()
        self._opened = {run.key: RetrievalAnswers(run, model, self.pictures) for run in self.runs}

    def data(self, key):
        self.run(key)
        return self.pictures


def talk(conversation: Conversation, content: bytes = b"", **request) -> dict:
    """Return the last reply to a request."""
    return list(conversation.replies(request, content))[-1]
