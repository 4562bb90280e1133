"""A run made from a checkpoint that the authors of a system released: read, checked, evaluated, never trained here.

It lies beside the trained runs and is evaluated, searched and drawn like them. Its record says where it comes from.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.typed import check_has, shortened
from fashion_lib.core.words import suggestion
from fashion_lib.data.sets import geometry_of, is_here, known_names
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.complexity import parameter_count
from fashion_lib.methods.registry import build_model
from fashion_lib.methods.released.authors_file import AuthorsFile, read_authors_files
from fashion_lib.methods.released.fitting import imported
from fashion_lib.methods.released.released_schemas import SCHEMAS, check_order
from fashion_lib.methods.released.released_systems import (
    TABLES,
    likely_variant,
    paper_backbone,
    released_options,
    table_of,
    tables_of,
)
from fashion_lib.runs.record import RECORD_NAME, RunRecord, edition_setting, run_dir, variant_label
from fashion_lib.runs.run import Run
from fashion_lib.runs.run_lock import run_lock
from fashion_lib.runs.run_setup import departures, task_of, training_config
from fashion_lib.runs.same_run import check_same_run
from fashion_lib.training.checkpoint import (
    check_fit,
    damaged,
    model_tensors,
    read_checkpoint,
    write_checkpoint,
)
from fashion_lib.training.device import training_device
from fashion_lib.training.history import TrainingHistory
from fashion_lib.training.model_inputs import model_inputs
from fashion_lib.training.profiles import PAPER, Profile, as_profile
from fashion_lib.training.run_state import check_identity, check_state

CHECKPOINT = "best.safetensors"
SEED = 0  # every record has one; nothing is drawn


def load_released(
    method: str,
    files: str | Path | Sequence[str | Path],
    data=None,
    *,
    dataset: str = "",
    variant: str | None = None,
    name: str | None = None,
    profile: Profile | str | None = None,
    options: Mapping[str, object] | None = None,
) -> Run:
    """Load a checkpoint that the authors of a system released, and evaluate it where the pictures are there.

    The files are read without running code. Every tensor must fit by name, shape and type. The model, and with pictures
    the scores of the test split, stay in a run folder. The same file is then only loaded. Without pictures the run has
    no data and no scores.

    Args:
        method: "asen", "csn", "ag_mlan" (AG-MAN), "asen_pp", "rpf", "ipad" or "adde_m".
        files: the authors' file; of ADDE-M the network's and the memory's.
        data: the pictures to evaluate on, such as `fl.load_folder` returns; its attributes must be those of the
            training, in the same order.
        dataset: what the network was trained on: "fashionai", "darn", "deepfashion" or "deepfashion_adde". The name of
            another data set or own folder loads that one instead.
        variant: None takes the variant whose names the file has.
        name: of the run; None is the file's own.
        profile: None is the papers' sizes.
        options: switches of the model's constructor. RPF's and IPAD's beta is the authors' for `dataset` if it is not
            given.

    Raises:
        FashionError: a name is not known, the file is damaged or does not fit, or another file has the run's name.
    """
    tables_of(method)
    if not isinstance(dataset, str):
        raise FashionError(f"there is no data set {shortened(dataset)}: give its name as a text.")
    files = _paths(files)
    held = read_authors_files(files)
    names, task = list(held.tensors), task_of(method)
    options = released_options(method, dataset) | dict(options or {})
    variant = variant or likely_variant(method, names)
    profile = PAPER.with_options(backbone=paper_backbone(method, names)) if profile is None else as_profile(profile)
    data = _loaded(task, data, dataset, profile)
    schema = _schema(data, dataset)
    model = build_model(method, schema, backbone=profile.backbone, variant=variant, start="random", **options)
    fill(model, held)
    if data is not None:
        data = task.fitted(data, model, profile)
    changed = departures(profile) | options | ({} if data is None else dict(task.departures(data)))
    label = variant_label(variant, released=_run_name(name, files[0]), **changed)
    folder = run_dir(dataset if data is None else data.name, profile.name, method, label, SEED)
    model.to(device=training_device("auto"), memory_format=torch.channels_last).eval()
    history = TrainingHistory(best_step=0, precision="fp32", measure=task.measure)
    record = RunRecord(
        method=method,
        variant=label,
        dataset=folder.parents[2].name,
        profile=profile.name,
        seed=SEED,
        metrics={},
        minutes=0.0,
        parameters=parameter_count(model),
        image_passes=model.image_passes,
        start=model.start,
        precision=history.precision,
        config={"imported": model.start, "epoch": held.epoch, "score": held.score, "training_image_passes": ""}
        | edition_setting(model),
    )
    with run_lock(folder):
        state = _state(model, data, record, history)
        size, geometry = profile.image_size * model.image_scale, geometry_of(dataset, profile)
        if data is not None:
            size, geometry = data.image_size, data.geometry
        inputs = {"inputs": model_inputs(model.schema, size, geometry)}
        if stored := _stored(folder, record, model, data, state):
            return Run(model, data, stored, history, folder)
        write_checkpoint(folder / CHECKPOINT, model_tensors(model), state | inputs)
        if data is not None:
            begun = time.perf_counter()
            scores = task.measured(model, data, training_config(profile, SEED, task), history)
            record.metrics, record.localisation, record.counts = scores.metrics, scores.localisation, scores.counts
            record.minutes = (time.perf_counter() - begun) / 60  # of the evaluation, the only time spent here
            record.config |= {"data_version": data.version, "pixels": data.pixel_digest}
            record.save(folder / RECORD_NAME)
    return Run(model, data, record, history, folder)


def fill(model: RetrievalModel, held: AuthorsFile) -> None:
    """Copy an authors' tensors into a model; its own counters and queues stay as they are.

    Args:
        model: built by `build_model`; `start` then says where its weights come from.
        held: what the authors' files hold.

    Raises:
        FashionError: names what is missing, not expected, or of another shape.
    """
    table = table_of(model.architecture["method"], model.architecture["variant"])
    own = model.state_dict()
    model.load_state_dict(own | imported(table, held.tensors, own, held.source.split(",")[0], TABLES))
    model.start, model.start_digest = f"imported from {held.source}, not trained here", ""


def _loaded(task, data, dataset: str, profile: Profile):
    """Return the pictures to evaluate on, or None."""
    if data is not None:
        check_has(data, ("schema", "encoded"), "data set", "load it with fl.load_dataset or fl.load_folder")
        return task.load(dataset, profile, data)
    return task.load(dataset, profile) if is_here(dataset) else None


def _schema(data, dataset: str) -> Schema:
    """Return the attributes that the network numbers.

    Raises:
        FashionError: there is no data set of that name, or its attributes stand in another order.
    """
    if data is None and dataset not in SCHEMAS:
        raise FashionError(
            f"there is no data set {dataset!r} to take the attributes from: "
            f"{suggestion(dataset, (*SCHEMAS, *known_names()))}"
        )
    schema = SCHEMAS[dataset] if data is None else data.schema
    check_order(schema, dataset)
    return schema


def _paths(files) -> list[str | Path]:
    listed = [files] if isinstance(files, str | Path) else files
    if not (isinstance(listed, list | tuple) and listed and all(isinstance(file, str | Path) for file in listed)):
        raise FashionError(f"{shortened(files)} is no checkpoint: give the path of the authors' file, or several.")
    return list(listed)


def _run_name(name: str | None, file: str | Path) -> str:
    if name is None:
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(file).stem)[:40]
    if not (isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name)):
        raise FashionError(f"{shortened(name)} cannot name a run: use up to 40 letters, digits, '_' and '-'.")
    return name


def _stored(folder: Path, record: RunRecord, model: RetrievalModel, data, wanted: dict[str, Any]) -> RunRecord | None:
    """Return the record of this very import if its folder is complete.

    Args:
        folder: of the run.
        record: what it should be.
        model: filled from the authors' file.
        data: the pictures, or None.
        wanted: the state that its checkpoint should have.

    Raises:
        FashionError: the folder holds another file's run, other weights, or scores of other data.
    """
    path, record_file = folder / CHECKPOINT, folder / RECORD_NAME
    if not path.is_file():
        return None
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    if state["start"] != record.start:
        raise FashionError(
            f"{folder} holds a network that was {state['start']}: give this one another name, or "
            "delete that folder."
        )
    stored = RunRecord.load(record_file) if record_file.is_file() else None
    if stored and data is not None and stored.config.get("data_version") != data.version:
        raise FashionError(
            f"{folder} holds scores on version {stored.config.get('data_version')} of {data.name} but "
            f"{data.version} came: give this run another name, or delete that folder."
        )
    pictures = {"data": wanted["data"]} if stored and data is not None else {}
    check_identity(state, {name: wanted[name] for name in wanted if name != "data"} | pictures, folder, "best")
    own = {name: tensor.cpu() for name, tensor in model_tensors(model).items()}
    check_fit(own, tensors, path)
    if unlike := [name for name, tensor in own.items() if not torch.equal(tensor, tensors[name])]:
        raise damaged(path, f"{unlike[0]} is not that of the authors' file")
    if stored:
        named = {"imported": record.start, "start": record.start, "parameters": record.parameters}
        named |= {name: record.config[name] for name in ("epoch", "score")}
        named |= {} if data is None else {"pixels": data.pixel_digest}
        check_same_run(stored, named, record_file)
        return stored
    return record if data is None else None


def _state(model: RetrievalModel, data, record: RunRecord, history: TrainingHistory) -> dict[str, Any]:
    state: dict[str, Any] = {
        "architecture": model.architecture,
        "attributes": list(model.schema.names),
        "start": record.start,
        "start_digest": "",
        "data": {"name": record.dataset},
        "config": {"seed": record.seed, "imported": record.start, "epoch": record.config["epoch"]}
        | {"score": record.config["score"]},
        "history": asdict(history),
    }
    if data is not None:
        state["data"] |= {"version": data.version, "images": len(data.image_names), "pixels": data.pixel_digest}
    return state
