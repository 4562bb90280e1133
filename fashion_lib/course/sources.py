"""Do a notebook's committed outputs belong to its source and to the present ledger, and does it keep the skeleton?

`stamp` writes digests of the sources and of what they read of the ledger into an executed notebook, and `problems`
computes them again. So a code cell that was edited, or a run that joined the ledger, after the last execution is found
without executing anything.
"""

import ast
import hashlib
import json
import re
from pathlib import Path

import nbformat

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course import first_cell, parameters
from fashion_lib.course.ledger_reads import ledger_digest

MAXIMUM_BYTES = 1_000_000
MAIN_LINE = 45  # cells before the exercises of a notebook; an appendix takes the rest
EXERCISES = "## Exercises"
CLOSING_HEADINGS = ("## What to take away", EXERCISES, "## References")
# A home or temporary folder in an output is true on one machine only, and changes with each execution.
MACHINE_PATH = re.compile(r"(?<![\w./:])(?:/(?:home|Users|root|tmp|private/var)/[\w.-]+|[A-Za-z]:\\Users\\)")
FONTS_MISSING = "findfont: Font family"  # a font cache of another environment; texts would have other letters
NO_RESULTS = "smoke"  # the profile that only shows that a notebook runs
MINUTES_FACTOR, SHORTEST = 2, 0.5


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook in format 4.

    Raises:
        FashionError: there is none at `path`, or it cannot be parsed.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)  # reading logs what is wrong, and goes on
        return notebook
    except FileNotFoundError:
        raise FashionError(f"There is no notebook {path}: check the path.") from None
    except nbformat.ValidationError as error:
        raise FashionError(f"The notebook {path} is no valid one ({error.message}): restore it from git.") from None
    except Exception as error:  # nbformat raises several unrelated types for a broken file
        raise FashionError(f"The notebook {path} cannot be read ({error}): restore it from git.") from None


def source_digest(notebook: nbformat.NotebookNode, whole: bool = False) -> str:
    """Digest the source of the code cells, in order, as SHA-256.

    Left out are the first cell, which prints nothing here and whose text a test compares with `first_cell.SOURCE`;
    ids, outputs and metadata; and, by default, what no output depends on. That is the text of Markdown cells, and
    the import statements at the top level of code cells: a corrected sentence or a module that moved keeps the
    stamp. The price: an import that now takes another thing of the same name keeps it too. Blank lines of a cell
    with imports do not count either. A cell that Python cannot parse, such as one with a magic command, counts as
    it is.

    Args:
        notebook: The notebook, executed or not.
        whole: Whether Markdown cells and import statements count as well.
    """
    sources = [
        [cell.cell_type, _without_imports(cell.source) if cell.cell_type == "code" and not whole else cell.source]
        for cell in notebook.cells
        if cell.cell_type in (("code", "markdown") if whole else ("code",)) and not first_cell.is_first_cell(cell)
    ]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def _without_imports(source: str) -> str:
    """Return the source of a code cell without its top-level imports; unchanged if it cannot be parsed."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return source
    imports = [part for part in body if isinstance(part, ast.Import | ast.ImportFrom)]
    if not imports:
        return source
    lines = source.encode().splitlines(keepends=True)  # ast counts columns in bytes
    for part in reversed(imports):
        first, last = part.lineno - 1, part.end_lineno - 1
        rest = lines[last][part.end_col_offset :].lstrip(b" \t;")
        lines[first : last + 1] = [lines[first][: part.col_offset] + rest]
    return "\n".join(line for line in b"".join(lines).decode().split("\n") if line.strip(" \t\r;"))


def outputs_digest(notebook: nbformat.NotebookNode) -> str:
    """Digest the outputs of all code cells with their execution counts, as SHA-256; output metadata does not count."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    made = [[cell.execution_count, [{**one, "metadata": {}} for one in cell.outputs]] for cell in cells]
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()


def in_order(notebook: nbformat.NotebookNode) -> bool:
    """Return whether the code cells were executed once, from top to bottom, and none of them later again."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = [cell.get("execution_count") for cell in cells]
    return counts == list(range(1, len(counts) + 1))


def stamp(notebook: nbformat.NotebookNode, profile: str, commit: str, minutes: float) -> nbformat.NotebookNode:
    """Mark an executed notebook as belonging to its present source and to the present ledger.

    Metadata that changes without meaning is dropped. metadata["fashion"] receives source_sha256, ledger_sha256,
    outputs_sha256, profile, commit and minutes.

    Args:
        notebook: The executed notebook, changed in place.
        profile: Name of the profile that it was executed at.
        commit: Commit of the library that executed it.
        minutes: Wall-clock minutes of the execution.

    Returns:
        The notebook.
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
                "ledger_sha256": ledger_digest(notebook),
                "outputs_sha256": outputs_digest(notebook),
                "profile": profile,
                "commit": commit,
                "minutes": round(minutes, 2),
            },
        }
    )
    return notebook


def problems(path: Path) -> list[str]:
    """Return what keeps the notebook at `path` from being committed: one sentence per problem, [] where all is well."""
    notebook = read(path)
    found = []
    size = path.stat().st_size
    if size >= MAXIMUM_BYTES:
        found.append(
            f"has {size:,} bytes, with {MAXIMUM_BYTES:,} as the limit: give it fewer or smaller figures"
        )
    found += _stamp_problems(notebook, path.name)
    found += _skeleton_problems(notebook, _closing(path)) + _output_problems(notebook)
    return [f"{path.name} {problem}" for problem in found]


def _stamp_problems(notebook: nbformat.NotebookNode, name: str) -> list[str]:
    stamped = notebook.metadata.get("fashion", {})
    if "source_sha256" not in stamped:
        return ["was never executed by `make notebooks`: run it"]
    found = []
    if stamped["source_sha256"] != source_digest(notebook):
        found.append("has a source that changed after its outputs were made: run `make notebooks`")
    if stamped.get("ledger_sha256") != ledger_digest(notebook):
        found.append("was executed on another ledger or another set of methods: run `make notebooks`")
    if not in_order(notebook):
        found.append("has code cells without outputs of one run from top to bottom: run `make notebooks`")
    elif stamped.get("outputs_sha256", outputs := outputs_digest(notebook)) != outputs:
        found.append("has outputs that changed after it was stamped: run `make notebooks`")
    own = parameters.own_profile(notebook, name)
    if stamped.get("profile") == NO_RESULTS:
        found.append(f"was executed at profile {NO_RESULTS}, whose numbers mean nothing: run `make notebooks`")
    elif stamped.get("profile") != own:
        found.append(f"was executed at profile {stamped.get('profile')}, but names {own}: run `make notebooks`")
    if not stamped.get("commit") or str(stamped["commit"]).endswith("-dirty"):
        found.append("is stamped dirty: commit the library, then run `make notebooks`")
    elif stamped["commit"] == "unknown":
        found.append("was executed by a library of an unknown commit: run `make notebooks` in a clone")
    taken = stamped.get("minutes")
    if taken is None:
        found.append("does not say how many minutes its execution took: run `make notebooks`")
    elif stamped.get("profile") == own:  # the minutes that the README states are of this profile
        stated = {"in the README": stated_minutes(name), "in its first cell": own_minutes(notebook)}
        for where, minutes in stated.items():
            # Minutes are rounded up, so a notebook of seconds is rightly stated as 1.
            if minutes and not 1 / MINUTES_FACTOR <= max(taken, SHORTEST) / minutes <= MINUTES_FACTOR:
                found.append(f"states {minutes:g} minutes {where} but took {taken:.1f}: correct them there")
    return found


def own_minutes(notebook: nbformat.NotebookNode) -> float | None:
    """Return the minutes that a notebook's line "*Time:* about N minutes" states; None without such a line."""
    first = notebook.cells[0].source if notebook.cells else ""
    stated = re.search(r"\*Time:\* about ([\d.]+) minutes?", first)
    return float(stated[1]) if stated else None


def stated_minutes(name: str) -> float | None:
    """Return the minutes that the README's table of notebooks states for a file name; None where it has no such row."""
    readme = paths.root() / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    row = re.search(rf"^\|[^|]*\(notebooks/{re.escape(name)}\)[^|]*\|[^|]*\|\s*([\d.]+)\s*\|", text, re.MULTILINE)
    return float(row[1]) if row else None


def _closing(path: Path) -> tuple[str, ...]:
    """Return the sections that a notebook ends with. The exercises on an appendix may stand in its notebook."""
    appendix = not paths.notebook_number(path).isdigit()
    return tuple(one for one in CLOSING_HEADINGS if not appendix or one != EXERCISES)


def _skeleton_problems(notebook: nbformat.NotebookNode, closing: tuple[str, ...]) -> list[str]:
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
    before = next((k for k, cell in enumerate(notebook.cells) if EXERCISES in cell.source.splitlines()), 0)
    if EXERCISES in closing and before > MAIN_LINE:
        found.append(f"has {before} cells before the exercises and may have {MAIN_LINE}: move some to an appendix")
    sections = [line for line in lines if line.startswith("## ") and (line in closing or line != EXERCISES)]
    if tuple(sections[-len(closing) :]) != closing:
        wanted = "', '".join(closing)
        found.append(f"does not end with the sections '{wanted}' in this order")
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
            if FONTS_MISSING in text:
                cure = "delete its font cache, then run `make notebooks`"
                found.append(f"shows in cell {number} that matplotlib misses fonts: {cure}")
    return found


def _text_of(output: nbformat.NotebookNode) -> str:
    """Return the readable text of an output; images are left out, since base64 can spell anything."""
    if output.output_type == "stream":
        return output.text
    data = output.get("data", {})
    return "\n".join(str(content) for kind, content in data.items() if not kind.startswith("image/"))
