"""Markdown tables: every cell as it is, nothing padded, one line per row."""

import html
import re

import pandas as pd
import pytest
from markdown_it import MarkdownIt

from fashion_lib.core.markdown import markdown_table
from fashion_lib.core.words import plain_markdown

CELLS = ["1.0", "007", "1e5", "", " x ", "not run", "83.7 ± 2.7", "a very long cell " * 20, "日本", "nan", "-", "True"]


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_stays_as_it_is(cell):
    table = pd.DataFrame({"first": [cell, "b"], "second": ["c", cell]}, index=pd.Index(["x", "y"], name="of"))
    cell = cell.strip()
    expected = ["| of | first | second |", "|---|--:|--:|", f"| x | {cell} | c |", f"| y | b | {cell} |"]
    assert [line.replace("  ", " ") for line in markdown_table(table).split("\n")] == [
        line.replace("  ", " ") for line in expected
    ]


def test_a_table_without_its_index_is_aligned_to_the_left():
    table = pd.DataFrame({"a": ["1"], "b": ["2"]})
    assert markdown_table(table, index=False) == "| a | b |\n|---|---|\n| 1 | 2 |"
    assert markdown_table(table[["a"]], index=False) == "| a |\n|---|\n| 1 |"


def test_escaped_text_keeps_its_columns():
    table = pd.DataFrame({"a|b": ["c|d\ne"]}).map(plain_markdown).rename(columns=plain_markdown)
    assert markdown_table(table, index=False).split("\n") == ["| a\\|b |", "|---|", "| c\\|d e |"]


TEXTS = ["<script>alert(1)</script>", "a|b", "$x^2$", "`c`", "*em*", "**b**", "_em_", "__b__", "~~s~~", "[l](http://x)",
         "![i](x)", "&lt;", "<a@b.c>", "a_b_c", "# h", "- li", "1. li", "> q", "___",
         "\\*", "[0, 1]"]


@pytest.mark.parametrize("text", TEXTS)
def test_text_from_data_is_shown_as_it_is_by_markdown(text):
    plain = plain_markdown(text)
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(
        f"- **{plain}**: {plain}\n\n| {plain} | b |\n|---|---|\n| {plain} | c |"
    )
    tags = set(re.findall(r"<(\w+)", page))
    assert tags == {"ul", "li", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert page.count(html.escape(text)) == 4


@pytest.mark.parametrize("text", ["sleeve_length", "values in [0, 1]", "~5 minutes", "a-b", "12 %"])
def test_ordinary_text_is_not_escaped(text):
    assert plain_markdown(text) == text
