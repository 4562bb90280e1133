import pandas as pd
import pytest

from fashion_lib.papers.differences import Difference, difference_table, effect
from fashion_lib.show.tables import by_metric, summarise

OURS, OTHER, ONCE = ("asen", "v2"), ("asen", "v1"), ("csn", "prein")
VALUES = {OURS: (50.0, 52.0, 54.0), OTHER: (55.0, 55.5, 56.0), ONCE: (40.0,)}


def rows(metric="map", attribute="overall", scale=1.0):
    lines = [("wardrobe", *pair, "laptop", seed, metric, attribute, scale * value)
             for pair, values in VALUES.items() for seed, value in enumerate(values)]  # fmt: skip
    columns = ["dataset", "method", "variant", "profile", "seed", "metric", "attribute", "value"]
    return pd.DataFrame(lines, columns=columns)


def difference(ours=OURS, other=OTHER):
    return Difference("ASEN", "this", "that", "that", "`variant`", ours, other)


@pytest.mark.parametrize(
    ("ours", "other", "expected"),
    [
        (OURS, OTHER, "+3.5 (spread 2.0)"),  # of the two sample standard deviations, 2.0 and 0.5, the larger
        (OTHER, OURS, "-3.5 (spread 2.0)"),
        (OURS, ONCE, "-12.0 (one seed)"),
        (ONCE, OURS, "+12.0 (one seed)"),
        (OURS, ("asen", "v9"), "not run"),
        (("asen", "v9"), OURS, "not run"),
        (None, OTHER, "not measured"),
        (OURS, None, "not measured"),
        (None, None, "not measured"),
    ],
)
def test_the_effect_is_the_other_choice_minus_our_default(ours, other, expected):
    assert effect(difference(ours, other), summarise(rows())) == expected


def test_a_measure_that_no_run_has_is_not_run():
    assert effect(difference(), summarise(rows()), "local") == "not run"
    assert effect(difference(), summarise(rows().iloc[:0])) == "not run"


def test_a_table_has_one_column_for_each_measure_with_its_digits():
    found = pd.concat([rows("top1_acc"), rows("ndcg30", scale=0.01)])
    summary = by_metric(found, ("top1_acc", "ndcg30"))
    page = difference_table([difference(), Difference("CBAM", "a", "b", "c")], summary,
                            {"Top-1": ("top1_acc", 1), "NDCG@30": ("ndcg30", 3)}, code="another place")  # fmt: skip
    assert list(page.columns[:5]) == ["system", "the paper", "another place", "our default", "the other way"]
    assert page.loc[0].tolist() == ["ASEN", "this", "that", "that", "`variant`", "+3.5 (spread 2.0)",
                                    "+0.035 (spread 0.020)"]  # fmt: skip
    assert page.loc[1].tolist() == ["CBAM", "a", "b", "c", "", "not measured", "not measured"]


def test_a_table_without_rows_keeps_its_columns():
    page = difference_table([], summarise(rows()), {"overall": ("overall", 1)})
    assert page.empty and list(page.columns)[-1] == "overall" and "the code" in page
