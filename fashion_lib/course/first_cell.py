"""The first code cell of every notebook: it gets the course onto a machine that has nothing of it, such as Colab.

Where `fashion_lib` can be imported, the cell does nothing. Elsewhere it clones the course and runs the clone's
`fresh_machine.py`. `python -m fashion_lib.course.first_cell` writes the cell into every notebook; a test finds a
notebook whose cell differs from this one.
"""

import nbformat

from fashion_lib.core import paths

# The git address from which a notebook alone, without a clone around it, gets the course. Who publishes the course
# writes it here and runs this module; until then, readers name it in FASHION_COURSE.
COURSE = ""
TAG = "colab"
CLONE = f'test -d fashion || git clone -q "${{FASHION_COURSE:-{COURSE}}}" fashion'
SOURCE = f"""\
from importlib.util import find_spec
from os import system
from runpy import run_path

if find_spec("fashion_lib") is None:  # a fresh machine, such as Colab: clone the course and install what it needs
    assert not system('{CLONE}'), "Set FASHION_COURSE to the git address of the course."
    run_path("fashion/fashion_lib/course/fresh_machine.py", run_name="__main__")"""


def is_first_cell(cell: nbformat.NotebookNode) -> bool:
    """Return whether a cell is the one that this module writes, of this or of an earlier text."""
    return TAG in cell.metadata.get("tags", [])


def put(notebook: nbformat.NotebookNode) -> bool:
    """Give a notebook the first cell, after its title. All other cells keep sources, outputs, ids and metadata.

    Args:
        notebook: changed in place.

    Returns:
        Whether the notebook was without it, or had another text of it, or had it elsewhere.
    """
    cells = notebook.cells
    places = [place for place, cell in enumerate(cells) if is_first_cell(cell)]
    if places == [1] and cells[1].source == SOURCE:
        return False
    kept = [cell for cell in cells if not is_first_cell(cell)]
    cell = nbformat.v4.new_code_cell(SOURCE, id=TAG, metadata={"tags": [TAG]})
    if places:  # its execution count stays, since the cell has no output in a notebook that was executed
        cell.execution_count = cells[places[0]].execution_count
    notebook.cells = [*kept[:1], cell, *kept[1:]]
    return True


def main() -> None:
    """Write the cell into every numbered notebook that lacks it, and name those."""
    for path in paths.numbered_notebooks():
        notebook = nbformat.read(path, as_version=4)
        if put(notebook):
            nbformat.write(notebook, path)
            print(path.name)


if __name__ == "__main__":
    main()
