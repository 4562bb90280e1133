"""A run's folder alone as a model that takes photographs: no training data, no name in the project's folders."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fashion_lib.core.errors import FashionError
from fashion_lib.core.paths import user_path
from fashion_lib.core.schema import Schema
from fashion_lib.core.typed import check_seed, check_type, shortened
from fashion_lib.data.picture_geometry import WHOLE
from fashion_lib.methods.base import RetrievalModel
from fashion_lib.methods.registry import METHODS, build_model
from fashion_lib.parts.precision import PRECISIONS
from fashion_lib.runs.labels import checked_label
from fashion_lib.runs.record import RECORD_NAME, RunRecord
from fashion_lib.runs.run import Run
from fashion_lib.runs.run_setup import task_of
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.tasks.manipulation.manipulation_task import MANIPULATION
from fashion_lib.training.checkpoint import (
    damaged,
    digest,
    load_model_tensors,
    model_tensors,
    read_checkpoint,
)
from fashion_lib.training.device import training_device
from fashion_lib.training.model_inputs import model_inputs, read_inputs
from fashion_lib.training.profiles import PROFILES
from fashion_lib.training.run_state import Architecture, check_state

CHECKPOINT = "best.safetensors"


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """Hold what embedding a photograph needs of a run.

    Attributes:
        folder: of the run.
        model: with its best weights, in eval mode.
        image_size: side of the square pictures that the model takes, in pixels.
        precision: of the backbone, "fp32", "bf16" or "fp16".
        title: the run in words.
        geometry: how a photograph becomes a square, see `picture_geometry`.
    """

    folder: Path
    model: RetrievalModel
    image_size: int
    precision: str
    title: str
    geometry: str = WHOLE

    @property
    def manipulates(self) -> bool:
        """Return whether the method answers operations (attribute manipulation) instead of attributes."""
        return METHODS.known(self.model.architecture["method"]).task == MANIPULATION.name

    def digest(self) -> str:
        """Return 32 hexadecimal digits of all that decides a picture's vectors.

        These are weights, architecture, attributes, picture size, preparation and precision.
        """
        inputs = model_inputs(self.model.schema, self.image_size, self.geometry)
        decides = {"architecture": self.model.architecture, "inputs": inputs, "precision": self.precision}
        own = {name: tensor.detach().cpu() for name, tensor in model_tensors(self.model).items()}
        return digest(own, json.dumps(decides, sort_keys=True))[:32]


def open_run(run: Run | OpenedRun | str | Path) -> OpenedRun:
    """Open a run for embedding photographs.

    Args:
        run: its folder, which holds best.safetensors; or a Run.

    Raises:
        FashionError: the folder has no whole checkpoint, or one from before picture size and schema were kept in it
            and the data set is not there either.
    """
    if isinstance(run, OpenedRun):
        return run
    if isinstance(run, Run):
        if run.data is None:
            return open_run(run.folder)
        data, precision = run.data, run.history.precision or "fp32"
        return OpenedRun(run.folder, run.model, data.image_size, precision, repr(run), data.geometry)
    if not isinstance(run, str | Path):
        raise FashionError(
            f"{shortened(run)} is no run: give a run's folder, or what fl.load_or_train returned."
        )
    folder = user_path(run, "the run's folder")
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FashionError(f"{folder} is no folder of a run, which holds {CHECKPOINT}: {_advice(folder)}")
    tensors, state = read_checkpoint(path)
    check_state(state, path)
    schema, size, geometry = read_inputs(state, path) or (*_older_inputs(state, folder), WHOLE)
    model = checkpoint_model(tensors, state, schema, path)
    precision = state["history"].get("precision") or "fp32"
    if precision not in PRECISIONS or precision == "auto":
        raise damaged(path, f"its precision is {shortened(precision)}")
    parts, data = state["architecture"], state["data"].get("name", "unknown data")
    title = (
        f"{parts['method']} ({parts['variant']}), seed {state['config'].get('seed', 0)}, trained on {data}"
    )
    return OpenedRun(folder, model, size, precision, title, geometry)


def checkpoint_model(tensors: dict, state: dict[str, Any], schema: Schema, path: Path) -> RetrievalModel:
    """Return the model of a checkpoint, in eval mode and on the device it would be trained on.

    Args:
        tensors, state: as `read_checkpoint` returns them; the state is checked by `check_state`.
        schema: the attributes that the model was trained for.
        path: of the checkpoint, for error sentences.

    Raises:
        FashionError: the architecture is damaged, not known, or has other tensors.
    """
    parts = check_architecture(state, path)
    settings = {"backbone": parts["backbone"], "variant": parts["variant"], "start": "random"}
    seed = state["config"].get("seed", 0)
    check_seed(seed)
    model = build_model(parts["method"], schema, seed=seed, **settings, **parts["options"])
    load_model_tensors(model, tensors, state, path)
    return model.to(device=training_device("auto"), memory_format=torch.channels_last).eval()


def check_architecture(state: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the architecture in a checkpoint's state after a check of its types.

    Raises:
        FashionError: a part is missing, unknown or of another type.
    """
    try:
        check_type(state["architecture"], Architecture)
    except ValueError as error:
        raise damaged(path, f"in its architecture, {error}") from error
    return state["architecture"]


def _older_inputs(state: dict[str, Any], folder: Path) -> tuple[Schema, int]:
    """Return schema and picture size of a run from before checkpoints kept them, from its record and its data set."""
    try:
        record = RunRecord.load(folder / RECORD_NAME)
        # "released=..." names an imported network; it is no setting.
        label = "+".join(part for part in record.variant.split("+") if not part.startswith("released="))
        given = checked_label(record.method, label, PROFILES[record.profile])
        task = task_of(record.method)
        questions = {"attributes": given.attributes, "changes": given.changes} if task is MANIPULATION else {}
        schema = task.load(record.dataset.removesuffix(SUFFIX), given.profile, **questions).schema
    except (FashionError, KeyError) as error:
        raise FashionError(
            f"the run in {folder} was trained before checkpoints kept their attributes and picture size, and they "
            f"cannot be found otherwise ({error}): put its data set back, or train it anew."
        ) from error
    # The picture's scale is a number of the built model; building one costs less than a second.
    parts = check_architecture(state, folder / CHECKPOINT)
    settings = {"backbone": parts["backbone"], "variant": parts["variant"], "start": "random"}
    model = build_model(parts["method"], schema, **settings, **parts["options"])
    return schema, given.profile.image_size * model.image_scale


def _advice(folder: Path) -> str:
    below = [path for levels in ("*", "*/*") for path in sorted(folder.glob(f"{levels}/{CHECKPOINT}"))]
    if below:
        return f"did you mean {below[0].parent}?"
    return "give the folder that `python -m fashion_lib train` printed, such as runs/wardrobe/laptop/asen.v2/seed0."
