"""No table mixes versions of a data set: which rows of a data set and profile belong together."""

import warnings

import pandas as pd

from fashion_lib.runs import record

RUN = list(record.RUN)


def same_version(first: str, second: str) -> bool:
    """Return whether two data versions can be of the same data.

    A version is "edition+digest". Runs that were recorded before there were digests have the edition alone, and
    then the edition decides.
    """
    (edition, _, digest), (other_edition, _, other_digest) = first.partition("+"), second.partition("+")
    return edition == other_edition and (not digest or not other_digest or digest == other_digest)


def of_one_version(rows: pd.DataFrame, runs: pd.DataFrame, *, warn: bool = True) -> pd.DataFrame:
    """Leave out the rows whose run was made with another version of its data set than the newest run's.

    Args:
        rows: ledger rows, with the columns RUN.
        runs: columns RUN, data_version and created (text that sorts by time); a run that it lacks counts as of the
            version that stays.
        warn: whether a warning names what is left out.

    Returns:
        The rows of one version per data set and profile.
    """
    keep = pd.Series(True, index=rows.index)
    versions = runs.assign(seed=runs["seed"].astype(int)).drop_duplicates(RUN, keep="last")
    for (dataset, profile), part in versions.groupby(["dataset", "profile"]):
        newest = part.sort_values("created", kind="stable")["data_version"].iloc[-1]
        others = part[[not same_version(version, newest) for version in part["data_version"]]]
        if others.empty:
            continue
        old = pd.MultiIndex.from_frame(rows[RUN]).isin(pd.MultiIndex.from_frame(others[RUN]))
        if old.any():
            keep &= ~old
        if old.any() and warn:
            warnings.warn(
                f"{len(others)} runs on {dataset} (profile {profile}) are of other data than the newest one "
                f"({', '.join(sorted(set(others['data_version'])))} instead of {newest}) and stand in no table: train "
                "them again on the present data, or delete their folders.",
                stacklevel=3,
            )
    return rows[keep].reset_index(drop=True)
