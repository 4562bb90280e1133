"""Rows of two versions of one data set never stand in one table."""

import warnings

import pandas as pd
import pytest

from fashion_lib.runs.data_versions import RUN, of_one_version, same_version


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2", "2", True),
        ("2", "2+aa", True),
        ("2+aa", "2+aa", True),
        ("2+aa", "2+bb", False),
        ("2", "3", False),
        ("2", "3+aa", False),
        ("1-77", "1-78+aa", False),
        ("", "2", False),
    ],
)
def test_versions_compare_by_edition_and_by_digest_where_both_have_one(first, second, same):
    assert same_version(first, second) is same and same_version(second, first) is same


def table(versions: dict[tuple[str, str, str, int], str], created: list[str] | None = None):
    runs = pd.DataFrame(
        [(dataset, method, "v", profile, seed) for dataset, method, profile, seed in versions], columns=RUN
    )
    created = created or [str(k) for k in range(len(runs))]
    rows = pd.concat([runs.assign(metric="map", value=1.0), runs.assign(metric="recall@1", value=2.0)])
    rows = rows.reset_index(drop=True)
    return rows, runs.assign(data_version=list(versions.values()), created=created)


def test_rows_of_one_version_all_stay_without_a_word():
    versions = {("w", "asen", "laptop", s): "2+aa" if s else "2" for s in range(3)} | {("c", "asen", "laptop", 0): "9"}
    rows, runs = table(versions)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert of_one_version(rows, runs).equals(rows)
        assert of_one_version(rows, runs.iloc[:0]).equals(rows)


@pytest.mark.parametrize("newest_first", [False, True])
def test_rows_of_older_data_are_left_out_and_named(newest_first):
    versions = {
        ("w", "asen", "laptop", 0): "2+aa", ("w", "asen", "laptop", 1): "2+aa", ("w", "csn", "laptop", 0): "2+bb",
        ("w", "asen", "smoke", 0): "2+aa", ("c", "asen", "laptop", 0): "1",
    }  # fmt: skip
    created = ["5", "4", "3", "2", "1"] if newest_first else None
    rows, runs = table(versions, created)
    with pytest.warns(UserWarning, match=r"runs on w \(profile laptop\) are of other data than the newest one"):
        left = of_one_version(rows, runs)
    laptop = left[(left["dataset"] == "w") & (left["profile"] == "laptop")]
    assert set(laptop["method"]) == ({"asen"} if newest_first else {"csn"})
    assert len(left[left["profile"] == "smoke"]) == 2 and len(left[left["dataset"] == "c"]) == 2
