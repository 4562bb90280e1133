"""The queues' vectorised writes against the loop over rows that they replaced, bit for bit."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fashion_lib.methods.ipad.centres import ClusterCentres

COUNTS = (3, 2, 2)
STATE = ("features", "pairs", "images", "oldest")


def push_row_by_row(state, features, pairs, images):
    """The earlier `push`, one row after the other."""
    for feature, pair, image in zip(features, pairs.tolist(), images.tolist(), strict=True):
        queue = int(state.queue_of[pair])
        if state.repeats == "average":
            met = (state.images[queue] == image) & (state.pairs[queue] >= 0)
            if met.any():
                state.features[queue, met] = (state.features[queue, met] + feature) / 2
                state.pairs[queue, met] = pair
                continue
        place = int(state.oldest[queue])
        state.features[queue, place], state.pairs[queue, place], state.images[queue, place] = (
            feature,
            pair,
            image,
        )
        state.oldest[queue] = (place + 1) % state.length


@pytest.mark.parametrize("per", ["value", "attribute"])
@pytest.mark.parametrize("repeats", ["append", "average"])
@settings(max_examples=120, deadline=None, database=None)
@given(
    length=st.integers(1, 5),
    batches=st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=14), max_size=6),
    seed=st.integers(0, 9),
)
def test_a_batch_is_written_as_its_rows_one_after_the_other(per, repeats, length, batches, seed):
    """Short queues and few images, so that an image comes again before and after it was pushed out."""
    generator = torch.Generator().manual_seed(seed)
    at_once = ClusterCentres(COUNTS, 3, length, per, repeats)
    in_turn = copy.deepcopy(at_once)
    for rows in batches:
        features = torch.randn(len(rows), 3, generator=generator)
        pairs, images = torch.tensor(rows, dtype=torch.int64).reshape(-1, 2).unbind(1)
        at_once.push(features, pairs, images)
        push_row_by_row(in_turn, features, pairs, images)
        for name in STATE:
            assert torch.equal(getattr(at_once, name), getattr(in_turn, name)), name


@pytest.mark.parametrize("repeats", ["append", "average"])
def test_features_of_lower_precision_are_stored_as_float32(repeats):
    features = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    pairs, images = torch.tensor([0, 1, 0, 0, 1, 0]), torch.tensor([4, 4, 4, 5, 5, 4])
    at_once = ClusterCentres(COUNTS, 3, 4, "attribute", repeats)
    in_turn = copy.deepcopy(at_once)
    at_once.push(features, pairs, images)
    push_row_by_row(in_turn, features, pairs, images)
    assert all(torch.equal(getattr(at_once, name), getattr(in_turn, name)) for name in STATE)
    assert at_once.features.dtype == torch.float32


@pytest.mark.cuda
@pytest.mark.parametrize("repeats", ["append", "average"])
def test_a_gpu_writes_the_same_queues_and_centres(repeats, gpu):
    generator, here = torch.Generator().manual_seed(0), ClusterCentres(COUNTS, 3, 4, "attribute", repeats)
    there = copy.deepcopy(here).to(gpu)
    for _ in range(9):
        features = torch.randn(14, 3, generator=generator)
        pairs, images = (torch.randint(0, most, (14,), generator=generator) for most in (7, 10))
        here.push(features, pairs, images)
        there.push(*(part.to(gpu) for part in (features, pairs, images)))
        here.update()
        there.update()
        for name in ("pairs", "images", "oldest", "known"):
            assert torch.equal(getattr(here, name), getattr(there, name).cpu()), name
        for name in ("features", "centres"):
            assert torch.allclose(getattr(here, name), getattr(there, name).cpu(), rtol=0, atol=1e-6), name
