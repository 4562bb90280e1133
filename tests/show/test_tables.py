import math

import pandas as pd
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.papers.published import comparable, published
from fashion_lib.runs.ledger import COLUMNS
from fashion_lib.show.tables import averages_of, formatted, summarise


def ledger(*lines):
    return pd.DataFrame([("wardrobe", method, "v", "laptop", seed, "map", attribute, value, 1.0, "abc")
                         for method, seed, attribute, value in lines], columns=list(COLUMNS))


TABLE = ledger(("csn", 0, "collar", 50.0), ("csn", 0, "overall", 52.0), ("csn", 1, "collar", 54.0),
               ("csn", 1, "overall", 52.5), ("asen", 0, "overall", 70.0))


def test_mean_and_spread_over_seeds():
    found = summarise(TABLE)
    assert list(found.columns.get_level_values(0).unique()) == ["collar", "overall"]
    assert found.loc[("csn", "v"), ("collar", "mean")] == 52
    assert found.loc[("csn", "v"), ("collar", "std")] == pytest.approx(math.sqrt(8))
    assert found.loc[("csn", "v"), ("collar", "n")] == 2
    assert math.isnan(found.loc[("asen", "v"), ("overall", "std")])


def test_local_is_an_average_of_its_own_where_some_attributes_are_global():
    same = ledger(("csn", 0, "macro", 50.0), ("csn", 0, "local", 50.0004), ("asen", 0, "macro", 60.0))
    other = ledger(("isln", 1, "macro", 50.0), ("isln", 1, "local", 55.0))
    assert averages_of(TABLE) == averages_of(TABLE.iloc[:0]) == averages_of(same) == ["overall", "macro"]
    assert averages_of(other) == averages_of(pd.concat([same, other])) == ["overall", "local"]
    assert averages_of(other, "pointing") == ["overall", "macro"]
    one = pd.concat([other, ledger(("isln", 1, "collar", 55.0), ("isln", 1, "colour", 45.0))])
    assert averages_of(one) == ["overall", "macro"]  # collar alone is local


def test_what_was_not_run_says_so():
    text = formatted(summarise(TABLE), methods=[("random", "v"), ("csn", "v"), ("asen", "v")])
    assert text.loc[("csn", "v"), "collar"] == "52.0 ± 2.8"
    assert text.loc[("asen", "v")].to_list() == ["not run", "70.0"]
    assert text.loc[("random", "v")].to_list() == ["not run", "not run"]


def test_a_summary_never_mixes_profiles():
    with pytest.raises(FashionError, match="profiles laptop, smoke"):
        summarise(pd.concat([TABLE, TABLE.assign(profile="smoke")]))


def test_published_figures():
    table = published(source="ipad", table="1", dataset="fashionai")
    assert set(table.method) >= {"random", "triplet", "csn", "asen"} and table.attribute.nunique() == 9
    overall = published(dataset="fashionai", source="ag_mlan", method="csn", attribute="skirt_length").value
    assert overall.to_list() == [59.5852]
    with pytest.raises(FashionError, match="no dataset 'fashion': choose one of .*fashionai"):
        published(dataset="fashion")
    both = comparable({"asen_v2": "asen", "asen": "asen"}, "fashionai")
    assert set(both.index) == {("asen", "ag_mlan"), ("asen", "ipad")} and both.shape[1] == 9
