"""Finished runs of this machine, read back: profile and model behind a record, and metrics that came later.

Some runs were trained before the course measured a number. Their checkpoints are kept, so the number can be added to
their records without new training.
"""

import json
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fashion_lib.core.errors import FashionError
from fashion_lib.core.typed import shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.data.sets import load_dataset
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import MANIPULATION_METHODS, RETRIEVAL_METHODS
from fashion_lib.runs.labels import checked_label, profile_of_label
from fashion_lib.runs.ledger import local_records
from fashion_lib.runs.record import RECORD_NAME, RunRecord, measured_attributes, read_label, run_dir
from fashion_lib.runs.run import Run, load_or_train
from fashion_lib.runs.run_folder import check_architecture, checkpoint_model
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.same_run import check_same_run
from fashion_lib.tasks.manipulation.accuracy import BALANCED
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.tasks.manipulation.manipulation_metrics import METRICS
from fashion_lib.tasks.manipulation.manipulation_task import split_scores
from fashion_lib.tasks.retrieval import chosen_beta, triplet_prediction
from fashion_lib.training.checkpoint import read_checkpoint
from fashion_lib.training.profiles import PROFILES, Profile
from fashion_lib.training.run_state import check_state


def folder_of(record: RunRecord) -> Path:
    """Return the folder of a run."""
    return run_dir(record.dataset, record.profile, record.method, record.variant, record.seed)


def profile_of(record: RunRecord) -> Profile:
    """Return the profile of a run: the one it names, changed by the departures in its variant's label.

    Raises:
        FashionError: there is no such profile, or the label gives a setting a value of another type.
    """
    if record.profile not in PROFILES:
        raise FashionError(
            f"the run in {folder_of(record)} has the profile {shortened(record.profile)}, which is not known: "
            f"{suggestion(record.profile, tuple(PROFILES))}"
        )
    dataset = record.dataset.removesuffix(SUFFIX)
    return profile_of_label(record.method, record.variant, dataset, PROFILES[record.profile])


def stored_model(record: RunRecord, data: RetrievalData) -> RetrievalModel:
    """Return the model of a run's best checkpoint, in eval mode and on the device it would be trained on.

    Args:
        record: of a finished run of this machine.
        data: the run's, with its name, version and number of images.

    Raises:
        FashionError: there is no whole checkpoint, or it was made with other data or by another run.
    """
    path = folder_of(record) / "best.safetensors"
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    given = {"name": data.name, "version": data.version, "images": len(data.image_names)}
    made = {name: state["data"].get(name) for name in given}  # the pictures may be of another size
    if made != given:
        raise FashionError(
            f"The checkpoint {path} was made with the data {made} but {given} came: load the data set at the run's"
            " own profile."
        )
    check_architecture(state, path)
    check_of_record(record, state, path)
    return checkpoint_model(tensors, state, data.schema, path)


def check_of_record(record: RunRecord, state: dict[str, Any], path: Path) -> None:
    """Check that a checkpoint has the method, seed, data and configuration of the record beside it.

    Args:
        record: of the run.
        state: of the checkpoint, checked by `check_state`.
        path: of the checkpoint, for error sentences.

    Raises:
        FashionError: names the first part that differs.
    """
    recorded = json.loads(json.dumps(record.config, default=str))
    made = {"method": state["architecture"]["method"], "variant": state["architecture"]["variant"], **state["config"]}
    wanted = {"method": record.method, "variant": read_label(record.variant)[0], "seed": record.seed}
    wanted |= {name: recorded[name] for name in state["config"] if name in recorded}
    for name, value in wanted.items():
        if made.get(name) != value:
            raise FashionError(
                f"The checkpoint {path} is that of another run ({name} {shortened(made.get(name))} instead of "
                f"{shortened(value)}): delete that folder to train anew."
            )
    data = {"data_version": state["data"].get("version"), "pixels": state["data"].get("pixels")}
    same = {name: value for name, value in data.items() if isinstance(value, str)}
    same |= {"start": state["start"]} if "imported" in state["config"] else {}
    check_same_run(record, same, folder_of(record) / RECORD_NAME)


def lacks_retrieval_scores(record: RunRecord) -> bool:
    """Return whether a record of a retrieval run was stored before today's scores were measured.

    These are triplet prediction, and for two branches the curve over beta and the beta chosen from it.
    """
    return record.method in RETRIEVAL_METHODS and (_lacks_triplets(record) or _lacks_beta(record))


def _lacks_triplets(record: RunRecord) -> bool:
    return not set(triplet_prediction.METRICS) <= set(record.metrics)


def _lacks_beta(record: RunRecord) -> bool:
    return record.image_passes == 2 and not set(chosen_beta.METRICS) <= set(record.metrics)


def add_retrieval_scores(record: RunRecord, data: RetrievalData) -> RunRecord:
    """Measure from a run's best checkpoint what its record lacks, see `lacks_retrieval_scores`; save the record.

    What was measured of beta before is measured again. Everything else in the record stays as it is, the commit of
    the training included.

    Args:
        record: changed in place.
        data: the run's.

    Returns:
        The record.

    Raises:
        FashionError: as `stored_model` does.
    """
    if lacks_retrieval_scores(record):
        model, precision = stored_model(record, data), record.precision or "fp32"
        pictures = data.resized(profile_of(record).image_size * model.image_scale) if data.at_size else data
        scored = measured_attributes(record, data.schema)
        if _lacks_triplets(record):
            record.metrics |= triplet_prediction.scores(model, pictures, precision=precision, attributes=scored)
        if _lacks_beta(record):
            record.metrics |= chosen_beta.scores(model, pictures, precision=precision, attributes=scored)
        _save(record)
    return record


def _save(record: RunRecord) -> None:
    """Save a record that has more metrics now, unless its run was trained anew meanwhile."""
    folder = folder_of(record)
    with run_lock(folder):
        if RunRecord.load(folder / RECORD_NAME).created == record.created:
            record.save(folder / RECORD_NAME)


def add_missing_retrieval_scores(dataset: str | None = None, profile: str | None = None) -> Iterator[RunRecord]:
    """Call `add_retrieval_scores` for all finished runs whose records lack some, and yield those records.

    Each data set is loaded once. Runs without a checkpoint are left out with a warning.
    """
    load = cache(load_dataset)
    for record in _with_weights(filter(lacks_retrieval_scores, local_records(dataset, profile)), "best.safetensors"):
        yield add_retrieval_scores(record, load(record.dataset, profile_of(record)))


def _with_weights(records: Iterable[RunRecord], checkpoint: str) -> Iterator[RunRecord]:
    """Yield the records of runs that have the checkpoint, and warn of the others."""
    for record in records:
        if (folder_of(record) / checkpoint).is_file():
            yield record
        else:
            warnings.warn(
                f"The run in {folder_of(record)} has no {checkpoint} and is left out: copy its weights there, or "
                "delete the folder to train anew.",
                stacklevel=2,
            )


def labelled_run(
    method: str, label: str, *, dataset: str = "wardrobe", profile: Profile, seed: int, progress: bool = True
) -> Run:
    """Load or train a run by its variant's name in records: "default+attention=False+start=random".

    What follows the variant is a setting of the profile, "attributes" (joined by "-") or "changes" of the data, else an
    option of the model.

    Raises:
        FashionError: the label names what is not known or gives it a value of another type; nothing is created then.
    """
    given = checked_label(method, label, profile)
    return load_or_train(
        method,
        dataset=dataset,
        variant=given.variant,
        profile=given.profile,
        seed=seed,
        options=given.options,
        attributes=given.attributes,
        changes=given.changes,
        progress=progress,
    )


def lacks_scores(record: RunRecord) -> bool:
    """Return whether a record of a manipulation run was stored before all of today's scores were measured."""
    if record.method not in MANIPULATION_METHODS:
        return False
    if not {"accuracy", *METRICS, "operation_renamed_own"} <= set(record.metrics):
        return True
    return BALANCED not in record.metrics["accuracy"]


def add_missing_scores(dataset: str | None = None, profile: str | None = None) -> Iterator[RunRecord]:
    """Measure from the checkpoints of all finished runs what their records lack; save and yield those records.

    Everything else in a record stays as it is, the commit of the training included. Runs without a checkpoint are left
    out with a warning.

    Raises:
        FashionError: a run has a damaged checkpoint.
    """
    for record in _with_weights(filter(lacks_scores, local_records(dataset, profile)), "last.safetensors"):
        run = labelled_run(
            record.method,
            record.variant,
            dataset=record.dataset.removesuffix(SUFFIX),
            profile=PROFILES[record.profile],
            seed=record.seed,
            progress=False,
        )
        measured = split_scores(run.model, run.data, run.history.precision)
        accuracy = measured["accuracy"] | record.metrics.get("accuracy", {})
        record.metrics = measured | record.metrics | {"accuracy": accuracy}
        _save(record)
        yield record
