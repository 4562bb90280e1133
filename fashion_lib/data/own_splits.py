"""Splits, roles and training labels of one's own photographs: drawn so that a small set can be trained and measured.

Of 60 photographs a tenth is six, so that a draw easily leaves an attribute without a query in test. Several seeds are
tried, always in the same order, and the first that serves all attributes is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from fashion_lib.data.label_table import COLUMNS, SPLITS
from fashion_lib.data.splits import FRACTIONS, assign_roles, one_label_per_image, split_groups

FEW = 1_000  # pictures; below, a tenth is too little to measure anything
FRACTIONS_OF_FEW = (0.6, 0.2, 0.2)
SEEDS = 50


def draw(
    labels: pd.DataFrame, groups: Mapping[str, str], split: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Draw what a label table does not say: splits by group, roles, one training label per image.

    Args:
        labels: columns image, attribute, value.
        groups: image -> its group, which stays in one split.
        split: image -> train, valid or test; None draws it, 6:2:2 for fewer than FEW pictures and else 8:1:1.

    Returns:
        The label table, its training rows, and the attributes that were left out of both: name -> why.

    Raises:
        FashionError: there are fewer than three groups to split.
    """
    left_out = {name: why for name, of in labels.groupby("attribute")["value"] if (why := hopeless(of))}
    labels = labels[~labels["attribute"].isin(left_out)]
    if labels.empty:
        nothing = pd.DataFrame(columns=list(COLUMNS), dtype="str")
        return nothing, nothing, left_out
    while True:
        images = sorted(set(labels["image"]))
        best = None
        for seed in range(SEEDS if len(images) < FEW else 1):
            splits = split or _splits(images, groups, seed)
            table = assign_roles(labels.assign(split=labels["image"].map(splits)), seed)
            training = (
                one_label_per_image(table, seed) if (table["split"] == "train").any() else table.head(0)
            )
            faults = {
                name: why
                for name in dict.fromkeys(labels["attribute"])
                if (why := fault(table, training, name))
            }
            if best is None or len(faults) < len(best[2]):
                best = (table, training, faults)
            if not faults:
                break
        table, training, faults = best
        left_out |= faults
        labels = labels[~labels["attribute"].isin(faults)]
        if not faults or labels.empty:  # those that stay have more training labels now
            kept = [
                rows[~rows["attribute"].isin(faults)].reset_index(drop=True) for rows in (table, training)
            ]
            return kept[0], kept[1], left_out


def hopeless(values: pd.Series) -> str:
    """Return why no split at all can serve an attribute with these labels, "" if one may."""
    counts = values.value_counts()
    if len(counts) < 2:
        return "fewer than two values"
    return "" if (counts // 2).sum() >= len(SPLITS) else "fewer than three pairs of pictures of one value"


def _splits(images: Sequence[str], groups: Mapping[str, str], seed: int) -> dict[str, str]:
    drawn = split_groups([groups[image] for image in images], seed, fractions(len(images)))
    return dict(zip(images, drawn.tolist(), strict=True))


def fractions(images: int) -> Sequence[float]:
    """Return the shares of train, valid and test for a number of pictures."""
    return FRACTIONS_OF_FEW if images < FEW else FRACTIONS


def fault(table: pd.DataFrame, training: pd.DataFrame, attribute: str) -> str:
    """Return why an attribute cannot be trained or measured with these splits, "" if it can.

    Training needs two values, two pictures of one of them. Measuring needs a query and another picture of its value.
    """
    rows = table[table["attribute"] == attribute]
    counts = {split: rows.loc[rows["split"] == split, "value"].value_counts() for split in SPLITS}
    if len(counts["train"]) < 2:
        return "fewer than two values in train"
    for split in SPLITS:
        if counts[split].empty or counts[split].iloc[0] < 2:
            return f"no value of two pictures in {split}"
    drawn = training.loc[training["attribute"] == attribute, "value"].value_counts()
    return (
        ""
        if len(drawn) > 1 and drawn.iloc[0] > 1
        else "too few training pictures beside the other attributes"
    )
