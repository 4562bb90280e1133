"""The size of a run: `smoke` for tests, `laptop` for the course, `paper` for the papers' settings.

One profile fixes all settings that a fair table must share: data size, image size, backbone, start weights,
budget, augmentation and selection. Methods add nothing to it. The environment variable FASHION_PROFILE
overrides the profile that a notebook names, so that CI can run every notebook at `smoke`.
"""

import os
import sys
from dataclasses import dataclass, replace
from typing import get_type_hints

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import check_value


@dataclass(frozen=True)
class Profile:
    """Settings of a run. Lengths are in pixels, budgets in optimiser steps, rates per step.

    `batch_size` counts images. `groups` is the number of attributes in one batch of the in_batch sampler.
    `labels` is "one" (one labelled attribute per image, as in FashionAI) or "all". `start` names the
    backbone's start weights. For the other settings see `TrainingConfig`.
    """

    name: str
    image_size: int
    wardrobe_images: int
    backbone: str
    start: str
    steps: int
    batch_size: int
    groups: int
    learning_rate: float
    optimiser: str
    weight_decay: float
    schedule: str
    decay: float = 1.0
    decay_every: int = 0
    warmup: float = 0.05
    margin: float = 0.2
    sampling: str = "in_batch"
    labels: str = "one"
    mining: str = "all"
    evaluations: int = 3
    clip: float = 5.0
    shift: float = 0.06
    brightness: float = 0.15
    wardrobe_seed: int = 0

    def with_options(self, **options) -> "Profile":
        """Return a copy with some settings replaced.

        Raises:
            FashionError: if a setting does not exist or a value is of another type; the sentence names it.
        """
        unknown = [name for name in options if name not in self.__dataclass_fields__]
        if unknown:
            known = ", ".join(self.__dataclass_fields__)
            raise FashionError(f"the profile has no setting {unknown[0]!r}; its settings are {known}.")
        types = get_type_hints(Profile)
        for name, value in options.items():
            try:
                check_value(value, types[name])
            except ValueError as error:
                raise FashionError(f"the setting {name} {str(error).removeprefix('it ')}: correct it.") from error
        return replace(self, **options)


# The laptop numbers come from a feasibility study on two CPU cores; notebook 05 checks them again.
LAPTOP = Profile(
    name="laptop",
    image_size=96,
    wardrobe_images=12_000,
    backbone="small",
    start="pretext",
    steps=720,
    batch_size=64,
    groups=4,
    learning_rate=1e-3,
    optimiser="adamw",
    weight_decay=1e-2,
    schedule="cosine",
)

SMOKE = replace(LAPTOP, name="smoke", image_size=64, wardrobe_images=2_400, steps=120, evaluations=1)

# ASEN and AG-MAN: Adam, 1e-4, 16 triplets per batch, x0.9 every 3 epochs of 100,000 triplets (6,250 steps per
# epoch). 50 epochs, as RPF and IPAD print for FashionAI. One triplet per three images, ImageNet weights, 224
# px. Mirroring is their only augmentation.
PAPER = Profile(
    name="paper",
    image_size=224,
    wardrobe_images=50_000,
    backbone="resnet50",
    start="imagenet",
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
)

PROFILES = {profile.name: profile for profile in (SMOKE, LAPTOP, PAPER)}


def get_profile(name: str) -> Profile:
    """Return the profile of that name, unless FASHION_PROFILE names another.

    Says so, once per process, where FASHION_PROFILE overrides the name, and in a notebook where the profile is too
    small for its numbers to mean anything.

    Args:
        name: One of PROFILES.

    Raises:
        FashionError: There is no profile of that name; the known ones are listed.
    """
    chosen = os.environ.get("FASHION_PROFILE") or name
    if not isinstance(chosen, str) or chosen not in PROFILES:
        raise FashionError(f"there is no profile {chosen!r}; choose one of {', '.join(PROFILES)}.")
    if chosen != name:
        _say_once(f"FASHION_PROFILE={chosen} overrides profile {name!r}.")
    if chosen == SMOKE.name and _in_notebook():
        _say_once(f"Profile {chosen}: the numbers of this profile mean nothing, it only shows that every cell runs.")
    return PROFILES[chosen]


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
