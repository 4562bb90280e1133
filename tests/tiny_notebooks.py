"""Notebooks of a few cells, written by the tests that need them."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

TITLE = "# A tiny notebook\n\nDoes it run?"
CLOSING = ("## What to take away\n\nIt runs.", "## Exercises\n\n1. Run it.", "## References\n\nNone.")
PARAMETERS = 'seed: int = 0\nlearning_rate: float | None = 0.1\nname = "asen"\n'


def tiny_notebook(*sources, title=TITLE, parameters=PARAMETERS, closing=CLOSING):
    """A notebook of the course's skeleton with `sources` as its code cells; parameters None leaves that cell out."""
    cells = [new_markdown_cell(title)]
    if parameters is not None:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(source) for source in sources]
    return new_notebook(cells=cells + [new_markdown_cell(text) for text in closing])


def executed(notebook):
    """Number the code cells as an execution from top to bottom does, and return the notebook."""
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = count
    return notebook


def write_tiny(path, *sources, **options):
    """Writes such a notebook to `path` and returns the path."""
    nbformat.write(tiny_notebook(*sources, **options), path)
    return path
