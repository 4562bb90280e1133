"""Both branches' features of a finished run, kept beside it, so that another beta is a matter of seconds."""

from collections.abc import Sequence

import pandas as pd
from torch import Tensor

from fashion_lib.branch_weights import BETAS, embed_parts, score_betas, wanted_rows
from fashion_lib.checkpoint import read_checkpoint, write_checkpoint
from fashion_lib.data.dataset import RetrievalData
from fashion_lib.errors import FashionError
from fashion_lib.results import RunRecord
from fashion_lib.stored_runs import folder_of, profile_of, stored_model


def stored_parts(record: RunRecord, data: RetrievalData, split: str = "test") -> dict[int, dict[str, Tensor]]:
    """Attribute id -> "region" or "patch" -> float32 (queries, then candidates; C): read from the run's folder, or
    embedded once with its best checkpoint and written there. data: the run's, at any picture size.

    FashionError when the file belongs to other data, and for a run without two branches.
    """
    path = folder_of(record) / f"branches.{split}.safetensors"
    made = {"name": data.name, "version": data.version, "images": len(data.image_names), "split": split}
    if path.exists():
        tensors, state = read_checkpoint(path)
        if state != made:
            raise FashionError(
                f"{path} was made from {state}, but {made} is asked for: delete it to make it anew."
            )
        parts: dict[int, dict[str, Tensor]] = {}
        for key, vectors in tensors.items():
            attribute, branch = key.split(".")
            parts.setdefault(int(attribute), {})[branch] = vectors
        return dict(sorted(parts.items()))
    model = stored_model(record, data)
    pictures = data.resized(profile_of(record).image_size * model.image_scale)
    parts = embed_parts(model, pictures, wanted_rows(data, split), precision=record.precision or "fp32")
    tensors = {f"{a}.{branch}": vectors for a, named in parts.items() for branch, vectors in named.items()}
    write_checkpoint(path, tensors, made)
    return parts


def stored_beta_curve(
    record: RunRecord, data: RetrievalData, betas: Sequence[float] = BETAS, split: str = "test"
) -> pd.DataFrame:
    """`branch_weights.beta_curve` of a stored run, from its stored features."""
    return score_betas(stored_parts(record, data, split), data, betas, split)
