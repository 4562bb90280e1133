"""Do a notebook's committed outputs belong to its source, and does it keep the course's skeleton?

`stamp` writes a digest of the sources into an executed notebook, and `problems` recomputes it. So a cell that
was edited after the last execution is found without executing anything.
"""

import hashlib
import json
import re
from pathlib import Path

import nbformat

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import parameters

MAXIMUM_BYTES = 1_000_000
CLOSING_HEADINGS = ("## What to take away", "## Exercises", "## References")
# A home or temporary folder in an output is true on one machine only, and changes with each execution.
MACHINE_PATH = re.compile(r"(?<![\w./:])(?:/(?:home|Users|root|tmp|private/var)/[\w.-]+|[A-Za-z]:\\Users\\)")


def read(path: Path) -> nbformat.NotebookNode:
    """The notebook at `path` in format 4; FashionError where there is none or it cannot be parsed."""
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise FashionError(f"There is no notebook {path}: check the path.") from None
    except Exception as error:  # nbformat raises several unrelated types for a broken file
        raise FashionError(f"The notebook {path} cannot be read ({error}): restore it from git.") from None


def source_digest(notebook: nbformat.NotebookNode) -> str:
    """SHA-256 over type and source of the code and Markdown cells, in order; ids, outputs, metadata left out."""
    sources = [[cell.cell_type, cell.source] for cell in notebook.cells if cell.cell_type != "raw"]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def stamp(notebook: nbformat.NotebookNode, profile: str, commit: str) -> nbformat.NotebookNode:
    """Marks an executed notebook as belonging to its present source, and drops metadata that changes without meaning.

    Works in place and returns the notebook. metadata["fashion"] receives source_sha256, profile and commit.
    """
    for cell in notebook.cells:
        cell.metadata = {
            key: value for key, value in cell.metadata.items() if key in ("tags", "jupyter") and value
        }
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
        found.append(
            f"has {size:,} bytes, with {MAXIMUM_BYTES:,} as the limit: give it fewer or smaller figures"
        )
    recorded = notebook.metadata.get("fashion", {}).get("source_sha256")
    if recorded is None:
        found.append("was never executed by `make notebooks`: run it")
    elif recorded != source_digest(notebook):
        found.append("has a source that changed after its outputs were made: run `make notebooks`")
    found += _skeleton_problems(notebook) + _output_problems(notebook)
    return [f"{path.name} {problem}" for problem in found]


def _skeleton_problems(notebook: nbformat.NotebookNode) -> list[str]:
    found = []
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    begins_with_prose = bool(prose) and notebook.cells[0].cell_type == "markdown"
    if not (begins_with_prose and prose[0].startswith("# ") and "?" in prose[0]):
        found.append("does not begin with a Markdown title and the question it answers")
    try:
        parameters.declared(notebook, "that notebook")
    except FashionError as error:
        found.append(f"has no sound parameters cell ({error})")
    lines = [line.strip() for text in prose for line in text.splitlines()]
    closing = "', '".join(CLOSING_HEADINGS)
    sections = [line for line in lines if line.startswith("## ")]
    if tuple(sections[-len(CLOSING_HEADINGS) :]) != CLOSING_HEADINGS:
        found.append(f"does not end with the sections '{closing}' in this order")
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
    data = output.get("data", {})
    return "\n".join(str(content) for kind, content in data.items() if not kind.startswith("image/"))
