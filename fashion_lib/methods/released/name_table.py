"""How tensors are named in an authors' checkpoint and in our model: one table of rules per system.

A rule pairs a pattern of theirs with a pattern of ours. In a pattern, `*` stands for any part of a name and `#` for a
whole number. Both sides have the same ones in the same order, so one table serves both directions.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from fashion_lib.core.errors import FashionError

WILDCARDS = {"*": "(.*)", "#": r"(\d+)"}
COUNTER = "num_batches_tracked"  # of a batch norm; nothing is computed from it, and old files lack it


@dataclass(frozen=True)
class Turn:
    """Say how one tensor of ours lies in an authors' file; `to_ours` is the inverse of `to_theirs`."""

    to_theirs: Callable[[Tensor], Tensor]
    to_ours: Callable[[Tensor], Tensor]


AS_IT_IS = Turn(lambda tensor: tensor, lambda tensor: tensor)
TRANSPOSED = Turn(lambda tensor: tensor.t(), lambda tensor: tensor.t())  # (i, o) and (o, i)
AS_KERNEL = Turn(lambda tensor: tensor[..., None, None], lambda tensor: tensor[..., 0, 0])  # linear and 1 x 1 conv
LEADING_ONE = Turn(lambda tensor: tensor[None], lambda tensor: tensor[0])  # (2, D) and (1, 2, D)


@dataclass(frozen=True)
class Rule:
    """Pair the authors' name of a tensor with ours.

    Attributes:
        theirs: a pattern; or several, whose tensors stand under each other in ours, such as query, key and value.
        ours: a pattern.
        turn: how the values lie.
    """

    theirs: str | tuple[str, ...]
    ours: str
    turn: Turn = AS_IT_IS

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the authors' patterns."""
        return (self.theirs,) if isinstance(self.theirs, str) else self.theirs


@dataclass(frozen=True)
class NameTable:
    """Hold all names of one system.

    Attributes:
        system: its name in sentences.
        rules: every tensor that both have; no name matches two of them.
        container: the file's entry with the tensors; "" if the file has nothing else.
        score: the file's entry with the validation score, or "".
        unused: patterns of the authors' tensors that their network never uses.
        twice: (copy, original), patterns of a shared tensor that a file may hold twice.
        writes_twice: whether the authors' own files do hold it twice.
        anywhere: modules of theirs that a file may hold below another module.
        own: patterns of our tensors that no authors' file holds, such as counters and queues.
        apart: pattern of the authors' names that stand in a second file, or "".
    """

    system: str
    rules: tuple[Rule, ...]
    container: str
    score: str
    unused: tuple[str, ...] = ()
    twice: tuple[tuple[str, str], ...] = ()
    writes_twice: bool = False
    anywhere: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    apart: str = ""

    def pairs(self, own: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...], Turn]]:
        """Yield (our name, authors' names, turn) for each of our names that an authors' file holds.

        Raises:
            FashionError: one of our tensors has no name there.
        """
        for name in own:
            if any_matches(self.own, name):
                continue
            rule = next((rule for rule in self.rules if matched(rule.ours, name)), None)
            if rule is None:
                raise FashionError(
                    f"the tensor {name} has no name in a checkpoint of {self.system}: build the variant and options "
                    "that the authors released."
                )
            yield name, tuple(renamed(name, rule.ours, theirs) for theirs in rule.patterns), rule.turn

    def plain(self, name: str) -> str:
        """Return an authors' name without the modules above one that may lie anywhere."""
        found = [re.search(rf"(?:^|\.)({re.escape(module)}\..*)", name) for module in self.anywhere]
        return next((match[1] for match in found if match), name)

    def knows(self, name: str) -> bool:
        """Return whether a name of the authors' is one of this system's."""
        patterns = [pattern for rule in self.rules for pattern in rule.patterns]
        return any_matches([*patterns, *self.unused, *(copy for copy, _ in self.twice)], self.plain(name))


def any_matches(patterns: Iterable[str], name: str) -> bool:
    """Return whether a whole name matches one of the patterns."""
    return any(matched(pattern, name) for pattern in patterns)


def matched(pattern: str, name: str) -> re.Match | None:
    """Return the match of a whole name with a pattern, or None."""
    return _expression(pattern).fullmatch(name)


@cache
def _expression(pattern: str) -> re.Pattern:
    return re.compile("".join(WILDCARDS.get(part, re.escape(part)) for part in re.split(r"([*#])", pattern)))


def renamed(name: str, old: str, new: str) -> str:
    """Return a name that matches the pattern `old` in the form of the pattern `new`."""
    found = iter(matched(old, name).groups())
    return "".join(next(found) if part in WILDCARDS else part for part in re.split(r"([*#])", new))


def split(tensor: Tensor, names: tuple[str, ...], turn: Turn) -> dict[str, Tensor]:
    """Return one of our tensors as the authors' tensors of these names."""
    parts = [turn.to_theirs(tensor)] if len(names) == 1 else turn.to_theirs(tensor).chunk(len(names))
    return dict(zip(names, parts, strict=True))


def exported(table: NameTable, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a model's tensors under the authors' names and in their shapes.

    Args:
        table: of the model's system.
        own: our name -> tensor, as `state_dict` returns them.

    Raises:
        FashionError: one of the tensors has no name in the authors' files.
    """
    found = {}
    for ours, names, turn in table.pairs(own):
        found |= split(own[ours], names, turn)
    for copy, original in table.twice if table.writes_twice else ():
        found |= {renamed(name, original, copy): part for name, part in found.items() if matched(original, name)}
    return found
