import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.runs.run_setup import departures, training_config
from fashion_lib.training.profiles import (
    LAPTOP,
    PAPER,
    PROFILES,
    SMOKE,
    TABLE,
    differing_in_steps,
    get_profile,
)


def test_every_profile_makes_a_training_configuration(monkeypatch):
    monkeypatch.delenv("FASHION_PROFILE", raising=False)
    for name, profile in PROFILES.items():
        assert get_profile(name) is profile
        config = training_config(profile, seed=7)
        assert (config.steps, config.batch_size, config.seed) == (profile.steps, profile.batch_size, 7)
        assert config.learning_rate == profile.learning_rate and config.sampling == profile.sampling


def test_the_environment_overrides_the_profile_that_a_notebook_names(monkeypatch):
    monkeypatch.setenv("FASHION_PROFILE", "smoke")
    assert get_profile("laptop") is SMOKE
    monkeypatch.setenv("FASHION_PROFILE", "huge")
    with pytest.raises(FashionError, match="'huge'.*smoke, laptop, table, paper"):
        get_profile("laptop")


def test_the_table_profile_is_the_laptop_with_more_steps():
    differing = {name for name, value in TABLE.settings().items() if value != LAPTOP.settings()[name]}
    assert differing == {"name", "steps"} and TABLE.steps == 2 * LAPTOP.steps
    assert differing_in_steps(LAPTOP) == differing_in_steps(TABLE) == ["laptop", "table"]
    assert differing_in_steps(SMOKE) == ["smoke"] and differing_in_steps(TABLE.with_options(start="random")) == []


def test_the_paper_profile_has_the_papers_settings():
    assert (PAPER.backbone, PAPER.image_size, PAPER.start) == ("resnet50", 224, "imagenet")
    assert PAPER.batch_size == 3 * 16 and PAPER.sampling == "triplet_list"
    assert (PAPER.optimiser, PAPER.learning_rate, PAPER.decay, PAPER.margin) == ("adam", 1e-4, 0.9, 0.2)
    assert PAPER.decay_every * PAPER.batch_size // 3 == 3 * 100_000  # three epochs of 100,000 triplets


def test_options_are_checked_and_show_as_departures():
    changed = LAPTOP.with_options(start="random", steps=10)
    assert departures(changed) == {"start": "random", "steps": 10} and departures(LAPTOP) == {}
    with pytest.raises(FashionError, match="no setting 'learning_rte'"):
        LAPTOP.with_options(learning_rte=1e-3)
