"""Colab's and Binder's links come from one template and one address."""

import pytest

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.badges import badge_list, badges

LINKS = (
    "[Open on Colab](https://colab.research.google.com/github/some/course/blob/main/notebooks/00_tour.ipynb) · "
    "[Open on Binder](https://mybinder.org/v2/gh/some/course/main?labpath=notebooks/00_tour.ipynb)"
)


@pytest.fixture(autouse=True)
def no_address(monkeypatch):
    monkeypatch.delenv("FASHION_COURSE", raising=False)


@pytest.mark.parametrize(
    "address",
    ["https://github.com/some/course", "https://github.com/some/course.git", "git@github.com:some/course.git",
     "ssh://git@github.com/some/course/"],
)  # fmt: skip
def test_every_spelling_of_an_address_gives_the_links(address, monkeypatch):
    assert badges("00_tour.ipynb", address) == LINKS
    monkeypatch.setenv("FASHION_COURSE", address)
    assert badges("00_tour.ipynb") == LINKS
    assert badges("00_tour.ipynb", branch="two") == LINKS.replace("/main", "/two")


def test_a_course_without_an_address_has_no_links():
    assert badges("00_tour.ipynb") == ""
    with pytest.raises(FashionError, match="OWNER/NAME, not ''"):
        badge_list()


@pytest.mark.parametrize("address", ["https://gitlab.com/some/course", "some/course", "https://github.com/course"])
def test_an_address_that_cannot_be_opened_is_one_sentence(address):
    assert badges("00_tour.ipynb", address) == ""
    with pytest.raises(FashionError, match=r"^Colab and Binder open .*OWNER/NAME"):
        badge_list(address)


def test_the_command_lists_every_notebook_once(capsys):
    assert main(["badges", "https://github.com/some/course"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("`")[2].partition("`")[0] for line in lines] == [p.name for p in paths.numbered_notebooks()]
    assert lines[0] == f"- `00_tour.ipynb`: {LINKS}"
