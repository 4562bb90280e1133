"""A run's label in records, "v2+steps=9+spatial=False", taken apart with every value known and typed.

Labels come from the command line and from file names, so they are checked before anything is created or deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import plain_name
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.methods.registry import METHODS
from fashion_lib.runs.options import check_option, check_options
from fashion_lib.runs.record import base_method, read_label, variant_label
from fashion_lib.runs.run_setup import departures, task_of, training_config
from fashion_lib.training.paper_stages import training_stages
from fashion_lib.training.profiles import Profile

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
    where = _shown(label)
    entry = METHODS.known(method)
    variant, changed = read_label(label)
    if variant not in entry.variants:
        raise FashionError(f"{method} has no variant {shortened(variant)}: {suggestion(variant, entry.variants)}")
    if variant_label(variant, **changed).count("+") != label.count("+") or "" in changed:
        raise FashionError(
            f"{where} repeats or lacks a name: write {variant}+name=value, each name once."
        )
    profile, changed = checked_settings(label, profile)
    training_config(profile, 0, task_of(method))  # checks the ranges of training's own settings
    questions = {name: changed.pop(name) for name in QUESTIONS if name in changed and entry.task == "manipulation"}
    for name, value in questions.items():
        check_option(name, value, QUESTIONS[name], where)
    if questions.get("changes", 1) < 1:
        raise FashionError(f"changes={questions['changes']} in {where} is out of range: give at least 1.")
    check_options(method, variant, changed, profile.backbone, where)
    attributes = [name for name in str(questions.get("attributes", "")).split("-") if name]
    return Labelled(variant, profile, changed, attributes or None, questions.get("changes", 1))


def checked_settings(label: str, profile: Profile) -> tuple[Profile, dict[str, object]]:
    """Return a profile with the settings that a label names, and what the label changes beside them.

    Raises:
        FashionError: a setting's value is of another type or not known.
    """
    where = _shown(label)
    _, changed = read_label(label)
    settings = {name: changed.pop(name) for name in profile.settings() if name in changed}
    if "name" in settings:
        raise FashionError(f"{where} renames its profile: leave 'name' out.")
    try:
        return profile.with_options(**settings), changed
    except FashionError as error:
        raise FashionError(f"in {where}, {error}") from error


def profile_of_label(method: str, label: str, dataset: str, profile: Profile) -> Profile:
    """Return the profile of a run: the given one with the settings that the label changes.

    At profile `paper` it is that of the run's last stage.

    Args:
        method: the run's; "<method>+fr" has the profile of the run that it re-ranks.
        label: of the run.
        dataset: the data set's name, as `load_dataset` takes it.
        profile: the one that the label changes.

    Raises:
        FashionError: a setting's value is of another type or not known.
    """
    changed, _ = checked_settings(label, profile)
    return training_stages(base_method(method), read_label(label)[0], dataset, changed, {})[-1].profile


def recorded_label(method: str, label: str, profile: Profile) -> str:
    """Return a label as the run's record will have it: without settings that the profile has anyway.

    Raises:
        FashionError: as `checked_label` does.
    """
    given = checked_label(method, label, profile)
    _, changed = read_label(label)
    departed = departures(given.profile, method, given.variant)
    own = {name: value for name, value in changed.items() if name not in given.profile.settings()}
    if given.changes == 1:
        own.pop("changes", None)
    return variant_label(given.variant, **departed, **own)


def _shown(label: str) -> str:
    return f"the label {shortened(label, 80)}"
