"""Beta from validation: the best of figure 6's values there, the test scores that it gives, and both curves."""

import numpy as np
import pytest
from tiny_data import tiny_data

from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import build_model
from fashion_lib.tasks.retrieval import chosen_beta
from fashion_lib.tasks.retrieval.branch_weights import wanted_rows
from fashion_lib.tasks.retrieval.evaluation import evaluate

DATA = tiny_data(90)
BETAS = (0.0, 0.3, 0.7, 1.0)  # four of figure 6's eleven, for time


@pytest.fixture(autouse=True)
def few_betas(monkeypatch):
    monkeypatch.setattr(chosen_beta, "BETAS", BETAS)


def model(method="rpf", **options):
    if method in ("rpf", "asen_pp", "ipad"):
        options |= {"image_scale": 1}  # crops from the small picture: these pictures have one size
    return build_model(method, DATA.schema, backbone="small", start="random", seed=3, **options).eval()


def with_beta(made, beta, split):
    made.beta = beta
    return evaluate(made, DATA, split=split).percent()["map"]


@pytest.mark.parametrize("method", ["rpf", "asen_pp", "ipad"])
def test_the_best_beta_of_validation_gives_the_test_scores(method):
    made = model(method)
    own = made.beta
    found = chosen_beta.scores(made, DATA)
    assert made.beta == own
    valid = {beta: with_beta(made, beta, "valid")["overall"] for beta in BETAS}
    beta = found["chosen_beta"]["overall"]
    assert valid[beta] == pytest.approx(max(valid.values()))
    assert len(set(valid.values())) > 1, "beta must matter here"
    assert found["map_at_chosen_beta"] == with_beta(made, beta, "test"), "to the last bit"
    assert found["validation_at_beta"] == pytest.approx({str(one): score for one, score in valid.items()})
    tested = {str(one): with_beta(made, one, "test")["overall"] for one in BETAS}
    assert found["map_at_beta"] == pytest.approx(tested)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_each_split_is_embedded_once(precision):
    made, seen = model(), []
    features = made.features
    made.features = lambda images: (seen.append(len(images)), features(images))[1]
    found = chosen_beta.scores(made, DATA, precision=precision)
    wanted = [np.unique(np.concatenate([*wanted_rows(DATA, split).values()])) for split in ("valid", "test")]
    assert sum(seen) == sum(map(len, wanted))
    made.beta = found["chosen_beta"]["overall"]
    assert found["map_at_chosen_beta"] == evaluate(made, DATA, "test", precision=precision).percent()["map"]


def test_attributes_that_do_not_count_are_left_out():
    made = model()
    found = chosen_beta.scores(made, DATA, attributes=[0])
    assert DATA.schema.names[0] in found["map_at_chosen_beta"]
    assert DATA.schema.names[1] not in found["map_at_chosen_beta"]
    one = found["map_at_beta"][str(found["chosen_beta"]["overall"])]  # the average over the queries of that attribute
    assert one == pytest.approx(found["map_at_chosen_beta"][DATA.schema.names[0]])
    assert one == pytest.approx(found["map_at_chosen_beta"]["overall"])


def test_attributes_are_given_as_ids():
    with pytest.raises(FashionError, match="its id 1 is needed"):
        chosen_beta.scores(model(), DATA, attributes=["hem"])


@pytest.mark.parametrize(("method", "options"), [("asen", {}), ("random", {}), ("rpf", {"branches": ("region",)})])
def test_a_model_without_two_branches_has_no_beta(method, options):
    assert chosen_beta.scores(model(method, **options), DATA) == {}


def test_weights_of_the_first_stage_use_the_region_branch_alone():
    made = model("asen_pp", first_stage=1.0)
    found = chosen_beta.scores(made, DATA)
    assert found["chosen_beta"] == {"overall": 1.0} and found["map_at_beta"]["1.0"] == pytest.approx(
        found["map_at_chosen_beta"]["overall"]
    )
