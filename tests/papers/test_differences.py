import inspect

import numpy as np
import pandas as pd
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.methods.ipad import model as ipad_model
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.papers import differences
from fashion_lib.papers.differences import (
    CHANGES,
    GLOSSARY,
    ROWS,
    SYSTEMS,
    Difference,
    difference_tables,
    effect,
)
from fashion_lib.papers.differences.difference_tables import as_page, code_spans
from fashion_lib.papers.differences.same_in_both import SAME_IN_BOTH
from fashion_lib.runs.ledger import collect
from fashion_lib.show.tables import averages_of
from fashion_lib.training.profiles import get_profile

OURS, OTHER, ONCE, FAR = ("asen", "v2"), ("asen", "v1"), ("csn", "prein"), ("csn", "fixed")
VALUES = {OURS: (50.0, 52.0, 54.0), OTHER: (55.0, 55.5, 56.0), ONCE: (40.0,), FAR: (71.0, 72.0, 73.0)}
SCHEMA = Schema((Attribute("collar", ("none", "shirt", "rib")), Attribute("length", ("short", "long"))))
COMPARED = [name for system in SYSTEMS.values() for name in system.methods]
WITH_OPTIONS = [row for row in ROWS if row.choose]


def rows(metric="map", attribute="overall", scale=1.0):
    lines = [("wardrobe", *pair, "laptop", seed, metric, attribute, scale * value)
             for pair, values in VALUES.items() for seed, value in enumerate(values)]  # fmt: skip
    columns = ["dataset", "method", "variant", "profile", "seed", "metric", "attribute", "value"]
    return pd.DataFrame(lines, columns=columns)


def difference(ours=OURS, other=OTHER):
    return Difference("asen", "this", "that", "that", choose={"variant": "v1"}, ours=ours, other=other)


def method_of(row):
    return row.method or SYSTEMS[row.system].methods[0]


def constructor_options(name):
    """Return the options that a method's builder passes on, read from the signatures along its classes."""
    entry = METHODS[name]
    found = {
        one.name for one in inspect.signature(entry.build).parameters.values() if one.default is not one.empty
    }
    for variant in entry.variants:
        model = build_model(name, SCHEMA, start="random", variant=variant)
        for cls in type(model).__mro__:
            if "__init__" not in vars(cls):
                continue
            arguments = inspect.signature(cls.__init__).parameters.values()
            found |= {
                one.name for one in arguments if one.kind is one.KEYWORD_ONLY or one.default is not one.empty
            }
            if not any(one.kind is one.VAR_KEYWORD for one in arguments):
                break
    if name == "ipad":  # its options are sorted by name into those of its parts
        found |= {*ipad_model.POSITIONING, *ipad_model.DIVERGING, *ipad_model.VARIANTS["paper"]}
    return found - {"variant"}


@pytest.mark.parametrize(
    ("ours", "other", "expected"),
    [
        (OURS, OTHER, "+3.5 (spread 1.5): no order"),  # seed by seed 5.0, 3.5 and 2.0
        (OTHER, OURS, "-3.5 (spread 1.5): no order"),
        (OURS, FAR, "+20.0 (spread 1.0): higher"),
        (OURS, ONCE, "-10.0 (one seed)"),  # the seed that both have
        (ONCE, OURS, "+10.0 (one seed)"),
        (OURS, ("asen", "v9"), "not run"),
        (("asen", "v9"), OURS, "not run"),
        (None, OTHER, "not measured"),
        (OURS, None, "not measured"),
        (None, None, "not measured"),
    ],
)
def test_the_effect_is_the_other_choice_minus_our_default(ours, other, expected):
    assert effect(difference(ours, other), rows()) == expected


def test_a_measure_that_no_run_has_is_not_run():
    assert effect(difference(), rows(), "local") == "not run"
    assert effect(difference(), rows().iloc[:0]) == "not run"


@pytest.mark.parametrize("row", WITH_OPTIONS, ids=lambda row: f"{row.system} {row.other_way}")
def test_the_other_way_of_a_row_is_a_model_that_can_be_built(row):
    method, options = method_of(row), dict(row.choose)
    assert method in SYSTEMS[row.system].methods
    variant = options.pop("variant", None)
    assert set(options) <= constructor_options(method)
    model = build_model(method, SCHEMA, start="random", variant=variant, **options)
    assert model.architecture["variant"] == (variant or METHODS[method].variants[0])
    assert model.architecture["options"] == options


@pytest.mark.parametrize("row", [row for row in ROWS if row.settings], ids=lambda row: row.other_way)
def test_the_settings_of_a_row_are_settings_of_training(row):
    laptop = get_profile("laptop")
    assert laptop.with_options(**row.settings).settings() != laptop.settings()


@pytest.mark.parametrize("name", COMPARED)
def test_every_option_and_every_variant_stands_in_a_row_or_among_those_that_do_not_differ(name):
    mine = [row for row in ROWS if row.choose and method_of(row) == name]
    same = {option for group in SAME_IN_BOTH.values() for option in group.get(name, "").split()}
    in_rows = {option for row in mine for option in row.choose} - {"variant"}
    assert constructor_options(name) == in_rows | same
    assert not in_rows & same
    assert set(METHODS[name].variants[1:]) <= {row.choose.get("variant") for row in mine}


def test_rows_are_typed_short_and_without_repetition():
    assert {row.system for row in ROWS} == set(SYSTEMS)
    assert {row.changes for row in ROWS} == set(CHANGES)
    texts = [(row.system, row.paper, row.code, row.here) for row in ROWS]
    assert len(set(texts)) == len(texts) > 100
    assert max(len(text) for row in texts for text in row[1:]) <= 85
    assert all(text and text.count("`") % 2 == 0 for row in texts for text in row)
    assert all(
        (row.ours is None) == (row.other is None) and row.ours != row.other or row.ours is None
        for row in ROWS
    )


def test_options_that_do_not_differ_are_those_of_compared_methods():
    assert {name for group in SAME_IN_BOTH.values() for name in group} <= set(COMPARED)


def test_each_compared_method_exists_and_stands_in_one_system():
    assert len(COMPARED) == len(set(COMPARED)) and set(COMPARED) <= set(METHODS)
    assert set(COMPARED).isdisjoint({"random", "triplet", "image_only"})  # the course's own baselines


def test_the_page_of_a_system_has_its_rows_only_with_effects_and_code_spans():
    page = differences.table("ag_mlan")
    assert list(page.data) == ["paper", "code", "here", "changes results?", "measured effect"]
    assert len(page.data) == len(differences.rows("ag_mlan")) > 15
    kernel = page.data.iloc[0]
    assert kernel["here"] == "1 × 1 (`sa_kernel=7`)" and kernel["changes results?"] == "yes: model"
    html = page.to_html()
    assert "<code>sa_kernel=7</code>" in html and "`" not in html and "text-align: left" in html


def test_the_page_of_all_systems_names_them():
    page = differences.table().data
    assert len(page) == len(ROWS) and set(page["system"]) == {one.title for one in SYSTEMS.values()}
    assert np.isin(["no", "yes: training"], page["changes results?"]).all()


def test_an_effect_is_of_the_first_profile_with_runs_and_names_any_other(monkeypatch):
    row = next(row for row in differences.rows("asen") if row.ours is not None)

    def stored(dataset, profile):
        made = [] if profile == "table" or dataset != "wardrobe" else [(*row.ours, 70.0), (*row.other, 67.5)]
        lines = [
            {"dataset": dataset, "profile": profile, "method": method, "variant": variant, "seed": 0, "metric": "map",
             "attribute": "overall", "value": value}
            for method, variant, value in made
        ]  # fmt: skip
        columns = ["dataset", "profile", "method", "variant", "seed", "metric", "attribute", "value"]
        return pd.DataFrame(lines, columns=columns)

    monkeypatch.setattr(difference_tables.ledger, "collect", stored)
    effects = {profiles: differences.table("asen", profiles=profiles).data["measured effect"].tolist()
               for profiles in (("table", "laptop"), ("laptop",), ("table",))}  # fmt: skip
    place = differences.rows("asen").index(row)
    assert effects["table", "laptop"][place] == "-2.5 (one seed), laptop"
    assert effects["laptop",][place] == "-2.5 (one seed)" and effects["table",][place] == "not run"


def test_what_is_measured_has_both_averages():
    page = differences.measured()
    assert list(page) == ["system", "the other way", *averages_of(collect("wardrobe", "table"))]
    assert len(page) == sum(row.ours is not None and not SYSTEMS[row.system].manipulation for row in ROWS)
    assert "not measured" not in page.to_numpy()


def test_an_unknown_system_is_refused_with_the_nearest_name():
    with pytest.raises(FashionError, match="no system 'ipd'.*ipad"):
        differences.table("ipd")


def test_text_is_escaped_before_its_code_spans():
    assert code_spans('a < b, `x="y"`') == 'a &lt; b, <code>x="y"</code>'
    assert "<code>x</code>" in as_page(pd.DataFrame({"here": ["`x`"]})).to_html()


def test_the_glossary_explains_the_words_of_the_page():
    words = {
        "paper",
        "code",
        "here",
        "the profile's",
        "default",
        "reading",
        "changes results?",
        "measured effect",
    }
    assert set(GLOSSARY.index) == words and differences.glossary().data["word"].tolist() == list(
        GLOSSARY.index
    )
