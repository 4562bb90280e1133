"""Read a checkpoint that the authors of a system released: tensors and numbers only, never code.

PyTorch's files are pickles, which may run code when they are opened. They are read with `weights_only=True`, which
builds tensors, numbers, texts, lists and dictionaries, and refuses everything else.
"""

import hashlib
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.parts.plain_tensors import fault_of_tensors

CONTAINERS = ("state_dict", "model")  # the entry that holds the tensors
LARGEST = 2**53  # of an epoch or score; above it a float misses whole numbers
SCORES = ("prec", "mAP")  # the entry that holds the best validation score
PARALLEL = "module."  # before every name of a network that was saved inside DataParallel
# A score that numpy computed is a numpy number. These three only ever make numbers; older numpy had another path.
_scalar = np.float64(0).__reduce__()[0]
NUMPY_NUMBERS = [
    np.dtype, type(np.dtype(np.float64)), type(np.dtype(np.float32)),
    (_scalar, "numpy.core.multiarray.scalar"), (_scalar, "numpy._core.multiarray.scalar"),
]  # fmt: skip


@dataclass(frozen=True)
class AuthorsFile:
    """Hold what one or several files of a released checkpoint say.

    Attributes:
        tensors: authors' name -> tensor on the CPU; floating-point ones are finite.
        epoch: the epoch that the file names, or None.
        score: its validation score as the authors wrote it, or None.
        source: the files' names and SHA-256, one line of text.
    """

    tensors: dict[str, Tensor]
    epoch: int | None
    score: float | None
    source: str


def read_authors_files(files: Sequence[str | Path]) -> AuthorsFile:
    """Read the files of one checkpoint.

    Args:
        files: one path, or several if the authors saved parts of the network apart.

    Raises:
        FashionError: a file is missing, cut off, holds other objects than tensors and numbers, or a tensor with NaN; or
            two files hold the same name.
    """
    tensors, numbers, sources = {}, {}, []
    for given in files:
        path = user_path(given, "the checkpoint")
        found, told = _read(path)
        if both := sorted(tensors.keys() & found.keys()):
            raise FashionError(f"{path.name} and another file both hold {both[0]}: give each file once.")
        tensors, numbers = tensors | found, numbers | told
        with open(path, "rb") as file:
            sources.append(f"{path.name}, sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}")
    score = next((numbers[name] for name in SCORES if name in numbers), None)
    epoch = numbers.get("epoch")
    return AuthorsFile(tensors, None if epoch is None else int(epoch), score, " and ".join(sources))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, float]]:
    if not path.is_file():
        raise FashionError(f"there is no checkpoint {path}: give the file that the authors released.")
    try:
        with torch.serialization.safe_globals(NUMPY_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on the form of pickles; what matters is refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise FashionError(
            f"{path} is not opened because it holds other objects than tensors and numbers, or is damaged: save its "
            "state dictionary alone, or fetch the file again."
        ) from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise FashionError(f"{path} is cut off, damaged or no file of PyTorch: fetch it again.") from error
    if not isinstance(content, dict):
        raise FashionError(f"{path} holds a {type(content).__name__} instead of named tensors: give another file.")
    held = next((content[name] for name in CONTAINERS if isinstance(content.get(name), dict)), content)
    if fault := fault_of_tensors(held):
        raise FashionError(f"{path} is no checkpoint of a network ({fault}): give the file that the authors released.")
    if all(name.startswith(PARALLEL) for name in held):
        held = {name.removeprefix(PARALLEL): tensor for name, tensor in held.items()}
    numbers = {} if held is content else {k: v for k, v in content.items() if k in ("epoch", *SCORES)}
    numbers = {name: _number(value) for name, value in numbers.items()}
    return dict(held), {name: value for name, value in numbers.items() if value is not None}


def _number(value: object) -> float | None:
    """Return a number, numpy number or tensor with one entry as a plain number; None for anything else."""
    if isinstance(value, np.generic) or (
        isinstance(value, Tensor) and not fault_of_tensors({"number": value}) and value.numel() == 1
    ):
        value = value.item()
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain and abs(value) <= LARGEST else None  # also false for NaN
