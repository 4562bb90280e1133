"""Links, docstrings and notebooks as the site shows them, on small texts."""

import re

import nbformat
import pandas as pd
import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.badges import badges
from fashion_lib.course.website import ledger_pages
from fashion_lib.course.website.docstring_pages import as_markdown, equation_lines, first_sentence
from fashion_lib.course.website.notebook_pages import listed, picture_text, site_notebook
from fashion_lib.course.website.site_links import SiteLinks, fenced, outside_code
from fashion_lib.course.website.site_pages import appendices


@pytest.fixture
def links(tmp_path):
    root = tmp_path / "root"
    for name, text in {
        "docs/guide.md": "# Guide",
        "lib/a.py": "x = '```'\n",
        "lib/b.txt": "b",
        "pic.png": "p",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "notebooks").mkdir()
    return SiteLinks(root, tmp_path / "out", {"docs/guide.md"})


def test_a_link_to_a_file_leads_to_a_page_of_it(links):
    text = "[code](../lib/a.py) and [all](../lib), see [guide](../docs/guide.md#a)"
    text = links.in_markdown(text, "notebooks/n.ipynb")
    assert text == "[code](../code/lib/a.py.md) and [all](../code/lib.md), see [guide](../docs/guide.md#a)"
    assert "x = '```'" in (links.out / "code/lib/a.py.md").read_text().split("````python\n")[1]
    assert "- `b.txt`" in (links.out / "code/lib.md").read_text()


def test_addresses_places_and_code_stay_as_they_are(links):
    text = "[a](https://example.org/x) [b](#here) `[c](nowhere.md)`\n```\n[d](nowhere.md)\n```\n"
    assert links.in_markdown(text, "README.md") == text


def test_a_link_to_a_file_that_the_site_leaves_out_is_plain_text(links):
    (links.root / "docs/keys.md").write_text("# Keys")
    links = SiteLinks(links.root, links.out, links.own_pages, ["docs/keys.md"])
    text = links.in_markdown(
        "[the guide](guide.md), [its keys](keys.md#q1), [x](../docs/keys.md)", "docs/guide.md"
    )
    assert text == "[the guide](guide.md), its keys, x"
    assert not list(links.out.rglob("*keys*"))


def test_a_picture_comes_along(links):
    assert links.in_markdown("![a picture](pic.png)", "README.md") == "![a picture](pic.png)"
    assert (links.out / "pic.png").read_text() == "p"


@pytest.mark.parametrize("target", ["nowhere.md", "../outside.md", "docs/other.md#place"])
def test_a_link_to_nothing_is_an_error(links, target):
    with pytest.raises(FashionError, match="README.md links .* correct the link"):
        links.in_markdown(f"[x]({target})", "README.md")


def test_code_is_left_out_of_changes():
    changed = outside_code("ab `ab` ab\n~~~\nab\n~~~\nab", lambda text: text.replace("ab", "-"))
    assert changed == "- `ab` -\n~~~\nab\n~~~\n-"
    assert fenced("a ```` b") == "`````\na ```` b\n`````\n"


def test_a_docstring_becomes_markdown():
    text = as_markdown(
        """Do it, for <name> and $5.

        Args:
            maps: float (B, C); *not* changed
                by this.
            **options: more.

        Returns:
            float (B,).

        Raises:
            FashionError: for `<this>`.
        """
    )
    assert text.startswith("Do it, for \\<name> and \\$5.\n")
    assert "- `maps`: float (B, C); \\*not\\* changed\n  by this.\n- `**options`: more." in text
    assert "**Returns**\n\nfloat (B,)." in text and "- `FashionError`: for `<this>`." in text


def test_the_first_sentence_and_the_cited_equations(tmp_path):
    assert first_sentence("One | two\nlines. Three.\n\nFour.") == "One \\| two lines."
    file = tmp_path / "m.py"
    file.write_text(
        'def f():\n    """Gate it. Compute eq. 4 of the paper. More."""\n\ndef g():\n    """Nothing."""\n'
    )
    assert list(equation_lines(file)) == [("f", "Compute eq. 4 of the paper.")]


def test_the_text_of_a_picture_says_where_it_stands_and_what_is_drawn_in_it():
    code = 'axes.set_title("query")\naxes.set(xlabel="rank", ylabel=f"{name}")'
    text = picture_text("2 · A *ranking*", "## 2\n\nFirst. See [this](x.md) `q`:\n", code)
    assert text == "Figure of “2 · A ranking”, with the words query, rank. See this q:"
    assert picture_text("A", "", "", 2) == "One of 2 figures of “A”"
    assert len(picture_text("A", "word " * 500, "")) == 300


def test_a_notebook_for_the_site_has_texts_and_keeps_its_file(links, tmp_path):
    picture = nbformat.v4.new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"})
    own = {"mystnb": {"image": {"alt": "by hand"}}}
    book = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# N\n\nLook [here](../lib/a.py):"),
        nbformat.v4.new_code_cell("draw()", outputs=[picture]),
        nbformat.v4.new_code_cell("draw()", outputs=[picture], metadata=own),
        nbformat.v4.new_code_cell("get()", metadata={"tags": ["colab"]}),
    ])  # fmt: skip
    file = tmp_path / "root/notebooks/09a_more.ipynb"
    nbformat.write(book, file)
    before = file.read_bytes()
    text, first, second, colab = site_notebook(file, links).cells
    assert "(../code/lib/a.py.md)" in text.source
    assert first.metadata["mystnb"]["image"]["alt"] == "Figure of “N”. Look here:"
    assert "text/plain" not in first.outputs[0].data
    assert second.metadata["mystnb"]["image"]["alt"] == "by hand"
    assert colab.metadata.tags == ["colab", "hide-input"]
    assert file.read_bytes() == before


def test_a_course_with_an_address_opens_its_notebooks_on_colab_and_binder(links, tmp_path, monkeypatch):
    file = tmp_path / "09_more.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# 09 · More")]), file)
    monkeypatch.delenv("FASHION_COURSE", raising=False)
    assert site_notebook(file, links).cells[0].source == "# 09 · More"
    monkeypatch.setenv("FASHION_COURSE", "https://github.com/some/course")
    assert site_notebook(file, links).cells[0].source == f"# 09 · More\n\n{badges(file.name)}"


def test_lists_of_notebooks_have_short_titles_and_appendices_below(links, tmp_path):
    titles = {
        "02_scores.ipynb": "# 02 · Scores: what do they hide?",
        "02a_other_numbers.ipynb": "# 02a · Appendix of notebook 02: why?",
        "10_tables.ipynb": "# 10 · AG-MLAN: tables",
        "11a_more.ipynb": "# 11a · More",
    }
    files = [tmp_path / name for name in titles]
    for file, title in zip(files, titles.values(), strict=True):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(title)]), file)
    scores, other, tables, more = files
    assert listed(scores, "notebooks/") == "02 · Scores <notebooks/02_scores>"
    assert listed(other) == "02a · Other numbers <02a_other_numbers>"
    assert listed(tables) == "10 · AG-MLAN: tables <10_tables>"
    assert appendices(files) == {scores: [other]}  # 11a stands alone: 11 is not among them
    assert "02a · Other numbers" in site_notebook(scores, links, [other]).cells[-1].source
    assert len(site_notebook(more, links).cells) == 1


def test_a_table_shows_averages_first_and_may_break_long_names():
    rows = pd.DataFrame(
        [
            ("asen", "v2+steps=3", 0, "map", name, value)
            for name, value in (("sleeve_length", 61.0), ("overall", 70.126))
        ],
        columns=["method", "variant", "seed", "metric", "attribute", "value"],
    )
    table = ledger_pages._metric(rows, "map")
    assert re.findall(r"<th>(.+?)</th>", table)[3:] == ["overall", "sleeve_<wbr>length"]
    assert "<td>70.13</td>" in table and "<td>61.00</td>" in table and "v2+<wbr>steps=<wbr>3" in table
    text = ledger_pages.sortable(pd.DataFrame({"a": ["94.1 ± 0.3"]}), "c")
    assert "<td>94.1\u00a0±\u00a00.3</td>" in text


def test_an_appendix_stands_behind_its_notebook(tmp_path):
    for name in ("10_b.ipynb", "09a_c.ipynb", "09_a.ipynb", "draft.ipynb"):
        (tmp_path / name).touch()
    assert [file.name for file in paths.numbered_notebooks(tmp_path)] == [
        "09_a.ipynb",
        "09a_c.ipynb",
        "10_b.ipynb",
    ]
