"""What a run leaves behind: a JSON record in runs/, and the ledger of committed figures in data/results/.

A ledger row is one number with everything needed to place it. The metric "map" and its companions (recall@1,
recall@10, ndcg@10) are in percent, as in the papers; localisation figures are fractions in [0, 1]. Where a metric is
measured for every beta of a two-branch method, the column `attribute` holds the beta.
"""

from functools import lru_cache
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import one_writer, write_atomically
from fashion_lib.core.paths import plain_name
from fashion_lib.data.typed_rows import NAME, NUMBER, WHOLE, read_typed
from fashion_lib.runs.data_versions import RUN, of_one_version
from fashion_lib.runs.record import RunRecord, local_records
from fashion_lib.runs.run_list import line, read_runs

COLUMNS = ("dataset", "method", "variant", "profile", "seed", "metric", "attribute", "value", "minutes", "commit")
KEY = COLUMNS[:7]
TYPES = dict.fromkeys(COLUMNS, NAME) | {"seed": WHOLE, "value": NUMBER, "minutes": NUMBER}


def rows(record: RunRecord) -> pd.DataFrame:
    """Return the ledger rows of a record, in the ledger's columns."""
    shared = [record.dataset, record.method, record.variant, record.profile, record.seed]
    lines = [[*shared, metric, attribute, round(float(value), 4), round(record.minutes, 2), record.commit]
             for metric, row in (record.metrics | record.localisation).items() for attribute, value in row.items()]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def to_csv(table: pd.DataFrame) -> str:
    """Return ledger rows as CSV text, header first, in the ledger's column order."""
    return table[list(COLUMNS)].to_csv(index=False, lineterminator="\n")


def read_ledger(folder: Path | None = None) -> pd.DataFrame:
    """Read all rows of data/results/*.csv, and write nothing.

    Args:
        folder: of the files; None is the committed ledger's.

    Returns:
        The rows in COLUMNS; seed is int64, value and minutes are float64, the rest is text.

    Raises:
        FashionError: names file and line of the first bad or repeated row, or both files that hold the same row.
    """
    found = _files(Path(folder or paths.ledger_dir()))
    empty = pd.DataFrame(columns=list(COLUMNS), dtype="str").astype({"seed": int, "value": float, "minutes": float})
    return pd.concat([empty, *found.values()], ignore_index=True)


def _files(folder: Path) -> dict[Path, pd.DataFrame]:
    """Read the ledger's files: path -> rows; no row is in two of them. Callers change none of the tables."""
    states = {path: path.stat() for path in sorted(folder.glob("*.csv"))}
    return dict(_unchanged(tuple((path, s.st_ino, s.st_size, s.st_mtime_ns) for path, s in states.items())))


@lru_cache(maxsize=2)
def _unchanged(states: tuple[tuple[Path, int, int, int], ...]) -> dict[Path, pd.DataFrame]:
    """Read files once for as long as none of them changes: a table of a notebook asks for the ledger several times.

    Args:
        states: path, number on the disk, size and time of change of each file.
    """
    found = {path: read_typed(path, TYPES, KEY) for path, *_ in states}
    _check_apart(found)
    return found


def _check_apart(found: dict[Path, pd.DataFrame]) -> None:
    if not found:
        return
    keys = pd.concat([table[list(KEY)].assign(file=number) for number, table in enumerate(found.values())])
    repeated = keys.duplicated(list(KEY))
    if repeated.any():
        second = keys[repeated].iloc[0]
        first = keys[(keys[list(KEY)] == second[list(KEY)]).all(axis=1)].iloc[0]
        names = [str(list(found)[row["file"]]) for row in (first, second)]
        raise FashionError(
            f"{names[0]} and {names[1]} hold the same row ({','.join(map(str, second[list(KEY)]))}): "
            "delete it in one of the two files."
        )


def committed_rows() -> pd.DataFrame:
    """Return the committed ledger's rows of one data version per data set and profile, without any warning."""
    return of_one_version(read_ledger(), read_runs()[[*RUN, "data_version", "created"]].dropna(), warn=False)


def ledger_file(dataset: str, method: str, variant: str, folder: Path | None = None) -> Path:
    """Return the ledger file of a variant: data/results/<dataset>.<method>.<variant>.csv.

    Raises:
        FashionError: the names make no plain file name.
    """
    for name, what in ((dataset, "data set"), (method, "method"), (variant, "variant")):
        plain_name(name, what)
    return Path(folder or paths.ledger_dir()) / f"{plain_name(f'{dataset}.{method}.{variant}', 'ledger file')}.csv"


def write_ledger(table: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Put rows into the ledger's files. All rows of a run that comes again are replaced; other runs stay.

    Processes that write at once wait for each other, so that no row is lost.

    Args:
        table: rows in COLUMNS.
        folder: of the files; None is the committed ledger's.

    Returns:
        The files that hold the rows.

    Raises:
        FashionError: the ledger is damaged, cannot be written, or holds one of the rows in a file of another name.
    """
    folder = Path(folder or paths.ledger_dir())
    # A file for each variant, so that none grows with every ablation.
    new = {
        ledger_file(*names, folder): rows
        for names, rows in table.groupby(["dataset", "method", "variant"], sort=False)
    }
    with one_writer(folder):  # one lock for all files, since no row may be in two of them
        found = _files(folder)
        merged = {path: _replaced(found.get(path, rows[:0]), rows) for path, rows in new.items()}
        _check_apart(found | merged)
        return [write_atomically(path, to_csv(rows)) for path, rows in merged.items()]


def _replaced(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Join old and new rows; a new run replaces all its old rows. Sort by run; keep the order of metrics."""
    again = pd.MultiIndex.from_frame(old[RUN]).isin(pd.MultiIndex.from_frame(new[RUN]))
    together = pd.concat([frame for frame in (old[~again], new) if len(frame)] or [old], ignore_index=True)
    together = together.drop_duplicates(list(KEY), keep="last")
    return together.sort_values(list(KEY[:5]), kind="stable", ignore_index=True)


def collect(dataset: str | None = None, profile: str | None = None) -> pd.DataFrame:
    """Return ledger rows and local runs in one table with a column `source`, "ledger" or "runs"; a local run wins.

    No table mixes data versions: `of_one_version` leaves out the runs of other data than the newest one's, with a
    warning.

    Args:
        dataset: name of a data set; None takes all.
        profile: name of a profile; None takes all.

    Raises:
        FashionError: the ledger or a record is damaged, or a name is no plain folder name.
    """
    table = read_ledger().assign(source="ledger")
    for column, value in (("dataset", dataset), ("profile", profile)):
        if value is not None:
            table = table[table[column] == value]
    records = local_records(dataset, profile, for_tables=True)
    local = [rows(record).assign(source="runs") for record in records]
    collected = _replaced(table, pd.concat(local) if local else table[:0])
    made = pd.concat([read_runs(), pd.DataFrame([line(record) for record in records])], ignore_index=True)
    return of_one_version(collected, made[[*RUN, "data_version", "created"]].dropna())
