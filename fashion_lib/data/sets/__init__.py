"""The data sets by name. Add one: a new file in this folder, and one line in DATASETS."""

from collections.abc import Callable
from typing import Protocol

from fashion_lib.core.errors import FashionError
from fashion_lib.core.words import suggestion
from fashion_lib.data.dataset import RetrievalData


class DataSettings(Protocol):
    """What a data set reads of a profile: side of the pictures in pixels; count and seed of the drawn wardrobe."""

    image_size: int
    wardrobe_images: int
    wardrobe_seed: int


# Imports wait inside the loaders so that loading one data set never needs the files or libraries of another.
def _wardrobe(settings: DataSettings) -> RetrievalData:
    from fashion_lib.data.sets.wardrobe import load_wardrobe

    return load_wardrobe(settings.image_size, settings.wardrobe_images, settings.wardrobe_seed)


def _clothing(settings: DataSettings) -> RetrievalData:
    from fashion_lib.data.sets.clothing import load_clothing

    return load_clothing(settings.image_size)


DATASETS: dict[str, Callable[[DataSettings], RetrievalData]] = {"wardrobe": _wardrobe, "clothing": _clothing}


def load_dataset(name: str, profile: DataSettings) -> RetrievalData:
    """Load a data set of the registry at the size that a profile names; build it once, then read the cache.

    Raises:
        FashionError: for an unknown name; the sentence names the nearest known one.
    """
    if name not in DATASETS:
        raise FashionError(f"there is no data set '{name}': {suggestion(name, tuple(DATASETS))}")
    return DATASETS[name](profile)
