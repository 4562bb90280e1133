"""Deterministic splits, query and candidate roles, and the training set with one label per image.

Protocol (ASEN 2020 and after): 8:1:1 for train, valid and test; inside valid and test 1:4 for query and
candidate. FashionAI gives each image one labelled attribute. `one_label_per_image` gives a fully labelled set
the same form.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd

from fashion_lib.core.errors import FashionError
from fashion_lib.data.label_table import COLUMNS, SPLITS

FRACTIONS = (0.8, 0.1, 0.1)
QUERIES = 0.2
DOMINANT = 0.1


def split_images(count: int, seed: int, fractions: Sequence[float] = FRACTIONS) -> np.ndarray:
    """Draw a split for each of `count` independent images.

    Args:
        count: number of images, at least 3.
        seed: decides the draw.
        fractions: the shares of train, valid and test; they sum to 1.

    Returns:
        Array (count,) of "train", "valid", "test".

    Raises:
        FashionError: if `fractions` are not three positive numbers with sum 1, or `count` is below 3.
    """
    return split_groups(np.arange(count), seed, fractions)


def split_groups(groups: Sequence[Hashable], seed: int, fractions: Sequence[float] = FRACTIONS) -> np.ndarray:
    """Draw a split for each image, the same split for all images of a group.

    So photographs of one sender are never in two splits. Groups are placed from the largest to the smallest,
    so that small groups even out the differences that large ones leave. A group that would fill more than a
    tenth of a split is kept out of that split while another split has room. Otherwise one person's wardrobe
    could dominate a test.

    Args:
        groups: the group of each image, (images,).
        seed: decides the order among groups of the same size.
        fractions: the shares of train, valid and test; they sum to 1.

    Returns:
        Array (images,) of "train", "valid", "test". Its sizes in images are as close to `fractions` as groups
        allow.

    Raises:
        FashionError: if `fractions` are not three positive numbers with sum 1, or there are fewer than three
            groups.
    """
    share = np.asarray(fractions, dtype=float)
    if share.shape != (3,) or (share <= 0).any() or not np.isclose(share.sum(), 1):
        raise FashionError(
            f"the split fractions {tuple(fractions)} must be three positive numbers that sum to 1."
        )
    codes, names = pd.factorize(pd.Series(list(groups)), use_na_sentinel=False)
    if len(names) < 3:
        raise FashionError(
            f"{len(codes)} images in {len(names)} group(s) cannot fill train, valid and test: "
            "give at least three groups."
        )
    sizes = np.bincount(codes, minlength=len(names))
    order = np.random.default_rng(seed).permutation(len(names))  # the seed orders groups of the same size
    order = order[np.argsort(-sizes[order], kind="stable")]
    target, filled = share * len(codes), np.zeros(3)
    chosen = np.empty(len(names), dtype=int)
    for position, group in enumerate(order):
        allowed = np.ones(3, dtype=bool)
        if (filled == 0).sum() == len(order) - position:  # each remaining group must fill an empty split
            allowed = filled == 0
        left = target - filled
        fits = allowed & (sizes[group] <= np.maximum(1, DOMINANT * target)) & (left >= sizes[group])
        score = np.where(fits, left / target, -np.inf) if fits.any() else np.where(allowed, left, -np.inf)
        chosen[group] = int(np.argmax(score))
        filled[chosen[group]] += sizes[group]
    return np.array(SPLITS)[chosen[codes]]


def assign_roles(table: pd.DataFrame, seed: int, queries: float = QUERIES) -> pd.DataFrame:
    """Add the role column to a table with the columns image, split, attribute, value.

    Roles belong to (image, attribute) rows: an image may be a query for its collar and a candidate for its
    sleeve. In valid and test, each value of each attribute gives the share `queries` of its rows as queries
    (1:4 by default). A value with two rows or more gives at least one query and one candidate. A value with
    one row gives a candidate, because a query needs another row as its match.

    Args:
        table: label table; a role column is replaced.
        seed: decides which rows are queries.
        queries: share of queries, between 0 and 1.

    Returns:
        The table with the columns COLUMNS.

    Raises:
        FashionError: if `queries` is not between 0 and 1.
    """
    if not 0 < queries < 1:
        raise FashionError(f"the share of queries is {queries}: give a number between 0 and 1.")
    table = table.drop(columns="role", errors="ignore").reset_index(drop=True)
    cell = [table["split"], table["attribute"], table["value"]]
    draw = pd.Series(np.random.default_rng(seed).permutation(len(table)))
    place = draw.groupby(cell).rank(method="first").to_numpy() - 1
    rows = draw.groupby(cell).transform("size").to_numpy()
    wanted = np.minimum(np.maximum(1, np.round(queries * rows)), rows - 1)
    role = np.where(place < wanted, "query", "candidate")
    table["role"] = pd.Series(np.where(table["split"] == "train", "train", role), dtype="str")
    return table.loc[:, list(COLUMNS)]


def one_label_per_image(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the training rows of `table` with one row per image, as FashionAI labels its images.

    Each image draws one of its attributes with a weight of 1 / (rows of that attribute). So attributes that
    apply to few images are not outnumbered by attributes that apply to all. We do not force equal counts: a
    rare attribute would then use up almost all its images. The other attributes would lose that kind of
    garment.

    Args:
        table: label table with the columns image, split, attribute, value.
        seed: decides the draw; the same seed gives the same rows.

    Returns:
        Training rows in table order.

    Raises:
        FashionError: if the table has no training rows.
    """
    rows = table[table["split"] == "train"].reset_index(drop=True)
    if rows.empty:
        raise FashionError(
            "the label table has no training rows to choose labels from: fill its train split."
        )
    weight = 1.0 / rows.groupby("attribute")["image"].transform("size").to_numpy()
    # Exponential race: the probability that a row has the smallest -log(u) / weight of its image is its
    # weight divided by the sum of the image's weights.
    race = -np.log(1.0 - np.random.default_rng(seed).random(len(rows))) / weight
    return rows.loc[np.sort(pd.Series(race).groupby(rows["image"]).idxmin())].reset_index(drop=True)
