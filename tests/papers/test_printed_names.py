"""Our attributes under the names of the papers' tables, and AG-MAN's abstract against AG-MLAN's tables."""

import pandas as pd
import pytest

from fashion_lib.data.published_schemas import DARN, DEEPFASHION, FASHIONAI
from fashion_lib.papers import ipad_tables
from fashion_lib.papers.evaluation_lists import LISTS
from fashion_lib.papers.published import printed_attribute, published

SCHEMAS = {"fashionai": FASHIONAI, "darn": DARN, "deepfashion": DEEPFASHION}


@pytest.mark.parametrize(("dataset", "schema"), SCHEMAS.items())
def test_every_attribute_has_a_column_of_the_papers_tables(dataset, schema):
    assert [printed_attribute(dataset, name) for name in schema.names] == list(LISTS[dataset].queries)
    assert printed_attribute(dataset, "overall") == "overall"
    printed = published(source="ipad", dataset=dataset, metric="map")
    assert set(LISTS[dataset].queries) < set(printed["attribute"])


def test_the_steps_of_ag_mans_abstract_are_from_ag_mlans_row_of_asen():
    """The abstract prints "improves ASENet_V2 by 2.12, 0.31 and 0.78 points"; its own tables are in no file here."""
    later = published(source="ag_man").set_index("dataset")["value"]
    before = published(source="ag_mlan", method="asen_v2", attribute="overall")
    before = before.set_index(["dataset", "metric"])["value"]
    steps = {"fashionai": ("map", 2.12), "deepfashion": ("map", 0.31), "zappos50k": ("triplet_accuracy", 0.78)}
    for dataset, (metric, step) in steps.items():
        assert later[dataset] - before[dataset, metric] == pytest.approx(step, abs=0.005)


def test_our_numbers_stand_below_the_papers_names(monkeypatch):
    rows = [("random", "default", 0, "map", name, 10.0 + i, "darn", "paper") for i, name in enumerate(DARN.names)]
    columns = ["method", "variant", "seed", "metric", "attribute", "value", "dataset", "profile"]
    ledger = pd.DataFrame(rows, columns=columns).assign(variant=ipad_tables.METHOD_ROWS["random"].label)
    monkeypatch.setattr(ipad_tables.results, "collect", lambda dataset, profile: ledger)
    none = pd.DataFrame(columns=["method", "variant", "seed", "training_image_passes", "parameters", "minutes"])
    monkeypatch.setattr(ipad_tables.run_list, "collect_runs", lambda dataset, profile: none)
    table = ipad_tables.beside("table2", dataset="darn", profile="paper", attributes=True)
    for i, name in enumerate(LISTS["darn"].queries):
        assert table.loc["random", ("ours: darn", name)] == f"{10.0 + i:.1f}"
        assert ("paper: darn", name) in table.columns
    assert table.loc["random", ("paper: darn", "category")] == "8.49"
