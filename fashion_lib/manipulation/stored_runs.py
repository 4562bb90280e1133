"""Finished manipulation runs by the names that records give them, and what they were not asked when stored."""

from collections.abc import Iterator
from dataclasses import fields

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.data import SUFFIX
from fashion_lib.manipulation.disentanglement_scores import METRICS, disentanglement_scores
from fashion_lib.manipulation.methods import MANIPULATION_METHODS
from fashion_lib.manipulation.runs import ManipulationRun, load_or_train_manipulation
from fashion_lib.profiles import PROFILES, Profile
from fashion_lib.results import RECORD_NAME, RunRecord, local_records, read_label
from fashion_lib.stored_runs import folder_of


def labelled_run(
    method: str, label: str, *, dataset: str = "wardrobe", profile: Profile, seed: int, progress: bool = True
) -> ManipulationRun:
    """load_or_train_manipulation by a variant's name as records have it: "default+attention=False+start=random".

    What follows the variant is a setting of the profile, "attributes" (joined by "-") or "changes" of the data, else an
    option of the model.
    """
    variant, changed = read_label(label)
    settings = {field.name: changed.pop(field.name) for field in fields(Profile) if field.name in changed}
    attributes = str(changed.pop("attributes", "")).split("-")
    return load_or_train_manipulation(
        method,
        dataset=dataset,
        variant=variant,
        profile=profile.with_options(**settings),
        seed=seed,
        options={name: value for name, value in changed.items() if name != "changes"},
        attributes=attributes if any(attributes) else None,
        changes=changed.get("changes", 1),
        progress=progress,
    )


def lacks_disentanglement(record: RunRecord) -> bool:
    """Whether a record was stored before disentanglement was measured."""
    return record.method in MANIPULATION_METHODS and not set(METRICS) & set(record.metrics)


def add_missing_disentanglement(dataset: str | None = None, profile: str | None = None) -> Iterator[RunRecord]:
    """Measure it from the checkpoints of all finished runs whose records lack it; yields the records, saved.

    Everything else in a record stays as it is, the commit of the training included.
    """
    for record in filter(lacks_disentanglement, local_records(dataset, profile)):
        if not (checkpoint := folder_of(record) / "last.safetensors").is_file():
            raise FashionError(f"there is no checkpoint {checkpoint}: delete that run's folder and train it anew.")
        run = labelled_run(
            record.method,
            record.variant,
            dataset=record.dataset.removesuffix(SUFFIX),
            profile=PROFILES[record.profile],
            seed=record.seed,
            progress=False,
        )
        record.metrics |= disentanglement_scores(run.model, run.data)
        record.save(run.folder / RECORD_NAME)
        yield record
