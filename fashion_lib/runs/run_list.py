"""data/runs.csv: how each run behind the ledger was made. The ledger holds what came out; this, what went in."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.files import one_writer, write_atomically
from fashion_lib.core.provenance import processors
from fashion_lib.core.words import joined
from fashion_lib.data.sets import DERIVED, REAL
from fashion_lib.data.sets.set_layout import OWN
from fashion_lib.data.typed_rows import NAME, NUMBER, TEXT, TIME, WHOLE, WHOLE_OR_EMPTY, read_typed
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.data_versions import of_one_version
from fashion_lib.runs.record import RUN, RunRecord, base_method, local_records

COLUMNS = (
    *(*RUN, "data_version", "commit", "created", "hardware", "torch", "precision", "start"),
    *("parameters", "training_image_passes", "minutes", "queries", "candidates", "without_relevant"),
)


TYPES = dict.fromkeys(COLUMNS, TEXT) | {
    **dict.fromkeys((*RUN, "commit"), NAME),
    "created": TIME,
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
    with one_writer(file):
        together = _replaced(read_runs(file), _lines(records)).sort_values(list(RUN), ignore_index=True)
        return write_atomically(file, together.to_csv(index=False, lineterminator="\n"))


def collect_runs(dataset: str, profile: str) -> pd.DataFrame:
    """Return how the runs of one data set and profile were made: the committed list and this machine's runs.

    Where both have a run, this machine's is kept. Runs of other data than the newest one's are left out. Both are as
    in `fashion_lib.runs.ledger.collect`, so a number and the line on how it was made belong to the same run.

    Args:
        dataset: name of the data set.
        profile: name of the profile.

    Returns:
        One row per run, with `COLUMNS`: committed runs first, in the order of the list. Each column has one type,
        as if all of the runs were committed.
    """
    together = _replaced(read_runs(), _lines(local_records(dataset, profile, for_tables=True)))
    # A record holds numbers where a list with an empty cell holds text; read back, they can be compared and sorted.
    # Names stay text: the data set "2024", the commit "0012345".
    texts = {name: "str" for name, kind in TYPES.items() if kind in (NAME, TEXT, TIME)}
    table = pd.read_csv(io.StringIO(together.to_csv(index=False)), keep_default_na=False, dtype=texts)
    table = table[(table["dataset"] == dataset) & (table["profile"] == profile)]
    return of_one_version(table, table, warn=False)  # `ledger.collect` warns


def differing_seeds(made: pd.DataFrame, rows: Sequence[tuple[str, str]], column: str) -> pd.DataFrame:
    """Return what a column says of several rows in each seed that all of them have, where it is not one value.

    Args:
        made: rows of the list, of one data set and profile.
        rows: (method, variant) each.
        column: one of COLUMNS.

    Returns:
        One row per given row, and one column per seed with different values.
    """
    by_seed = made.pivot(index=["method", "variant"], columns="seed", values=column)
    common = by_seed.reindex(list(rows)).dropna(axis=1)
    return common.loc[:, common.nunique() > 1]


def split_note(dataset: str, profile: str) -> str:
    """Return ", NOT the papers' split" where runs on a real data set have a split that was drawn here; else "".

    Args:
        dataset: name of the data set in records.
        profile: name of the profile.
    """
    if dataset.removesuffix(DERIVED) not in REAL:
        return ""
    versions = collect_runs(dataset, profile)["data_version"]  # "1-own-..." or "1-papers-...", of the edition
    return ", NOT the papers' split" if (versions.str.split("-").str[1] == OWN).any() else ""


def trained_only(made: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the list whose method is trained."""
    return made[made["method"].map(lambda name: METHODS[base_method(name)].trainable).astype(bool)]


def computed(made: pd.DataFrame) -> str:
    """Say in which precisions and on which processors runs were trained; "" without one.

    Args:
        made: rows of `collect_runs`, of trainable methods.

    Returns:
        "precision bf16, on AMD EPYC". Where runs have several precisions, the most frequent one comes first, and the
        methods with another one are named: "precision fp32, but bf16 for rpf, triplet".
    """
    made = made[made["precision"].fillna("") != ""]
    counts = made["precision"].value_counts()
    told = [f"precision {counts.index[0]}"] if len(counts) else []
    for other in counts.index[1:]:
        told.append(f"but {other} for {_named(made, made['precision'] == other)}")
    used = joined(name for text in made["hardware"] for name in _processors(text))
    return ", ".join(told + ([f"on {used.replace(', ', ' and ')}"] if used else []))


def mixed_pairs(made: pd.DataFrame, steps: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, int]:
    """Return in how many seeds the compared runs were trained on different processors.

    Args:
        made: rows of the list, of one data set and profile.
        steps: name of a comparison -> its rows, (method, variant) each.

    Returns:
        Name -> number of seeds. A method that is not trained has no processor, and is not counted.
    """
    made = trained_only(made)
    made = made.assign(processors=[joined(_processors(text)) for text in made["hardware"]])
    return {name: differing_seeds(made, rows, "processors").shape[1] for name, rows in steps.items()}


def queries_of(made: pd.DataFrame) -> str:
    """Say how many queries of the test split a score is a mean over: "718 queries"; "" without a run.

    Args:
        made: rows of `collect_runs`, of one data set.
    """
    return " or ".join(f"{count:,.0f} queries" for count in sorted(set(made["queries"].dropna())))


def provenance(made: pd.DataFrame) -> pd.DataFrame:
    """Summarise runs over their seeds: how each method and variant was made, and what it cost.

    Args:
        made: rows of `collect_runs`.

    Returns:
        Rows (method, variant), columns seeds, commit, data, precision, processors, start, parameters, passes
        and minutes. `passes` are the images that went through the backbone in training. `minutes` is the mean over
        seeds, with one digit. The other columns list every value that occurs. All columns are of dtype object, so
        that a row for a method without a run can hold text.
    """
    made = made.assign(processors=[joined(_processors(text)) for text in made["hardware"].fillna("")])
    table = made.groupby(["method", "variant"]).agg(
        seeds=("seed", joined), commit=("commit", joined), data=("data_version", joined),
        precision=("precision", joined), processors=("processors", joined), start=("start", joined),
        parameters=("parameters", "max"), passes=("training_image_passes", joined), minutes=("minutes", "mean"),
    )  # fmt: skip
    return table.astype({"parameters": "object"}).round({"minutes": 1}).astype("object")


def _processors(hardware: str) -> list[str]:
    return [name.replace("; ", " with ") for name in processors(hardware)]


def _named(made: pd.DataFrame, chosen: pd.Series) -> str:
    """Name the chosen runs by method, and by variant too where other runs of the method are not chosen."""
    mixed = set(made.loc[~chosen, "method"])
    runs = made[chosen]
    return joined(
        f"{method} {variant}" if method in mixed else method
        for method, variant in zip(runs["method"], runs["variant"], strict=True)
    )


def _lines(records: list[RunRecord]) -> pd.DataFrame:
    return pd.DataFrame([line(record) for record in records], columns=list(COLUMNS))


def _replaced(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Join old and new rows; where both name a run, the new one stays."""
    together = pd.concat([frame for frame in (old, new) if len(frame)] or [new], ignore_index=True)
    return together.drop_duplicates(list(RUN), keep="last")
