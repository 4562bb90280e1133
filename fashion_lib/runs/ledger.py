"""What a run leaves behind: a JSON record in runs/, and the ledger of committed figures in data/results/.

A ledger row is one number with everything needed to place it. The metric "map" and its companions (recall@1,
recall@10, ndcg@10) are in percent, as in the papers; localisation figures are fractions in [0, 1].
"""

import math
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.files import write_atomically
from fashion_lib.data.label_table import read_rows
from fashion_lib.runs.record import RECORD_NAME, RunRecord

COLUMNS = ("dataset", "method", "variant", "profile", "seed", "metric", "attribute", "value", "minutes", "commit")
KEY = COLUMNS[:7]


def rows(record: RunRecord) -> pd.DataFrame:
    """The ledger rows of a record, in the ledger's columns."""
    shared = [record.dataset, record.method, record.variant, record.profile, record.seed]
    lines = [[*shared, metric, attribute, round(float(value), 4), round(record.minutes, 2), record.commit]
             for metric, row in (record.metrics | record.localisation).items() for attribute, value in row.items()]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def to_csv(table: pd.DataFrame) -> str:
    """Ledger rows as CSV text, header first, in the ledger's column order."""
    return table[list(COLUMNS)].to_csv(index=False, lineterminator="\n")


def _read_csv(path: Path) -> pd.DataFrame:
    table, lines = read_rows(path, COLUMNS)
    table = table[list(COLUMNS)]
    for column, kind in (("seed", int), ("value", float), ("minutes", float)):
        for line, cell in zip(lines, table[column], strict=True):
            try:
                fine = math.isfinite(kind(cell))
            except ValueError:
                fine = False
            if not fine:
                raise FashionError(f"line {line} of {path} has {cell!r} as its {column}, which is not a finite"
                                   f" {'whole ' if kind is int else ''}number: correct that cell.")
        table = table.assign(**{column: table[column].astype(kind)})
    repeated = table.duplicated(list(KEY))
    if repeated.any():
        row = int(repeated.to_numpy().argmax())
        raise FashionError(f"line {lines[row]} of {path} repeats an earlier row"
                           f" ({','.join(map(str, table.loc[row, list(KEY)]))}): delete one of the two.")
    return table


def read_ledger(folder: Path | None = None) -> pd.DataFrame:
    """All rows of data/results/*.csv. FashionError names the file and the line of the first bad or repeated row."""
    files = sorted(Path(folder or paths.ledger_dir()).glob("*.csv"))
    empty = pd.DataFrame(columns=list(COLUMNS), dtype="str").astype({"seed": int, "value": float, "minutes": float})
    return pd.concat([empty, *map(_read_csv, files)], ignore_index=True)


def write_ledger(table: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Put rows into data/results/<dataset>.<method>.<variant>.csv; a row with the same key is replaced, others stay."""
    folder = Path(folder or paths.ledger_dir())
    merged = _replaced(read_ledger(folder), table)
    # A file for each variant, so that none grows with every ablation.
    columns = ["dataset", "method", "variant"]
    asked = set(table[columns].itertuples(index=False, name=None))
    return [
        write_atomically(folder / f"{'.'.join(names)}.csv", to_csv(rows))
        for names, rows in merged.groupby(columns, sort=False)
        if names in asked
    ]


def _replaced(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Old and new rows together, the new one where both have the same key; sorted by run, order of metrics kept."""
    together = pd.concat([frame for frame in (old, new) if len(frame)] or [old], ignore_index=True)
    together = together.drop_duplicates(list(KEY), keep="last")
    return together.sort_values(list(KEY[:5]), kind="stable", ignore_index=True)


def local_records(dataset: str | None = None, profile: str | None = None) -> list[RunRecord]:
    """The records of this machine's finished runs."""
    found = sorted(paths.runs_dir().glob(f"{dataset or '*'}/{profile or '*'}/*/seed*/{RECORD_NAME}"))
    return [RunRecord.load(path) for path in found]


def collect(dataset: str | None = None, profile: str | None = None) -> pd.DataFrame:
    """Ledger rows and local runs in one table with a column `source` ("ledger" or "runs"); a local run wins."""
    table = read_ledger().assign(source="ledger")
    for column, value in (("dataset", dataset), ("profile", profile)):
        if value is not None:
            table = table[table[column] == value]
    local = [rows(record).assign(source="runs") for record in local_records(dataset, profile)]
    return _replaced(table, pd.concat(local) if local else table[:0])
