"""Cells on data of which a part is missing: an attribute without a query has no score, a set without a run no row."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.core.schema import Attribute, Schema
from fashion_lib.core.words import joined
from fashion_lib.course import sources
from fashion_lib.show import second_look

SCHEMA = Schema(tuple(Attribute(name, ("a", "b"), "local") for name in ("neck", "sleeve", "lapel")))
SCORES = pd.DataFrame(
    {"neck": 50.0, "lapel": 40.0, "overall": 45.0}, index=[k / 10 for k in range(11)]
)  # no sleeve
CELLS = {
    "rp-55": (
        "16_region_and_patch",
        {"beta_curve": lambda *data, **options: SCORES, "models": {"RPF": SimpleNamespace(beta=0.4)},
         "runs": {"RPF": SimpleNamespace(data=None, history=SimpleNamespace(precision="fp32"))},
         "second_look": second_look, "BOTH": {"RPF": "rpf"}},
    ),
    "fam-51": ("08a_attention_family_measured", {"scored": SCORES, "plt": plt, "np": np}),
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_an_attribute_without_a_query_is_left_out(cell):
    notebook, names = CELLS[cell]
    found = sources.read(paths.root() / "notebooks" / f"{notebook}.ipynb").cells
    (source,) = [one.source for one in found if one.id == cell]
    names = {"schema": SCHEMA, **names}
    try:
        exec(source, names)
        if cell == "fam-51":
            assert [label.get_text() for label in names["axes"].get_xticklabels()] == [
                "neck",
                "lapel",
                "overall",
            ]
        else:
            assert names["PANELS"] == {"overall": ["overall"], "macro": ["neck", "lapel"]}
    finally:
        plt.close("all")


@pytest.mark.parametrize(
    ("known", "trained"), [([], ["darn"]), (["wardrobe"], ["darn"]), (["wardrobe", "darn"], [])]
)
def test_the_tables_of_a_data_set_without_a_run_begin_with_the_random_order(known, trained):
    found, asked = list(known), []

    def train(method, **settings):
        asked.append(settings["dataset"])
        found.append(settings["dataset"])

    def results():
        columns = ["dataset", "profile", "method", "variant", "seed", "source", "metric"]
        return pd.DataFrame(
            [(name, "smoke", "random", "default", 0, "runs", "map") for name in found], columns=columns
        )

    cells = sources.read(paths.root() / "notebooks" / "07_tables.ipynb").cells
    (source,) = [one.source for one in cells if one.id == "a2c5aef4"]
    face = SimpleNamespace(results=results, load_or_train=train)
    exec(source, {"fl": face, "dataset": "darn", "settings": None, "joined": joined})
    assert asked == trained
