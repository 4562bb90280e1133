"""Finished manipulation runs by the names that records give them, and what they were not asked when stored."""

from collections.abc import Iterator
from dataclasses import fields

from fashion_lib.errors import FashionError
from fashion_lib.manipulation.data import SUFFIX
from fashion_lib.manipulation.methods import MANIPULATION_METHODS
from fashion_lib.manipulation.metrics import METRICS
from fashion_lib.manipulation.runs import ManipulationRun, load_or_train_manipulation, measured
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


def lacks_scores(record: RunRecord) -> bool:
    """Whether a record of a manipulation run was stored before all of today's scores were measured."""
    if record.method not in MANIPULATION_METHODS:
        return False
    return not {"accuracy", *METRICS, "operation_renamed_own"} <= set(record.metrics)


def add_missing_scores(dataset: str | None = None, profile: str | None = None) -> Iterator[RunRecord]:
    """Measure from the checkpoints of all finished runs what their records lack; yields those records, saved.

    Everything else in a record stays as it is, the commit of the training included.
    """
    for record in filter(lacks_scores, local_records(dataset, profile)):
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
        record.metrics = measured(run.model, run.data, run.history.precision) | record.metrics
        record.save(run.folder / RECORD_NAME)
        yield record
