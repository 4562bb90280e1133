"""Triplet relation prediction: which of two images is closer to the anchor under a condition?

This is the test of AG-MLAN's table 3. Lists are fixed, so that every method is tested on the same triplets.
Their files have the layout of CSN's Zappos50k lists. `filenames.json` (despite its name) has one image path
per line. `tripletlists/<condition>_tripletlist_<split>.txt` has rows `anchor far close`, each a line number
of filenames.json. A condition is an attribute of the schema.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.files import write_atomically
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sampling import triplet_pools
from fashion_lib.tasks.retrieval.embedding import checked_attributes, embed_wanted

METRICS = ("triplet_accuracy", "triplet_loss")
LISTED = 1_000  # triplets per condition in a data set's fixed list
LIST = "{condition}_tripletlist_{split}.txt"
SPLITS = {"train": "train", "valid": "val", "test": "test"}  # our name -> name in the files' names


@dataclass(frozen=True)
class TripletPrediction:
    """Scores per condition, and "overall" over all triplets.

    Attributes:
        accuracy: share of triplets whose close image is more similar to the anchor than the far one; a tie is
            wrong.
        loss: mean hinge loss, a fraction.
        triplets: number of triplets.
    """

    accuracy: dict[str, float]
    loss: dict[str, float]
    triplets: dict[str, int]


def draw_triplets(data: RetrievalData, split: str, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw triplets for each attribute that a split can form them for.

    Anchor and close share a value, far has another. The value is uniform, then the images are uniform. The
    draw depends on (seed, attribute) alone. An attribute is left out unless the split has two values of it,
    and two images of one of them.

    Args:
        data: RetrievalData.
        split: "train", "valid" or "test".
        count: triplets per attribute.
        seed: decides the draw.

    Returns:
        Attribute name -> int64 (count, 3), image rows in the order anchor, far, close.
    """
    lists = {}
    for attribute, pools in triplet_pools(data.encoded(split, labels="all")).items():
        paired = [v for v, pool in pools.items() if len(pool) > 1]
        rng, rows = np.random.default_rng([seed, attribute]), np.empty((count, 3), np.int64)
        for row in rows:
            value = rng.choice(paired)
            other = rng.choice([v for v in pools if v != value])
            row[[0, 2]] = rng.choice(pools[value], 2, replace=False)
            row[1] = rng.choice(pools[other])
        lists[data.schema.names[attribute]] = rows
    return lists


def fixed_lists(data: RetrievalData) -> dict[str, np.ndarray]:
    """Return the triplets of the test split that every run on a data set is tested on.

    They are the triplets that came with the data set, else LISTED triplets per condition, the same on every machine.
    """
    if data.triplets:
        return {condition: rows for condition, rows in data.triplets["test"].items() if len(rows)}
    return draw_triplets(data, "test", LISTED)


def scores(
    model, data: RetrievalData, *, precision: str = "fp32", attributes: Collection[int] | None = None
) -> dict[str, dict[str, float]]:
    """Score the fixed test lists, in the form of a run record.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        precision: "fp32", "bf16" or "fp16", for the backbone.
        attributes: ids of the attributes whose lists count; None takes all.

    Returns:
        METRICS -> condition or "overall" -> value; {} where the test split forms no triplet. triplet_accuracy
        is in percent, as in AG-MLAN's table 3; triplet_loss is the mean hinge.

    Raises:
        FashionError: for an attribute that is no id of the schema.
    """
    ids = range(len(data.schema)) if attributes is None else checked_attributes(data.schema, attributes)
    scored = [data.schema.names[a] for a in ids]
    lists = {condition: rows for condition, rows in fixed_lists(data).items() if condition in scored}
    if not lists:
        return {}
    found = predict_triplets(model, data, lists, precision=precision)
    accuracy = {condition: 100 * share for condition, share in found.accuracy.items()}
    return dict(zip(METRICS, (accuracy, found.loss), strict=True))


def write_triplet_lists(folder: Path, data: RetrievalData, split: str, lists: dict[str, np.ndarray]) -> list[Path]:
    """Write filenames.json and one list per condition below `folder`, and return the files.

    Args:
        folder: created where it does not exist.
        data: RetrievalData.
        split: "train", "valid" or "test".
        lists: condition -> int64 (T, 3), image rows in the order anchor, far, close.
    """
    folder = Path(folder)
    files = [write_atomically(folder / "filenames.json", "\n".join(data.image_names) + "\n")]
    for condition, rows in lists.items():
        name = LIST.format(condition=condition, split=SPLITS[split])
        text = "".join(f"{anchor} {far} {close}\n" for anchor, far, close in rows.tolist())
        files.append(write_atomically(folder / "tripletlists" / name, text))
    return files


def read_triplet_lists(folder: Path, data: RetrievalData, split: str) -> dict[str, np.ndarray]:
    """Read the lists of a split.

    Args:
        folder: holds filenames.json and the folder tripletlists.
        data: RetrievalData.
        split: "train", "valid" or "test".

    Returns:
        Condition -> int64 (T, 3), rows of data.pixels in the files' order: anchor, far, close.

    Raises:
        FashionError: if a file is missing, or a line is not three line numbers of filenames.json. Also if the
            data set lacks an image or a condition.
    """
    folder = Path(folder)
    row_of = {name: row for row, name in enumerate(data.image_names)}
    names = _lines(folder / "filenames.json")
    ending = LIST.format(condition="", split=SPLITS[split])
    files = sorted((folder / "tripletlists").glob(f"*{ending}"))
    if not files:
        raise FashionError(
            f"{folder / 'tripletlists'} holds no list that ends in {ending}: write or unpack them first."
        )
    lists = {}
    for file in files:
        condition = file.name.removesuffix(ending)
        data.schema.index(condition)
        rows = []
        for number, line in enumerate(_lines(file), start=1):
            cells = line.split()
            if len(cells) != 3 or not all(cell.isdecimal() and int(cell) < len(names) for cell in cells):
                raise FashionError(f"line {number} of {file} is {line!r}, not three numbers from 0 to {len(names) - 1}"
                                   " (anchor far close): correct that line.")
            images = [names[int(cell)] for cell in cells]
            if unknown := [image for image in images if image not in row_of]:
                raise FashionError(f"line {number} of {file} names the image {unknown[0]}, which {data.name} does not"
                                   " have: use the lists that were written for this data set.")
            rows.append([row_of[image] for image in images])
        lists[condition] = np.array(rows, np.int64).reshape(-1, 3)
    return lists


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise FashionError(
            f"{file} cannot be read ({error.strerror}): write or unpack the triplet lists first."
        ) from error


def predict_triplets(
    model, data: RetrievalData, lists: dict[str, np.ndarray], *, margin: float = 0.2, precision: str = "fp32"
) -> TripletPrediction:
    """Answer the triplets of every condition; each image passes through the backbone once.

    The loss is the hinge of all methods, max(0, margin - gap). The gap is s(anchor, close) - s(anchor, far), with s
    the cosine; CSN's own code (variant "veit") has Euclidean distances there.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        lists: condition -> int64 (T, 3), rows of data.pixels as anchor, far, close.
        margin: margin of the loss, in cosine similarity.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Raises:
        FashionError: if the lists hold no triplet, or a list has other rows than three image rows each.
    """
    lists = {condition: np.asarray(rows) for condition, rows in lists.items()}
    if not any(map(len, lists.values())):
        raise FashionError(f"the lists for {data.name} hold no triplet: draw or read a list that does.")
    for condition, rows in lists.items():
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise FashionError(f"the list of {shortened(condition)} has the shape {rows.shape}, but (T, 3) is needed:"
                               " give int rows (T, 3) of anchor, far and close.")
    ids = {condition: data.schema.index(condition) for condition in lists}
    wanted = {ids[condition]: rows.ravel() for condition, rows in lists.items()}
    embedded = embed_wanted(model, data, wanted, precision=precision, vectors=model.triplet_vectors)
    right, hinges = {}, {}
    for condition, rows in lists.items():
        anchor, far, close = embedded[ids[condition]].double().view(len(rows), 3, -1).unbind(1)  # 3 x (T, D)
        gap = model.triplet_gap(anchor, close, far)  # (T,)
        right[condition], hinges[condition] = (gap > 0).double(), (margin - gap).relu()
    counts = {condition: len(rows) for condition, rows in lists.items()}

    def means(parts: dict[str, torch.Tensor]) -> dict[str, float]:
        single = {condition: part.mean().item() for condition, part in parts.items()}
        return single | {"overall": torch.cat([*parts.values()]).mean().item()}

    return TripletPrediction(means(right), means(hinges), counts | {"overall": sum(counts.values())})
