"""Where start weights that others made may lie on this machine."""

import os
from pathlib import Path

import torch

from fashion_lib.core import paths


def weight_folders() -> list[Path]:
    """Return the folders to look into, in order: $FASHION_WEIGHTS if it is set, data/weights, and torch's cache.

    A user puts files into the first one; a download goes into the last one.
    """
    given = os.environ.get("FASHION_WEIGHTS")
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return [*([Path(given)] if given else []), paths.weights_dir(), cache]
