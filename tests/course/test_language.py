from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import language
from fashion_lib.course.language_patterns import PATTERNS

# sentence -> the pattern that has to find it
HARD = {
    "It reads 300 pictures a second.": "per",
    "The backbone runs once an image.": "per",
    "These figures are means over seeds.": "figure",
    "The network wants a negative.": "metaphor",
    "Each map is asked for one attribute.": "metaphor",
    "The queries are drawn by lot.": "idiom",
    "It needs nothing but the maps.": "idiom",
    "That is so, albeit slowly.": "rare word",
    "This is not uncommon.": "double negative",
    "No query is left without an answer.": "double negative",
    "Read not only the mean but also the spread.": "not only",
    "It can be seen that both fall.": "passive start",
    "Were the map flat, it would be even.": "inversion",
    "Whoever trains it needs a GPU.": "who",
}
PLAIN = (
    "It reads 300 pictures per second.",
    "In other pictures a value may come alone.",
    "They use the map a second time.",
    "The paper's figure 1 shows the network.",
    "A network receives the attribute as input.",
    "Who wrote the labels?",
    "No method sees the region.",
    "It was trained to the end.",
    "If the map were flat, it would be even.",
)


@pytest.mark.parametrize("sentence", HARD)
def test_a_hard_sentence_is_found_by_its_pattern_alone(sentence):
    assert [found.split(" '")[0] for found, _ in language.findings_in(sentence)] == [HARD[sentence]]


def test_every_pattern_has_an_example():
    assert {pattern.name for pattern in PATTERNS} == set(HARD.values())


@pytest.mark.parametrize("sentence", PLAIN)
def test_a_plain_sentence_is_left_alone(sentence):
    assert list(language.findings_in(sentence)) == []


def test_a_sentence_of_25_words_is_the_longest():
    assert list(language.findings_in("word " * 25)) == []
    assert [found for found, _ in language.findings_in("word " * 26)] == ["26 words"]


def test_sentences_are_those_of_paragraphs_and_list_items():
    text = (
        "# A heading. Not one.\n\nFirst `code. Not` one, $a. B$ too. **Second** one (Ma et al., 2020).\nThird?\n\n"
        "| a | table. |\n|---|---|\n| Not | one. |\n\n- In a list: e.g. this. float16 is a word.\n"
        "- [A link](there.md) is read.\n\n"
        '$$ x. Y $$\n\nIt says "not. This" here.\n\n```python\nnot = "this. One."\n```\n'
    )
    assert list(language.sentences(text)) == [
        "First CODE one, MATH too.", "Second one .", "Third?", "In a list: e.g. this.", "float16 is a word.",
        "A link is read.",
        "It says QUOTE here.",
    ]  # fmt: skip


def test_code_cells_and_references_are_not_read(tmp_path):
    notebook = new_notebook(
        cells=[
            new_code_cell("# pictures a second"),
            new_markdown_cell("Ten pictures a second.\n\n## References\n\nWhoever wrote this.", id="here"),
        ]
    )
    path = tmp_path / "05_tiny.ipynb"
    nbformat.write(notebook, path)
    (one,) = language.findings(path)
    assert str(one) == (
        "05_tiny.ipynb:here: per 'pictures a second': write \"per\": pictures per second, once per step\n"
        "    Ten pictures a second."
    )


def test_a_file_that_is_no_notebook_is_an_error(tmp_path):
    (tmp_path / "05_tiny.ipynb").write_text("{")
    with pytest.raises(FashionError, match="cannot be read as a notebook or Markdown"):
        language.findings(tmp_path / "05_tiny.ipynb")


def test_an_appendix_counts_under_the_number_of_its_notebook():
    assert [language.number(Path(name)) for name in ("17_a.ipynb", "17a_b.ipynb", "page.md")] == [
        "17",
        "17",
        "page.md",
    ]


def test_allowed_numbers_fall_and_never_rise(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "allowed_file", lambda: tmp_path / "allowed.csv")
    (tmp_path / "allowed.csv").write_text("notebook,findings\n01,5\n02,5\n03,5\n")
    lowered = language.lower_allowed(pd.Series({"01": 3, "02": 9, "04": 2}))
    assert lowered.to_dict() == {"01": 3, "02": 5}
    assert (tmp_path / "allowed.csv").read_text() == "notebook,findings\n01,3\n02,5\n"


def test_no_notebook_or_page_has_more_findings_than_allowed():
    paths_read = [*paths.numbered_notebooks(), *language.pages()]
    assert {"README.md", "CONTRIBUTING.md", "paper_costs.md", "glossary.md"} <= {path.name for path in paths_read}
    counts = language.per_notebook([one for path in paths_read for one in language.findings(path)])
    allowed = language.read_allowed().reindex(counts.index, fill_value=0)
    assert counts[counts > allowed].to_dict() == {}
