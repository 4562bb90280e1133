"""Measures of disentanglement: probes of every subspace, and how far a change moves the other subspaces.

A feature is disentangled when each of its subspaces holds one attribute and nothing of the others. A probe is
a small classifier that predicts an attribute from a subspace. Two kinds of change are compared. One is the
manipulation of a feature. The other is the wardrobe's twin, the same scene drawn with one attribute changed.
Each should move the changed attribute's subspace and no other.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from fashion_lib.core.errors import FashionError
from fashion_lib.data.augmentation import normalise
from fashion_lib.data.sampling import evenly_spread
from fashion_lib.methods.manipulation_base import DisentangledModel
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.tasks.manipulation.manipulation_evaluation import manipulated, represent_rows
from fashion_lib.tasks.manipulation.operations import changed_attributes

PROBE_IMAGES = 1500
CHUNK = 1000  # pictures whose distances to all others are in memory at once


def _linear():
    """Return a probe of whether the subspace contains the attribute at all.

    Every number is scaled first, so small ones count like large ones. scikit-learn is imported here: it takes a second,
    which every process of a training would pay.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))


def _neighbours():
    """Return a probe of whether the nearest pictures share the attribute, on which Euclidean retrieval depends."""
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=15)


PROBES = {"linear": _linear, "neighbours": _neighbours}


def subspaces(model, stored: Tensor) -> Tensor:
    """Return features (B, A * D) as (B, A, D), one subspace per attribute.

    Raises:
        FashionError: if the method has no subspaces.
    """
    if not isinstance(model, DisentangledModel):
        raise FashionError(f"{type(model).__name__} keeps no subspace for an attribute: take a disentangled method.")
    return stored.view(len(stored), len(model.schema), model.embedding_dim)


def probe_matrix(model, data, *, probe: str = "linear") -> pd.DataFrame:
    """Return the accuracy of a probe from each subspace (rows) to each attribute (columns), in [0, 1].

    It is fitted and scored on the rows of `probe_rows`. See `probe_table` for the last row and the errors.

    Args:
        model: a disentangled method.
        data: ManipulationData.
        probe: one of PROBES.
    """
    fit, score = probe_rows(data)
    parts = [subspaces(model, represent_rows(model, data, rows)).numpy() for rows in (fit, score)]
    return probe_table(data, fit, score, *parts, data.schema.names, probe)


def probe_rows(data) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for probes.

    Args:
        data: ManipulationData.

    Returns:
        int64 rows to fit probes on, at most PROBE_IMAGES of training, evenly spread; and int64 rows to score them on,
        all of test.
    """
    fit = data.rows("train")
    fit = fit[evenly_spread(len(fit), PROBE_IMAGES)]
    return fit, data.rows("test")


def probe_table(
    data,
    fit: np.ndarray,
    score: np.ndarray,
    fit_parts: np.ndarray,
    score_parts: np.ndarray,
    names: Sequence[str],
    probe: str = "linear",
) -> pd.DataFrame:
    """Fit and score probes of any division of a feature into P parts.

    The last row, "most frequent", predicts the value that the pictures `fit` have most often. A disentangled
    feature should reach this accuracy off the diagonal, and not more.

    Args:
        data: ManipulationData.
        fit: int rows to fit on.
        score: int rows to score on.
        fit_parts: (len(fit), P, D).
        score_parts: (len(score), P, D).
        names: the P names of the parts.
        probe: one of PROBES.

    Returns:
        Rows: the parts and "most frequent"; columns: attributes. Values: accuracy on the pictures `score`
        that have the attribute.

    Raises:
        FashionError: if the probe is unknown, or a picture has several values of one attribute.
    """
    if probe not in PROBES:
        raise FashionError(f"Unknown probe '{probe}': choose one of {', '.join(PROBES)}.")
    if not data.labels.single:
        raise FashionError("a probe predicts one value: take data in which no picture has two values of an attribute.")
    table = pd.DataFrame(0.0, index=[*names, "most frequent"], columns=list(data.schema.names))
    for a, (attribute, block) in enumerate(zip(data.schema.names, data.labels.blocks, strict=True)):
        has = [data.labels.known[rows, a] for rows in (fit, score)]
        having = fit[has[0]], score[has[1]]
        value = [data.labels.matrix[rows, block].argmax(1) for rows in having]
        table.loc["most frequent", attribute] = (value[1] == np.bincount(value[0]).argmax()).mean()
        for part, name in enumerate(names):
            fitted = PROBES[probe]().fit(fit_parts[has[0], part], value[0])
            table.loc[name, attribute] = fitted.score(score_parts[has[1], part], value[1])
    return table


def typical_distances(model, stored: Tensor) -> np.ndarray:
    """Return, per subspace, the mean distance between two different pictures: the unit of a shift.

    Args:
        model: a disentangled method.
        stored: features (B, A * D). Distances are computed for CHUNK pictures at a time.

    Returns:
        float64 (A,).
    """
    sums = [
        sum(float(torch.cdist(chunk, part).sum(dtype=torch.float64)) for chunk in part.split(CHUNK))
        for part in subspaces(model, stored).unbind(1)
    ]
    return np.array(sums) / (len(stored) * (len(stored) - 1))


def shifts(model, before: Tensor, after: Tensor, typical: np.ndarray) -> np.ndarray:
    """Return how far each subspace moved, as a multiple of its typical distance.

    Args:
        model: a disentangled method.
        before: features (B, A * D).
        after: features (B, A * D).
        typical: see `typical_distances`, (A,).

    Returns:
        float64 (B, A).
    """
    moved = (subspaces(model, after) - subspaces(model, before)).norm(dim=2)
    return moved.double().numpy() / np.maximum(typical, 1e-12)


@torch.no_grad()
def prediction_changes(model, before: Tensor, after: Tensor) -> np.ndarray:
    """Return whether the value with the highest classifier score changed; works with any method.

    Args:
        model: a method with classifiers.
        before: features (B, F).
        after: features (B, F).

    Returns:
        bool (B, A).
    """
    device = next(model.parameters()).device
    first, second = (model.logits(part.to(device)).cpu() for part in (before, after))
    changed = [first[:, block].argmax(1) != second[:, block].argmax(1) for block in model.blocks]
    return torch.stack(changed, dim=1).numpy()


def mean_by_change(measured: np.ndarray, changed: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """Return means over the rows that changed an attribute.

    Rows that change several attributes count for each of them. Attributes that are never changed are left
    out.

    Args:
        measured: float or bool (B, A).
        changed: bool (B, A).
        names: the A attribute names.

    Returns:
        Rows: the changed attribute; columns: the measured attribute.
    """
    table = {name: measured[changed[:, a]].mean(0) for a, name in enumerate(names) if changed[:, a].any()}
    return pd.DataFrame(table, index=list(names)).T.rename_axis("changed")


def manipulation_features(model, data) -> tuple[Tensor, Tensor, np.ndarray]:
    """Return features of the test queries before and after their manipulation.

    Args:
        model: a manipulation method.
        data: ManipulationData.

    Returns:
        Before and after, (Q, F) each, and what changed, bool (Q, A).
    """
    queries = data.queries("test")
    before = represent_rows(model, data, queries.query)
    return before, manipulated(model, before, queries.vectors), changed_attributes(queries.vectors, data.schema)


def twin_features(model, data, count: int = 40, *, seed: int = 0) -> tuple[Tensor, Tensor, np.ndarray]:
    """Return features of test pictures and of their twins.

    Args:
        model: a manipulation method.
        data: ManipulationData of the wardrobe.
        count: see twin_pictures.
        seed: see twin_pictures.

    Returns:
        Pictures and twins, (B, F) each, and what changed, bool (B, A).

    Raises:
        FashionError: if the data cannot draw its pictures again.
    """
    rows, pixels, changed = twin_pictures(data, count, seed=seed)
    return represent_rows(model, data, rows), represent_pixels(model, pixels), changed


def twin_pictures(data, count: int = 40, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return test pictures drawn again with one attribute changed.

    Args:
        data: ManipulationData of the wardrobe.
        count: largest number of pictures per attribute. The category has none, because the wardrobe cannot
            change it.
        seed: decides the pictures and their new values.

    Returns:
        Rows int64 (B,), pixels uint8 (B, S, S, 3), and what changed, bool (B, A).

    Raises:
        FashionError: if the data cannot draw its pictures again.
    """
    if data.wardrobe is None:
        raise FashionError(f"'{data.name}' cannot redraw its pictures: twins exist for the drawn wardrobe only.")
    rng, rows, drawn, which = np.random.default_rng(seed), [], [], []
    for a, attribute in enumerate(data.schema):
        test = data.rows("test")
        shown = [row for row in test[data.labels.known[test, a]] if attribute.name in data.wardrobe.labels(row)]
        for row in rng.permutation(shown)[:count].tolist():
            now = data.labels.values(row)[attribute.name][0]
            others = [other for other in data.wardrobe.twin_values(row, attribute.name) if other != now]
            if not others:
                continue
            value = str(rng.choice(others))
            rows.append(row)
            drawn.append(data.wardrobe.twin(row, attribute.name, value).image)
            which.append(a)
    changed = np.zeros((len(rows), len(data.schema)), bool)
    changed[np.arange(len(rows)), which] = True
    return np.array(rows, np.int64), np.stack(drawn), changed


@torch.no_grad()
def represent_pixels(model, pixels: np.ndarray) -> Tensor:
    """Return the features of pictures that belong to no data set, computed in eval mode.

    Args:
        model: a manipulation method.
        pixels: uint8 (B, S, S, 3).

    Returns:
        float32 (B, F) on the CPU.
    """
    device = next(model.parameters()).device
    with in_eval_mode(model):
        return model.represent(model.features(normalise(pixels).to(device))).float().cpu()
