"""What a file says, checked against declared types by pydantic, with faults in the course's own words."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fashion_lib.core.errors import FashionError, shortened


def check_type(value: Any, kind: Any) -> None:
    """Check JSON-like content against a type: a dataclass, a dictionary, a list, a number, ...

    A dataclass is given as a dictionary; fields without a default must be there. Nothing is converted: the text "3"
    is no number, and True is no whole number. NaN and infinity are numbers here; `parsed_json` refuses them.

    Args:
        value: what a JSON file holds, or what is about to be written to one.
        kind: the type.

    Raises:
        ValueError: for the first part of another type; the text names the part and what it should be.
    """
    try:
        _adapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise ValueError(fault(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def check_value(value: Any, kind: Any) -> None:
    """Check one Python value against a type, without any conversion but whole number to number.

    Raises:
        ValueError: for a value of another type; the text says what it should be.
    """
    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise ValueError(fault(error)) from error


def check_has(value: Any, parts: Sequence[str], what: str, advice: str) -> None:
    """Check that a value can be used as a model, a data set, a run, ...: it has these attributes.

    Args:
        value: what the user gave.
        parts: names of the attributes.
        what: what the value should be, for the error sentence: "model".
        advice: what to give instead, without a full stop.

    Raises:
        FashionError: the value lacks an attribute.
    """
    if not all(hasattr(value, part) for part in parts):
        raise FashionError(f"{shortened(value, 90)} is no {what}: {advice}.")


def check_seed(seed: int) -> None:
    """Check the seed of a run or of a model.

    Raises:
        FashionError: it is no whole number from 0 to 2^63 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise FashionError(f"the seed {shortened(seed, 30)} is no whole number from 0 to 2^63 - 1: give one.")


def is_utc_time(text: str) -> bool:
    """Return whether a text is a time such as "2026-11-21T17:03:54+00:00". Such texts sort by time."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds") == text
    except (ValueError, OverflowError):
        return False


@cache
def _adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)


def fault(error: ValidationError) -> str:
    """Return the first fault of a validation in words: "seed is '3' and should be a valid integer"."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "it"
    if first["type"] == "missing":
        return f"{place} is missing"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place} is not known"
    return f"{place} is {shortened(first['input'])} and {first['msg'].replace('Input s', 's', 1)}"
