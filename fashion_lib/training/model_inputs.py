"""What a model takes, kept in each checkpoint: attributes with values, picture size, and how pictures are prepared.

With it, a run's folder alone is enough to embed a photograph: no training data is needed.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fashion_lib.core.errors import FashionError
from fashion_lib.core.schema import Schema
from fashion_lib.core.typed import check_type, shortened
from fashion_lib.data.augmentation import IMAGENET_MEAN, IMAGENET_STD
from fashion_lib.data.picture_geometry import FITS, WHOLE
from fashion_lib.training.checkpoint import damaged


def preparation(geometry: str = WHOLE) -> dict[str, Any]:
    """Return how this library prepares a photograph of a geometry: see `decode_photograph` and `normalise`."""
    return {
        "fit": FITS[geometry],
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
    }


@dataclass
class ModelInputs:
    """The entry "inputs" of a checkpoint's state.

    Attributes:
        schema: the attributes, in the form of `Schema.to_json`.
        image_size: side of the square pictures that the model takes, in pixels. For two-branch methods it is the side
            of the large pictures.
        preparation: what `preparation` returned when the run was trained.
    """

    schema: list[dict[str, Any]]
    image_size: int
    preparation: dict[str, Any] = field(default_factory=preparation)


def model_inputs(schema: Schema, image_size: int, geometry: str = WHOLE) -> dict[str, Any]:
    """Return the entry "inputs" of a checkpoint's state, as JSON holds it.

    Args:
        schema: the model's attributes.
        image_size: side of the pictures that the model takes, in pixels.
        geometry: how photographs become squares, see `picture_geometry`.
    """
    return asdict(ModelInputs(schema.to_json(), image_size, preparation(geometry)))


def read_inputs(state: dict[str, Any], path: Path) -> tuple[Schema, int, str] | None:
    """Return schema, picture size and geometry of a checkpoint's state; None for a file from before they were kept.

    Args:
        state: checked by `check_state`.
        path: of the checkpoint, for error sentences.

    Raises:
        FashionError: the entry is damaged, or pictures were prepared in another way than by this library.
    """
    if state.get("inputs") is None:
        return None
    try:
        check_type(state["inputs"], ModelInputs)
        schema = Schema.from_json(state["inputs"]["schema"])
        if state["inputs"]["image_size"] < 1:
            raise ValueError(f"image_size is {state['inputs']['image_size']}")
        if list(schema.names) != state["attributes"]:
            raise ValueError("its schema does not name the attributes of the model")
    except ValueError as error:
        raise damaged(path, f"in its inputs, {error}") from error
    made = state["inputs"].get("preparation", preparation())
    geometry = next((name for name, text in FITS.items() if text == made.get("fit")), WHOLE)
    own = preparation(geometry)
    if made != own:
        part = next(name for name in [*own, *made] if made.get(name) != own.get(name))
        raise FashionError(
            f"The checkpoint {path} was trained on pictures prepared in another way ({part} "
            f"{shortened(made.get(part))} instead of {shortened(own.get(part))}): use the version of fashion_lib that "
            "trained it, or train anew."
        )
    return schema, state["inputs"]["image_size"], geometry
