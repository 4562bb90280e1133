"""Which settings the rows of a table share, by data set."""

import pytest

from fashion_lib.papers.counterparts import shared_label


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
