"""Small sets are split so that they can be trained and measured, and what belongs together stays together."""

import numpy as np
import pandas as pd
import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.data.copies import together
from fashion_lib.data.own_splits import draw, fault, fractions


def rows(images: int, **attributes: int) -> pd.DataFrame:
    """A label for each image and attribute, of so many values."""
    rng = np.random.default_rng(0)
    lines = [
        (f"{i:04d}.jpg", name, f"v{rng.integers(values)}")
        for i in range(images)
        for name, values in attributes.items()
    ]
    return pd.DataFrame(lines, columns=["image", "attribute", "value"], dtype="str")


def alone(labels: pd.DataFrame) -> dict[str, str]:
    return {image: image for image in labels["image"]}


@pytest.mark.parametrize("images", [24, 40, 60, 200])
def test_sixty_photographs_give_every_attribute_a_query_and_a_triplet(images):
    labels = rows(images, sleeve=2, neck=3)
    table, training, left_out = draw(labels, alone(labels))
    assert not left_out and len(table) == len(labels)
    assert len(training) == table.loc[table["split"] == "train", "image"].nunique()
    for attribute in ("sleeve", "neck"):
        assert fault(table, training, attribute) == ""
        for split in ("valid", "test"):
            of = table[(table["split"] == split) & (table["attribute"] == attribute)]
            assert set(of["role"]) == {"query", "candidate"}
    share = table.drop_duplicates("image")["split"].value_counts(normalize=True)
    assert share["train"] == pytest.approx(0.6, abs=0.05)
    again = draw(labels, alone(labels))
    assert again[0].equals(table) and again[1].equals(training)


def test_many_photographs_are_split_as_the_papers_do():
    labels = rows(1200, sleeve=2)
    table, _, left_out = draw(labels, alone(labels))
    assert not left_out and fractions(1200) == (0.8, 0.1, 0.1)
    assert table["split"].value_counts().to_dict() == {"train": 960, "valid": 120, "test": 120}


def test_a_group_stays_in_one_split():
    labels = rows(90, sleeve=2, neck=2)
    groups = {image: f"person {int(image[:4]) // 6}" for image in labels["image"]}
    table, _, left_out = draw(labels, groups)
    assert not left_out
    assert table.assign(group=table["image"].map(groups)).groupby("group")["split"].nunique().eq(1).all()
    with pytest.raises(FashionError, match=r"90 images in 2 group\(s\) .* at least three groups"):
        draw(labels, {image: str(int(image[:4]) % 2) for image in labels["image"]})


def test_what_cannot_be_measured_is_left_out_and_takes_no_training_label():
    labels = pd.concat([rows(60, sleeve=2), rows(60, title=10**9), rows(60, one=1), rows(3, rare=2)])
    table, training, left_out = draw(labels, alone(labels))
    assert set(left_out) == {"title", "one", "rare"} and set(table["attribute"]) == {"sleeve"}
    assert left_out["one"] == "fewer than two values"
    assert set(training["attribute"]) == {"sleeve"} and len(training) == 36
    table, training, left_out = draw(rows(60, title=10**9), alone(rows(60, title=10**9)))
    assert table.empty and training.empty and set(left_out) == {"title"}


def test_given_splits_are_kept():
    labels = rows(60, sleeve=2)
    split = {image: ("train", "train", "valid", "test")[int(image[:4]) % 4] for image in labels["image"]}
    table, _, left_out = draw(labels, alone(labels), split)
    assert not left_out and dict(zip(table["image"], table["split"], strict=True)) == split
    table, _, left_out = draw(labels, alone(labels), dict.fromkeys(labels["image"], "train"))
    assert table.empty and left_out == {"sleeve": "no value of two pictures in valid"}
    table, _, left_out = draw(labels, alone(labels), dict.fromkeys(labels["image"], "test"))
    assert table.empty and left_out == {"sleeve": "fewer than two values in train"}


def test_copies_join_groups():
    groups = {"a": "anna", "b": "anna", "c": "ben", "d": "", "e": "", "f": "carl"}
    joined = together(groups, {"a": "1", "b": "2", "c": "2", "d": "3", "e": "3", "f": "4"})
    assert joined["a"] == joined["b"] == joined["c"] and joined["d"] == joined["e"]
    assert len(set(joined.values())) == 3
    assert len(set(together(dict.fromkeys("abc", ""), {"a": "1", "b": "2", "c": "3"}).values())) == 3
