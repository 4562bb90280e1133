"""data/runs.csv: how each run behind the ledger was made. The ledger holds what came out; this, what went in."""

from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.files import one_writer, write_atomically
from fashion_lib.data.typed_rows import NAME, NUMBER, TEXT, WHOLE, WHOLE_OR_EMPTY, read_typed
from fashion_lib.runs.ledger import KEY
from fashion_lib.runs.record import RunRecord

RUN = KEY[:5]  # dataset, method, variant, profile, seed
COLUMNS = (
    *(*RUN, "data_version", "commit", "created", "hardware", "torch", "precision", "start"),
    *("parameters", "training_image_passes", "minutes", "queries", "candidates", "without_relevant"),
)


TYPES = dict.fromkeys(COLUMNS, TEXT) | {
    **dict.fromkeys((*RUN, "commit"), NAME),
    **dict.fromkeys(("seed", "parameters", "queries", "candidates", "without_relevant"), WHOLE),
    **{"training_image_passes": WHOLE_OR_EMPTY, "minutes": NUMBER},
}


def line(record: RunRecord) -> dict[str, object]:
    """Return one run as a row: its name, provenance, cost, and the sizes of the test split summed over attributes."""
    counts = {name: sum(record.counts.get(name, {}).values()) for name in COLUMNS[-3:]}
    made = {"torch": record.versions.get("torch", ""), "minutes": round(record.minutes, 2)}
    told = {name: record.config.get(name, "") for name in ("training_image_passes", "data_version")}
    return {name: (counts | made | told).get(name, getattr(record, name, "")) for name in COLUMNS}


def read_runs(file: Path | None = None) -> pd.DataFrame:
    """Read the committed list, empty where there is none yet, and write nothing.

    Args:
        file: None is data/runs.csv.

    Returns:
        One row per run in COLUMNS; counts are int64, minutes float64, the rest is text.

    Raises:
        FashionError: names the line of the first bad or repeated row.
    """
    file = Path(file or paths.run_list_file())
    return read_typed(file, TYPES, RUN) if file.is_file() else pd.DataFrame(columns=list(COLUMNS))


def write_runs(records: list[RunRecord], file: Path | None = None) -> Path:
    """Put runs into the list; a run that it already names is replaced, all others stay.

    Processes that write at once wait for each other, so that no row is lost.

    Returns:
        The file.

    Raises:
        FashionError: the list is damaged or cannot be written.
    """
    file = Path(file or paths.run_list_file())
    new = pd.DataFrame([line(record) for record in records], columns=list(COLUMNS))
    with one_writer(file):
        together = pd.concat([frame for frame in (read_runs(file), new) if len(frame)] or [new], ignore_index=True)
        together = together.drop_duplicates(list(RUN), keep="last").sort_values(list(RUN), ignore_index=True)
        return write_atomically(file, together.to_csv(index=False, lineterminator="\n"))
