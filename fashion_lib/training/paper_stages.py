"""The trainings of one run: at profile `paper` the stages of its system's row, at every other profile one.

A setting or option that the user gives wins over the row's, in every stage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fashion_lib.training.paper_settings import PaperRow, Stage, names_set, paper_row
from fashion_lib.training.profiles import PAPER, Profile

FIRST_ONLY, SECOND_ONLY = (
    ("sp", ("region",)),
    ("se", ("patch",)),
)  # options of ablations that train one branch


@dataclass(frozen=True)
class TrainingStage:
    """One training of a run.

    Attributes:
        profile: its settings.
        options: of the model: the user's, and those of the stage.
        more: settings of the stage's own kind of configuration: "region_rate" or "feature_share".
    """

    profile: Profile
    options: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def given_settings(profile: Profile) -> set[str]:
    """Return the names of the settings in which the user changed the profile `paper`, to whatever value."""
    base = PAPER.settings()
    return {
        name for name, value in profile.settings().items() if name in profile.given or value != base[name]
    }


def departs(profile: Profile, method: str, variant: str) -> frozenset[str]:
    """Return the given settings that a label names at profile `paper` even where they have the profile's own value.

    The system's row may have another value, and then the given one makes another run.
    """
    return profile.given & names_set(method, variant) if profile.name == PAPER.name else frozenset()


def training_stages(
    method: str, variant: str, dataset: str, profile: Profile, options: Mapping[str, Any]
) -> tuple[TrainingStage, ...]:
    """Return the trainings of a run, one or two, in their order.

    The option first_stage asks for both stages in one training, which then has the settings of the second and the
    steps of both.

    Args:
        method, variant: of the model.
        dataset: the data set's name.
        profile: as the user gave it.
        options: of the model, as the user gave them.
    """
    row = paper_row(method, variant, dataset) if profile.name == PAPER.name else None
    if row is None:
        return (TrainingStage(profile, dict(options)),)
    stages = row.stages
    if options.get("branches") in FIRST_ONLY:
        stages = stages[:1]
    if options.get("branches") in SECOND_ONLY:
        stages = stages[1:]
    made = [_stage(row, stage, profile, options) for stage in stages]
    if "first_stage" in options and len(made) == 2:
        steps = profile.steps if "steps" in given_settings(profile) else sum(stage.steps for stage in stages)
        return (replace(made[1], profile=made[1].profile.with_options(steps=steps)),)
    return tuple(made)


def _stage(row: PaperRow, stage: Stage, profile: Profile, options: Mapping[str, Any]) -> TrainingStage:
    given = given_settings(profile)
    changed = {name: value for name, value in row.settings(stage).items() if name not in given}
    own, more, alone = {}, {}, 1.0 if stage is row.stages[0] else 0.0  # of the steps that are the first stage's
    if row.beta is not None:
        own = {"beta": row.beta}
        if "branches" not in options:
            own["first_stage"] = alone
        if stage.rest:
            more = {"region_rate": stage.rest / stage.learning_rate}
    elif not row.negative:  # attribute manipulation: the first stage has no memory
        more = {"feature_share": alone}
    return TrainingStage(profile.with_options(**changed), own | dict(options), more)
