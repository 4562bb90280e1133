"""Figures of a report inside its page: how the runs learned, from the files beside their checkpoints."""

import base64
import html
import io
import json
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure

from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.stored import folder_of
from fashion_lib.show.charts import training_curves

LINES = 8  # curves in one figure


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
