"""Disentanglement as rows of the ledger: what a change of one attribute moves beside what it should move.

A change is an operation on the feature, or a twin: the same scene drawn with one attribute changed.
fashion_lib.tasks.manipulation.disentanglement computes the measures, attribute by attribute. This module
turns them into the scores of a run's record.
"""

import numpy as np

from fashion_lib.methods.manipulation_base import DisentangledModel
from fashion_lib.parts.eval_mode import in_eval_mode
from fashion_lib.tasks.manipulation.disentanglement import (
    manipulation_features,
    prediction_changes,
    represent_pixels,
    shifts,
    twin_pictures,
    typical_distances,
)
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows

# The source of a change: an operation on the feature, or the wardrobe's twin (the same scene, drawn again).
SOURCES = ("operation", "twin")
# "renamed": how often the classifier predicts another value after the change (percent). "moved": how far the
# subspace moved (in mean distances between two pictures; disentangled models only). "own" is the changed
# attribute, "others" are the other attributes that the picture has.
MEASURES = ("renamed_own", "renamed_others", "moved_own", "moved_others")
METRICS = tuple(f"{source}_{measure}" for source in SOURCES for measure in MEASURES)


def disentanglement_scores(model, data) -> dict[str, dict[str, float]]:
    """Compute METRICS -> changed attribute, or "overall" over all (picture, attribute) pairs -> value.

    Twins need data that can draw its pictures again; "moved" needs a model with subspaces. Metrics that
    cannot be computed are left out. Features are computed in float32, whatever the training's precision, so that
    the rows of all runs compare.
    """
    typical, queries = None, data.queries("test")
    with in_eval_mode(model):
        if isinstance(model, DisentangledModel):
            typical = typical_distances(model, represent_rows(model, data, data.rows("test", "candidate")))
        measured = {"operation": (*manipulation_features(model, data), data.labels.known[queries.query])}
        if data.wardrobe is not None:
            rows, pixels, changed = twin_pictures(data)
            before, after = represent_rows(model, data, rows), represent_pixels(model, pixels)
            measured["twin"] = (before, after, changed, data.labels.known[rows])
    return {
        f"{source}_{measure}": row
        for source, parts in measured.items()
        for measure, row in _scores(model, data.schema.names, typical, *parts).items()
    }


def _scores(model, names, typical, before, after, changed, known) -> dict[str, dict[str, float]]:
    """Return MEASURES of a change, from the features (B, F) before and after it.

    Returns:
        Measure -> changed attribute or "overall" -> value.
    """
    measures = {"renamed": 100.0 * prediction_changes(model, before, after)}
    if typical is not None:
        measures["moved"] = shifts(model, before, after, typical)
    found = {}
    for name, values in measures.items():  # (B, A)
        for which, counted in (("own", changed), ("others", known & ~changed)):
            found[f"{name}_{which}"] = _means(values, counted, changed, names)
    return {measure: row for measure, row in found.items() if row}


def _means(values: np.ndarray, counted: np.ndarray, changed: np.ndarray, names) -> dict[str, float]:
    """Return means of float (B, A) over the pairs that bool `counted` (B, A) selects.

    Returns:
        Changed attribute, or "overall" for all pairs -> mean.
    """
    rows = {name: counted & changed[:, a, None] for a, name in enumerate(names)}
    means = {name: float(values[chosen].mean()) for name, chosen in rows.items() if chosen.any()}
    return means | ({"overall": float(values[counted].mean())} if counted.any() else {})
