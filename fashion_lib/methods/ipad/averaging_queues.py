"""Queues in which an image has one entry: a feature that comes again is averaged with the stored one.

So the authors' code of IPAD does. Whether an image is in a queue depends on the features that came before it in the
same batch, which may push others out. That is decided with whole numbers, on the CPU, after one copy from the device.
The features stay on their device: they are averaged and written for all entries at once.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class _Entry:
    """One changed place of a queue. start: the row of its first feature, -1 for the stored one. rows: averaged in."""

    start: int
    pair: int
    image: int
    rows: list[int] = field(default_factory=list)


def write_with_averages(state, features: Tensor, pairs: Tensor, images: Tensor) -> None:
    """Put features into their queues, in order; see `ClusterCentres` for the options "average".

    Args:
        state: ClusterCentres, whose buffers are changed in place.
        features: (L, C), of the buffers' type.
        pairs, images: int64 (L,).
    """
    queues = state.queue_of[pairs]
    met = (state.images[queues] == images[:, None]) & (state.pairs[queues] >= 0)  # (L, length)
    found = torch.where(met.any(1), met.int().argmax(1), -1)
    numbers = torch.stack([queues, pairs, images, found, state.oldest[queues]]).tolist()
    entries, newest = _decide(numbers, state.length)
    if not entries:
        return
    device = features.device
    places = torch.tensor(list(entries), device=device).unbind(1)  # queue and place of each changed entry
    start = torch.tensor([entry.start for entry in entries.values()], device=device)
    values = torch.where(start[:, None] >= 0, features[start], state.features[places])
    for turn in range(max(len(entry.rows) for entry in entries.values())):
        again = [(e, entry.rows[turn]) for e, entry in enumerate(entries.values()) if turn < len(entry.rows)]
        changed, rows = torch.tensor(again, device=device).unbind(1)
        values[changed] = (values[changed] + features[rows]) / 2
    state.features[places] = values
    state.pairs[places] = torch.tensor([entry.pair for entry in entries.values()], device=device)
    state.images[places] = torch.tensor([entry.image for entry in entries.values()], device=device)
    state.oldest[torch.tensor(list(newest), device=device)] = torch.tensor(
        list(newest.values()), device=device
    )


def _decide(numbers: list[list[int]], length: int) -> tuple[dict[tuple[int, int], _Entry], dict[int, int]]:
    """Go through the rows in order and decide where each feature belongs.

    Args:
        numbers: of each row its queue, pair, image, place where the image is stored (-1: nowhere), and next write.
        length: entries per queue.

    Returns:
        (queue, place) -> what is written there; queue -> its next write.
    """
    entries: dict[tuple[int, int], _Entry] = {}
    place_of: dict[tuple[int, int], int] = {}  # (queue, image) -> place, as it changes
    holds: dict[tuple[int, int], int] = {}  # (queue, place) -> image, of those that this batch asks for
    newest: dict[int, int] = {}
    for queue, _, image, found, oldest in zip(*numbers, strict=True):
        newest[queue] = oldest
        if found >= 0:
            place_of[queue, image], holds[queue, found] = found, image
    for row, (queue, pair, image, *_) in enumerate(zip(*numbers, strict=True)):
        place = place_of.get((queue, image))
        if place is None:
            place = newest[queue]
            newest[queue] = (place + 1) % length
            if (queue, place) in holds:
                del place_of[queue, holds[queue, place]]
            place_of[queue, image], holds[queue, place] = place, image
            entries[queue, place] = _Entry(row, pair, image)
        else:
            entry = entries.setdefault((queue, place), _Entry(-1, pair, image))
            entry.pair = pair
            entry.rows.append(row)
    return entries, newest
