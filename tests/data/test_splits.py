from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import COLUMNS
from fashion_lib.data.splits import assign_roles, one_label_per_image, split_groups, split_images


def test_images_split_eight_one_one_and_by_seed():
    split = split_images(1000, seed=3)
    assert Counter(split.tolist()) == {"train": 800, "valid": 100, "test": 100}
    assert (split == split_images(1000, seed=3)).all()
    assert (split != split_images(1000, seed=4)).mean() > 0.2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=3, max_size=120).filter(lambda g: len(set(g)) >= 3),
    st.integers(0, 3),
)
def test_groups_never_cross_and_no_split_is_empty(groups, seed):
    split = split_groups(groups, seed)
    assert set(split) == {"train", "valid", "test"}
    for group in set(groups):
        assert len({s for g, s in zip(groups, split, strict=True) if g == group}) == 1


def test_group_split_is_balanced_by_images_and_no_group_rules_a_small_split():
    rng = np.random.default_rng(0)
    sizes = [600, 400, 300, 100, 90, *rng.integers(1, 40, size=200)]
    groups = np.repeat([f"sender {i}" for i in range(len(sizes))], sizes)
    split = split_groups(groups, seed=0)
    for name, share in (("train", 0.8), ("valid", 0.1), ("test", 0.1)):
        inside = groups[split == name]
        assert abs(len(inside) / len(groups) - share) < 0.005
        if name != "train":
            assert max(Counter(inside.tolist()).values()) <= 0.1 * share * len(groups)
    assert (split == split_groups(list(groups), seed=0)).all()
    assert (split != split_groups(groups, seed=1)).any()


def test_too_few_groups_and_bad_fractions():
    with pytest.raises(FashionError, match=r"10 images in 2 group"):
        split_groups(["a"] * 5 + ["b"] * 5, 0)
    with pytest.raises(FashionError, match="sum to 1"):
        split_images(10, 0, (0.8, 0.1, 0.2))


def attribute_rows(seed: int = 0) -> pd.DataFrame:
    """400 images: colour on all with values of very unequal size, sleeve on a half, collar on a tenth."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, split in enumerate(split_images(400, seed)):
        image = f"{number}.jpg"
        rows.append((image, split, "colour", "red" if number % 20 else "blue"))
        if number % 2:
            rows.append((image, split, "sleeve", ("none", "short", "long")[rng.integers(3)]))
        if number % 10 == 1:
            rows.append((image, split, "collar", ("plain", "peter pan")[rng.integers(2)]))
    return pd.DataFrame(rows, columns=["image", "split", "attribute", "value"])


def test_roles_are_one_to_four_within_each_value_and_never_leave_a_query_alone():
    table = attribute_rows()
    table.loc[len(table)] = ["lone.jpg", "test", "collar", "bow"]
    roles = assign_roles(table, seed=0)
    assert tuple(roles.columns) == COLUMNS
    pd.testing.assert_frame_equal(roles.drop(columns="role"), table.astype("str"))
    assert set(roles.loc[roles["split"] == "train", "role"]) == {"train"}
    for (split, _, _), rows in roles.groupby(["split", "attribute", "value"]):
        if split == "train":
            continue
        queries, candidates = (rows["role"] == "query").sum(), (rows["role"] == "candidate").sum()
        assert queries + candidates == len(rows)
        if len(rows) == 1:
            assert candidates == 1
        else:
            assert min(queries, candidates) >= 1
            assert abs(queries - len(rows) / 5) <= 0.8
    assert roles.equals(assign_roles(table, seed=0))
    assert not roles.equals(assign_roles(table, seed=1))


def test_the_share_of_queries_can_be_chosen():
    table = attribute_rows()
    roles = assign_roles(table, seed=0, queries=0.5)
    for (split, _, _), rows in roles.groupby(["split", "attribute", "value"]):
        if split != "train" and len(rows) > 1:
            assert abs((rows["role"] == "query").sum() - len(rows) / 2) <= 1
    for share in (0, 1, 1.5, float("nan")):
        with pytest.raises(FashionError, match="give a number between 0 and 1"):
            assign_roles(table, seed=0, queries=share)


def test_an_image_can_have_different_roles_for_different_attributes():
    roles = assign_roles(attribute_rows(), seed=0)
    roles = roles[roles["split"] != "train"]
    assert not roles.duplicated(["image", "attribute"]).any()
    assert roles.groupby("image")["role"].nunique().max() == 2


def test_one_label_keeps_one_row_of_every_training_image():
    table = assign_roles(attribute_rows(), seed=0)
    one = one_label_per_image(table, seed=0)
    train = table[table["split"] == "train"]
    assert sorted(one["image"]) == sorted(set(train["image"]))
    merged = one.merge(train, how="left", on=list(COLUMNS), indicator=True)
    assert (merged["_merge"] == "both").all()
    assert one.equals(one_label_per_image(table, seed=0))
    assert not one.equals(one_label_per_image(table, seed=1))


def test_one_label_is_drawn_with_the_stated_chances():
    """Images with all three attributes draw in proportion to 1 / attribute frequency."""
    table = assign_roles(attribute_rows(), seed=0)
    train = table[table["split"] == "train"]
    frequency = train["attribute"].value_counts()
    full = set(train.loc[train["attribute"] == "collar", "image"])
    drawn = Counter()
    for seed in range(60):
        one = one_label_per_image(table, seed)
        drawn.update(one.loc[one["image"].isin(full), "attribute"])
    total, chances = sum(drawn.values()), (1 / frequency) / (1 / frequency).sum()
    for attribute in frequency.index:
        assert abs(drawn[attribute] / total - chances[attribute]) < 0.04


def test_one_label_needs_training_rows():
    table = assign_roles(attribute_rows(), seed=0)
    with pytest.raises(FashionError, match="no training rows"):
        one_label_per_image(table[table["split"] == "test"], 0)
