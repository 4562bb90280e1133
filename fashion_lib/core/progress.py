"""Progress of work that takes a while: a bar where somebody watches, else one line every some seconds.

A bar redraws its line ten times per second. In a log file each drawing stays, and a run leaves kilobytes of bars.
FASHION_PROGRESS says which it is: "bar", or the seconds between two lines. By default a terminal and a notebook that is
open in a browser get bars; all others get a line every ten seconds.
"""

import math
import os
import sys
import time
from collections.abc import Iterable

from tqdm import tqdm

SETTING = "FASHION_PROGRESS"
SECONDS = 10.0


class Lines:
    """A text stream for tqdm that passes on at most one line every `seconds`; the rest is dropped.

    The first line comes after `seconds`, so that short work says nothing.
    """

    encoding = "utf-8"

    def __init__(self, seconds: float = SECONDS):
        self.seconds, self.last = seconds, time.monotonic()

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text and time.monotonic() - self.last >= self.seconds:
            self.last = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Do nothing: each line is flushed when it is written."""


def seconds_between_lines() -> float | None:
    """Seconds between two lines of progress, None where a bar is drawn."""
    wish = os.environ.get(SETTING, "").strip()
    if wish == "bar":
        return None
    try:
        seconds = float(wish)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return seconds
    watched = sys.stderr is not None and sys.stderr.isatty()
    in_browser = type(sys.stderr).__module__.startswith("ipykernel")  # which is no terminal, but draws bars well
    return None if watched or in_browser else SECONDS


def settings(**wanted) -> dict:
    """tqdm's arguments for the kind of progress that fits here, with those that the caller wants."""
    seconds = seconds_between_lines()
    if seconds is None:
        return wanted
    unit = wanted.get("unit", "step")
    done = "{n_fmt} of {total_fmt}" if wanted.get("total") is not None else "{n_fmt}"
    left = ", {remaining} to go" if wanted.get("total") is not None else ""
    shown = f"{{desc}}: {done} {unit if unit == 'B' else unit + 's'}, {{elapsed}} so far{left}{{postfix}}"
    return wanted | {"file": Lines(seconds), "bar_format": shown, "mininterval": min(1.0, seconds), "leave": False}


def bar(work: Iterable | None = None, **wanted) -> tqdm:
    """A tqdm bar over `work`, or one to be updated by hand.

    Args:
        work: what to iterate over; None for a bar with `total` that is updated by hand.
        wanted: tqdm's own arguments, such as total, desc, unit, disable and leave.

    Returns:
        The bar, which is a context manager.
    """
    if work is not None and "total" not in wanted and hasattr(work, "__len__"):
        wanted["total"] = len(work)
    return tqdm(work, **settings(**wanted))
