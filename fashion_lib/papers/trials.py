"""What was tried on the validation split before the shared settings of all methods were fixed."""

import pandas as pd

from fashion_lib.methods.registry import METHODS
from fashion_lib.runs import ledger
from fashion_lib.runs.record import VALIDATION, base_method, read_label, variant_label
from fashion_lib.training.profiles import get_profile

NOT_TRIALS = {"start", "backbone"}  # runs with one of these settings are rows of tables, whatever else they change
COLUMNS = ["method", "variant", "tried", "seed", "validation MAP", "without it", "difference"]


def trials(dataset: str = "wardrobe", profile: str = "laptop") -> pd.DataFrame:
    """Return every run with other settings of training, beside the run of the same seed without these settings.

    Scores are overall MAP in percent on the validation split, of the checkpoint that it selected. The test split
    decides nothing here.

    Args:
        dataset: name of the data set.
        profile: name of the profile.

    Returns:
        One row per trial in COLUMNS, by method in the order of tables; nan where the other run does not exist.
    """
    table = ledger.collect(dataset, profile)
    table = table[(table["metric"] == VALIDATION) & (table["attribute"] == "overall")]
    scores = table.set_index(["method", "variant", "seed"])["value"]
    settings = set(get_profile(profile).settings())
    rows = []
    for (method, label, seed), score in scores.items():
        variant, changed = read_label(label)
        tried = {name: value for name, value in changed.items() if name in settings}
        if not tried or NOT_TRIALS & tried.keys() or base_method(method) not in METHODS:
            continue
        shared = variant_label(variant, **{name: value for name, value in changed.items() if name not in tried})
        other = scores.get((method, shared, seed), float("nan"))
        told = ", ".join(f"{name}={value}" for name, value in tried.items())
        rows.append([METHODS[base_method(method)].order, method, shared, told, seed, score, other, score - other])
    found = pd.DataFrame(rows, columns=["order", *COLUMNS])
    return found.sort_values(["order", "method", "tried", "seed"], kind="stable")[COLUMNS].reset_index(drop=True)
