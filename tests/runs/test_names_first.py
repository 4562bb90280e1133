"""A wrong name or value shows before any data is drawn, loaded or created."""

import pytest

from fashion_lib.cli import main
from fashion_lib.core.errors import FashionError
from fashion_lib.data.sets import DATASETS, DataSet
from fashion_lib.runs.run import load_or_train
from fashion_lib.training.profiles import SMOKE


@pytest.fixture(autouse=True)
def no_data(monkeypatch, project):
    """Let no data set be loaded; at the end, nothing has been created."""

    def loaded(settings):
        raise AssertionError("data was loaded")

    for name in DATASETS:
        monkeypatch.setitem(DATASETS, name, DataSet(loaded, "", ""))
    before = sorted(project.rglob("*"))
    yield
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    ("method", "given", "words"),
    [
        ("asne", {}, "no method 'asne': did you mean 'asen'"),
        ("asen", {"variant": "typo"}, "no variant 'typo'"),
        ("asen", {"variant": "v" * 5_000}, "no variant 'vvv"),
        ("asen", {"options": {"spatail": False}}, "does not take the options"),
        ("asen", {"options": {"spatial": "no"}}, "spatial in the options .* is"),
        ("yao2026", {"variant": "v2"}, "no variant 'v2'"),
        ("yao2026", {"options": {"loss": "best"}}, "best"),
        ("yao2026", {"profile": SMOKE.with_options(batch_size=3)}, "two tuples"),
        ("asen", {"profile": "smok"}, "no profile 'smok'"),
        ("asen", {"seed": -1}, "no whole number from 0"),
        ("asen", {"options": ["spatial"]}, "options are .* with their values"),
        ("yao2026", {"changes": 0}, "changes=0 is no number of attributes"),
        ("yao2026", {"changes": -1}, "changes=-1 is no number"),
        ("adde_m", {"changes": "2"}, "changes='2' is no number"),
        ("adde_m", {"changes": 1.5}, "changes=1.5 is no number"),
    ],
)
def test_a_run_that_cannot_be_is_refused_first(method, given, words):
    with pytest.raises(FashionError, match=words) as caught:
        load_or_train(method, progress=False, **{"profile": SMOKE} | given)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "asne"],
        ["train", "asen", "--variant", "typo"],
        ["train", "asen", "--profile", "typo"],
        ["train", "yao2026", "--variant", "v2"],
        ["train", "asen", "--dataset", "typo"],
        ["train", "yao2026", "--dataset", "typo"],
        ["plan", "--methods", "asen.typo"],
        ["reproduce", "--methods", "asen.typo"],
        ["reproduce", "--methods", "asen", "--dataset", "typo"],
        ["protocol", "wardrobe", "--profile", "typo"],
    ],
)
def test_the_command_line_refuses_them_first_too(arguments, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and said.err.count("\n") == 1 and said.out == ""
