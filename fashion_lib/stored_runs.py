"""Finished runs of this machine, read back: the profile and the model behind a record, and what it was not asked yet.

A run that was stored before the course measured something keeps its checkpoint, so the figure can be added to its
record without training anything anew.
"""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import torch

from fashion_lib import triplet_prediction
from fashion_lib.checkpoint import load_model_tensors, read_checkpoint
from fashion_lib.data.dataset import RetrievalData, load_dataset
from fashion_lib.errors import FashionError
from fashion_lib.models import METHODS, RetrievalModel, build_model
from fashion_lib.profiles import PROFILES, Profile
from fashion_lib.results import RECORD_NAME, RunRecord, local_records, read_label, run_dir
from fashion_lib.training import training_device


def folder_of(record: RunRecord) -> Path:
    """Where a run lies."""
    return run_dir(record.dataset, record.profile, record.method, record.variant, record.seed)


def profile_of(record: RunRecord) -> Profile:
    """The profile a run was made with: the one it names, changed by the departures in its variant's label."""
    base = PROFILES[record.profile]
    _, changed = read_label(record.variant)
    settings = {field.name for field in fields(Profile)} & set(changed)
    return base.with_options(**{name: changed[name] for name in settings})


def stored_model(record: RunRecord, data: RetrievalData) -> RetrievalModel:
    """The model of a run's best checkpoint, in eval mode and on the device it would be trained on.

    FashionError when there is no whole checkpoint, or when it was made with other data.
    """
    path = folder_of(record) / "best.safetensors"
    tensors, state = read_checkpoint(path)
    made, given = state["data"], {"name": data.name, "version": data.version, "images": len(data.image_names)}
    if made != given:
        raise FashionError(
            f"The checkpoint {path} was made with the data {made} but {given} came: load the data set at the run's"
            " own profile."
        )
    parts = state["architecture"]
    model = build_model(
        parts["method"],
        data.schema,
        backbone=parts["backbone"],
        variant=parts["variant"],
        start="random",
        seed=record.seed,
        **parts["options"],
    )
    load_model_tensors(model, tensors, state, path)
    return model.to(device=training_device("auto"), memory_format=torch.channels_last).eval()


def lacks_triplets(record: RunRecord) -> bool:
    return record.method in METHODS and not set(triplet_prediction.METRICS) <= set(record.metrics)


def add_triplets(record: RunRecord, data: RetrievalData) -> RunRecord:
    """Measure triplet prediction from a run's best checkpoint if its record lacks it; the record is saved.

    Everything else in the record stays as it is, the commit of the training included.
    """
    if lacks_triplets(record):
        model = stored_model(record, data)
        record.metrics |= triplet_prediction.scores(model, data, precision=record.precision or "fp32")
        record.save(folder_of(record) / RECORD_NAME)
    return record


def add_missing_triplets(dataset: str | None = None, profile: str | None = None) -> Iterator[RunRecord]:
    """`add_triplets` for all finished runs whose records lack it, each data set loaded once; yields the records."""
    load = cache(load_dataset)
    for record in filter(lacks_triplets, local_records(dataset, profile)):
        yield add_triplets(record, load(record.dataset, profile_of(record)))
