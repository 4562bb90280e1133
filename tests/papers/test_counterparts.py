"""Which of our data sets stands beside a paper's, and which settings the rows of its table share."""

import pytest

from fashion_lib.papers.counterparts import (
    COUNTERPARTS,
    PRINTED_IN,
    made_caption,
    our_dataset,
    papers_dataset,
    shared_label,
)
from fashion_lib.papers.published import published


@pytest.mark.parametrize(
    ("dataset", "method", "label", "expected"),
    [
        ("wardrobe", "asen", "v2", "v2"),
        ("wardrobe_darn", "asen", "v2", "v2+labels=all+sampling=all_labels"),
        ("wardrobe_darn", "rpf+fr", "paper+steps=9", "paper+labels=all+sampling=all_labels+steps=9"),
        ("wardrobe_darn", "asen", "v2+sampling=in_batch", "v2+labels=all+sampling=in_batch"),
        ("wardrobe_deepfashion", "random", "default", "default"),  # it does not train
    ],
)
def test_every_row_of_a_table_with_several_labels_trains_on_all_of_them(dataset, method, label, expected):
    assert shared_label(dataset, method, label) == expected


@pytest.mark.parametrize("where", COUNTERPARTS)
def test_drawn_tables_stand_for_the_papers_and_real_sets_for_themselves(where):
    for drawn in COUNTERPARTS.values():
        assert our_dataset(where, drawn) == COUNTERPARTS[where]
    for real in (*COUNTERPARTS, "zappos50k"):
        assert our_dataset(where, real) == where
    assert our_dataset(where, "clothing") == "clothing" and our_dataset(where, "mine") == "mine"


@pytest.mark.parametrize("where", COUNTERPARTS)
def test_the_printed_numbers_beside_a_data_set_are_its_own(where):
    assert papers_dataset(where) == papers_dataset(COUNTERPARTS[where]) == where
    assert our_dataset(papers_dataset(where), where) == where
    assert papers_dataset("clothing") == "fashionai"
    tables = {(row.source, row.table) for row in published(dataset=where, metric="map").itertuples()}
    name, words = PRINTED_IN[where]
    assert name.lower() == where
    for source, paper in (("ipad", "IPAD"), ("ag_mlan", "AG-MLAN")):
        numbers = [table for found, table in tables if found == source and table in ("1", "2", "3")]
        assert (paper in words) == bool(numbers)
        assert all(f"table {number}" in words for number in numbers)


@pytest.mark.usefixtures("project")
def test_the_caption_of_a_table_without_runs():
    assert made_caption("darn", "wardrobe", "smoke", [("asen", "v2")]) == (
        "Ours: wardrobe_darn, all labels of a picture in training, seeds none, commits none"
    )
