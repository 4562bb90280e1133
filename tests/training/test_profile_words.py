"""What get_profile says: once per process that FASHION_PROFILE overrides, and in notebooks that smoke means nothing."""

import sys
from types import SimpleNamespace

import pytest
from tiny_notebooks import write_tiny

from fashion_lib.course.execute import run_notebook
from fashion_lib.course.sources import read
from fashion_lib.training import profiles
from fashion_lib.training.profiles import get_profile

MEANS_NOTHING = "Profile smoke: the numbers of this profile mean nothing, it only shows that every cell runs.\n"
OVERRIDES = "FASHION_PROFILE=smoke overrides profile 'laptop'.\n"


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch):
    monkeypatch.setattr(profiles, "_said", set())
    monkeypatch.delenv("FASHION_PROFILE", raising=False)
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


def shell(monkeypatch, **parts):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(**parts)))


@pytest.mark.parametrize(
    ("named", "environment", "notebook", "out", "err"),
    [
        ("laptop", None, False, "", ""),
        ("laptop", None, True, "", ""),
        ("laptop", "laptop", True, "", ""),
        ("laptop", "", True, "", ""),
        ("smoke", None, False, "", ""),
        ("smoke", None, True, MEANS_NOTHING, ""),
        ("smoke", "smoke", True, MEANS_NOTHING, ""),
        ("laptop", "smoke", False, "", OVERRIDES),
        ("laptop", "smoke", True, OVERRIDES + MEANS_NOTHING, ""),
        ("smoke", "paper", False, "", "FASHION_PROFILE=paper overrides profile 'smoke'.\n"),
    ],
)
def test_what_is_said_once(monkeypatch, capsys, named, environment, notebook, out, err):
    if environment is not None:
        monkeypatch.setenv("FASHION_PROFILE", environment)
    if notebook:
        shell(monkeypatch, kernel=object())
    for _ in range(3):
        assert get_profile(named).name == (environment or named)
    assert tuple(capsys.readouterr()) == (out, err)


def test_a_terminal_s_ipython_is_no_notebook(monkeypatch, capsys):
    shell(monkeypatch)
    get_profile("smoke")
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.notebook
def test_a_real_kernel_says_it_in_the_output_of_the_first_cell_that_asks(tmp_path):
    asks = "from fashion_lib.training.profiles import get_profile\nget_profile('laptop').name"
    source = write_tiny(tmp_path / "01_tiny.ipynb", asks, asks)
    run_notebook(source, tmp_path / "out.ipynb", profile="smoke")
    first, second = [cell.outputs for cell in read(tmp_path / "out.ipynb").cells if cell.get("outputs")]
    assert [output.text for output in first if output.output_type == "stream"] == [OVERRIDES + MEANS_NOTHING]
    assert [output.output_type for output in second] == ["execute_result"]
