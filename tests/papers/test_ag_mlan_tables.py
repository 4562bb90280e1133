"""AG-MLAN's tables: a method that its table leaves out has IPAD's printed row, and both papers' lines say whose."""

import math

import pytest

from fashion_lib.papers.ag_mlan_tables import METHOD_ROWS, beside, printed
from fashion_lib.runs.record import RECORD_NAME, RunRecord, run_dir
from fashion_lib.show import tables


@pytest.fixture(autouse=True)
def own_files(monkeypatch, tmp_path):
    monkeypatch.setenv("FASHION_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("fashion_lib.core.paths.ledger_dir", lambda: tmp_path / "ledger")
    monkeypatch.setattr("fashion_lib.core.paths.run_list_file", lambda: tmp_path / "runs.csv")


def test_a_row_that_ag_mlan_s_table_lacks_is_ipad_s():
    rows = printed("fashionai")
    assert list(rows.index) == list(METHOD_ROWS)
    assert rows["source"].to_dict() == dict.fromkeys(METHOD_ROWS, "ag_mlan") | dict.fromkeys(
        ("random", "triplet", "HAEN"), "ipad"
    )
    assert rows.loc["HAEN", "overall"] == 64.13
    assert math.isnan(printed("deepfashion").loc["HAEN", "overall"])  # in neither table


def test_each_method_has_the_paper_s_line_and_ours():
    record = RunRecord(method="asen", variant="v2", dataset="wardrobe", profile="smoke", seed=0, minutes=1.0,
                       metrics={"map": {"skirt_length": 50.0, "overall": 60.0, "macro": 61.0}})
    record.save(run_dir("wardrobe", "smoke", "asen", "v2", 0) / RECORD_NAME)
    table = beside("fashionai", "wardrobe", "smoke")
    assert table.index[:2].tolist() == [("random", "paper (ipad): fashionai"), ("random", "ours: wardrobe")]
    ours = table.loc[("ASEN", "ours: wardrobe"), ["skirt length", "macro", "overall"]]
    assert ours.tolist() == ["50.0", "61.0", "60.0"]
    assert table.loc[("ASEN", "paper (ag_mlan): fashionai"), "macro"] == ""  # the papers print no such column
    assert set(table.loc[("CSN", "ours: wardrobe"), ["skirt length", "overall"]]) == {tables.NOT_RUN}
