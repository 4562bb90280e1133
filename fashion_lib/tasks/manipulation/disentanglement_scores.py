"""Disentanglement as a run's record holds it: what an operation, and a redrawn picture, move beside what they should.

fashion_lib.tasks.manipulation.disentanglement has the measures, attribute by attribute; here they become rows of
the ledger.
"""

import numpy as np

from fashion_lib.methods.manipulation_base import DisentangledModel
from fashion_lib.tasks.manipulation.disentanglement import (
    manipulation_features,
    prediction_changes,
    represent_pixels,
    shifts,
    twin_pictures,
    typical_distances,
)
from fashion_lib.tasks.manipulation.manipulation_evaluation import represent_rows

# What changed the attribute: an operation on the feature, or the wardrobe's twin (the same scene, redrawn).
SOURCES = ("operation", "twin")
# Of the changed attribute, and of the others that the picture has: how often the classifier then names another value
# (percent), and how far the subspace moved (in mean distances between two pictures; disentangled models only).
MEASURES = ("renamed_own", "renamed_others", "moved_own", "moved_others")
METRICS = tuple(f"{source}_{measure}" for source in SOURCES for measure in MEASURES)


def disentanglement_scores(model, data) -> dict[str, dict[str, float]]:
    """METRICS -> name of the changed attribute, or "overall" over all pairs (picture, attribute) -> value.

    Twins where the data can redraw its pictures, subspaces where the model has them; other metrics are left out.
    """
    training = model.training
    model.eval()
    typical = None
    if isinstance(model, DisentangledModel):
        typical = typical_distances(model, represent_rows(model, data, data.rows("test", "candidate")))
    queries = data.queries("test")
    measured = {"operation": (*manipulation_features(model, data), data.labels.known[queries.query])}
    if data.wardrobe is not None:
        rows, pixels, changed = twin_pictures(data)
        before, after = represent_rows(model, data, rows), represent_pixels(model, pixels)
        measured["twin"] = (before, after, changed, data.labels.known[rows])
    model.train(training)
    return {
        f"{source}_{measure}": row
        for source, parts in measured.items()
        for measure, row in _scores(model, data.schema.names, typical, *parts).items()
    }


def _scores(model, names, typical, before, after, changed, known) -> dict[str, dict[str, float]]:
    """MEASURES of features (B, F) before and after a change: measure -> changed attribute or "overall" -> value."""
    measures = {"renamed": 100.0 * prediction_changes(model, before, after)}
    if typical is not None:
        measures["moved"] = shifts(model, before, after, typical)
    found = {}
    for name, values in measures.items():  # (B, A)
        for which, asked in (("own", changed), ("others", known & ~changed)):
            found[f"{name}_{which}"] = _means(values, asked, changed, names)
    return {measure: row for measure, row in found.items() if row}


def _means(values: np.ndarray, asked: np.ndarray, changed: np.ndarray, names) -> dict[str, float]:
    """Means of float (B, A) over the pairs of bool `asked` (B, A): over all, and by the attribute that was changed."""
    rows = {name: asked & changed[:, a, None] for a, name in enumerate(names)}
    means = {name: float(values[chosen].mean()) for name, chosen in rows.items() if chosen.any()}
    return means | ({"overall": float(values[asked].mean())} if asked.any() else {})
