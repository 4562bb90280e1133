"""The paper's tables beside our runs, and the boards of figure 8."""

import pandas as pd
import pytest
from tiny_manipulation import SCHEMA, tiny_manipulation, vector

from fashion_lib.core.errors import FashionError
from fashion_lib.papers.published import published
from fashion_lib.papers.yao2026_tables import (
    OWN_BACKBONE_ROWS,
    PRINTED_AS,
    TABLES,
    beside_paper,
    table_rows,
)
from fashion_lib.runs.ledger import COLUMNS, rows
from fashion_lib.runs.run import load_or_train
from fashion_lib.show import manipulation_boards
from fashion_lib.show.boards import operation_in_words, said
from fashion_lib.show.tables import NOT_RUN, as_text, by_metric
from fashion_lib.tasks.manipulation.operations import Operation, manipulation_vector
from fashion_lib.training.profiles import PROFILES, get_profile

PLAIN = "default+attention=False+loss=plain"


def ledger(entries):
    """Rows of the ledger: (method, variant, seed, metric, value)."""
    lines = [("wardrobe_manipulation", method, variant, "smoke", seed, metric, "overall", value, 1.0, "abc")
             for method, variant, seed, metric, value in entries]  # fmt: skip
    return pd.DataFrame(lines, columns=list(COLUMNS))


def test_every_printed_row_has_a_run_of_ours():
    printed = published(source="yao2026")
    for number, (entries, metrics) in TABLES.items():
        part = printed[printed["table"] == number]
        theirs = [row.paper for row in entries if row not in OWN_BACKBONE_ROWS]
        assert theirs == list(dict.fromkeys(part["method"]))
        assert {PRINTED_AS.get(metric, metric) for metric in metrics} == set(part["metric"])
        empty = beside_paper(number, ledger([]))
        assert (empty.xs("ours", axis=1, level=1) == NOT_RUN).all(axis=None) and not (empty == "nan").any(axis=None)
        lacking = empty.index[empty.iloc[:, 0] == "not printed"]
        assert list(lacking) == [row.paper for row in entries if row in OWN_BACKBONE_ROWS]
    with pytest.raises(FashionError, match="no table '5'"):
        table_rows("5")


def test_ours_is_mean_and_spread_over_seeds():
    seeds = [("yao2026", PLAIN, seed, "top10_acc", value) for seed, value in enumerate((20.0, 30.0))]
    found = beside_paper("3", ledger([*seeds, ("yao2026", "default", 0, "ndcg30", 0.5)]))
    assert found.loc["resnet50+afd", "top10_acc"].tolist() == ["20.4", "25.0 ± 7.1"]
    assert found.loc["resnet50+afd+attention+wt_loss", "ndcg30"].tolist() == ["0.335", "0.500"]
    assert found.loc["resnet50+afd+wt_loss", "ndcg30"].tolist() == ["0.328", NOT_RUN]


def test_a_row_is_named_by_what_departs_from_the_profile():
    alexnet, *_, resnet50, own, random, _ = table_rows("1")[0]
    assert alexnet.variant(PROFILES["smoke"]) == "default+attention=False+backbone=alexnet+loss=plain+start=imagenet"
    assert resnet50.variant(PROFILES["paper"]) == own.variant(PROFILES["paper"]) == PLAIN
    assert random.variant(PROFILES["paper"]) == f"{PLAIN}+start=random"
    longer = PROFILES["paper"].with_options(steps=9)
    assert resnet50.variant(longer) == f"{PLAIN}+steps=9"
    one = ledger([("yao2026", PLAIN, 0, "accuracy", 50.0)])
    ours = beside_paper("1", one.assign(profile="paper"))["accuracy", "ours"]
    assert ours.to_list() == [NOT_RUN] * 3 + ["50.0"] * 2 + [NOT_RUN] * 2


def test_metrics_stand_side_by_side_in_their_own_digits():
    table = ledger([("amnet", "default", 0, "ndcg30", 0.5), ("amnet", "default", 0, "top10_acc", 12.34),
                    ("amnet", "default", 1, "top10_acc", 14.34)])  # fmt: skip
    summary = by_metric(table)
    assert list(summary.columns.get_level_values(0).unique()) == ["top10_acc", "ndcg30"]
    text = as_text(summary, [("adde_m", "default"), ("amnet", "default")])
    assert text.loc[("amnet", "default")].to_list() == ["13.3 ± 1.4", "0.500"]
    assert text.loc[("adde_m", "default")].to_list() == [NOT_RUN] * 2
    assert by_metric(ledger([])).empty and as_text(by_metric(ledger([]))).empty


@pytest.mark.slow
def test_the_rows_of_a_table_are_trained_and_land_in_it():
    data = tiny_manipulation(90)
    profile = get_profile("smoke").with_options(steps=2, batch_size=6, image_size=32, evaluations=0, start="random")
    shown, _ = table_rows("4")
    runs = [
        load_or_train(
            row.method, profile=profile.with_options(**row.settings), options=row.options, data=data, progress=False
        )
        for row in shown
    ]
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
    assert operation_in_words(SCHEMA, move) == f"colour:\n{held} → {other}"
    assert said(SCHEMA, vector("top", None, "red"), ["sleeve", "colour"]) == "✗ no sleeve\nred"
    assert said(SCHEMA, vector("top"), []) == "✓"
    framed = [axes for axes in figure.axes if axes.get_title()[:1] in ("✓", "✗")]
    figure.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes in framed[:3]]
    assert all(left.x1 <= right.x0 for left, right in zip(boxes, boxes[1:], strict=False)), "titles run into each other"
    with pytest.raises(FashionError, match="no board"):
        manipulation_boards(data, [])
