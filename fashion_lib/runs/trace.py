"""Walk a number of the README back: to ledger rows by file and line, seeds, commits, and the settings of the runs."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import listed, suggestion
from fashion_lib.data.label_table import read_rows
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.data_versions import of_one_version
from fashion_lib.runs.labels import profile_of_label
from fashion_lib.runs.ledger import COLUMNS, rows
from fashion_lib.runs.record import local_records, read_label
from fashion_lib.runs.run_list import COLUMNS as RUN_COLUMNS
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.training.profiles import PAPER, PROFILES

MAIN_METRIC = {"retrieval": "map", "manipulation": "top10_acc"}


@dataclass(frozen=True)
class Seed:
    """Hold one run behind a number.

    Attributes:
        where: file and line of its ledger row.
        made_where: file and line of its row in data/runs.csv, "" if there is none.
        made: that row by column, {} if there is none.
    """

    seed: int
    value: float
    where: str
    commit: str
    made_where: str
    made: Mapping[str, str]


@dataclass(frozen=True)
class Trace:
    """Hold a number and all that it was made from; print it.

    Attributes:
        number: what it is, in words.
        seeds: the runs behind it, by seed.
        settings: the configuration of the runs.
        settings_from: where that is written down.
    """

    number: str
    seeds: tuple[Seed, ...]
    settings: Mapping[str, object]
    settings_from: str

    @property
    def mean(self) -> float:
        """Return the mean over the seeds, recomputed."""
        return statistics.fmean(seed.value for seed in self.seeds)

    @property
    def spread(self) -> float:
        """Return the sample standard deviation over the seeds, recomputed; NaN for one seed."""
        values = [seed.value for seed in self.seeds]
        return statistics.stdev(values) if len(values) > 1 else math.nan

    def __str__(self) -> str:
        spread = f" ± {self.spread:.2f}" if math.isfinite(self.spread) else ""
        count = f"{len(self.seeds)} seeds" if len(self.seeds) > 1 else "one seed"
        lines = [f"{self.number}: {self.mean:.2f}{spread} ({count})"]
        for seed in self.seeds:
            lines.append(f"  seed {seed.seed}: {seed.value} <- {seed.where}, commit {seed.commit}")
            if seed.made:
                told = ("created", "hardware", "torch", "precision", "start", "minutes", "training_image_passes")
                facts = [f"{name} {seed.made[name]}" for name in told if seed.made.get(name)]
                lines.append(f"    made: {', '.join(facts)} <- {seed.made_where}")
        lines.append(f"  settings <- {self.settings_from}")
        lines += [f"    {name}: {value}" for name, value in self.settings.items()]
        return "\n".join(lines)

    __repr__ = __str__


def trace(
    method: str,
    attribute: str = "overall",
    *,
    metric: str | None = None,
    variant: str | None = None,
    dataset: str = "wardrobe",
    profile: str = "laptop",
) -> Trace:
    """Walk one number of the results back to where it came from; reads files only.

    Args:
        method: its name in the ledger, such as "asen" or "ipad+fr"; "name.variant" names a variant too.
        attribute: an attribute's name, or an average: "overall", "macro", "local".
        metric: as in the ledger; None is MAP, and of attribute manipulation the Top-10 accuracy.
        variant: its name in the ledger; None is the method's default, or the only one there is.
        dataset: of the runs. Attribute manipulation on it is found as well.
        profile: of the runs.

    Returns:
        The trace. Where the ledger has no such row, this machine's own runs are traced instead, and named so.

    Raises:
        FashionError: when there is no such number; the sentence names the nearest one.
    """
    if "." in str(method) and variant is None:
        method, _, variant = method.partition(".")
    made, made_lines = _run_list()
    table = _of_one_version(_all_rows(), made)
    names = list(dict.fromkeys([*METHODS, *table["method"]]))
    method = _chosen(table, "method", method, names, "the results")
    task = METHODS[method].task if method in METHODS else "retrieval"
    if task == "manipulation" and not dataset.endswith(SUFFIX):
        dataset += SUFFIX
    metric = metric or MAIN_METRIC[task]
    _chosen(table, "profile", profile, list(PROFILES), "the course's settings")
    of = f"the results of {method}"
    asked = {"method": method, "dataset": dataset, "profile": profile}
    mine = table
    for column, value in asked.items():
        mine = _narrowed(mine, column, value, of)
    known = list(dict.fromkeys(mine["variant"]))
    default = METHODS[method].variants[0] if method in METHODS else None
    if variant is None:
        variant = default if default in known else known[0] if len(known) == 1 else None
    if variant is None:
        named = listed(known)
        raise FashionError(f"{method} has results of {len(known)} variants, not of its default: choose one of {named}.")
    asked |= {"variant": variant, "metric": metric, "attribute": attribute}
    for column in ("variant", "metric", "attribute"):
        mine = _narrowed(mine, column, asked[column], of)
    mine = mine[mine["source"] == ("ledger" if (mine["source"] == "ledger").any() else "runs")]
    found = [_seed(row, made, made_lines) for _, row in mine.iterrows()]
    seeds = tuple(sorted(found, key=lambda seed: seed.seed))
    if len({seed.seed for seed in seeds}) < len(seeds):
        places = listed([seed.where for seed in seeds])
        raise FashionError(f"two rows of the ledger hold one seed of this number ({places}): delete one of them.")
    settings, settings_from = _settings(asked, seeds)
    number = f"{method} ({variant}), {metric} of {attribute} on {dataset}, profile {profile}"
    return Trace(number, seeds, settings, settings_from)


def _all_rows() -> pd.DataFrame:
    """Read ledger rows as text with file and line in `where`, then this machine's runs."""
    parts = []
    for path in sorted(paths.ledger_dir().glob("*.csv")):
        table, lines = read_rows(path, COLUMNS)
        name = _shown(path)
        where = [f"{name}, line {line}" for line in lines]
        parts.append(table.assign(where=where, source="ledger"))
    for record in local_records(for_tables=True):
        parts.append(rows(record).assign(where="a run of this machine, not in the ledger", source="runs"))
    return pd.concat(parts) if parts else pd.DataFrame(columns=[*COLUMNS, "where", "source"])


def _of_one_version(table: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """Leave out the ledger's runs of other data than the newest run's, as the README's tables do."""
    table = table.reset_index(drop=True)
    runs = _with_numbers(made[(made["data_version"] != "") & (made["created"] != "")])
    stored = _with_numbers(table[table["source"] == "ledger"]).reset_index(names="place")
    return table.drop(index=set(stored["place"]) - set(of_one_version(stored, runs, warn=False)["place"]))


def _with_numbers(text: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose seed is a whole number, as int64; `_seed` names the other ones."""
    whole = text["seed"].astype(str).str.fullmatch(r"\d{1,18}")
    return text[whole].assign(seed=text["seed"][whole].astype(int))


def _chosen(table: pd.DataFrame, column: str, value: str, known: list[str], where: str) -> str:
    if value not in known:
        raise FashionError(f"{where} know no {column} {shortened(value)}: {suggestion(value, known)}")
    return value


def _narrowed(table: pd.DataFrame, column: str, value: str, of: str) -> pd.DataFrame:
    known = list(dict.fromkeys(table[column]))
    if not known:
        raise FashionError(f"there are no results of {shortened(value)} yet: train it and `keep` its numbers.")
    if value not in known:
        raise FashionError(f"{of} have no {column} {shortened(value)}: {suggestion(value, known)}")
    return table[table[column] == value]


def _run_list() -> tuple[pd.DataFrame, list[int]]:
    path = paths.run_list_file()
    return read_rows(path, RUN_COLUMNS) if path.is_file() else (pd.DataFrame(columns=list(RUN_COLUMNS)), [])


def _seed(row: pd.Series, made: pd.DataFrame, lines: list[int]) -> Seed:
    same = made["seed"] == str(row["seed"])  # both as written
    for column in ("dataset", "method", "variant", "profile"):
        same &= made[column] == row[column]
    places = same.to_numpy().nonzero()[0] if row["source"] == "ledger" else []
    facts, where = {}, ""
    if len(places):
        facts, where = made.iloc[places[0]].to_dict(), f"{_shown(paths.run_list_file())}, line {lines[places[0]]}"
    try:
        seed, value = int(row["seed"]), float(row["value"])
        if not math.isfinite(value):
            raise ValueError
    except ValueError:
        raise FashionError(
            f"{row['where']} has the seed {shortened(row['seed'])} and the value {shortened(row['value'])}, of which "
            "one is no finite number: correct that cell."
        ) from None
    return Seed(seed, value, row["where"], row["commit"], where, facts)


def _settings(asked: Mapping[str, str], seeds: tuple[Seed, ...]) -> tuple[dict[str, object], str]:
    """Return the configuration and its source: a record of these runs, else the profile with the label's changes."""
    commits = {(seed.seed, seed.commit) for seed in seeds}
    for record in local_records(asked["dataset"], asked["profile"], for_tables=True):
        named = record.method == asked["method"] and record.variant == asked["variant"]
        if named and (record.seed, record.commit) in commits:
            return dict(record.config) | {"versions": record.versions, "hardware": record.hardware}, (
                f"the record of seed {record.seed} on this machine"
            )
    _, changed = read_label(asked["variant"])
    dataset = asked["dataset"].removesuffix(SUFFIX)
    settings = profile_of_label(asked["method"], asked["variant"], dataset, PROFILES[asked["profile"]]).settings()
    settings |= {name: f"{value} (this variant)" for name, value in changed.items()}
    versions = sorted({seed.made["data_version"] for seed in seeds if seed.made})
    if versions:
        settings["data_version"] = " or ".join(versions)
    of_paper = asked["profile"] == PAPER.name
    paper = ", the system's of fashion_lib/training/paper_settings.py (its last stage)" * of_paper
    source = f"profile {asked['profile']} of fashion_lib/training/profiles.py{paper} and the variant's name"
    return settings, source + (" and data/runs.csv" if versions else "") + "; these runs left no record on this machine"


def _shown(path: Path) -> str:
    """Return a path below the project folder as the README names it, and any other path whole."""
    root = paths.root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
