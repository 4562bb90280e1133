"""The paper's tables beside our runs, and the boards of figure 8."""

import pandas as pd
import pytest
from tiny_manipulation import SCHEMA, tiny_manipulation, vector

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.operations import Operation, manipulation_vector
from fashion_lib.manipulation.tables import TABLES, beside_paper, run_rows, table_rows
from fashion_lib.plots import manipulation_boards
from fashion_lib.plots.manipulation import asked, said
from fashion_lib.profiles import get_profile
from fashion_lib.results import COLUMNS, rows
from fashion_lib.tables import NOT_RUN, published


def ledger(entries):
    """Rows of the ledger: (method, variant, seed, metric, value)."""
    lines = [("wardrobe_manipulation", method, variant, "smoke", seed, metric, "overall", value, 1.0, "abc")
             for method, variant, seed, metric, value in entries]  # fmt: skip
    return pd.DataFrame(lines, columns=list(COLUMNS))


def test_every_printed_row_has_a_run_of_ours():
    printed = published(source="yao2026")
    for number, (entries, metrics) in TABLES.items():
        part = printed[printed["table"] == number]
        assert [row.paper for row in entries] == list(dict.fromkeys(part["method"]))
        assert set(metrics) == set(part["metric"])
        empty = beside_paper(number, ledger([]))
        assert (empty.xs("ours", axis=1, level=1) == NOT_RUN).all(axis=None) and not (empty == "nan").any(axis=None)
    with pytest.raises(FashionError, match="no table '5'"):
        table_rows("5")


def test_ours_is_mean_and_spread_over_seeds():
    plain = "default+attention=False+loss=plain"
    seeds = [("yao2026", plain, seed, "top10_acc", value) for seed, value in enumerate((20.0, 30.0))]
    found = beside_paper("3", ledger([*seeds, ("yao2026", "default", 0, "ndcg30", 0.5)]))
    assert found.loc["resnet50+afd", "top10_acc"].tolist() == ["20.4", "25.0 ± 7.1"]
    assert found.loc["resnet50+afd+attention+wt_loss", "ndcg30"].tolist() == ["0.335", "0.500"]
    alexnet = table_rows("1")[0][0]
    assert alexnet.variant == "default+attention=False+backbone=alexnet+loss=plain+start=imagenet"


def test_the_rows_of_a_table_are_trained_and_land_in_it():
    data = tiny_manipulation(90)
    profile = get_profile("smoke").with_options(steps=2, batch_size=6, image_size=32, evaluations=0, start="random")
    runs = run_rows("4", profile=profile, seeds=(0,), data=data, progress=False)
    assert [run.record.method for run in runs] == ["image_only", "amnet", "adde_m", "yao2026"]
    plain = [rows(run.record).assign(variant="default") for run in runs]  # as if the profile had these settings itself
    assert not (beside_paper("4", pd.concat(plain)) == NOT_RUN).any(axis=None)


def test_boards_frame_what_has_every_label():
    data = tiny_manipulation(60)
    row = int(data.rows("test")[0])
    held = data.labels.values(row)["colour"][0]
    other = next(value for value in ("red", "green", "blue") if value != held)
    move = manipulation_vector(SCHEMA, [Operation("colour", held, other)], data.labels.matrix[row])
    board = {"query": row, "vector": move, "ranked": data.rows("test")}
    figure = manipulation_boards(data, [board, board | {"ranked": [1, 2, 3], "title": "one"}], top=3)
    texts = [axes.get_title() for axes in figure.axes]
    assert texts.count("query") == 2 and sum(text[:1] in ("✓", "✗") for text in texts) == 6
    assert asked(SCHEMA, move) == f"colour:\n{held} → {other}"
    assert said(SCHEMA, vector("top", None, "red"), ["sleeve", "colour"]) == "✗ no sleeve, red"
    assert said(SCHEMA, vector("top"), []) == "✓"
    with pytest.raises(FashionError, match="no board"):
        manipulation_boards(data, [])
