"""Compare an authors' tensors with a model by name and shape, and bring them into the model's own names."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.released.name_table import COUNTER, NameTable, any_matches, matched, renamed, split

SHORTER = (torch.float16, torch.bfloat16)  # types that become float32 without loss


def imported(
    table: NameTable,
    given: Mapping[str, Tensor],
    own: Mapping[str, Tensor],
    source: str,
    others: Iterable[NameTable] = (),
) -> dict[str, Tensor]:
    """Return an authors' tensors under our names and in our shapes.

    Args:
        table: of the model's system.
        given: authors' name -> tensor.
        own: our name -> tensor of the model that is to be filled; shapes and types are compared.
        source: the file, for the error sentence.
        others: tables of other systems, to say which one the file looks like.

    Returns:
        Our name -> tensor, for every tensor of the model that the authors' files hold.

    Raises:
        FashionError: tensors are missing, not expected, or of another shape or type; the sentence counts them and names
            the first.
    """
    pairs = [*table.pairs(own)]
    wanted = {name: part for ours, names, turn in pairs for name, part in split(own[ours], names, turn).items()}
    given = {table.plain(name): tensor for name, tensor in given.items()}
    copies = {name: renamed(name, *pair) for name in given for pair in table.twice if matched(pair[0], name)}
    used = {name: part for name, part in given.items() if name not in copies and not any_matches(table.unused, name)}
    unlike = [name for name, first in copies.items() if first not in used or not _equal(given[name], used[first])]
    differences = {name: _difference(used[name], part) for name, part in wanted.items() if name in used}
    faults = {
        "missing": [name for name in wanted if name not in used and not name.endswith(COUNTER)],
        "not expected": [name for name in used if name not in wanted],
        "of another shape or type": [f"{name}, {text}" for name, text in differences.items() if text],
        "unlike the tensor that it repeats": unlike,
    }
    if any(faults.values()):
        told = "; ".join(f"{len(names)} {what}, first {names[0][:150]}" for what, names in faults.items() if names)
        alike = [one.system for one in others if one is not table and all(one.knows(name) for name in given)]
        advice = f"its names are those of {alike[0]}" if alike else "give the system, variant and data set of the file"
        raise FashionError(f"the tensors of {source} are not those of {table.system} here ({told}): {advice}.")
    found = {}
    for ours, names, turn in pairs:
        parts = [used[name] for name in names if name in used]
        if len(parts) == len(names):  # only a batch norm's counter may be missing
            whole = parts[0] if len(parts) == 1 else torch.cat(parts)
            found[ours] = _laid(whole, turn.to_theirs(own[ours]).shape, turn.to_ours).to(own[ours].dtype)
    return found


def _laid(tensor: Tensor, shape: torch.Size, to_ours) -> Tensor:
    return to_ours(tensor.reshape(shape)).contiguous()


def _equal(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)


def _difference(given: Tensor, expected: Tensor) -> str:
    """Return how a tensor differs from what the model needs, or ""."""
    if _without_leading_ones(given) != _without_leading_ones(expected):
        return f"found {tuple(given.shape)} for {tuple(expected.shape)}"
    if given.dtype != expected.dtype and not (expected.is_floating_point() and given.dtype in SHORTER):
        return f"found {given.dtype} for {expected.dtype}"
    return ""


def _without_leading_ones(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape without ones in front: a scalar may be written as a list, a token with a batch of one."""
    shape = tuple(tensor.shape)
    while shape[:1] == (1,):
        shape = shape[1:]
    return shape
