"""The origin of a figure: the commit, the versions and the hardware of the process that made it."""

import os
import platform
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torchvision

THEN = "; then "  # between the machines of a run that went on elsewhere


@cache
def commit() -> str:
    """Return the short commit of the running code; "unknown" where there is none.

    "-dirty" is appended when a file that decides a figure differs from that commit. Only fashion_lib, the
    shipped weights and the lock file count: a re-executed notebook does not make a run dirty.
    """
    folder = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != folder:
            return "unknown"  # this folder was unpacked inside another repository
        changed = git("status", "--porcelain", "--", "fashion_lib", "data/weights", "requirements.lock")
        return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Return the versions of the software that can change a figure."""
    return {"python": platform.python_version(), "torch": torch.__version__,
            "torchvision": torchvision.__version__, "numpy": np.__version__}


def processors(text: str) -> list[str]:
    """Return the machines that a record's hardware names, without their numbers of cores, which change no result."""
    return [name.partition(",")[0] for name in text.split(THEN)]


@cache
def hardware(device: str = "cuda") -> str:
    """Return the names of the accelerator (if there is one) and the processor, with the number of cores.

    Args:
        device: type of the device that computes; "cpu" leaves out an accelerator that is not used.
    """
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the plain name is enough
    processor = f"{name}, {os.cpu_count()} cores"
    used = device == "cuda" and torch.cuda.is_available()
    return f"{torch.cuda.get_device_name()}; {processor}" if used else processor
