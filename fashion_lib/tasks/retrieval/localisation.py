"""Localisation of attention maps, measured against the data set's true regions and never by eye alone.

A map is (h, w) and non-negative; a region is bool (S, S). There are three numbers per image:

- `pointing`: 1 when the centre of the map's strongest cell lies in the region (the pointing game, Zhang et
  al. 2016)
- `energy`: the share of the map's mass that lies in the region (as in Score-CAM's energy-based pointing game)
- `entropy`: entropy of the map over log(h w): 1 is a flat map, a sign of an attribute that was not learned

Each number needs baselines, because garments are usually at similar places. The baselines are `area` (a
random point, or a flat map), `centre` (always the image's centre) and `fixed`. `fixed` is always the one
pixel that is inside the region of most *training* images. If all mass is on one pixel, energy equals
pointing, so `centre` and `fixed` serve for both.
"""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.data.sampling import evenly_spread
from fashion_lib.tasks.retrieval.embedding import visit_features

MEASURES = ("pointing", "energy", "entropy")
BASELINES = ("pointing_area", "pointing_centre", "pointing_fixed", "energy_area")
COLUMNS = ("attribute", "scope", "map", "images", *MEASURES, *BASELINES)


def _checked(maps, masks) -> tuple[Tensor, Tensor]:
    maps, masks = torch.as_tensor(maps).detach().cpu().float(), torch.as_tensor(masks).cpu()
    if maps.ndim != 3 or masks.ndim != 3 or len(maps) != len(masks) or masks.dtype != torch.bool:
        raise FashionError(f"maps {tuple(maps.shape)} and masks {tuple(masks.shape)} ({masks.dtype}) do not match:"
                           " pass (B, h, w) maps and bool (B, S, S) masks of the same images.")
    return maps.clamp_min(0), masks


def pointing(maps, masks) -> np.ndarray:
    """Return whether each map's strongest cell (the first of equals) has its centre inside the mask.

    Args:
        maps: float (B, h, w).
        masks: bool (B, S, S).

    Returns:
        bool (B,); False for a map that is zero everywhere.

    Raises:
        FashionError: if maps and masks do not have these shapes and types.
    """
    maps, masks = _checked(maps, masks)
    cell = maps.flatten(1).argmax(dim=1)
    height, width = maps.shape[1:]
    y = ((cell // width + 0.5) * masks.shape[1] / height).long()
    x = ((cell % width + 0.5) * masks.shape[2] / width).long()
    return (masks[torch.arange(len(masks)), y, x] & (maps.amax(dim=(1, 2)) > 0)).numpy()


def energy(maps, masks) -> np.ndarray:
    """Return the share of each map's mass inside the mask.

    A cell counts by the fraction of its area that the mask covers.

    Args:
        maps: float (B, h, w); negative values count as 0.
        masks: bool (B, S, S).

    Returns:
        float64 (B,), 0 for a map that is zero everywhere.

    Raises:
        FashionError: if maps and masks do not have these shapes and types.
    """
    maps, masks = _checked(maps, masks)
    coverage = F.adaptive_avg_pool2d(masks.float(), maps.shape[1:])  # (B, S, S) -> (B, h, w)
    inside, total = (maps * coverage).sum(dim=(1, 2)), maps.sum(dim=(1, 2))
    return (inside / total.clamp_min(torch.finfo(torch.float32).tiny)).double().numpy()


def entropy(maps) -> np.ndarray:
    """Compute the entropy of each map as a distribution over its cells, divided by log(h w).

    Args:
        maps: float (B, h, w). A map that is zero everywhere counts as flat.

    Returns:
        float64 (B,) in [0, 1]; 1 for a flat map.
    """
    mass = torch.as_tensor(maps).detach().cpu().double().clamp_min(0).flatten(1)
    mass = torch.where(mass.sum(dim=1, keepdim=True) > 0, mass, torch.ones_like(mass))
    share = mass / mass.sum(dim=1, keepdim=True)
    return (-torch.xlogy(share, share).sum(dim=1) / np.log(mass.shape[1])).clamp(0, 1).numpy()


def best_fixed_point(masks) -> tuple[int, int]:
    """Return the pixel (row, column) inside most of the masks, bool (B, S, S); the first of equals."""
    frequency = np.asarray(masks).mean(axis=0)
    y, x = np.unravel_index(frequency.argmax(), frequency.shape)
    return int(y), int(x)


def _spread(rows: np.ndarray, limit: int | None) -> np.ndarray:
    """Return at most `limit` of the sorted rows, evenly spread so that a sample covers the split."""
    rows = np.unique(rows)
    return rows[evenly_spread(len(rows), limit)]


def visible(data, rows: np.ndarray, attribute: int) -> np.ndarray:
    """Return the pictures whose true region has a pixel; all of them where the data set knows no regions.

    Args:
        data: RetrievalData.
        rows: int (B,), pictures that have a label of the attribute.
        attribute: attribute id.
    """
    return rows if data.regions is None else rows[_regions(data, rows, attribute).any(axis=(1, 2))]


def _regions(data, rows: np.ndarray, attribute: int) -> np.ndarray:
    if data.regions is None:
        raise FashionError(f"the data set {data.name} does not know the pixels of its attributes, so localisation"
                           " cannot be measured on it: use the wardrobe.")
    return np.asarray(data.regions(rows, attribute), dtype=bool)


def measure(
    model, data, split: str = "test", limit: int | None = 500, *, training_limit: int = 1000, batch_size: int = 128,
) -> pd.DataFrame:
    """Measure the localisation of every map that `model.attend` returns, for every attribute of the split.

    The maps are computed in float32, whatever the training's precision, so that the rows of all runs compare.

    Args:
        model: a retrieval model.
        data: RetrievalData with true regions.
        split: "train", "valid" or "test".
        limit: images per attribute, evenly spread; None takes all.
        training_limit: training images that choose the fixed point.
        batch_size: images per batch.

    Returns:
        One row per attribute and map name, with COLUMNS; no rows for a method without attention. `images`
        counts the images whose region is visible, and only they enter the means.

    Raises:
        FashionError: if the data set has no true regions.
    """
    labels, training = data.encoded(split), data.encoded("train", labels="all")
    wanted, masks = {}, {}
    for a in range(len(data.schema)):
        rows = _spread(labels.of(a).image, limit)
        regions = _regions(data, rows, a)
        visible = regions.any(axis=(1, 2))
        if visible.any():
            wanted[a], masks[a] = rows[visible], regions[visible]
    measured: dict[tuple[int, str], list[np.ndarray]] = {}

    def score(attribute: int, part: slice, features, attributes: Tensor) -> None:
        for name, maps in model.attend(features, attributes).maps.items():
            region = masks[attribute][part]
            measured.setdefault((attribute, name), []).append(
                np.stack([pointing(maps, region), energy(maps, region), entropy(maps.float())]))

    visit_features(model, data, wanted, score, batch_size=batch_size, precision="fp32")
    lines = []
    for a, regions in masks.items():
        names = [name for owner, name in measured if owner == a]
        if not names:
            continue
        rows = _spread(training.of(a).image, training_limit)
        centre = regions.shape[1] // 2, regions.shape[2] // 2
        fixed = best_fixed_point(_regions(data, rows, a)) if len(rows) else centre
        area = regions.mean()
        baselines = [area, regions[:, *centre].mean(), regions[:, *fixed].mean(), area]
        attribute = data.schema.attributes[a]
        for name in names:
            means = np.concatenate(measured[a, name], axis=1).mean(axis=1)
            lines.append([attribute.name, attribute.scope, name, len(regions), *means, *map(float, baselines)])
    return pd.DataFrame(lines, columns=list(COLUMNS))


def scores(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return `measure`'s table in the form of a run record.

    Returns:
        Measure -> attribute name, "macro" or "local" -> value in [0, 1]. The first map has the plain names
        ("pointing"); further maps append their own ("pointing[channel]").
    """
    found: dict[str, dict[str, float]] = {}
    for position, (name, rows) in enumerate(table.groupby("map", sort=False)):
        for measure_name in (*MEASURES, *BASELINES):
            if position and measure_name in BASELINES:
                continue  # the baselines do not depend on the map
            row = dict(zip(rows["attribute"], map(float, rows[measure_name]), strict=True))
            row["macro"] = float(rows[measure_name].mean())
            if (local := rows.loc[rows["scope"] == "local", measure_name]).size:
                row["local"] = float(local.mean())
            found[measure_name if position == 0 else f"{measure_name}[{name}]"] = row
    return found
