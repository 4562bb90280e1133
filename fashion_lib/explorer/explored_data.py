"""The pictures behind a run, ready in seconds: the wardrobe draws only those that the explorer reads."""

from functools import lru_cache

from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets import load_dataset
from fashion_lib.data.sets.wardrobe import TABLES, load_wardrobe
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.record import RunRecord
from fashion_lib.runs.run_setup import task_of
from fashion_lib.runs.stored import profile_of
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX, ManipulationData
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.training.profiles import PROFILES, Profile


@lru_cache(maxsize=4)
def _retrieval(dataset: str, size: int, images: int, seed: int, geometry: str, profile: str) -> RetrievalData:
    if dataset in TABLES:
        return load_wardrobe(size, images, seed, dataset, when_read=True)
    settings = {"image_size": size, "wardrobe_images": images, "wardrobe_seed": seed, "geometry": geometry}
    return load_dataset(dataset, PROFILES[profile].with_options(**settings))


def retrieval_pictures(dataset: str, profile: Profile) -> RetrievalData:
    """Return a data set for retrieval; the drawn wardrobe draws its pictures when they are read.

    Args:
        dataset: a name of the registry.
        profile: decides size and number of the pictures.
    """
    return _retrieval(
        dataset,
        profile.image_size,
        profile.wardrobe_images,
        profile.wardrobe_seed,
        profile.geometry,
        profile.name,
    )


def pictures_of(record: RunRecord) -> RetrievalData | ManipulationData:
    """Return the data of a run, at the profile's picture size.

    Args:
        record: of the run; a run of attribute manipulation gets ManipulationData.

    Raises:
        FashionError: the data set is not there, or the record names no known profile.
    """
    dataset, profile = record.dataset.removesuffix(SUFFIX), profile_of(record)
    data = retrieval_pictures(dataset, profile)
    if task_of(record.method).name != MANIPULATION.name:
        return data
    given = checked_label(record.method, record.variant, PROFILES[record.profile])
    return _manipulation(dataset, profile, data, tuple(given.attributes or ()), given.changes)


@lru_cache(maxsize=4)
def _manipulation(
    dataset: str, profile: Profile, data: RetrievalData, attributes: tuple[str, ...], changes: int
) -> ManipulationData:
    return MANIPULATION.load(dataset, profile, data, attributes=list(attributes) or None, changes=changes)
