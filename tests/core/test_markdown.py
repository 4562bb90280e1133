"""Markdown tables: every cell as it is, nothing padded, one line per row."""

import pandas as pd
import pytest

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
