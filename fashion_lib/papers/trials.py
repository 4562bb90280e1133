"""What was tried on the validation split, and which of the tried learning rates each method would choose."""

from collections.abc import Collection, Mapping

import pandas as pd

from fashion_lib.core.words import joined
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs import ledger
from fashion_lib.runs.record import VALIDATION, base_method, read_label, variant_label
from fashion_lib.show.paired_seeds import Key, step
from fashion_lib.training.profiles import PROFILES, get_profile

NOT_TRIALS = {"start", "backbone"}  # runs with one of these settings are rows of tables, whatever else they change
RATE = "learning_rate"
CHOSEN = ("chosen", "test, shared rate", "test, chosen rate")  # columns of `learning_rates` after the scores
OWN_RATES = ("shared rate", "each method's own rate")
COLUMNS = ["method", "variant", "tried", "seed", "validation MAP", "without it", "difference"]


def trials(dataset: str = "wardrobe", profile: str = "laptop") -> pd.DataFrame:
    """Return every run with other settings of training, beside the run of the same seed without these settings.

    Scores are overall MAP in percent on the validation split, of the checkpoint that it selected. The test split
    decides nothing here.

    Args:
        dataset: name of the data set.
        profile: name of the profile.

    Returns:
        One row per trial in COLUMNS, by method in the order of tables; nan where the other run does not exist.
    """
    table = ledger.collect(dataset, profile)
    table = table[(table["metric"] == VALIDATION) & (table["attribute"] == "overall")]
    scores = table.set_index(["method", "variant", "seed"])["value"]
    settings = set(get_profile(profile).settings())
    rows = []
    for (method, label, seed), score in scores.items():
        variant, changed = read_label(label)
        tried = {name: value for name, value in changed.items() if name in settings}
        if not tried or NOT_TRIALS & tried.keys() or base_method(method) not in METHODS:
            continue
        shared = variant_label(variant, **{name: value for name, value in changed.items() if name not in tried})
        other = scores.get((method, shared, seed), float("nan"))
        told = ", ".join(f"{name}={value}" for name, value in tried.items())
        rows.append([METHODS[base_method(method)].order, method, shared, told, seed, score, other, score - other])
    found = pd.DataFrame(rows, columns=["order", *COLUMNS])
    return found.sort_values(["order", "method", "tried", "seed"], kind="stable")[COLUMNS].reset_index(drop=True)


def learning_rates(values: pd.DataFrame, profile: str, metric: str = "map") -> pd.DataFrame:
    """Return the scores of every run that exists with several learning rates, one line per method and variant.

    A line is of one seed, that with the most rates; of several, the lowest. Other seeds may have the chosen rate alone.

    Args:
        values: the ledger's rows of one data set and profile.
        profile: name of that profile; its learning rate is the one that all rows of the tables share.
        metric: the ledger's metric on the test split.

    Returns:
        In the metric's unit. Rows: (method, variant, seed) in the order of the methods' list. Columns: the validation
        score of each rate, "0.001" and so on, ascending; "chosen", the rate with the highest; "test, shared rate" and
        "test, chosen rate". nan where a run does not exist.
    """
    shared_rate = PROFILES[profile].learning_rate
    values = values[(values["attribute"] == "overall") & values["metric"].isin((VALIDATION, metric))]
    lines = []
    for row in values.itertuples(index=False):
        variant, changed = read_label(row.variant)
        rate = changed.pop(RATE, shared_rate)
        if base_method(row.method) in METHODS:
            lines.append((row.method, variant_label(variant, **changed), row.seed, rate, row.metric, row.value))
    columns = ["method", "variant", "seed", "rate", "metric", "value"]
    found = pd.DataFrame(lines, columns=columns).pivot(index=columns[:3], columns=["metric", "rate"], values="value")
    scores = {name: found.xs(name, axis=1, level="metric") for name in (VALIDATION, metric) if name in found}
    valid = scores.get(VALIDATION, pd.DataFrame(index=found.index))
    valid = valid[valid.notna().sum(axis=1) > 1].dropna(axis=1, how="all").sort_index(axis=1)
    order = sorted(valid.index, key=lambda row: (METHODS[base_method(row[0])].order, *row))
    valid = valid.loc[order]
    tried = valid.notna().sum(axis=1)
    valid = valid.loc[tried.groupby(level=["method", "variant"], sort=False).idxmax()].dropna(axis=1, how="all")
    test = scores.get(metric, valid * float("nan")).reindex(valid.index)
    chosen = valid.idxmax(axis=1) if len(valid) else pd.Series(dtype=float)
    table = valid.rename(columns="{:g}".format).rename_axis(columns=None)
    table[CHOSEN[0]] = chosen.map("{:g}".format)
    table[CHOSEN[1]] = [test.loc[row].get(shared_rate) for row in chosen.index]
    table[CHOSEN[2]] = [test.loc[row, rate] for row, rate in chosen.items()]
    return table


def at_chosen_rates(rates: pd.DataFrame, profile: str) -> dict[Key, Key]:
    """Return where the ledger has each row of `learning_rates` with the learning rate that validation prefers.

    Args:
        rates: as `learning_rates` returns it.
        profile: name of its profile.

    Returns:
        (method, variant) -> (method, variant with the setting); the same where the shared rate is preferred.
    """
    shared_rate, found = PROFILES[profile].learning_rate, {}
    for (method, label, _), rate in rates[CHOSEN[0]].astype(float).items():
        variant, changed = read_label(label)
        changed |= {} if rate == shared_rate else {RATE: rate}
        found[method, label] = (method, variant_label(variant, **changed))
    return found


def own_rate_steps(
    values: pd.DataFrame, profile: str, pairs: Mapping[str, tuple[Key, Key]], metric: str = "map"
) -> pd.DataFrame:
    """Return the steps in which a method prefers another learning rate, with the shared rate and with the own ones.

    A step has a line where several rates were tried for both of its rows, and one of them prefers another one.

    Args:
        values: the ledger's rows of one data set and profile.
        profile: name of that profile.
        pairs: name of the step -> (method, variant) of both rows, the one that is subtracted first.
        metric: the ledger's metric on the test split.

    Returns:
        Text such as "+1.3 ± 0.4 (3): higher". Index: names of the steps. Columns: OWN_RATES.
    """
    own, lines = at_chosen_rates(learning_rates(values, profile, metric), profile), {}
    for name, (low, high) in pairs.items():
        if low in own and high in own and (low, high) != (own[low], own[high]):
            both = (low, high), (own[low], own[high])
            lines[name] = [step(values, *keys, metric=metric).claim() for keys in both]
    return pd.DataFrame.from_dict(lines, orient="index", columns=list(OWN_RATES))


def tuning(rates: pd.DataFrame, methods: Collection[str]) -> str:
    """Say how many other learning rates were tried for each method of a table, as its caption must.

    Args:
        rates: as `learning_rates` returns it.
        methods: our names of the trained methods that the table shows.

    Returns:
        "2 other rates tried for each method, with seed 0", or which methods have how many, or that none was tried.
    """
    tried = rates.drop(columns=list(CHOSEN))
    counts = (tried.notna().sum(axis=1) - 1).groupby(level="method").max() if len(tried) else {}
    number = {name: int(counts.get(name, 0)) for name in methods}
    seeds = joined(rates.index.get_level_values("seed")) if len(tried) else ""
    different = sorted(set(number.values()), reverse=True)
    if not any(different):
        return "no other rate was tried"
    if len(different) == 1:
        return f"{different[0]} other rates tried for each method, with seed {seeds}"
    parts = [f"{count or 'none'} for {joined(n for n in number if number[n] == count)}" for count in different]
    return f"other rates tried, with seed {seeds}: {'; '.join(parts)}"
