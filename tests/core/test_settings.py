"""Settings: frozen, typed, kept as they were written, and one sentence for what cannot be meant."""

import copy
import pickle
from typing import Annotated

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.core.settings import LARGEST, AtLeastOne, Count, Fraction, Number, Settings, one_of
from fashion_lib.training.config import OF_THE_RUN, TrainingConfig
from fashion_lib.training.profiles import LAPTOP, PROFILES, Profile


class Example(Settings):
    count: Count = 0
    steps: AtLeastOne = 1
    rate: Number = 1e-3
    share: Fraction = 0.5
    kind: Annotated[str, one_of(("one", "all"))] = "one"
    name: str = ""
    flip: bool = True


WRONG = [
    *((name, value) for name in ("count", "steps") for value in ("1", 1.0, True, None, [], -1, 2**63, 10**400)),
    *((name, value) for name in ("rate", "share") for value in ("1", True, None, [], -0.1, 10**400)),
    *((name, float(text)) for name in ("rate", "share") for text in ("nan", "inf", "-inf")),
    *[("steps", 0), ("share", 1.5), ("share", 2), ("kind", "two"), ("kind", None), ("kind", []), ("kind", {})],
    *[("name", 3), ("name", None), ("name", b"a"), ("flip", 1), ("flip", "no"), ("flip", None)],
    *[("coutn", 1), ("x" * 500, 1), ("kind", "x" * 5_000), ("rate", "9" * 5_000)],
]


@pytest.mark.parametrize(("name", "value"), WRONG)
@pytest.mark.parametrize("make", [lambda **given: Example(**given), lambda **given: Example().with_options(**given)])
def test_what_cannot_be_meant_is_one_sentence(name, value, make):
    with pytest.raises(FashionError) as caught:
        make(**{name: value})
    text = str(caught.value)
    assert name[:40] in text and "\n" not in text and text.endswith((".", "?")) and len(text) < 250


@pytest.mark.parametrize(
    ("name", "value"),
    [("count", LARGEST), ("count", 0), ("rate", 1), ("rate", 0), ("rate", 1e9), ("share", 0), ("share", 1)],
)
def test_a_value_stays_as_it_was_written(name, value):
    found = getattr(Example(**{name: value}), name)
    assert found == value and type(found) is type(value)


def test_what_is_known_is_read_when_it_is_checked():
    known = {"one": 1}

    class Open(Settings):
        kind: Annotated[str, one_of(known)] = "one"

    with pytest.raises(FashionError, match="kind='two' is unknown: choose one of one"):
        Open(kind="two")
    known["two"] = 2
    assert Open(kind="two").kind == "two"


def test_a_missing_setting_is_named():
    with pytest.raises(FashionError, match="the setting (name|image_size|training) is missing: give it"):
        Profile(name="mine")


def test_settings_cannot_change_and_can_be_copied():
    for settings in (TrainingConfig(), LAPTOP):
        with pytest.raises(ValueError, match="frozen"):
            settings.steps = 3
        for again in (copy.deepcopy(settings), pickle.loads(pickle.dumps(settings)), settings.with_options()):
            assert again == settings and hash(again) == hash(settings)


def test_a_profile_reads_the_settings_of_its_training_and_no_others():
    for profile in PROFILES.values():
        settings = profile.settings()
        assert {name: getattr(profile, name) for name in settings} == settings
        assert set(settings) == {*Profile.model_fields, *TrainingConfig.model_fields} - {"training", *OF_THE_RUN}
        assert not set(Profile.model_fields) & set(TrainingConfig.model_fields)
        for name in (*OF_THE_RUN, "nothing", "_nothing"):
            with pytest.raises(AttributeError):
                getattr(profile, name)


@pytest.mark.parametrize("name", OF_THE_RUN)
def test_a_profile_leaves_to_each_run_what_is_the_run_s(name):
    with pytest.raises(FashionError, match=f"no setting '{name}'"):
        LAPTOP.with_options(**{name: getattr(TrainingConfig(), name)})
