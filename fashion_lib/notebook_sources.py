"""Do a notebook's committed outputs belong to its source, and does it keep the course's skeleton?

`stamp` writes a digest of the sources into an executed notebook; `problems` recomputes it. A cell edited after the last
execution is so found without executing anything.
"""

import hashlib
import json
import re
from pathlib import Path

import nbformat

from fashion_lib import paths
from fashion_lib.errors import FashionError

MAXIMUM_BYTES = 1_000_000
CLOSING_HEADINGS = ("## What to take away", "## Exercises", "## References")
# A home or temporary folder in an output tells readers about one machine only, and changes with each execution.
MACHINE_PATH = re.compile(r"(?<![\w./:])(?:/(?:home|Users|tmp|private/var)/[\w.-]+|/root/[\w.-]+|[A-Za-z]:\\Users\\)")


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook at `path` in format 4; FashionError where there is none or it cannot be parsed."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise FashionError(f"There is no notebook {path}: check the path.") from None
    except Exception as error:  # nbformat raises several unrelated types for a broken file
        raise FashionError(f"The notebook {path} cannot be read ({error}): restore it from git.") from None


def source_digest(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 over the type and source of the code and Markdown cells, in order; ids, outputs and metadata do not count."""
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells if cell.cell_type in ("code", "markdown")]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def stamp(notebook: nbformat.NotebookNode, profile: str, commit: str) -> nbformat.NotebookNode:
    """Marks an executed notebook as belonging to its present source, and drops metadata that changes without meaning.

    Works in place and returns the notebook. metadata["fashion"] receives source_sha256, profile and commit.
    """
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("tags", "jupyter")}
        for output in cell.get("outputs", []):
            output.get("metadata", {}).pop("execution", None)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
            "fashion": {
                "source_sha256": source_digest(notebook),
                "profile": profile,
                "commit": commit,
            },
        }
    )
    return notebook


def problems(path: Path) -> list[str]:
    """Everything that keeps the notebook at `path` from being committed: a sentence each, [] where all is well."""
    notebook = read(path)
    found = []
    size = path.stat().st_size
    if size >= MAXIMUM_BYTES:
        found.append(f"is {size:,} bytes, where {MAXIMUM_BYTES:,} is the limit: make its figures fewer or smaller")
    recorded = notebook.metadata.get("fashion", {}).get("source_sha256")
    if recorded is None:
        found.append("was never executed by `make notebooks`: run it")
    elif recorded != source_digest(notebook):
        found.append("has a source that changed after its outputs were made: run `make notebooks`")
    return [f"{path.name} {problem}" for problem in found + _skeleton_problems(notebook) + _output_problems(notebook)]


def _skeleton_problems(notebook: nbformat.NotebookNode) -> list[str]:
    found = []
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# ") or "?" not in first.source:
        found.append("does not begin with a Markdown title and the question it answers")
    if not any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells if cell.cell_type == "code"):
        found.append("has no code cell tagged `parameters`")
    lines = [line.strip() for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.split("\n")]
    positions = [lines.index(heading) if heading in lines else -1 for heading in CLOSING_HEADINGS]
    for heading, position in zip(CLOSING_HEADINGS, positions, strict=True):
        if position < 0:
            found.append(f"has no heading '{heading}'")
    if -1 not in positions:
        order = [line for line in lines if line.startswith("## ")][-len(CLOSING_HEADINGS) :]
        if tuple(order) != CLOSING_HEADINGS:
            found.append(f"does not end with the sections {', '.join(CLOSING_HEADINGS)} in this order")
    return found


def _output_problems(notebook: nbformat.NotebookNode) -> list[str]:
    found = []
    root = str(paths.root())
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"shows an error ({output.ename}) in cell {number}")
                continue
            text = _text_of(output)
            leak = root if root in text else (MACHINE_PATH.search(text) or [None])[0]
            if leak:
                found.append(f"shows the machine's own path {leak!r} in the output of cell {number}")
    return found


def _text_of(output: nbformat.NotebookNode) -> str:
    """The readable text of an output; images are left out, since base64 can spell anything."""
    if output.output_type == "stream":
        return output.text
    return "\n".join(str(content) for kind, content in output.get("data", {}).items() if not kind.startswith("image/"))
