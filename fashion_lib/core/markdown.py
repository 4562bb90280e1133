"""Tables as Markdown text. Cells are not padded, so that one changed number changes one line of a file."""

import pandas as pd
from tabulate import DataRow, TableFormat

ROW = DataRow("| ", " | ", " |")


def markdown_table(table: pd.DataFrame, *, index: bool = True) -> str:
    """Return a table of text as Markdown.

    Args:
        table: cells of text, escaped where they come from data (see `words.plain_markdown`).
        index: whether the index is the first column, headed by its name; the others are then aligned to the right.
    """

    def rule(widths: list[int], aligns: list[str]) -> str:
        return "|---|" + ("--:|" if index else "---|") * (len(widths) - 1)

    shape = TableFormat(None, rule, None, None, ROW, ROW, padding=0, with_header_hide=None)
    return table.to_markdown(index=index, tablefmt=shape, stralign=None, numalign=None, disable_numparse=True)
