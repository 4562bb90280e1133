"""The glossary page: its order, its sentences, and the links between it and the notebooks."""

import re
from pathlib import Path

import nbformat
import pytest

from fashion_lib.core import paths

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
NOTEBOOKS = paths.numbered_notebooks()
# Term -> how the notebook that explains it writes it.
WRITTEN = {
    "active triplet": "active*",
    "beta": r"\beta",
    "collapse": "collapsed",
    "feature consistency": "[consistency",
    "global attribute": "Global",
    "in-batch triplets": "in-batch",
    "random baseline": "random",
    "semi-hard negative": "semi-hard",
}
LINK = re.compile(r"\]\(\.\./docs/glossary\.md(?:#([^)\s]*))?\)")


def anchor(heading):
    """The anchor that GitHub and MyST give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-")


def terms():
    return re.findall(r"^## (.+)$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)


def entries():
    _, *rest = re.split(r"^## .+$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(terms(), (text.strip() for text in rest), strict=True))


def test_terms_are_in_alphabetical_order_and_have_different_anchors():
    assert len(terms()) > 100
    assert terms() == sorted(terms(), key=str.casefold)
    anchors = [anchor(term) for term in terms()]
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize("term", terms())
def test_an_entry_is_short_and_names_the_notebook_that_explains_the_term(term):
    definition, where = re.fullmatch(
        r"(.+) First met in notebook \[\d\d\]\(\.\./notebooks/([^)]+)\)\.", entries()[term], flags=re.DOTALL
    ).groups()
    assert (paths.notebooks_dir() / where).is_file()
    sentences = re.split(r"(?<=\.) (?=[A-Z`])", definition)
    assert len(sentences) <= 2
    assert max(len(sentence.split()) for sentence in sentences) <= 25


@pytest.fixture(scope="module")
def prose():
    """Name of a notebook that is no appendix -> its Markdown, in reading order."""
    return {
        path.name: "\n".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        )
        for path in NOTEBOOKS
        if path.name[2] == "_"
    }


@pytest.mark.parametrize("term", terms())
def test_the_notebook_of_an_entry_uses_the_term_and_none_before_links_it(term, prose):
    where = re.search(r"\(\.\./notebooks/([^)]+)\)\.$", entries()[term])[1]
    words = re.sub(r"\]\([^)]*\)", "]", prose[where])
    pattern = re.escape(WRITTEN.get(term, term)).replace(r"\ ", r"[\s-]+")
    assert re.search(rf"(?<!\w){pattern}", words, flags=re.IGNORECASE), where
    before = [name for name in prose if name < where and f"glossary.md#{anchor(term)})" in prose[name]]
    assert before == [], "a notebook before it links the term"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_link_of_a_notebook_to_the_glossary_has_its_anchor(path):
    anchors = {anchor(term) for term in terms()} | {""}
    cells = nbformat.read(path, as_version=4).cells
    links = [link for cell in cells if cell.cell_type == "markdown" for link in LINK.findall(cell.source)]
    assert [link for link in links if link not in anchors] == []
