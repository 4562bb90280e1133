"""What `plan` and `reproduce` refuse before anything starts."""

import pytest

from fashion_lib.core.errors import FashionError
from fashion_lib.workflow.plan import planned_runs


@pytest.mark.parametrize("dataset", ["*", "", "../wardrobe", "wardrob", "wardrobe_manipulation", "a\0"])
def test_an_unknown_data_set_is_refused_by_name(dataset):
    with pytest.raises(FashionError, match="^DATASET names .* no data set"):
        planned_runs("random", "0", dataset, "smoke")


@pytest.mark.parametrize("changes", ["attention=False+attention=True", "attention=True+loss=plain+attention=True"])
def test_an_option_that_is_given_twice_is_refused(changes):
    with pytest.raises(FashionError, match="each name once"):
        planned_runs(f"yao2026.default+{changes}", "0", "wardrobe", "smoke")


def test_the_order_of_options_does_not_make_another_run():
    first, second = (
        planned_runs(f"yao2026.default+{changes}", "0", "wardrobe", "smoke")
        for changes in ("attention=False+loss=plain", "loss=plain+attention=False")
    )
    assert first == second
