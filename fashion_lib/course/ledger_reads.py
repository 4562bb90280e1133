"""What does a notebook read of the ledger? Its digest tells whether the outputs are of the present rows.

Only what a notebook reads counts: a run that joins the ledger at profile `table` leaves a notebook alone that shows
profile `laptop`.
"""

import ast
import hashlib
import json
from collections.abc import Iterator

import nbformat

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.methods.registry import MANIPULATION_METHODS, RETRIEVAL_METHODS
from fashion_lib.papers.imagenet_start import DATASETS
from fashion_lib.tasks.manipulation.manipulation_data import SUFFIX
from fashion_lib.training.profiles import PROFILES

# Calling one of these makes a notebook's outputs depend on the ledger; RUN_READERS, on the list of runs behind it too.
# "results" and "trace" are names of the face.
RUN_READERS = (
    "read_runs", "collect_runs", "split_note", "beside", "by_attribute", "trace", "imagenet_table", "unequal_precision",
)  # fmt: skip
# "table" is the page of differences between papers and code, which reads manipulation rows too.
LEDGER_READERS = (
    "collect", "results", "read_ledger", "committed_rows", "steps", "missing_runs", "measured", "table",
    "trials", *RUN_READERS,
)  # fmt: skip
# Without a profile these read the rows of all of them.
ALL_PROFILES = ("results", "read_ledger", "committed_rows", "read_runs", "collect", "collect_runs", "imagenet_table")
# These read the data sets of the table of ImageNet starts.
OF_BOTH_STARTS = ("imagenet_table", "unequal_precision")


def ledger_digest(notebook: nbformat.NotebookNode) -> str:
    """Digest what a notebook reads of the ledger, and the methods that it may list, as SHA-256; "" if it reads none.

    A notebook reads the ledger where it calls one of LEDGER_READERS that it imports, alone or with its module. Of the
    ledger it reads:

    - the data sets whose names stand in its code; all if it names none, or calls such as `results()` without any;
    - their manipulation tasks too, if its code names manipulation;
    - the profiles whose names stand in its code; all if it names none, or calls one of ALL_PROFILES without a profile.

    The order of rows and of files does not count.

    Raises:
        FashionError: a file of the ledger has no heading.
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    nodes = list(_nodes(notebook))
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    calls = [(name, node) for node in nodes if isinstance(node, ast.Call) and (name := _called(node, imported))]
    called = {name for name, _ in calls}
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words |= set(DATASETS) if called & set(OF_BOTH_STARTS) else set()
    if not called & set(LEDGER_READERS):
        return ""
    manipulation = "manipulation" in code or "table" in called
    profiles = set() if any(_of_all_profiles(*call) for call in calls) else words & set(PROFILES)
    files = sorted(paths.ledger_dir().glob("*.csv"))
    if called & set(RUN_READERS) and paths.run_list_file().is_file():
        files.append(paths.run_list_file())
    every, lines = [], []
    for file in files:
        heading, *rows = file.read_text(encoding="utf-8").splitlines() or [""]
        if "profile" not in heading.split(","):
            raise FashionError(f"{file} has no heading with a column profile: restore it from git.")
        place = heading.split(",").index("profile")
        for line in rows:
            cells = line.split(",", place + 1)
            if profiles and cells[place] not in profiles:
                continue
            every.append(line)
            task = cells[0].removesuffix(SUFFIX)
            if cells[0] in words or (manipulation and task in words):
                lines.append(line)
    if not lines or any(name in ALL_PROFILES[:-1] and not node.args and not node.keywords for name, node in calls):
        lines = every  # results() of no named data set reads them all
    methods = [list(RETRIEVAL_METHODS), list(MANIPULATION_METHODS) if manipulation else []]
    return hashlib.sha256(json.dumps([sorted(lines), methods]).encode()).hexdigest()


def _called(node: ast.Call, imported: set[str]) -> str:
    """Return the name of an imported function, or of a function of an imported module; "" for any other call."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    owner = node.func
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return name if getattr(owner, "id", "") in imported else ""


def _of_all_profiles(name: str, node: ast.Call) -> bool:
    """Return whether a call reads every profile; its second argument or keyword `profile` would name one."""
    if name not in ALL_PROFILES or len(node.args) > 1:
        return False
    return all(key.arg not in ("profile", None) for key in node.keywords)  # None is **settings


def _nodes(notebook: nbformat.NotebookNode) -> Iterator[ast.AST]:
    """Yield every syntax node of the code cells that Python can parse."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            try:
                yield from ast.walk(ast.parse(cell.source))
            except (SyntaxError, ValueError):
                continue
