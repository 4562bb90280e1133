"""Claimed orders: every step has runs that can be trained, printed numbers where there are any, and our differences."""

import pandas as pd

from fashion_lib.papers.ag_mlan_tables import METHOD_ROWS as AG_MLAN
from fashion_lib.papers.claimed_orders import (
    MANIPULATION,
    MANIPULATION_NAMES,
    NOT_PRINTED,
    RETRIEVAL,
    manipulation_claims,
    printed_step,
    retrieval_claims,
)
from fashion_lib.papers.grid import wanted_runs
from fashion_lib.papers.ipad_tables import METHOD_ROWS, labelled
from fashion_lib.papers.published import published
from fashion_lib.runs.ledger import COLUMNS
from fashion_lib.training.profiles import TABLE


def rows(*lines, dataset="wardrobe"):
    made = [(dataset, method, label, "table", seed, metric, average, value, 1.0, "abc")
            for method, label, metric, average, values in lines for seed, value in enumerate(values)]  # fmt: skip
    return pd.DataFrame(made, columns=list(COLUMNS))


def test_steps_are_taken_seed_by_seed_and_the_printed_ones_inside_one_table():
    csn, asen = (40.0, 60.0, 50.0), (46.0, 65.5, 55.5)
    found = retrieval_claims(
        rows(("csn", "prein", "map", "overall", csn), ("asen", "v2", "map", "overall", asen))
    )
    assert list(found.index) == [f"{low} {sign} {high}" for low, sign, high in RETRIEVAL]
    assert found.loc["CSN < ASEN", "overall"] == "+5.7 ± 0.3 (3): higher"
    assert found.loc["CSN < ASEN", "macro"] == found.loc["ASEN < RPF", "overall"] == "not run"
    value = published(dataset="fashionai", metric="map", attribute="overall").set_index(["source", "method"])["value"]
    printed = found["printed for FashionAI"]
    assert printed["ASEN < RPF"] == f"{value['ipad', 'rpf'] - value['ipad', 'asen']:+.1f} (ipad)"
    assert printed["ASEN ≤ AG-MLAN"] == f"{value['ag_mlan', 'ag_mlan'] - value['ag_mlan', 'asen_v2']:+.1f} (ag_mlan)"
    assert printed["ASEN ≤ AttnFashion"] == "-5.4 (ag_mlan), +4.4 (ipad)"  # the two papers contradict each other
    assert NOT_PRINTED not in set(printed)


def test_a_step_that_no_table_has_is_not_printed():
    for pair in (("image_only", "amnet"), ("ag_mlan", "rpf")):
        assert printed_step(*pair) == printed_step(*pair, "darn") == NOT_PRINTED


def test_parts_and_methods_of_manipulation_have_their_printed_steps():
    lines = [(name, "default", "top10_acc", "overall", (value,)) for name, value in (("amnet", 50.0), ("adde_m", 58.0))]
    found = manipulation_claims(rows(*lines, dataset="wardrobe_manipulation"))
    assert list(found.index) == [f"{low} {sign} {high}" for low, sign, high in MANIPULATION]
    assert found.loc["AMNet < ADDE-M"].tolist() == ["+8.9", "+8.0 (1): no claim from a single seed", "not run"]
    assert found.loc["W&T loss < both parts", "printed Top-10"] == "+3.0"  # 21.4 and 24.4


def test_the_tables_want_every_run_of_a_claim():
    wanted = {(run.method, run.label) for run in wanted_runs(TABLE) if run.dataset == "wardrobe"}
    pairs = labelled(METHOD_ROWS) | {"AG-MLAN": AG_MLAN["AG-MLAN"]}
    pairs |= {name: (row.method, row.variant(TABLE)) for name, row in MANIPULATION_NAMES.items()}
    names = {name for low, _, high in RETRIEVAL + MANIPULATION for name in (low, high)}
    assert {name: pairs[name] for name in names if pairs[name] not in wanted} == {}
