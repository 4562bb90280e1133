import math

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.papers.evaluation_lists import LISTS, ONE_LABEL
from fashion_lib.papers.printed_averages import NONE, fits, printed_averages, printed_table
from fashion_lib.papers.printed_claims import IPAD_LOGS, gains, largest_standard_error, logged_beside_printed


def test_the_lists_hold_a_fifth_of_the_split_as_queries():
    assert {name: sum(one.queries.values()) for name, one in LISTS.items()} == {
        "fashionai": 3600, "darn": 4293, "deepfashion": 5525
    }  # fmt: skip
    for lists in LISTS.values():
        assert sum(lists.validation_queries.values()) == sum(lists.queries.values())
        assert list(lists.validation_queries) == list(lists.queries)
        assert abs(lists.test_images / sum(lists.queries.values()) - 5) < 0.002
        assert lists.leaked_images <= lists.test_images and lists.leaked_groups <= max(lists.test_groups, 3874)
    assert ONE_LABEL.several_values < LISTS["deepfashion"].test_images


@pytest.mark.parametrize("source, dataset", [("ipad", "fashionai"), ("ipad", "darn"), ("ag_mlan", "deepfashion")])
def test_a_printed_table_has_the_attributes_of_the_lists(source, dataset):
    table = printed_table(source, dataset)
    assert list(table) == [*LISTS[dataset].queries, "overall"] and not table.isna().any(axis=None)


def test_asen_in_ipads_table_is_a_plain_mean_typed_by_hand():
    asen = printed_averages("ipad", "fashionai").loc["asen"]
    values = [64.44, 54.63, 51.27, 63.53, 70.79, 65.36, 59.5, 58.67]
    queries = [422, 623, 535, 422, 341, 289, 703, 265]
    assert asen["plain"] == pytest.approx(sum(values) / 8) == pytest.approx(61.02375)
    weighted = sum(v * q for v, q in zip(values, queries, strict=True)) / 3600
    assert asen["test queries"] == pytest.approx(weighted) == pytest.approx(59.9644, abs=1e-4)
    assert asen["printed"] == 61.02 and asen["it is"] == "plain"


@pytest.mark.parametrize(
    "source, dataset, expected",
    [
        ("ipad", "fashionai", {"plain": "asen haen attnfashion isln", "test queries": "random triplet csn rpf",
                               "validation queries": "ipad", NONE: "asen_pp ipad+fr"}),
        ("ipad", "darn", {"plain": "asen haen attnfashion isln", "test queries": "random triplet csn asen_pp rpf",
                          NONE: "ipad ipad+fr"}),
        ("ipad", "deepfashion", {"plain": "attnfashion ipad+fr", "test queries": "random csn asen",
                                 "plain or test queries": "triplet asen_pp rpf", "validation queries": "ipad"}),
        ("ag_mlan", "fashionai", {"test queries": "csn asen_v2 attnfashion isln ag_mlan"}),
        ("ag_mlan", "deepfashion", {"test queries": "csn asen_v2 isln ag_mlan", "validation queries": "attnfashion"}),
    ],
)  # fmt: skip
def test_which_average_each_printed_row_is(source, dataset, expected):
    found = printed_averages(source, dataset)["it is"]
    assert {name: " ".join(found.index[found == name]) for name in found.unique()} == expected


def test_rounding_is_granted_one_unit_and_no_more():
    assert fits(1.01, {"a": 1.0}, 2) == "a" and fits(1.011, {"a": 1.0}, 2) == NONE
    assert fits(1.0, {"a": 1.0, "b": 1.005}, 2) == "a or b" and fits(1.0, {"a": 1.0, "b": 1.005}, 4) == "a"


def test_a_source_without_such_tables_is_refused_in_a_sentence():
    with pytest.raises(FashionError, match="'yao2026' prints no MAP per attribute"):
        printed_table("yao2026", "deepfashion")


def test_the_largest_standard_error_is_that_of_zeros_and_ones():
    assert largest_standard_error(50, 100) == pytest.approx(5.0)
    assert largest_standard_error(73.69, 3600) == pytest.approx(0.7339, abs=1e-4)
    assert largest_standard_error(0, 10) == 0 == largest_standard_error(100, 10)


def test_gains_over_rpf():
    table = gains("fashionai")
    assert table.loc["overall", "queries"] == 3600 and table.loc["overall", "gain"] == pytest.approx(3.58)
    of_both = 100 * math.sqrt((0.7011 * (1 - 0.7011) + 0.7369 * (1 - 0.7369)) / 3600)  # RPF and IPAD, in points
    assert table.loc["overall", "bound"] == pytest.approx(1.96 * of_both)
    assert list(table.index[table["beyond"]]) == ["neckline_design", "overall"]
    assert not gains("deepfashion")["beyond"].any()


def test_the_claimed_gain_is_a_mean_of_three_differences_with_re_ranking():
    every = [gains(name, "ipad+fr").loc["overall", "gain"] for name in LISTS]
    assert every == pytest.approx([4.11, 7.51, 1.05]) and round(sum(every) / 3, 2) == 4.22


def test_each_logged_map_equals_a_printed_one():
    table = logged_beside_printed()
    assert len(table) == len(IPAD_LOGS) == 5 and (table["logged"] == table["printed"]).all()
