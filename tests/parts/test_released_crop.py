"""The authors' crop against its ten steps in numpy and Pillow, on random maps and pictures of many sizes."""

import numpy as np
import pytest
import torch
from oracles import crop as oracle

from fashion_lib.data.augmentation import normalise
from fashion_lib.parts.released_crop import released_boxes, released_crop, released_squares


def random_maps(rng: np.random.Generator, count: int, side: int) -> np.ndarray:
    """Maps with one or more peaks anywhere, from flat noise to a single cell."""
    peaked = rng.random((count, side, side)) ** rng.choice([1, 4, 16, 60, 300], (count, 1, 1))
    return (peaked / peaked.sum((1, 2), keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("side", "cells"), [(224, 14), (224, 7), (96, 12), (64, 8)])
def test_squares_are_the_ten_steps(side, cells):
    rng, touched = np.random.default_rng(side + cells), 0
    for _ in range(30):
        width, height = (int(length) for length in rng.integers(side // 2, 3 * side, 2))
        threshold = float(rng.choice([0.0, 0.1, 0.1, 0.4, 0.9]))
        maps = random_maps(rng, 5, cells)
        found = released_squares(torch.from_numpy(maps), width, height, side, threshold)
        expected = [oracle.square(one, width, height, side, threshold) for one in maps]
        assert found.tolist() == [list(one) for one in expected]
        touched += sum(0 < d < min(width, height) for _, _, d in expected)
    assert touched > 50  # the squares are not all the whole picture


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_crops_are_pillows(kind):
    rng = np.random.default_rng(1)
    for _ in range(40):
        width, height = (int(length) for length in rng.integers(40, 300, 2))
        pixels = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        squares = [(int(x), int(y), int(d)) for x, y, d in rng.integers([0, 0, 1], [width, height, 250], (2, 3))]
        size = int(rng.choice([48, 96, 112, 224]))
        corners = torch.tensor([(x, y, x + d, y + d) for x, y, d in squares])
        boxes = corners / torch.tensor([width, height, width, height])
        found = released_crop(normalise(pixels).to(kind), boxes, size)
        expected = [oracle.cut(one, *square, size) for one, square in zip(pixels, squares, strict=True)]
        assert found.dtype == kind and found.shape == (2, 3, size, size)
        if kind == torch.float32:  # also where a square sticks out, and is black there
            assert torch.equal(found, normalise(np.stack(expected)))
        else:
            assert torch.allclose(found.float(), normalise(np.stack(expected)), atol=0.05)


def test_a_flat_map_takes_the_whole_centre_square():
    for maps in (torch.full((2, 5, 5), 0.04), torch.zeros(2, 5, 5), torch.ones(2, 1, 1)):
        assert released_squares(maps, 300, 200, 100, 0.1).tolist() == [[50, 0, 200]] * 2
        assert released_squares(maps, 200, 301, 100, 0.1).tolist() == [[0, 50, 200]] * 2


def test_a_batch_of_one_and_a_map_of_one_row_need_no_special_care():
    rng = np.random.default_rng(2)
    maps = random_maps(rng, 8, 14)
    together = released_squares(torch.from_numpy(maps), 320, 240)
    alone = [released_squares(torch.from_numpy(one[None]), 320, 240)[0] for one in maps]
    assert torch.equal(together, torch.stack(alone))
    corners = released_boxes(torch.from_numpy(maps), 320, 240) * torch.tensor([320.0, 240, 320, 240])
    assert torch.allclose(corners, torch.cat([together[:, :2], together[:, :2] + together[:, 2:]], dim=1).float())
