"""A run's label in records, "v2+steps=9+spatial=False", taken apart with every value known and typed.

Labels come from the command line and from file names, so they are checked before anything is created or deleted.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import plain_name
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.settings import LARGEST
from fashion_lib.core.typed import check_value, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.runs.record import read_label, variant_label
from fashion_lib.runs.run import task_of, training_config
from fashion_lib.training.profiles import Profile

TRIAL = Schema((Attribute("first", ("a", "b"), kind="one"), Attribute("second", ("a", "b"), "global", "two")))
QUESTIONS = {"attributes": str, "changes": int}  # of attribute manipulation


@dataclass(frozen=True)
class Labelled:
    """Hold what a label means for `load_or_train`, by the names of its arguments."""

    variant: str
    profile: Profile
    options: Mapping[str, object]
    attributes: list[str] | None
    changes: int


def checked_label(method: str, label: str, profile: Profile) -> Labelled:
    """Take a label apart; nothing is created or deleted meanwhile.

    Args:
        method: a name of METHODS.
        label: a variant of the method; then, after "+" each, settings of the profile, questions and options.
        profile: the one that the label changes.

    Raises:
        FashionError: the method, the variant or a name is not known, or a value is of another type or out of range.
    """
    plain_name(label, "variant")
    entry = METHODS.known(method)
    variant, changed = read_label(label)
    if variant not in entry.variants:
        raise FashionError(f"{method} has no variant {shortened(variant)}: {suggestion(variant, entry.variants)}")
    if variant_label(variant, **changed).count("+") != label.count("+") or "" in changed:
        raise FashionError(
            f"the label {_shown(label)} repeats or lacks a name: write {variant}+name=value, each name once."
        )
    profile, changed = checked_settings(label, profile)
    training_config(profile, 0, task_of(method))  # checks the ranges of training's own settings
    questions = {name: changed.pop(name) for name in QUESTIONS if name in changed and entry.task == "manipulation"}
    for name, value in questions.items():
        _check(name, value, QUESTIONS[name], label)
    _check_options(method, variant, changed, profile, label)
    attributes = [name for name in str(questions.get("attributes", "")).split("-") if name]
    return Labelled(variant, profile, changed, attributes or None, questions.get("changes", 1))


def checked_settings(label: str, profile: Profile) -> tuple[Profile, dict[str, object]]:
    """Return a profile with the settings that a label names, and what the label changes beside them.

    Raises:
        FashionError: a setting's value is of another type or not known.
    """
    _, changed = read_label(label)
    settings = {name: changed.pop(name) for name in profile.settings() if name in changed}
    if "name" in settings:
        raise FashionError(f"the label {_shown(label)} renames its profile: leave 'name' out.")
    try:
        return profile.with_options(**settings), changed
    except FashionError as error:
        raise FashionError(f"in the label {_shown(label)}, {error}") from error


def _shown(label: str) -> str:
    return shortened(label, 80)


def _check(name: str, value: object, kind: Any, label: str) -> None:
    try:
        check_value(value, kind)
    except ValueError as error:
        reason = str(error).removeprefix("it is ")
        raise FashionError(f"{name} in the label {_shown(label)} is {reason}: correct it.") from error
    if isinstance(value, int | float) and abs(value) > LARGEST:
        raise FashionError(f"{name} in the label {_shown(label)} is out of range: give a smaller number.")
    if name == "changes" and value < 1:
        raise FashionError(f"changes={value} in the label {_shown(label)} is out of range: give at least 1.")


def _check_options(method: str, variant: str, options: Mapping[str, object], profile: Profile, label: str) -> None:
    """Build the model for two attributes with random weights, then compare the options with its annotations."""
    if not options:
        return
    try:
        model = build_model(
            method, TRIAL, backbone=profile.backbone, variant=variant, start="random", seed=0, **options
        )
    except FashionError:
        raise
    except Exception as error:  # a constructor that was given a value of another type
        reason = " ".join(str(error).split())[:200]
        raise FashionError(
            f"{method} cannot be built with the options of the label {_shown(label)} ({reason}): correct them."
        ) from error
    types = {name: type(p.default) for name, p in inspect.signature(METHODS[method].build).parameters.items()}
    for owner in reversed(type(model).__mro__):
        if "__init__" in vars(owner) and owner.__module__.startswith("fashion_lib."):
            types |= get_type_hints(owner.__init__)
    for name, value in options.items():
        if name in types:
            _check(name, value, types[name], label)
