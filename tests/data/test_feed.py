"""A feed gives what its function gives, in order; it holds a bounded number and leaves no thread."""

import threading
import time
from contextlib import suppress

import numpy as np
import pytest
import torch

from fashion_lib.core import threads
from fashion_lib.core.errors import FashionError
from fashion_lib.data import feed as module
from fashion_lib.data.feed import Feed, Reach, for_device, how_far, to_device
from fashion_lib.data.lazy_pixels import LazyPixels

REACHES = [Reach(), Reach(1, 1), Reach(2, 3), Reach(4, 4)]


def feed_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("feed")]


def lazy(count, size):
    return LazyPixels("nowhere", [f"{i}.jpg" for i in range(count)], size, [""] * count)


@pytest.mark.parametrize("reach", REACHES)
def test_results_come_in_the_order_of_the_keys_whoever_is_done_first(reach):
    def make(key):
        time.sleep(0.004 * (key % 3 == 0))
        return key * key

    with Feed(make, range(12), reach) as feed:
        assert list(feed) == [key * key for key in range(12)]
        assert list(feed) == []
    assert feed_threads() == []


@pytest.mark.parametrize("reach", REACHES)
def test_no_more_is_made_than_is_held(reach):
    lock, made, taken, most = threading.Lock(), 0, 0, 0

    def make(key):
        nonlocal made, most
        with lock:
            made += 1
            most = max(most, made - taken)
        return key

    with Feed(make, range(30), reach) as feed:
        for key in feed:
            time.sleep(0.002)  # the user is slower than the threads, so that they would run away
            with lock:
                assert made <= key + 1 + reach.held
            taken += 1  # done with this one
    assert made == 30 and most <= reach.held + 1


def test_keys_are_read_no_further_than_the_look_ahead():
    read = []
    keys = (read.append(key) or key for key in range(100))
    with Feed(lambda key: key, keys, Reach(2, 3)) as feed:
        assert next(feed) == 0
    assert len(read) == 4


@pytest.mark.parametrize("reach", REACHES)
def test_what_a_thread_raises_comes_at_its_place_and_leaves_no_thread(reach):
    def make(key):
        if key == 3:
            raise FashionError("the image 3.jpg cannot be read: replace it.")
        return key

    taken = []
    with pytest.raises(FashionError, match="3.jpg"), Feed(make, range(9), reach) as feed:
        for key in feed:
            taken.append(key)
    assert taken == [0, 1, 2] and feed_threads() == []


@pytest.mark.parametrize("leave", [KeyboardInterrupt, ZeroDivisionError, None])
def test_an_early_stop_leaves_no_thread(leave):
    with (
        suppress(KeyboardInterrupt, ZeroDivisionError),
        Feed(lambda key: key, range(1000), Reach(3, 6)) as feed,
    ):
        next(feed)
        assert 0 < len(feed_threads()) <= 3
        if leave is not None:
            raise leave
    assert feed_threads() == []


def test_without_a_look_ahead_everything_happens_in_the_callers_thread():
    with Feed(lambda key: threading.get_ident(), range(3), Reach()) as feed:
        assert set(feed) == {threading.get_ident()} and feed_threads() == []


def test_waiting_is_measured():
    with Feed(lambda key: time.sleep(0.05), range(1), Reach(1, 1)) as slow:
        next(slow)
    with Feed(lambda key: key, range(2), Reach(1, 2)) as quick:
        time.sleep(0.05)
        next(quick)
    assert slow.waited > 0.04 > quick.waited


def test_pictures_in_memory_need_no_look_ahead_on_a_cpu(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 8)
    pixels = np.zeros((5, 4, 4, 3), np.uint8)
    assert how_far(pixels, 96) == Reach(0, 0)
    assert how_far(pixels, 96, cuda=True) == Reach(2, 3)
    assert how_far(lazy(5, 4), 96) == how_far(lazy(5, 4), 96, cuda=True) == Reach(7, 8)
    monkeypatch.setattr(threads, "cores", lambda: 1)
    assert how_far(lazy(5, 4), 96) == Reach(0, 0)  # a thread there gains nothing
    assert how_far(lazy(5, 4), 96, cuda=True) == Reach(1, 2)


@pytest.mark.parametrize("cores", [1, 2, 4, 16, 256])
@pytest.mark.parametrize(("rows", "size"), [(1, 32), (96, 224), (96, 448), (256, 448), (500, 1000)])
def test_all_batches_together_stay_below_the_bound(cores, rows, size, monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: cores)
    for cuda in (False, True):
        reach = how_far(lazy(3, size), rows, cuda=cuda)
        taken = (reach.held + 1) * rows * size * size * 3
        assert taken <= module.MOST_BYTES or reach.held <= 1
        assert (cuda or cores > 1) <= reach.count <= min(reach.held, module.MOST_THREADS)


def test_a_tensor_on_the_cpu_is_not_copied():
    tensor, cpu = torch.arange(3), torch.device("cpu")
    assert to_device(tensor, cpu) is tensor and for_device(tensor, cpu) is tensor
