"""Deterministic splits, query and candidate roles, and the one-label-an-image training set.

Protocol (ASEN 2020 and after): 8:1:1 for train, valid and test; inside valid and test 1:4 for query and
candidate. FashionAI gives each image one labelled attribute; `one_label_per_image` makes a fully labelled set
look like that.
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
    """A split for each of `count` independent images: array (count,) of "train", "valid", "test"."""
    return split_groups(np.arange(count), seed, fractions)


def split_groups(groups: Sequence[Hashable], seed: int, fractions: Sequence[float] = FRACTIONS) -> np.ndarray:
    """A split for each image, the same for all images of a group (one sender's photographs never cross).

    `groups` has the group of each image; the result is an array (images,) of "train", "valid", "test" whose
    sizes in images come as close to `fractions` as the groups allow. Groups are placed from the largest to
    the smallest, so that small ones even out what large ones leave. A group that would fill more than a tenth
    of a split is kept out of it while another has room: one person's wardrobe is no test of a model.
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
    order = np.random.default_rng(seed).permutation(len(names))  # the seed decides among groups of one size
    order = order[np.argsort(-sizes[order], kind="stable")]
    target, filled = share * len(codes), np.zeros(3)
    chosen = np.empty(len(names), dtype=int)
    for position, group in enumerate(order):
        allowed = np.ones(3, dtype=bool)
        if (filled == 0).sum() == len(order) - position:  # every group left is needed to leave no split empty
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
    sleeve. In valid and test, each value of each attribute gives the share `queries` of its rows (1:4 by
    default) as queries, but at least one query and one candidate when it has two rows; a lone row becomes a
    candidate, because as a query it would have nothing to find.
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
    """The training rows of `table` with one row kept for each image, as FashionAI labels its images.

    Each image draws one of its attributes with a weight of 1 / (rows of that attribute), so that attributes
    which apply to few images are not drowned by those which apply to all. Pushing on to exactly equal numbers
    would make an attribute with few images take nearly all of them, and leave the others without that kind of
    garment. Deterministic; rows stay in table order.
    """
    rows = table[table["split"] == "train"].reset_index(drop=True)
    if rows.empty:
        raise FashionError(
            "the label table has no training rows to choose labels from: fill its train split."
        )
    weight = 1.0 / rows.groupby("attribute")["image"].transform("size").to_numpy()
    # Exponential race: a row has the smallest -log(u) / weight with chance weight / its image's sum.
    race = -np.log(1.0 - np.random.default_rng(seed).random(len(rows))) / weight
    return rows.loc[np.sort(pd.Series(race).groupby(rows["image"]).idxmin())].reset_index(drop=True)
