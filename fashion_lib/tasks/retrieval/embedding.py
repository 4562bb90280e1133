"""Embeddings of pictures for attributes; each picture passes through the backbone once for all attributes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from operator import index

import numpy as np
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError, shortened
from fashion_lib.core.progress import bar as progress_bar
from fashion_lib.data.augmentation import normalise, pixel_tensor
from fashion_lib.data.feed import Feed, for_device, how_far, to_device
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.parts.precision import PRECISIONS, autocast


def visit_features(
    model, data, wanted: Mapping[int, np.ndarray], visit: Callable[[int, slice, object, Tensor], None], *,
    batch_size: int | None = None, precision: str = "fp32", progress: str | None = None,
) -> None:
    """Run the backbone once per needed image; call `visit` with the rows that each attribute needs.

    The calls are made without gradients and in eval mode. The train modes of the model are restored at the
    end. Where it pays, threads read the pictures of the next batches meanwhile (`data.feed`).

    Args:
        model: a retrieval model.
        data: RetrievalData.
        wanted: attribute id -> int64 image rows, ascending without repeats.
        visit: called as visit(attribute, part, features, attributes). `part` is the slice of
            wanted[attribute] to which `features` belong. `attributes` are int64 (B,) ids, ready for
            `model.attend`.
        batch_size: images per batch, at least 1. Default 256, and 32 on a CPU, whose cache then holds the
            features of a batch while all attributes read them.
        precision: "fp32", "bf16" or "fp16", for the backbone.
        progress: label of a progress bar; None shows none.

    Raises:
        FashionError: if the precision is unknown, or batch_size is no whole number from 1.
    """
    if batch_size is not None and not (isinstance(batch_size, Integral) and batch_size >= 1):
        raise FashionError(f"batch_size={shortened(batch_size)} is no number of images: give a whole number from 1,"
                           " or None for the default.")
    if precision not in PRECISIONS or precision == "auto":
        raise FashionError(f"precision={precision!r} is unknown for embedding: use fp32, bf16 or fp16.")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    batch_size = batch_size or (32 if device.type == "cpu" else 256)
    images = np.unique(np.concatenate([np.zeros(0, np.int64), *wanted.values()]))

    def read(start: int) -> tuple[np.ndarray, Tensor]:
        chunk = images[start:start + batch_size]
        return chunk, for_device(pixel_tensor(data.pixels[chunk]), device)

    starts = range(0, len(images), batch_size)
    reach = how_far(data.pixels, batch_size, cuda=device.type == "cuda")
    with in_eval_mode(model), torch.no_grad(), Feed(read, starts, reach) as feed:
        for chunk, pixels in progress_bar(
            feed, total=len(starts), desc=progress, unit="batch", disable=progress is None
        ):
            with autocast(precision, device):
                features = model.features(normalise(to_device(pixels, device)))
            for attribute, rows in wanted.items():
                part = slice(*np.searchsorted(rows, (chunk[0], chunk[-1] + 1)))
                inside = np.searchsorted(chunk, rows[part])
                if len(inside) == 0:
                    continue
                share = features  # an attribute that needs the whole chunk needs no copy
                if len(inside) < len(chunk):
                    share = model.select(features, torch.from_numpy(inside).to(device))
                visit(attribute, part, share, torch.full((len(inside),), attribute, device=device))


def checked_attribute(schema, given) -> int:
    """Return an attribute id as an int.

    Raises:
        FashionError: if it is a name, no whole number, or none of the schema's ids.
    """
    if isinstance(given, str):
        raise FashionError(f"the attribute {given!r} is given by name, but its id {schema.index(given)} is needed:"
                           " use schema.index(name).")
    try:
        attribute = index(given)
    except TypeError:  # a float, a list, None
        attribute = -1
    if not 0 <= attribute < len(schema):
        known = ", ".join(f"{i} ({name})" for i, name in enumerate(schema.names))
        raise FashionError(f"{given!r} is not an attribute id of the model: choose one of {known}.")
    return attribute


def checked_attributes(schema, given: Iterable) -> list[int]:
    """Return a list of attribute ids as ints.

    Raises:
        FashionError: if it is one id or name instead of a list, or holds what is no id of the schema.
    """
    if isinstance(given, str) or not np.iterable(given):
        raise FashionError(f"the attributes are {given!r}, but a list of ids is needed: write [schema.index(name)].")
    return [checked_attribute(schema, attribute) for attribute in given]


def unique_rows(rows, data) -> tuple[np.ndarray, np.ndarray]:
    """Return each image row once, and where it stands: unique int64 (U,), ascending, and inverse int64 (rows,).

    Args:
        rows: int image rows (may repeat).
        data: the data set; its `pixels` say how many rows there are.

    Raises:
        FashionError: if the rows are no whole numbers, or one is outside the data set.
    """
    count = len(data.pixels)
    rows = np.asarray(rows)
    if rows.size and rows.dtype.kind not in "iu":  # a float would be truncated, a mask read as rows 0 and 1
        raise FashionError(f"the image rows are {rows.dtype}, but whole numbers from 0 to {count - 1} are needed:"
                           " use np.flatnonzero for a mask, data.image_names.index for a name.")
    outside = rows[(rows < 0) | (rows >= count)] if rows.size else rows
    if outside.size:
        raise FashionError(f"the image row {outside.flat[0]} is not in the data set:"
                           f" choose rows from 0 to {count - 1}.")
    return np.unique(rows.astype(np.int64), return_inverse=True)


def embed_wanted(
    model, data, wanted: Mapping[int, np.ndarray], *, batch_size: int | None = None, precision: str = "fp32",
    progress: str | None = None, vectors: Callable[[object, Tensor], Tensor] | None = None,
) -> dict[int, Tensor]:
    """Embed, for each attribute id, the image rows listed for it.

    Each image passes through the backbone once, for all attributes together.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        wanted: attribute id -> int image rows (may repeat).
        batch_size: see visit_features.
        precision: "fp32", "bf16" or "fp16", for the backbone.
        progress: label of a progress bar; None shows none.
        vectors: the model's method that makes the vectors (B, D) of features and attribute ids; None is its
            embed_features.

    Returns:
        Attribute id -> float32 (rows, D) on the CPU, in the order of `wanted`.

    Raises:
        FashionError: if the model's schema lacks an attribute id, or an image row is outside the data set.
    """
    found = {checked_attribute(model.schema, a): unique_rows(rows, data) for a, rows in wanted.items()}
    embedded = {a: torch.empty(len(unique), model.embedding_dim) for a, (unique, _) in found.items()}

    def keep(attribute: int, part: slice, features, attributes: Tensor) -> None:
        embedded[attribute][part] = (vectors or model.embed_features)(features, attributes).float().cpu()

    visit_features(model, data, {a: unique for a, (unique, _) in found.items()}, keep,
                   batch_size=batch_size, precision=precision, progress=progress)
    return {a: embedded[a][torch.from_numpy(inverse)] for a, (_, inverse) in found.items()}


def embed_images(
    model, data, image_rows, attribute_ids: Sequence[int], batch_size: int | None = None, progress: str | None = None,
    precision: str = "fp32",
) -> dict[int, Tensor]:
    """Embed the same images for several attributes.

    Args:
        model: a retrieval model.
        data: RetrievalData.
        image_rows: int image rows (may repeat).
        attribute_ids: list of ids, not names.
        batch_size: see visit_features.
        progress: label of a progress bar; None shows none.
        precision: "fp32", "bf16" or "fp16", for the backbone.

    Returns:
        Attribute id -> float32 (len(image_rows), D) on the CPU.

    Raises:
        FashionError: if `attribute_ids` is not a list, the model's schema lacks an attribute id, or an image
            row is outside the data set.
    """
    rows = np.asarray(image_rows)
    return embed_wanted(model, data, dict.fromkeys(checked_attributes(model.schema, attribute_ids), rows),
                        batch_size=batch_size, precision=precision, progress=progress)
