"""The size of a run: `smoke` for tests, `laptop` for the course, `table` for its tables, `paper` as in the papers.

One profile fixes all settings that a fair table must share: data size, image size, backbone, start weights,
budget, augmentation and selection. Methods add nothing to it. The environment variable FASHION_PROFILE
overrides the profile that a notebook names, so that CI can run every notebook at `smoke`.
"""

import os
import sys
from typing import Annotated, Any

from pydantic import PrivateAttr

from fashion_lib.core.errors import FashionError
from fashion_lib.core.settings import AtLeastOne, Count, Settings, one_of
from fashion_lib.core.typed import shortened
from fashion_lib.data.picture_geometry import CHOICES, PAPERS, WHOLE
from fashion_lib.parts.backbones import BACKBONES, STARTS
from fashion_lib.parts.timm_networks import PREFIX
from fashion_lib.training.config import OF_THE_MACHINE, OF_THE_RUN, TrainingConfig


class Profile(Settings):
    """Settings of a run: its data, its backbone, and how it is trained.

    A setting of training can be read as the profile's own: `profile.steps` is `profile.training.steps`.

    Attributes:
        name: of the profile.
        image_size: side of the pictures, in pixels.
        wardrobe_images: number of pictures of the drawn wardrobe.
        backbone, start: the backbone and its start weights, see `build_backbone`.
        training: all settings of training. Those of OF_THE_RUN are chosen by each run.
        wardrobe_seed: seed of the drawn wardrobe.
        geometry: how the pictures of a real data set become squares: "whole", padded; or "papers", as the papers' code
            does for that data set, see `picture_geometry`.
    """

    name: str
    image_size: AtLeastOne
    wardrobe_images: AtLeastOne
    backbone: Annotated[str, one_of(BACKBONES, prefix=PREFIX)]
    start: Annotated[str, one_of(STARTS)]
    training: TrainingConfig
    wardrobe_seed: Count = 0
    geometry: Annotated[str, one_of(CHOICES)] = WHOLE
    _given: frozenset[str] = PrivateAttr(frozenset())

    @property
    def given(self) -> frozenset[str]:
        """Return the names of the settings that `with_options` was given, whatever their values."""
        return self._given

    def __getattr__(self, name: str) -> Any:
        if name in TrainingConfig.model_fields and name not in OF_THE_RUN:
            return getattr(self.training, name)
        return super().__getattr__(name)

    def settings(self) -> dict[str, Any]:
        """Return all settings that a run may change: name -> value."""
        own = dict(self)
        trained = dict(own.pop("training"))
        return own | {name: value for name, value in trained.items() if name not in OF_THE_RUN}

    def with_options(self, **options: Any) -> "Profile":
        """Return a copy with some settings replaced, those of training among them.

        Raises:
            FashionError: if a setting does not exist or a value cannot be meant; the sentence names it.
        """
        known = self.settings()
        if unknown := [name for name in options if name not in known]:
            raise FashionError(
                f"the profile has no setting {shortened(unknown[0])}; its settings are {', '.join(known)}."
            )
        own = {name: value for name, value in options.items() if name in Profile.model_fields}
        trained = {name: value for name, value in options.items() if name not in own}
        changed = Profile(**dict(self) | own | {"training": self.training.with_options(**trained)})
        changed._given = self._given | options.keys()
        return changed

    def on_this_machine(self, **settings: Any) -> "Profile":
        """Return a copy with some of the settings OF_THE_MACHINE replaced, which no run's name holds.

        Raises:
            FashionError: a setting is another one, or a value cannot be meant; the sentence names it.
        """
        if unknown := [name for name in settings if name not in OF_THE_MACHINE]:
            raise FashionError(
                f"{shortened(unknown[0])} is no setting of the machine; those are {', '.join(OF_THE_MACHINE)}."
            )
        changed = Profile(**dict(self) | {"training": self.training.with_options(**settings)})
        changed._given = self._given
        return changed


# The laptop numbers come from a feasibility study on two CPU cores; notebook 05 checks them again.
LAPTOP = Profile(
    name="laptop",
    image_size=64,
    wardrobe_images=36_000,
    backbone="small",
    start="pretext",
    training=TrainingConfig(
        steps=1_440,
        batch_size=64,
        groups=2,
        learning_rate=2e-3,
        optimiser="adamw",
        weight_decay=1e-2,
        schedule="cosine",
        decay=1.0,
        mining="mean",
    ),
)

# The papers' tables are compared after twice the steps: in the laptop's number the two-branch methods are unfinished.
TABLE = LAPTOP.with_options(name="table", steps=2 * LAPTOP.steps)

SMOKE = LAPTOP.with_options(name="smoke", wardrobe_images=2_400, steps=60, evaluations=1)

# What the papers' systems share, with ASEN's v2 where they differ: Adam, 1e-4, 16 triplets per batch, x0.9 every 3 of
# 50 epochs of 100,000 triplets (6,250 steps per epoch). `load_or_train` puts each system's own settings in their
# place, see `fashion_lib.training.paper_settings`. One triplet per three images, ImageNet weights, 224 px.
PAPER = Profile(
    name="paper",
    image_size=224,
    wardrobe_images=50_000,
    backbone="resnet50",
    start="imagenet",
    geometry=PAPERS,
    training=TrainingConfig(
        steps=50 * 6_250,
        batch_size=48,
        groups=8,
        learning_rate=1e-4,
        optimiser="adam",
        weight_decay=0.0,
        schedule="step",
        decay=0.9,
        decay_every=3 * 6_250,
        warmup=0.0,
        shift=0.0,
        brightness=0.0,
        sampling="triplet_list",
        evaluations=50,
    ),
)

PROFILES = {profile.name: profile for profile in (SMOKE, LAPTOP, TABLE, PAPER)}


def get_profile(name: str) -> Profile:
    """Return the profile of that name, unless FASHION_PROFILE names another.

    Says once per process that FASHION_PROFILE overrides the name. In a notebook, says so too of a profile that is too
    small for its numbers to mean anything.

    Args:
        name: One of PROFILES.

    Raises:
        FashionError: There is no profile of that name; the known ones are listed.
    """
    chosen = os.environ.get("FASHION_PROFILE") or name
    if not isinstance(chosen, str) or chosen not in PROFILES:
        raise FashionError(f"there is no profile {shortened(chosen)}; choose one of {', '.join(PROFILES)}.")
    if chosen != name:
        _say_once(f"FASHION_PROFILE={chosen} overrides profile {name!r}.")
    if chosen == SMOKE.name and _in_notebook():
        _say_once(f"Profile {chosen}: the numbers of this profile mean nothing, it only shows that every cell runs.")
    return PROFILES[chosen]


def differing_in_steps(profile: Profile) -> list[str]:
    """Return the names of a profile and of those that differ from it in the number of training steps alone.

    Args:
        profile: One of PROFILES, with or without changed settings.

    Returns:
        The names by ascending number of steps; none where another setting than the steps was changed.
    """
    own = profile.settings()
    found = [
        name
        for name, other in PROFILES.items()
        if all(value == own[key] for key, value in other.settings().items() if key not in ("name", "steps"))
    ]
    return sorted(found, key=lambda name: PROFILES[name].steps)


def as_profile(profile: Profile | str) -> Profile:
    """Return a profile as it is, and the profile of a name as `get_profile` does.

    Raises:
        FashionError: It is neither a profile nor the name of one.
    """
    return profile if isinstance(profile, Profile) else get_profile(profile)


_said: set[str] = set()


def _say_once(text: str) -> None:
    """Print a line the first time that this process has it to say: in a notebook as output, else on stderr.

    A command's stdout may be a table that another program reads.
    """
    if text not in _said:
        _said.add(text)
        print(text, file=sys.stdout if _in_notebook() else sys.stderr)


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
