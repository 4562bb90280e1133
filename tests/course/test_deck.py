"""Decks say what their notebooks say, show every figure, and load nothing from a server."""

import html
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fashion_lib.cli import main
from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import deck_pages
from fashion_lib.course.deck import (
    Slide,
    first_paragraph,
    first_sentence,
    opening,
    pictures_of,
    sentences,
    slides_of,
)
from fashion_lib.course.deck_pages import deck_page, lecture_page, slide_html, write_decks
from fashion_lib.course.syllabus_plans import LECTURE

FIGURE = new_output("display_data", {"image/png": "AAAA", "text/plain": "<Figure>"})
OTHER = new_output("execute_result", {"image/jpeg": "BBBB", "text/plain": "<Figure>"}, execution_count=1)


@pytest.fixture
def notebook():
    return new_notebook(cells=[
        new_markdown_cell("# 04 · Looking\n\n**Where does it look?** You will see."),
        new_markdown_cell("## First\n\nOne idea (Ma et al. Version 2). " + 30 * "Many words. " + "\n\n$$a$$\n\n$$b$$"),
        new_code_cell("plot()", outputs=[FIGURE, OTHER]),
        new_markdown_cell("### Below\n\nA short one. And another."),
        new_code_cell("plot()", outputs=[OTHER]),
        new_markdown_cell("Tagged text.", metadata={"tags": ["slide"]}),
        new_code_cell("x = 1", metadata={"tags": ["slide"]}),
        new_markdown_cell("## What to take away\n\n" + "\n".join(f"- Item {k}." for k in range(5))),
        new_markdown_cell("## Exercises\n\nSolve.", metadata={"tags": ["exercise"]}),
        new_markdown_cell("### 04.1 · Write it", metadata={"tags": ["exercise", "exercise-question"]}),
        new_markdown_cell("## References\n\n- None."),
    ])  # fmt: skip


def test_a_deck_follows_its_rule(notebook):
    slides = slides_of(notebook, "04_looking.ipynb")
    assert [(slide.heading, slide.begins) for slide in slides] == [
        ("04 · Looking", True), ("First", True), ("First", False), ("First", False), ("Below", False), ("Below", False),
        ("Below", False), ("What to take away", True), ("What to take away", False), ("Exercises", True)]  # fmt: skip
    title, first, figure, other, below, tagged, code, *_, last = slides
    assert title.text == "Where does it look?"
    assert first.text.startswith("One idea (Ma et al. Version 2). Many words.") and first.text.endswith(
        "$$a$$\n\n$$b$$"
    )
    assert [figure.picture, other.picture] == [("image/png", "AAAA"), ("image/jpeg", "BBBB")]
    assert below.text == "A short one. And another." and below.picture == ("image/jpeg", "BBBB")
    assert tagged.text == "Tagged text." and code.text == "```python\nx = 1\n```"
    assert last.text == "- 04.1 · Write it"


def test_a_notebook_without_a_title_is_an_error():
    with pytest.raises(FashionError, match="does not begin with a Markdown title"):
        slides_of(new_notebook(cells=[new_markdown_cell("Only text.")]), "x.ipynb")


def test_sentences_are_those_of_the_prose():
    text = (
        "- a list\n\n| a | table |\n\nOne, e.g. This. Two (see eq. 3)? `Three` is it.\n\n$$x. Y$$\n\n> Four."
    )
    assert sentences(text) == ["One, e.g. This.", "Two (see eq. 3)?", "`Three` is it."]
    assert first_sentence("- only\n- a list") == ""


def test_bold_type_stays_whole():
    assert sentences("So it is. **It fades out.** And more.") == [
        "So it is.",
        "**It fades out.**",
        "And more.",
    ]
    assert sentences("**Two in bold. The second.**") == ["Two in bold.", "The second."]


def test_a_sentence_that_announces_a_cell_is_not_a_second_sentence():
    assert opening("The mask is applied. By loop and by the library:") == "The mask is applied."
    assert opening("The mask is:") == "The mask is:"


def test_a_section_with_nothing_to_look_at_shows_its_first_paragraph():
    prose = "## Plain\n\nOne of many. " + 20 * "More. " + "By loop, and by the library:\n\nAnother paragraph."
    book = new_notebook(cells=[new_markdown_cell("# 04 · T\n\n**Q?**"), new_markdown_cell(prose)])
    assert slides_of(book, "x.ipynb")[1].text == "One of many. " + " ".join(20 * ["More."])
    book.cells.append(new_code_cell("plot()", outputs=[FIGURE]))
    assert slides_of(book, "x.ipynb")[1].text == "One of many. More."
    assert first_paragraph(120 * "Much. ") == first_paragraph("- a list") == ""


def test_a_slide_has_no_link_to_a_file_that_no_deck_has():
    page = slide_html(
        Slide(
            "T [gate](../docs/glossary.md#gate)", "[a](x.ipynb) [b](https://example.org)", notes="[c](y.md)"
        )
    )
    assert re.findall(r'href="(.+?)"', page) == ["https://example.org"]
    assert "T gate" in page and "a <a" in page


def test_a_slide_escapes_what_is_no_markup():
    page = slide_html(Slide("a < b", "$x^2$", picture=("image/png", "AAAA"), notes='say "so"'))
    assert (
        "<h2>a &lt; b</h2>" in page and "<math" in page and 'alt="Figure of the section “a &lt; b”.' in page
    )
    assert page.endswith("</aside>")


class Loaded(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses, self.tags, self.alts = [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append(tag)
        if tag in ("link", "script", "img", "iframe"):
            self.addresses += [given[name] for name in ("src", "href") if name in given]
        if tag == "img":
            self.alts.append(given.get("alt"))


def test_every_notebook_has_a_deck_that_needs_no_network(tmp_path):
    notebooks = paths.numbered_notebooks()
    index, lecture, *decks = write_decks(notebooks, tmp_path)
    assert lecture.name == "lecture.html"
    listed = index.read_text(encoding="utf-8")
    assert len(decks) == len(notebooks) > 20
    for path, page in zip(notebooks, decks, strict=True):
        text, notebook = page.read_text(encoding="utf-8"), nbformat.read(path, as_version=4)
        assert page.name in listed
        found = Loaded()
        found.feed(text)
        for address in found.addresses:
            assert address.startswith("data:image/") or (tmp_path / address).is_file(), address
        figures = [
            picture
            for cell in notebook.cells
            for picture in pictures_of(cell)
            if "exercise" not in cell.metadata.get("tags", [])
        ]
        assert len(found.alts) == len(figures) and all(found.alts)
        visible = re.sub(r"<aside.*?</aside>", "", text, flags=re.DOTALL)
        assert "$$" not in visible and visible.count("<h1>") == 1
        for cell in notebook.cells:
            if (
                cell.cell_type == "markdown"
                and (heading := re.match(r"## (?:\d+ · )?([A-Za-z ]+)\n", cell.source))
                and heading[1] != "References"
            ):
                assert heading[1] in visible, (path.name, heading[1])
    styles = (tmp_path / "reveal.js/dist/theme/white.css").read_text() + (
        tmp_path / "reveal.js/dist/reveal.css"
    ).read_text()
    assert not re.findall(r"url\(['\"]?(?:https?:)?//", styles)


def test_the_lecture_shows_its_sections_in_order():
    notebooks = paths.numbered_notebooks()
    page = lecture_page(notebooks)
    headings = re.findall(r"<section>\s*<section>\s*<h[12]>(.*?)</h[12]>", page)
    wanted = [html.escape(name, quote=False) for sections in LECTURE.values() for name in sections]
    places = [next(k for k, heading in enumerate(headings) if name in heading) for name in wanted]
    assert places == sorted(places) and places[0] > 3  # the tour comes first, whole
    assert not {"What to take away", "Exercises"} & set(headings)
    with pytest.raises(FashionError, match="section '' of notebook 00"):
        lecture_page([])


def test_the_command_writes_the_chosen_decks(tmp_path, capsys):
    notebook = paths.notebooks_dir() / "00_tour.ipynb"
    assert main(["slides", str(notebook), "--output", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")
    assert sorted(file.name for file in tmp_path.glob("*.html")) == ["00_tour.html", "index.html"]


def test_decks_say_what_package_they_lack(tmp_path, monkeypatch):
    monkeypatch.setattr(deck_pages, "find_spec", lambda name: None)
    with pytest.raises(FashionError, match="pip install sphinx-revealjs"):
        write_decks([], tmp_path)


def test_a_deck_is_the_same_each_time():
    path = paths.notebooks_dir() / "00_tour.ipynb"
    assert deck_page(path) == deck_page(path)
