"""IPAD's rows: each is a run that can be built, has one name, and finds its figure in the ledger and in the paper."""

import math

import pandas as pd
import pytest
import torch
from tiny_data import SCHEMA
from two_branch_models import model_of

from fashion_lib.methods.ipad.model import VARIANTS
from fashion_lib.methods.registry import build_model
from fashion_lib.papers import ipad_tables
from fashion_lib.papers.grid import missing_runs, wanted_runs
from fashion_lib.papers.ipad_tables import (
    CODE,
    FIGURES,
    METHOD_ROWS,
    TABLES,
    beside,
    by_attribute,
    labelled,
    printed,
    reranking_used,
    steps,
)
from fashion_lib.runs import ledger, run_list
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.show import tables
from fashion_lib.training.profiles import PROFILES

ALL = {"methods": METHOD_ROWS, "code": CODE} | FIGURES


@pytest.fixture(autouse=True)
def own_files(monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("fashion_lib.core.paths.ledger_dir", lambda: tmp_path / "ledger")
    monkeypatch.setattr("fashion_lib.core.paths.run_list_file", lambda: tmp_path / "runs.csv")


def put(row, seed, overall, **scores):
    record = RunRecord(
        method=row.method, variant=row.label, dataset="wardrobe", profile="smoke", seed=seed, minutes=2.0,
        parameters=1234,
        metrics={"map": {"collar": overall + 1, "overall": overall, "macro": 0.0, "local": overall + 2}} | scores,
        config={"training_image_passes": 7680},
    )  # fmt: skip
    record.save(run_dir("wardrobe", "smoke", row.method, row.label, seed) / RECORD_NAME)


@pytest.mark.parametrize("table", ALL)
def test_every_row_is_a_model_with_a_name_of_its_own(table):
    rows = ALL[table]
    assert len(set(labelled(rows).values())) == len(rows)
    for row in rows.values():
        with torch.device("meta"):
            method = row.method.removesuffix("+fr")
            build_model(method, SCHEMA, variant=row.variant or None, start="random", **row.options)


def test_one_run_serves_all_rows_that_mean_the_same():
    names = {name: row.label for figure in FIGURES.values() for name, row in figure.items()}
    assert (
        names["w/ IA"] == names["Iter 3"] == names["w/o SE"] and names["w/ ME"] == METHOD_ROWS["IPAD"].label
    )
    assert CODE["as printed"].label == "paper" and CODE["all of it"].label == "code"
    assert METHOD_ROWS["IPAD+FR"].label == METHOD_ROWS["IPAD"].label


def test_the_papers_figures_are_found_by_row():
    for table, where in TABLES.items():
        theirs = printed(METHOD_ROWS, where, table)
        assert math.isnan(theirs.loc["HAEN", "overall"]) == (
            table == "3"
        )  # DeepFashion's table has no HAEN and ISLN
    fashionai = printed(METHOD_ROWS, "fashionai", "1")
    assert fashionai.loc["IPAD+FR", "overall"] == 74.22 and fashionai.loc["RPF", "coat_length"] == 59.65
    assert fashionai.shape == (12, 9) and math.isnan(fashionai.loc["IPAD, as the released code", "overall"])
    expected = {"fig2": [68.47, 70.45, 73.17], "fig3": [60.46, 63.98, 67.42, 67.9]}
    for figure, values in expected.items():
        assert printed(FIGURES[figure], "fashionai", figure)["overall"].tolist() == values
    me = printed(FIGURES["fig4"], "fashionai", "fig4")["overall"]
    assert me["w/o ME"] == 72.06 and math.isnan(me["w/o ME-SP"])
    assert printed(FIGURES["fig5"], "fashionai", "fig5")["overall"].isna().all()  # a curve without numbers


def test_paper_and_ours_stand_beside_each_other_and_what_was_not_run_says_so():
    rows = FIGURES["fig2"]
    empty = beside(rows, "fig2", profile="smoke")
    assert set(empty["ours: wardrobe", "overall"]) == set(empty["cost", "parameters"]) == {tables.NOT_RUN}
    for seed, values in enumerate([(50.0, 60.0), (52.0, 61.0), (54.0, 62.0)]):
        for name, value in zip(("w/o SE", "w/ IP"), values, strict=True):
            put(rows[name], seed, value)
    table = beside(rows, "fig2", profile="smoke")
    assert table["paper: fashionai", "overall"].tolist() == ["68.47", "70.45", "73.17"]
    assert table["ours: wardrobe", "overall"].tolist() == ["52.0 ± 2.0", tables.NOT_RUN, "61.0 ± 1.0"]
    assert table["ours: wardrobe", "local"].tolist()[2] == "63.0 ± 1.0"
    assert table.loc["w/ IP", "cost"].tolist() == ["0, 1, 2", "1,234", "7,680", "2.0"]
    assert ("ours: wardrobe", "overall, chosen beta") not in table
    put(rows["w/ IP"], 0, 60.0, map_at_chosen_beta={"overall": 61.0})
    chosen = beside(rows, "fig2", profile="smoke")["ours: wardrobe", "overall, chosen beta"]
    assert chosen.to_dict() == {"w/o SE": "-", "w/o SP": "-", "w/ IP": "61.0"}
    wide = beside(METHOD_ROWS, "1", profile="smoke", attributes=True)
    assert ("paper: fashionai", "neck_design") in wide and ("ours: wardrobe", "collar") in wide
    for number, ours in {"2": "wardrobe_darn", "3": "wardrobe_deepfashion"}.items():  # each in the form of the paper's
        assert set(beside(f"table{number}", profile="smoke")[f"ours: {ours}", "overall"]) == {tables.NOT_RUN}
    gaps = steps(rows, "w/ IP", profile="smoke")
    assert gaps["w/o SE"].mean == 9 and gaps["w/o SE"].verdict == "higher"
    assert gaps["w/o SP"].verdict == tables.NOT_RUN
    pair, smoke = labelled(rows)["w/o SP"], PROFILES["smoke"]
    wanted = [run for run in wanted_runs(smoke) if (run.method, run.label) in labelled(rows).values()]
    left = missing_runs(smoke, wanted)
    assert [(run.method, run.label, run.seed) for run in left] == [(*pair, seed) for seed in range(3)]
    run_list.write_runs([])
    more = labelled(rows | FIGURES["fig3"]).values()
    left = missing_runs(smoke, [run for run in wanted_runs(smoke) if (run.method, run.label) in more])
    assert [(left[0].method, left[0].label, left[0].seed)] == [(*pair, 0)]


def test_every_attribute_has_the_paper_s_line_above_ours():
    put(METHOD_ROWS["ASEN"], 0, 60.0)
    table = by_attribute("1", profile="smoke")
    assert table.index[:3].tolist() == [("skirt length", "paper: fashionai"), ("skirt length", "ours: wardrobe"),
                                        ("sleeve length", "paper: fashionai")]  # fmt: skip
    assert table.loc[("overall", "paper: fashionai"), "ASEN"] == "61.02"
    assert table.loc[("overall", "ours: wardrobe"), "ASEN"] == "60.0" and table.index[-1][0] == "overall"
    assert table.loc[("collar", "ours: wardrobe"), "ASEN"] == "61.0"  # an attribute that the paper lacks
    assert table.loc[("skirt length", "ours: wardrobe"), "ASEN"] == tables.NOT_RUN
    assert ("colour", "paper: darn") in by_attribute("2", profile="smoke").index
    assert by_attribute("2", "clothing", "smoke").loc[("button", "ours: clothing"), "CSN"] == "no such attribute"


def test_feature_reasoning_is_used_where_a_score_differs_from_ipad_s():
    assert reranking_used(ledger.collect("wardrobe", "smoke")) == (0, 0)
    for seed in range(4):
        put(METHOD_ROWS["IPAD"], seed, 60.0)
    put(METHOD_ROWS["IPAD+FR"], 0, 60.0)  # validation did not rise
    put(METHOD_ROWS["IPAD+FR"], 1, 62.0)
    put(METHOD_ROWS["IPAD+FR"], 3, 59.0)
    put(METHOD_ROWS["IPAD+FR"], 9, 59.0)  # a seed without IPAD itself
    assert reranking_used(ledger.collect("wardrobe", "smoke")) == (2, 3)


def test_the_curves_over_beta_come_from_the_ledger():
    rows = {name: METHOD_ROWS[name] for name in ("ASEN", "RPF", "IPAD")}
    columns = ["method", "variant", "seed", "metric", "attribute", "value"]
    rpf, ipad = labelled(rows)["RPF"], labelled(rows)["IPAD"]
    table = pd.DataFrame(
        [(*rpf, 0, "map_at_beta", "1.0", 70.0), (*rpf, 0, "map_at_beta", "0.4", 75.0),
         (*rpf, 0, "map", "overall", 75.0),
         (*rpf, 0, "validation_at_beta", "1.0", 60.0), (*rpf, 0, "validation_at_beta", "0.4", 61.0),
         (*rpf, 2, "map_at_beta", "0.4", 76.0), (*ipad, 0, "map", "overall", 80.0)], columns=columns)  # fmt: skip
    found = ipad_tables.stored_curves(rows, table)
    assert [*found] == [("RPF", 0, "valid"), ("RPF", 0, "test"), ("RPF", 2, "test")]
    assert found.index.tolist() == [0.4, 1.0]
    assert found["RPF", 0, "test"].tolist() == [75.0, 70.0] and found["RPF", 0, "valid"].idxmax() == 0.4
    assert ipad_tables.stored_curves(rows, table[table["metric"] == "map"]).empty  # stored before curves were measured


def test_the_course_reads_two_equations_as_the_code_does():
    assert ipad_tables.READING.items() <= VARIANTS["code"].items()
    region = model_of("ipad", **METHOD_ROWS["IPAD"].options).region
    assert (region.gate, region.suppression) == ("image", "erase")
    assert CODE["eq. 2 as printed"].label == "paper+branches=sp+diverging=False+gate=image"
    assert CODE["eq. 4 as printed"].label == "paper+branches=sp+diverging=False+suppression=erase"
