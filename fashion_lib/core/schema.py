"""Attributes (sleeve length, collar design, ...) and the schema that numbers them.

An attribute-specific embedding is computed for one attribute at a time, so every part of the course has to agree
on which number means which attribute. That agreement is a `Schema`: position in the schema = attribute id,
position in `Attribute.values` = value id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.words import one_line, suggestion

SCOPES = ("local", "global")
RESERVED = ("overall", "macro", "local", "balanced")  # the averages in tables


@dataclass(frozen=True)
class Attribute:
    """One attribute: its name, its values in id order, where it shows, and its parent in the attribute tree.

    `scope` is "local" when a small region decides it (a collar) and "global" when the whole garment does
    (colour). `kind` groups related attributes ("length", "design", "appearance"); methods that share between
    relatives read it.
    """

    name: str
    values: tuple[str, ...]
    scope: str = "local"
    kind: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.values, str):
            raise FashionError(
                f"the values of attribute {shortened(self.name)} are the text {shortened(self.values)}: give a list."
            )
        object.__setattr__(self, "values", tuple(self.values))
        texts = (self.name, *self.values)
        if not all(isinstance(text, str) and text.strip() == text != "" for text in texts):
            raise FashionError(
                f"attribute {shortened(self.name)} with values {shortened(list(self.values), 200)} needs plain, "
                "non-empty text without surrounding spaces for its name and for each value."
            )
        if broken := [text for text in texts if not one_line(text)]:
            raise FashionError(
                f"attribute {shortened(self.name)} has {shortened(broken[0])}, which is not one line of text: rename "
                "it."
            )
        if len(self.values) < 2:
            raise FashionError(
                f"attribute {shortened(self.name)} has the values {shortened(list(self.values), 200)}: give it at "
                "least two, because one value leaves nothing to tell apart."
            )
        if len(set(self.values)) != len(self.values):
            twice = next(value for value in self.values if self.values.count(value) > 1)
            raise FashionError(
                f"attribute {shortened(self.name)} lists the value {shortened(twice)} twice: remove one of them."
            )
        if self.scope not in SCOPES:
            raise FashionError(
                f"attribute {shortened(self.name)} has the scope {shortened(self.scope)}: write 'local' or 'global'."
            )


@dataclass(frozen=True)
class Schema:
    """The attributes of a data set in id order; an unknown name raises `FashionError`, closest name given."""

    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", tuple(self.attributes))
        if not self.attributes:
            raise FashionError("the schema has no attributes: list at least one.")
        for name in self.names:
            if name in RESERVED:
                raise FashionError(
                    f"an attribute cannot be called {shortened(name)}, which names an average: rename it."
                )
            if self.names.count(name) > 1:
                raise FashionError(
                    f"the schema lists the attribute {shortened(name)} twice: remove or rename one of them."
                )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all attributes, in id order."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def local(self) -> tuple[str, ...]:
        """Names of the attributes with scope "local", in id order."""
        return tuple(attribute.name for attribute in self.attributes if attribute.scope == "local")

    def __len__(self) -> int:
        return len(self.attributes)

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    def index(self, name: str) -> int:
        """Return the attribute id of `name`. Raises FashionError with the closest known name."""
        if name not in self.names:
            raise FashionError(f"the attribute {shortened(name)} is not in the schema: {suggestion(name, self.names)}")
        return self.names.index(name)

    def attribute(self, name: str) -> Attribute:
        """Return the attribute of that name. Raises FashionError with the closest known name."""
        return self.attributes[self.index(name)]

    def value_index(self, attribute: str, value: str) -> int:
        """Return the value id of `value` within `attribute`. Raises FashionError with the closest known value."""
        values = self.attribute(attribute).values
        if value not in values:
            raise FashionError(
                f"{shortened(value)} is not a value of the attribute {shortened(attribute)}: "
                f"{suggestion(value, values)}"
            )
        return values.index(value)

    def to_json(self) -> list[dict]:
        """Return one dictionary per attribute (keys name, values, scope, kind), ready for `json.dump`."""
        return [
            {"name": a.name, "values": list(a.values), "scope": a.scope, "kind": a.kind}
            for a in self.attributes
        ]

    @classmethod
    def from_json(cls, entries: list[dict]) -> Schema:
        """Return the schema that `to_json` wrote; `scope` and `kind` may be left out.

        Raises:
            FashionError: names the first entry that is incomplete or of another form.
        """
        if not isinstance(entries, list):
            raise FashionError(
                "a schema is a JSON list with one entry per attribute: put the entries in [ ]."
            )
        for number, entry in enumerate(entries, start=1):
            try:
                _Entry.model_validate(entry)
            except ValidationError as error:
                raise FashionError(_fault_of_entry(number, entry, error)) from error
        return cls(tuple(Attribute(**entry) for entry in entries))


class _Entry(BaseModel, extra="forbid", strict=True):
    """One entry of a schema file."""

    name: str
    values: list[str] | tuple[str, ...]
    scope: str = "local"
    kind: str = ""


def _fault_of_entry(number: int, entry: Any, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = first["loc"][0] if first["loc"] else ""
    if first["type"] in ("missing", "extra_forbidden") or not field:
        return (
            f"entry {number} of the schema is {shortened(entry)}: write an object with 'name' and "
            "'values', and if wanted 'scope' and 'kind'."
        )
    form = "a list of texts" if field == "values" else "a text"
    return f"'{field}' of entry {number} of the schema is {shortened(entry[field])}: write {form}."
