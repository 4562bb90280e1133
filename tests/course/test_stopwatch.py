import time

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.course.stopwatch import shortest_seconds


def test_tasks_take_turns_after_one_round_to_warm_up():
    calls = []
    found = shortest_seconds({name: lambda name=name: calls.append(name) for name in "ab"}, 3)
    assert calls == ["a", "b"] * 4 and list(found) == ["a", "b"]


def test_the_shortest_counted_time_is_kept(monkeypatch):
    lengths, now = iter([1.0, 7.0, 5.0, 6.0]), [0.0]  # the first one warms up
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def task():
        now[0] += next(lengths)

    assert shortest_seconds({"task": task}, 3) == {"task": 5.0}


@pytest.mark.parametrize("repeats", [0, -1])
def test_no_repeat_is_no_measurement(repeats):
    with pytest.raises(FashionError, match="use 1 or more"):
        shortest_seconds({"task": lambda: None}, repeats)
