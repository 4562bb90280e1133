"""How long a plan of jobs takes on some machines: list scheduling, and the bounds that no schedule can beat.

List scheduling starts, whenever a machine is free, the first job of the list whose predecessors are finished. Its
length is at most twice the best one (Graham 1969). An engine such as Snakemake schedules in the same way, up to the
order of the list.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush

from fashion_lib.core.errors import FashionError


def makespan(seconds: Mapping[str, float], before: Mapping[str, Sequence[str]], machines: int) -> float:
    """Return the length of the list schedule, in the unit of `seconds`.

    Args:
        seconds: job -> its duration; the list is the mapping's order.
        before: job -> the jobs that must be finished before it starts; absent means none.
        machines: jobs at once, from 1.

    Raises:
        FashionError: jobs wait for each other in a circle, or for a job that is not there.
    """
    waiting, finished, now = list(seconds), set(), 0.0
    running: list[tuple[float, int, str]] = []
    while waiting or running:
        for job in list(waiting):
            if len(running) == machines:
                break
            if finished.issuperset(before.get(job, ())):
                waiting.remove(job)
                heappush(running, (now + seconds[job], len(waiting), job))
        if not running:
            raise FashionError(
                f"{len(waiting)} jobs wait for each other or for a job outside the plan: correct it."
            )
        now, _, job = heappop(running)
        finished.add(job)
        while running and running[0][0] == now:
            finished.add(heappop(running)[2])
    return now


def longest_chain(seconds: Mapping[str, float], before: Mapping[str, Sequence[str]]) -> float:
    """Return the length of the longest chain of jobs that wait for each other: the time on any number of machines."""
    return makespan(seconds, before, max(1, len(seconds)))


def longest_first(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return the same jobs in the order of their durations, the longest first."""
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))
